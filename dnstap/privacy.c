/*
 * privacy.c: addresses are masked, or get pseudonyms.
 */
#include "dnstap/privacy.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

struct privacy {
	uint8_t key[PRIVACY_KEY_OCTETS];
	unsigned prefix_ipv4, prefix_ipv6;
	unsigned workers;
	EVP_CIPHER_CTX **ciphers;   /* each its worker's own; NULL: not made yet */
};

struct privacy *privacy_create(const uint8_t key[PRIVACY_KEY_OCTETS], unsigned prefix_ipv4, unsigned prefix_ipv6,
		unsigned workers)
{
	struct privacy *privacy = calloc(1, sizeof(*privacy));

	if (!privacy)
		return NULL;
	privacy->ciphers = calloc(workers, sizeof(EVP_CIPHER_CTX *));
	if (!privacy->ciphers) {
		free(privacy);
		return NULL;
	}
	memcpy(privacy->key, key, sizeof(privacy->key));
	privacy->prefix_ipv4 = prefix_ipv4;
	privacy->prefix_ipv6 = prefix_ipv6;
	privacy->workers = workers;
	return privacy;
}

void privacy_destroy(struct privacy **privacy)
{
	unsigned i;

	if (!*privacy)
		return;
	for (i = 0; i < (*privacy)->workers; i++)
		EVP_CIPHER_CTX_free((*privacy)->ciphers[i]);
	OPENSSL_cleanse((*privacy)->key, sizeof((*privacy)->key));
	free((*privacy)->ciphers);
	free(*privacy);
	*privacy = NULL;
}

static EVP_CIPHER_CTX *make_cipher(const struct privacy *privacy)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

	if (cipher && EVP_EncryptInit_ex(cipher, EVP_aes_128_ecb(), NULL, privacy->key, NULL) == 1
			&& EVP_CIPHER_CTX_set_padding(cipher, 0) == 1)
		return cipher;
	EVP_CIPHER_CTX_free(cipher);
	return NULL;
}

/* One block. False: it can not be done. */
static bool encrypt(struct privacy *privacy, unsigned worker, const uint8_t from[16], uint8_t to[16])
{
	int octets = 0;

	if (worker >= privacy->workers)
		return false;
	if (!privacy->ciphers[worker])
		privacy->ciphers[worker] = make_cipher(privacy);
	return privacy->ciphers[worker] && EVP_EncryptUpdate(privacy->ciphers[worker], to, &octets, from, 16) == 1
		&& octets == 16;
}

static void keep_prefix(struct address *client, unsigned length)
{
	size_t i;

	for (i = 0; i < sizeof(client->octets); i++) {
		unsigned bits = length > 8 * i ? length - 8 * (unsigned)i : 0;

		if (bits < 8)
			client->octets[i] &= (uint8_t)(0xff00u >> bits);
	}
}

static void set_pseudonym(struct privacy *privacy, unsigned worker, struct address *client)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t from[16], to[16];

	if (client->family == ADDRESS_INET) {
		memcpy(from, mapped, sizeof(mapped));
		memcpy(from + sizeof(mapped), client->octets, 4);
	} else {
		memcpy(from, client->octets, sizeof(from));
	}
	memset(client->octets, 0, sizeof(client->octets));
	client->family = ADDRESS_INET6;
	client->octets[0] = 0x01;
	if (encrypt(privacy, worker, from, to))
		memcpy(client->octets + 8, to, 8);
}

void privacy_hide(struct privacy *privacy, unsigned worker, enum privacy_mode mode, struct address *client)
{
	if (client->family == ADDRESS_NONE || mode == PRIVACY_NONE)
		return;
	client->port = 0;
	if (!privacy)
		keep_prefix(client, 0);
	else if (mode == PRIVACY_PSEUDONYM)
		set_pseudonym(privacy, worker, client);
	else
		keep_prefix(client, client->family == ADDRESS_INET ? privacy->prefix_ipv4 : privacy->prefix_ipv6);
}
