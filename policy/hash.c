/* hash.c: SipHash-1-3-128 over the labels of a name. */
#include "policy/hash.h"

#include "policy/hash_walk.h"
#include "policy/hot.h"

void hash_depths_add(struct hash_depths *depths, unsigned labels)
{
	depths->bits[labels / 64 % 2] |= UINT64_C(1) << labels % 64;
}

/* The state of the whole name. */
static inline struct sip absorb_name(const struct hash_key *key, const struct name *name, unsigned from, unsigned to,
	uint64_t *above)
{
	uint8_t starts[NAME_LABELS_MAX];
	struct sip s = sip_begin(key);
	unsigned i;

	hash_find_labels(name, starts);
	for (i = name->labels; i-- > 0;) {
		unsigned depth = name->labels - i;

		hash_absorb_label(&s, name->octets + starts[i], NAME_OCTETS_MAX - (size_t)starts[i]);
		if (i != 0 && depth >= from && depth <= to) {
			struct sip copy = s;

			above[depth - from] = sip_finish_low(&copy);
		}
	}
	return s;
}

struct hash hash_name_above(const struct hash_key *key, const struct name *name, unsigned from, unsigned to,
			    uint64_t *above)
{
	struct sip s = absorb_name(key, name, from, to, above);
	struct hash hash;

	hash.low = sip_finish_low(&s);
	hash.high = sip_finish_high(s);
	return hash;
}

uint64_t hash_name_lows(const struct hash_key *key, const struct name *name, unsigned from, unsigned to,
	uint64_t *above)
{
	struct sip s = absorb_name(key, name, from, to, above);

	return sip_finish_low(&s);
}

struct hash hash_name(const struct hash_key *key, const struct name *name)
{
	return hash_name_above(key, name, 1, 0, NULL);
}

HOT uint64_t hash_octets(const struct hash_key *key, const void *octets, size_t length)
{
	const uint8_t *at = octets;
	size_t left = length;
	struct sip s = sip_begin(key);

	for (; left > 0; at += SIP_WORD_OCTETS) {
		sip_absorb(&s, sip_word_at(at, left));
		left -= left < SIP_WORD_OCTETS ? left : SIP_WORD_OCTETS;
	}
	sip_absorb(&s, length);
	return sip_finish_low(&s);
}
