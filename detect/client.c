/* client.c: ten minutes of a client, and counting by bits. */
#include "detect/client.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

void client_age(struct client *client, int64_t now_s)
{
	const int64_t passed = now_s - (int64_t)client->window_s;

	client->last_s = (uint32_t)now_s;
	if (passed >= 0 && passed < CLIENT_WINDOW_S)
		return;
	/* What led outside is looked back at for longer than a window. */
	memset(client, 0, offsetof(struct client, outside));
	client->window_s = client->last_s = (uint32_t)now_s;
}

bool bits_add(uint64_t *bits, unsigned words, uint64_t hash)
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

float client_worth(const void *record, int64_t now_s)
{
	const struct client *client = record;
	const float passed = fabsf((float)(now_s - (int64_t)client->last_s));

	return ((float)client->missing + 1) / (1 + passed);
}
