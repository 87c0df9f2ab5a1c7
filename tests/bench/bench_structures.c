/*
 * bench_structures.c: what a search of all suffixes costs in structures of the literature, side by side.
 *
 * Prints `bench structures_NAME_WHAT_SIZE VALUE UNIT`. Rounds are interleaved; in each a structure is searched with
 * names drawn at random, first without a clock, so that it has the caches for itself, then others with; the figure is
 * the median of CPU time over the rounds. Arguments: sizes in millions (1 and 10).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/set.h"
#include "tests/bench/pool.h"
#include "tests/bench/structures.h"

#define ROUNDS 7
#define ROUND_NAMES (1 << 18)
#define BLOOM_BITS 11

/* All structures of one size. */
struct all {
	struct hash_key key;
	struct lines scalar75, vector75, vector87;
	struct bloom bloom;
	struct fuse fuse;
	struct prints prints;
	struct set *set;          /* the library's */
};

typedef void (*prefetch)(const struct all *all, uint64_t low);
typedef bool (*find)(const struct all *all, const struct hash_half *half);

/* Of all suffixes of two labels and more. */
static inline void hash_all(const struct hash_key *key, const struct name *name, struct hash_half *halves)
{
	struct hash_starts starts;
	struct hash_walk walk;

	hash_walk_begin(&walk, key, name, &starts);
	hash_walk_label(&walk);
	while (walk.cut > 0) {
		hash_walk_label(&walk);
		hash_walk_half(&walk, &halves[walk.cut]);
	}
}

/* The pointers are constants where this is used, so that all becomes one function for each structure. */
static inline __attribute__((always_inline)) size_t search(const struct all *all, const struct pool *names,
							  prefetch fetch, find found)
{
	struct hash_half halves[NAME_LABELS_MAX];
	size_t hits = 0;
	size_t at = 0;
	size_t i;
	unsigned cut;

	for (i = 0; i < names->count; i++) {
		const struct name *name = pool_next(names, &at);

		hash_all(&all->key, name, halves);
		for (cut = 0; fetch != NULL && cut + 1 < name->labels; cut++)
			fetch(all, halves[cut].low);
		for (cut = 0; cut + 1 < name->labels; cut++)
			hits += found(all, &halves[cut]);
	}
	return hits;
}

static inline bool find_nothing(const struct all *all, const struct hash_half *half)
{
	(void)all;
	return half->low == 0;
}

static inline void fetch_scalar75(const struct all *all, uint64_t low) { lines_prefetch(&all->scalar75, low); }
static inline void fetch_vector75(const struct all *all, uint64_t low) { lines_prefetch(&all->vector75, low); }
static inline void fetch_vector87(const struct all *all, uint64_t low) { lines_prefetch(&all->vector87, low); }
static inline void fetch_bloom(const struct all *all, uint64_t low) { bloom_prefetch(&all->bloom, low); }
static inline void fetch_fuse(const struct all *all, uint64_t low) { fuse_prefetch(&all->fuse, low); }
static inline void fetch_prints(const struct all *all, uint64_t low) { prints_prefetch(&all->prints, low); }

static inline bool find_scalar75(const struct all *all, const struct hash_half *half)
{
	return lines_find_scalar(&all->scalar75, half) != 0;
}

static inline bool find_vector75(const struct all *all, const struct hash_half *half)
{
	return lines_find_vector(&all->vector75, half) != 0;
}

static inline bool find_vector87(const struct all *all, const struct hash_half *half)
{
	return lines_find_vector(&all->vector87, half) != 0;
}

static inline bool find_bloom(const struct all *all, const struct hash_half *half)
{
	return bloom_may_have(&all->bloom, half->low) && find_vector87(all, half);
}

static inline bool find_fuse(const struct all *all, const struct hash_half *half)
{
	return fuse_may_have(&all->fuse, half->low) && find_vector87(all, half);
}

static inline bool find_prints(const struct all *all, const struct hash_half *half)
{
	return prints_find(&all->prints, half) != 0;
}

static size_t search_nothing(const struct all *all, const struct pool *names)
{
	return search(all, names, NULL, find_nothing);
}

static size_t search_unfetched(const struct all *all, const struct pool *names)
{
	return search(all, names, NULL, find_vector87);
}

static size_t search_scalar75(const struct all *all, const struct pool *names)
{
	return search(all, names, fetch_scalar75, find_scalar75);
}

static size_t search_vector75(const struct all *all, const struct pool *names)
{
	return search(all, names, fetch_vector75, find_vector75);
}

static size_t search_vector87(const struct all *all, const struct pool *names)
{
	return search(all, names, fetch_vector87, find_vector87);
}

static size_t search_bloom(const struct all *all, const struct pool *names)
{
	return search(all, names, fetch_bloom, find_bloom);
}

static size_t search_fuse(const struct all *all, const struct pool *names)
{
	return search(all, names, fetch_fuse, find_fuse);
}

static size_t search_prints(const struct all *all, const struct pool *names)
{
	return search(all, names, fetch_prints, find_prints);
}

/* As policy/match.c does: down from the top for as long as something may be below. */
static size_t search_walk(const struct all *all, const struct pool *names)
{
	size_t hits = 0;
	size_t at = 0;
	size_t i;

	for (i = 0; i < names->count; i++) {
		struct set_hint hint = { .below = true };
		struct hash_starts starts;
		struct hash_walk walk;
		struct hash_half half;
		uint16_t class;

		hash_walk_begin(&walk, &all->key, pool_next(names, &at), &starts);
		hash_walk_label(&walk);
		while (walk.cut > 0 && hint.below) {
			hash_walk_label(&walk);
			hash_walk_half(&walk, &half);
			if (walk.cut == 0)
				set_prefetch(all->set, half.low);
			hint = set_hint(all->set, half.low);
			if (hint.here)
				hits += set_find(all->set, &half, &class, 1);
		}
	}
	return hits;
}

/* --- building --------------------------------------------------------------------------------------------------- */

static bool build_scalar75(struct all *all, const struct hash *hashes, size_t count)
{
	return lines_build_scalar(&all->scalar75, hashes, count, 75);
}

static bool build_vector75(struct all *all, const struct hash *hashes, size_t count)
{
	return lines_build_vector(&all->vector75, hashes, count, 75);
}

static bool build_vector87(struct all *all, const struct hash *hashes, size_t count)
{
	return lines_build_vector(&all->vector87, hashes, count, 87);
}

static bool build_bloom(struct all *all, const struct hash *hashes, size_t count)
{
	return bloom_build(&all->bloom, hashes, count, BLOOM_BITS);
}

static bool build_fuse(struct all *all, const struct hash *hashes, size_t count)
{
	return fuse_build(&all->fuse, hashes, count);
}

static bool build_prints(struct all *all, const struct hash *hashes, size_t count)
{
	return prints_build(&all->prints, hashes, count, 66);
}

static enum set_step keep_first(void *arg, const uint16_t *present, size_t count, uint16_t class, size_t *index,
				uint16_t *merged)
{
	(void)arg, (void)present, (void)count, (void)class, (void)index, (void)merged;
	return SET_DROP;
}

/* The others get the hashes; this one needs those of the parents too, and makes them in its time. */
static bool build_set(struct all *all, const struct hash *hashes, size_t count)
{
	struct set_builder *builder = set_builder_create();
	bool built = builder != NULL;
	size_t i;

	(void)hashes;
	for (i = 0; built && i < count; i++) {
		uint64_t above[SET_ABOVE_MAX];
		struct name name;
		struct hash hash;

		pool_make(&name, i);
		hash = hash_name_above(&all->key, &name, SET_ABOVE_FROM, SET_ABOVE_TO, above);
		built = set_builder_add(builder, &hash, name.labels, 1) &&
			set_builder_add_above(builder, above, name.labels);
	}
	if (built)
		all->set = set_build(builder, keep_first, NULL);
	set_builder_destroy(&builder);
	return all->set != NULL;
}

static size_t set_all_octets(const struct all *all) { return set_octets(all->set); }
static size_t scalar75_octets(const struct all *all) { return all->scalar75.count * 64; }
static size_t vector75_octets(const struct all *all) { return all->vector75.count * 64; }
static size_t vector87_octets(const struct all *all) { return all->vector87.count * 64; }
static size_t bloom_octets(const struct all *all) { return all->bloom.blocks * 64 + vector87_octets(all); }
static size_t fuse_octets(const struct all *all) { return all->fuse.octets + vector87_octets(all); }
static size_t prints_octets(const struct all *all) { return all->prints.slots * 10; }

static const struct structure {
	const char *name;
	bool (*build)(struct all *, const struct hash *, size_t);   /* NULL: built by an earlier row */
	size_t (*octets)(const struct all *);
	size_t (*search)(const struct all *, const struct pool *);
} structures[] = {
	{ "hash_alone", NULL, NULL, search_nothing },
	{ "scalar_75", build_scalar75, scalar75_octets, search_scalar75 },
	{ "vector_75", build_vector75, vector75_octets, search_vector75 },
	{ "vector_87", build_vector87, vector87_octets, search_vector87 },
	{ "vector_87_no_prefetch", NULL, vector87_octets, search_unfetched },
	{ "bloom_vector_87", build_bloom, bloom_octets, search_bloom },
	{ "fuse_vector_87", build_fuse, fuse_octets, search_fuse },
	{ "prints_66", build_prints, prints_octets, search_prints },
	{ "library", build_set, set_all_octets, search_walk },
};

#define STRUCTURES (sizeof(structures) / sizeof(structures[0]))

/* --- measuring -------------------------------------------------------------------------------------------------- */

static void print(const char *name, const char *what, unsigned millions, double value, const char *unit)
{
	printf("bench structures_%s_%s_%um %.1f %s\n", name, what, millions, value, unit);
	fflush(stdout);
}

static bool draw_names(struct pool *names, size_t listed, uint64_t *state)
{
	struct name name;
	size_t i;

	names->used = 0;
	names->count = 0;
	for (i = 0; i < ROUND_NAMES; i++) {
		uint64_t drawn = pool_draw(state);

		pool_make(&name, listed != 0 ? drawn % listed : drawn | POOL_LISTED);
		if (!pool_add(names, &name))
			return false;
	}
	return true;
}

static double measure(const struct all *all, const struct structure *structure, const struct pool *warm,
		      const struct pool *names, bool listed)
{
	size_t warmed = structure->search(all, warm);
	double start = pool_cpu_s();
	size_t hits = structure->search(all, names);
	double ns = (pool_cpu_s() - start) * 1e9 / (double)names->count;

	if (structure->octets != NULL && (listed ? hits < names->count : hits + warmed > names->count / 1000)) {
		fprintf(stderr, "bench_structures: %s gives %zu hits\n", structure->name, hits);
		exit(1);
	}
	return ns;
}

static bool build_all(struct all *all, size_t count, unsigned millions)
{
	struct hash *hashes = calloc(count, sizeof(*hashes));
	bool built = hashes != NULL;
	double before = 0;
	struct name name;
	size_t i;

	for (i = 0; built && i < count; i++) {
		pool_make(&name, i);
		hashes[i] = hash_name(&all->key, &name);
	}
	for (i = 0; built && i < STRUCTURES; i++) {
		double start = pool_cpu_s();

		if (structures[i].build == NULL)
			continue;
		built = structures[i].build(all, hashes, count);
		before = (pool_cpu_s() - start) * 1e9 / (double)count;
		print(structures[i].name, "build_ns", millions, before, "ns");
		print(structures[i].name, "octets", millions,
		      (double)structures[i].octets(all) / (double)count, "octets");
	}
	free(hashes);
	return built;
}

static bool measure_all(const struct all *all, size_t count, unsigned millions)
{
	static double times[STRUCTURES][2][ROUNDS];
	struct pool names[2] = { { .count = 0 }, { .count = 0 } };
	uint64_t state = 1;
	unsigned listed;
	size_t round;
	size_t i;

	for (round = 0; round < ROUNDS; round++) {
		for (listed = 0; listed < 2; listed++) {
			if (!draw_names(&names[0], listed ? count : 0, &state) ||
			    !draw_names(&names[1], listed ? count : 0, &state))
				return false;
			for (i = 0; i < STRUCTURES; i++)
				times[i][listed][round] = measure(all, &structures[i], &names[0], &names[1], listed);
		}
	}
	for (i = 0; i < STRUCTURES; i++) {
		print(structures[i].name, "miss_ns", millions, pool_median(times[i][0], ROUNDS), "ns");
		print(structures[i].name, "hit_ns", millions, pool_median(times[i][1], ROUNDS), "ns");
	}
	pool_fini(&names[0]);
	pool_fini(&names[1]);
	return true;
}

static bool run(unsigned millions)
{
	struct all all = { .key = { UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344) } };
	size_t count = (size_t)millions * 1000000;
	bool good = build_all(&all, count, millions) && measure_all(&all, count, millions);

	set_destroy(&all.set);
	return good;
}

/* In a process of its own, so that no size finds what another one left. */
static bool run_apart(unsigned millions)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(run(millions) ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int count, char **arguments)
{
	int i;

	if (count < 2)
		return run_apart(1) && run_apart(10) ? 0 : 1;
	for (i = 1; i < count; i++)
		if (!run_apart((unsigned)strtoul(arguments[i], NULL, 10)))
			return 1;
	return 0;
}
