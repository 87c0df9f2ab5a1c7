/* list_idna.c: names in any script to what is asked in the DNS (UTS 46 nontransitional, IDNA2008: RFC 5891). */
#include <idn2.h>
#include <stdint.h>
#include <string.h>

#include "policy/list_entry.h"

#define IDN_OCTETS_MAX 1024    /* more than 255 octets of A-labels can be written with in UTF-8 */

static bool is_ascii(const char *text, const char *end)
{
	for (; text < end; text++)
		if ((uint8_t)*text >= 0x80 || *text == '\0')
			return false;
	return true;
}

enum skip_reason list_read_idn(struct name *name, const char *text, const char *end)
{
	char copy[IDN_OCTETS_MAX];
	enum skip_reason reason;
	const char *stop;
	size_t octets = (size_t)(end - text);
	char *ascii = NULL;

	if (is_ascii(text, end) || memchr(text, '\0', octets) != NULL)
		return SKIP_NAME;
	if (octets >= sizeof(copy))
		return SKIP_NAME_LONG;
	memcpy(copy, text, octets);
	copy[octets] = '\0';
	if (idn2_to_ascii_8z(copy, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
		return SKIP_NON_ASCII;
	end = ascii + strlen(ascii);
	stop = list_scan_name(name, ascii, end, &reason);
	if (stop != end || reason != SKIP_COUNT)
		reason = SKIP_NON_ASCII;
	idn2_free(ascii);
	return reason;
}
