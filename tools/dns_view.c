/* dns_view.c: the walk over a DNS message. */
#include "tools/dns_view.h"

#include <string.h>

#define HEADER_OCTETS 12
#define FIXED_OCTETS 10          /* of a record, behind its owner */
#define NAME_OCTETS_MAX 255
#define POINTERS_MAX 127          /* one for each label that a name can have */
#define TYPE_OPT 41
#define EDNS_OPTION_EDE 15

static unsigned be16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* --- names -------------------------------------------------------------------------------------------------- */

/* Behind the name in the message; 0: it ends outside. What it points to is not looked at. */
static size_t skip_name(const struct dns_view *view, size_t at)
{
	while (at < view->length) {
		unsigned octet = view->octets[at];

		if (octet == 0)
			return at + 1;
		if (octet >= 0xc0)
			return view->length - at < 2 ? 0 : at + 2;
		if (octet > 63)
			return 0;
		at += octet + 1;
	}
	return 0;
}

static char *put_label_octet(char *to, uint8_t octet)
{
	if (octet > 0x20 && octet < 0x7f && octet != '.' && octet != '\\' && octet != '(' && octet != ')' && octet != ';') {
		*to++ = (char)octet;
		return to;
	}
	*to++ = '\\';
	if (octet > 0x20 && octet < 0x7f) {
		*to++ = (char)octet;
		return to;
	}
	*to++ = (char)('0' + octet / 100);
	*to++ = (char)('0' + octet / 10 % 10);
	*to++ = (char)('0' + octet % 10);
	return to;
}

size_t dns_name(const struct dns_view *view, size_t at, char *to)
{
	size_t total = 1;
	unsigned pointers = 0;
	char *end = to;

	for (;;) {
		unsigned octet;

		if (at >= view->length)
			return 0;
		octet = view->octets[at];
		if (octet == 0)
			break;
		if (octet >= 0xc0) {
			size_t target;

			if (view->length - at < 2 || (target = be16(view->octets + at) & 0x3fff) >= at)
				return 0;
			if (++pointers > POINTERS_MAX)
				return 0;
			at = target;
			continue;
		}
		if (octet > 63 || octet >= view->length - at || (total += octet + 1) > NAME_OCTETS_MAX)
			return 0;
		for (unsigned i = 1; i <= octet; i++)
			end = put_label_octet(end, view->octets[at + i]);
		*end++ = '.';
		at += octet + 1;
	}
	if (end == to)
		*end++ = '.';
	else
		end--;
	*end = '\0';
	return (size_t)(end - to);
}

/* --- records ------------------------------------------------------------------------------------------------ */

static bool take_record(const struct dns_view *view, size_t *at, struct dns_record *record)
{
	size_t fixed = skip_name(view, *at);
	const uint8_t *octets = view->octets + fixed;

	if (fixed == 0 || view->length - fixed < FIXED_OCTETS)
		return false;
	record->at = *at;
	record->type = (uint16_t)be16(octets);
	record->class = (uint16_t)be16(octets + 2);
	record->ttl = (uint32_t)be16(octets + 4) << 16 | be16(octets + 6);
	record->octets = (uint16_t)be16(octets + 8);
	record->data_at = fixed + FIXED_OCTETS;
	if (view->length - record->data_at < record->octets)
		return false;
	*at = record->data_at + record->octets;
	return true;
}

struct dns_cursor dns_answers(const struct dns_view *view)
{
	return (struct dns_cursor){ view->answers_at, view->octets == NULL || view->error != NULL ? 0 : view->answers };
}

struct dns_cursor dns_authorities(const struct dns_view *view, const struct dns_cursor *answers)
{
	return (struct dns_cursor){ answers->at, answers->left > 0 || view->error != NULL ? 0 : view->authorities };
}

bool dns_next(const struct dns_view *view, struct dns_cursor *cursor, struct dns_record *record)
{
	if (cursor->left == 0 || !take_record(view, &cursor->at, record))
		return false;
	cursor->left--;
	return true;
}

static bool take_questions(struct dns_view *view, unsigned count, size_t *at)
{
	for (unsigned i = 0; i < count; i++) {
		size_t end = skip_name(view, *at);

		if (end == 0 || view->length - end < 4)
			return false;
		if (i == 0) {
			view->qname_octets = dns_name(view, *at, view->qname);
			if (view->qname_octets == 0)
				return false;
			view->has_question = true;
			view->qtype = (uint16_t)be16(view->octets + end);
			view->qclass = (uint16_t)be16(view->octets + end + 2);
		}
		*at = end + 4;
	}
	return true;
}

static void note_edns(struct dns_view *view, const struct dns_record *record)
{
	if (record->type != TYPE_OPT || view->edns != NULL)
		return;
	view->edns = view->octets + record->data_at;
	view->edns_octets = record->octets;
	view->rcode |= record->ttl >> 24 << 4;
}

void dns_view_init(struct dns_view *view, const uint8_t *octets, size_t length)
{
	struct dns_record record;
	unsigned records;
	size_t at = HEADER_OCTETS;

	memset(view, 0, offsetof(struct dns_view, qname));
	view->qname[0] = '\0';
	view->qname_octets = 0;
	if (length < HEADER_OCTETS) {
		view->error = "it has no whole header";
		return;
	}
	view->octets = octets;
	view->length = length;
	view->id = (uint16_t)be16(octets);
	view->flags = (uint16_t)be16(octets + 2);
	view->rcode = view->flags & 15;
	view->answers = (uint16_t)be16(octets + 6);
	view->authorities = (uint16_t)be16(octets + 8);
	if (!take_questions(view, be16(octets + 4), &at)) {
		view->error = "its question cannot be read";
		return;
	}
	view->answers_at = at;
	records = view->answers + view->authorities + be16(octets + 10);
	for (unsigned i = 0; i < records; i++) {
		if (!take_record(view, &at, &record)) {
			view->error = "it ends inside a record";
			return;
		}
		note_edns(view, &record);
	}
}

bool dns_next_ede(const struct dns_view *view, size_t *at, unsigned *code, const uint8_t **text, size_t *octets)
{
	while (view->edns_octets - *at >= 4) {
		const uint8_t *option = view->edns + *at;
		size_t length = be16(option + 2);

		if (length > view->edns_octets - *at - 4)
			return false;
		*at += 4 + length;
		if (be16(option) == EDNS_OPTION_EDE && length >= 2) {
			*code = be16(option + 4);
			*text = option + 6;
			*octets = length - 2;
			return true;
		}
	}
	return false;
}
