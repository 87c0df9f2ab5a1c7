/* pool.c: makes names from numbers. */
#include "tests/bench/pool.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_OCTETS (1 << 20)

static const char *const tops[] = {
	"com", "com", "com", "com", "com", "com", "com", "net", "net", "org", "org", "info", "ru", "ru", "cn", "cn",
	"de", "uk", "xyz", "top", "tk", "ml", "ga", "cf", "gq", "biz", "site", "online", "pw", "br", "in", "fr",
};

/* Of 256, how many have so many labels. */
static const uint16_t listed_labels[] = { [2] = 173, [3] = 72, [4] = 7, [5] = 2, [6] = 2 };
static const uint16_t asked_labels[] = { [2] = 44, [3] = 118, [4] = 51, [5] = 23, [6] = 20 };

uint64_t pool_draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static unsigned draw_labels(const uint16_t *shares, uint64_t *state)
{
	unsigned drawn = pool_draw(state) & 255;
	unsigned labels = 2;

	while (drawn >= shares[labels])
		drawn -= shares[labels++];
	return labels;
}

static void put_label(struct name *name, unsigned octets, uint64_t *state)
{
	static const char letters[] = "etaoinsrhldcumfpgwybvkxjqz0123-e";
	uint64_t bits = 0;
	unsigned i;

	name->octets[name->length++] = (uint8_t)octets;
	for (i = 0; i < octets; i++, bits >>= 5) {
		if (i % 12 == 0)
			bits = pool_draw(state);
		name->octets[name->length++] = (uint8_t)letters[bits & 31];
	}
}

void pool_make(struct name *name, uint64_t number)
{
	uint64_t state = number;
	unsigned i;
	const char *top;

	name->length = 0;
	name->labels = (uint8_t)draw_labels(number < POOL_LISTED ? listed_labels : asked_labels, &state);
	for (i = 2; i < name->labels; i++)
		put_label(name, 2 + (unsigned)(pool_draw(&state) % 7), &state);
	put_label(name, 7 + (unsigned)(pool_draw(&state) % 12), &state);
	/* An octet that no letter of a listed name is: else chance makes some of them the same. */
	if (number >= POOL_LISTED)
		name->octets[name->length - 1] = '9';
	top = tops[pool_draw(&state) % (sizeof(tops) / sizeof(tops[0]))];
	name->octets[name->length++] = (uint8_t)strlen(top);
	memcpy(name->octets + name->length, top, strlen(top) + 1);
	name->length = (uint8_t)(name->length + strlen(top) + 1);
}

/* Remembers where every 64th begins. */
static bool note_start(struct pool *names)
{
	size_t number = names->count / 64;

	if (names->count % 64 != 0)
		return true;
	if (number == names->starts_cap) {
		size_t cap = number == 0 ? 64 : number * 2;
		void *moved = realloc(names->starts, cap * sizeof(*names->starts));

		if (moved == NULL)
			return false;
		names->starts = moved;
		names->starts_cap = cap;
	}
	names->starts[number] = names->used;
	return true;
}

bool pool_add(struct pool *names, const struct name *name)
{
	size_t octets = offsetof(struct name, octets) + name->length;

	if (names->packed == NULL || octets > names->cap - names->used) {
		size_t cap = names->cap == 0 ? FIRST_OCTETS : names->cap * 2;
		void *moved = realloc(names->packed, cap + sizeof(struct name));

		if (moved == NULL)
			return false;
		names->packed = moved;
		names->cap = cap;
	}
	if (!note_start(names))
		return false;
	memcpy(names->packed + names->used, name, octets);
	names->used += octets;
	names->count++;
	return true;
}

void pool_fini(struct pool *names)
{
	free(names->packed);
	free(names->starts);
	*names = (struct pool){ .count = 0 };
}

const struct name *pool_next(const struct pool *names, size_t *at)
{
	const struct name *name = (const struct name *)(names->packed + *at);

	*at += offsetof(struct name, octets) + name->length;
	return name;
}

const struct name *pool_at(const struct pool *names, size_t index)
{
	size_t at = names->starts[index / 64];
	size_t i;

	for (i = index % 64; i > 0; i--)
		(void)pool_next(names, &at);
	return pool_next(names, &at);
}

double pool_cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

double pool_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}
