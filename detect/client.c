/* client.c: ten minutes of a client, and counting by bits. */
#include "detect/client.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "policy/hot.h"

HOT void client_age(struct client *client, int64_t now_s)
{
	const int64_t passed = now_s - (int64_t)client->window_s;
	uint32_t next;

	client->last_s = (uint32_t)now_s;
	if (passed >= 0 && passed < CLIENT_WINDOW_S)
		return;
	next = client->next;
	memset(client, 0, offsetof(struct client, outside));
	memset(client->zones, 0, sizeof(*client) - offsetof(struct client, zones));
	client->next = next;
	client->window_s = client->last_s = (uint32_t)now_s;
}

HOT bool bits_add(uint64_t *bits, unsigned words, uint64_t hash)
{
	const uint64_t at = (hash >> 16) % (words * 64u);
	const uint64_t bit = UINT64_C(1) << (at & 63);

	if (bits[at / 64] & bit)
		return false;
	bits[at / 64] |= bit;
	return true;
}

unsigned bits_count(const uint64_t *bits, unsigned words)
{
	const float all = (float)(words * 64u);
	unsigned set = 0;

	for (unsigned i = 0; i < words; i++)
		set += (unsigned)__builtin_popcountll(bits[i]);
	return (unsigned)lrintf(-all * logf((all - fminf((float)set, all - 1)) / all));
}

static unsigned count_swept(const struct client_swept *swept)
{
	return bits_count(swept->addresses, CLIENT_SWEPT_WORDS);
}

unsigned client_sweep(struct client *client, uint64_t network, uint64_t address)
{
	struct client_swept *least = &client->swept[0];

	for (unsigned i = 0; i < CLIENT_SWEPT; i++) {
		struct client_swept *swept = &client->swept[i];

		if (swept->network == network) {
			bits_add(swept->addresses, CLIENT_SWEPT_WORDS, address);
			return count_swept(swept);
		}
		if (count_swept(swept) < count_swept(least))
			least = swept;
	}
	memset(least, 0, sizeof(*least));
	least->network = network;
	bits_add(least->addresses, CLIENT_SWEPT_WORDS, address);
	return 1;
}

unsigned client_swept(const struct client *client)
{
	unsigned most = 0;

	for (unsigned i = 0; i < CLIENT_SWEPT; i++) {
		const unsigned count = count_swept(&client->swept[i]);

		most = count > most ? count : most;
	}
	return most;
}

float client_worth(const void *record, int64_t now_s)
{
	const struct client *client = record;
	const float passed = fabsf((float)(now_s - (int64_t)client->last_s));

	return ((float)client->missing + 1) / (1 + passed);
}
