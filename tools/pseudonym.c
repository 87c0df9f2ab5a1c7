/* pseudonym.c: the pseudonym of an address, by a key that stands in a file. */
#include "tools/pseudonym.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "dnstap/privacy.h"
#include "tools/term.h"

#define PATH_OCTETS 4096

static bool read_address(const char *text, struct address *address)
{
	address->family = ADDRESS_INET;
	if (inet_pton(AF_INET, text, address->octets) == 1)
		return true;
	address->family = ADDRESS_INET6;
	return inet_pton(AF_INET6, text, address->octets) == 1;
}

int pseudonym_find(const char *key_file, const char *client, char text[PSEUDONYM_MAX], struct diag *diag)
{
	struct address address = { .family = ADDRESS_NONE };
	uint8_t key[PRIVACY_KEY_OCTETS];
	struct privacy *privacy;

	if (!read_address(client, &address))
		return diag_set(diag, client, 0, 0, "is no address; a pseudonym is one client's, and no network has any");
	if (privacy_key_read(key_file, key, diag) != 0)
		return -1;
	privacy = privacy_create(key, 0, 0, 1);
	OPENSSL_cleanse(key, sizeof(key));
	if (privacy == NULL)
		return diag_set(diag, key_file, 0, 0, "no memory");
	privacy_hide(privacy, 0, PRIVACY_PSEUDONYM, &address);
	privacy_destroy(&privacy);
	inet_ntop(AF_INET6, address.octets, text, PSEUDONYM_MAX);
	return 0;
}

/* RFC 6666: no host has an address there. */
static bool is_pseudonym(const char *text)
{
	static const uint8_t prefix[8] = { 1 };
	struct address address;

	return read_address(text, &address) && address.family == ADDRESS_INET6 &&
		memcmp(address.octets, prefix, sizeof(prefix)) == 0;
}

void pseudonym_tell(const char *directory, const char *client)
{
	char path[PATH_OCTETS], safe[2 * PATH_OCTETS];

	snprintf(path, sizeof(path), "%s/" PRIVACY_KEY_FILE, directory);
	if (is_pseudonym(client) || access(path, F_OK) != 0)
		return;
	term_escape(safe, sizeof(safe), path, strlen(path));
	fprintf(stderr, "verdictctl: clients here can be hidden by pseudonyms: ask for one address with --key %s\n", safe);
}
