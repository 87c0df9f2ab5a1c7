/*
 * bench_detect.c: what the detectors cost for each answer, and what memory they take, whoever floods them.
 *
 * Names are those of real queries (perf/dnsperf_queries.txt.xz below VERDICT_DATA), asked by 500 clients. The first pass
 * fills what is remembered; the median of the later ones is printed, as CPU time of this thread without what it takes to
 * make the answers:
 *
 *   detector_ns_per_miss     an answer that was resolved, of names and zones that are mostly known
 *   detector_ns_per_new      one of a name that nobody asked for before, below a zone that nobody did
 *   detector_ns_per_hit      a cached answer of an address; one in eight is looked at
 *   detector_mib             all that is remembered, with the default sizes
 *
 * And of a flood of 5 million distinct names, each of a zone of its own, from four threads at once (FLOOD=50000000: so
 * many):
 *
 *   detector_flood_mib       what the process grew by: what of detector_mib was not touched before
 *   detector_flood_evicted   zones that were given up for others
 *   detector_flood_lost      zones that met another thread, and were left out
 *   detector_flood_uncounted zones that are neither there nor counted as one of those: to be 0, but for the
 *                            few that are drawn twice and were still there
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "detect/detect.h"
#include "policy/rrtype.h"
#include "tests/bench/pool.h"

#define PASSES 9
#define NAMES_MAX 200000u
#define CLIENTS 500u
#define NEW_NAMES 400000u
#define FLOOD_NAMES 5000000u
#define FLOOD_THREADS 4u
#define SUFFIXES "/usr/share/publicsuffix/public_suffix_list.dat"

static struct {
	struct detect *detect;
	struct detector_conf conf[DETECTOR_COUNT];
	uint64_t ordinal;
	int64_t now_ms;
} bench;

static double resident_mib(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long total = 0, resident = 0;

	if (file != NULL) {
		if (fscanf(file, "%ld %ld", &total, &resident) != 2)
			resident = 0;
		fclose(file);
	}
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static void print(const char *name, double value, const char *unit)
{
	printf("bench %s %.1f %s\n", name, value, unit);
	fflush(stdout);
}

static void answer(const struct name *name, enum answer_path path, bool judge)
{
	struct facts facts = { .qname = *name, .qtype = RRTYPE_A, .qclass = 1 };
	const struct sight sight = { .facts = &facts, .path = path, .ordinal = bench.ordinal++, .now_ms = bench.now_ms };
	const uint32_t client = (uint32_t)(bench.ordinal * 2654435761u) % CLIENTS;
	struct detections detections;

	facts.client.family = ADDRESS_INET;
	memcpy(facts.client.octets, &client, sizeof(client));
	if (judge && detect_wants(&facts, path, sight.ordinal))
		detect_answer(bench.detect, bench.conf, &sight, &detections);
	bench.now_ms += bench.ordinal % 4 == 0;
}

static double pass(const struct pool *names, enum answer_path path, bool judge)
{
	const double begun = pool_cpu_s();
	size_t at = 0;

	for (size_t i = 0; i < names->count; i++)
		answer(pool_next(names, &at), path, judge);
	return (pool_cpu_s() - begun) * 1e9 / (double)names->count;
}

/* Nanoseconds for each name, in the median. */
static double passes(const struct pool *names, enum answer_path path)
{
	double values[PASSES];

	for (unsigned i = 0; i < PASSES; i++)
		values[i] = pass(names, path, true) - pass(names, path, false);
	return pool_median(values, PASSES);
}

static double of_new_names(uint64_t from, uint64_t count)
{
	const double begun = pool_cpu_s();
	double made;
	struct name name;

	for (uint64_t i = 0; i < count; i++) {
		pool_make(&name, from + i);
		answer(&name, PATH_RESOLVED, true);
	}
	made = pool_cpu_s();
	for (uint64_t i = 0; i < count; i++)
		pool_make(&name, from + i);
	return (made - begun - (pool_cpu_s() - made)) * 1e9 / (double)count;
}

/* --- the flood ---------------------------------------------------------------------------------------------------- */

struct share {
	pthread_t thread;
	uint64_t from, count;
};

static void *ask_for_share(void *arg)
{
	const struct share *share = arg;
	struct detections detections;
	struct name name;

	for (uint64_t i = share->from; i < share->from + share->count; i++) {
		struct facts facts = { .qtype = RRTYPE_A, .qclass = 1, .client = { .family = ADDRESS_INET } };
		const struct sight sight = { .facts = &facts, .path = PATH_RESOLVED, .ordinal = i,
			.now_ms = bench.now_ms + (int64_t)((i - 2 * POOL_LISTED) / 50) };
		const uint32_t client = (uint32_t)(i * 2654435761u);

		pool_make(&name, i);
		facts.qname = name;
		memcpy(facts.client.octets, &client, sizeof(client));
		detect_answer(bench.detect, bench.conf, &sight, &detections);
	}
	return NULL;
}

static struct detect_part zones_of(const struct detect *detect)
{
	struct detect_part parts[DETECT_PARTS];
	int64_t since_s;

	detect_parts(detect, parts, &since_s);
	for (unsigned i = 0; i < DETECT_PARTS; i++)
		if (strcmp(parts[i].name, "zones") == 0)
			return parts[i];
	return parts[0];
}

static void flood(uint64_t count)
{
	const double before = resident_mib();
	const struct detect_part old = zones_of(bench.detect);
	struct share shares[FLOOD_THREADS];
	struct detect_part now;

	for (unsigned i = 0; i < FLOOD_THREADS; i++) {
		shares[i] = (struct share){ .from = 2 * POOL_LISTED + i * (count / FLOOD_THREADS), .count = count / FLOOD_THREADS };
		if (pthread_create(&shares[i].thread, NULL, ask_for_share, &shares[i]) != 0)
			exit(1);
	}
	for (unsigned i = 0; i < FLOOD_THREADS; i++)
		pthread_join(shares[i].thread, NULL);
	now = zones_of(bench.detect);
	print("detector_flood_rss_before", before, "MiB");
	print("detector_flood_mib", resident_mib() - before, "MiB");
	print("detector_flood_evicted", (double)(now.evicted - old.evicted), "zones");
	print("detector_flood_lost", (double)(now.lost - old.lost), "zones");
	print("detector_flood_uncounted", (double)(count / FLOOD_THREADS * FLOOD_THREADS) - (double)(now.used - old.used) -
		(double)(now.evicted - old.evicted) - (double)(now.lost - old.lost), "zones");
}

/* Lines of `name TYPE`. */
static bool read_names(struct pool *names)
{
	char path[4096], line[2048];
	const char *data = getenv("VERDICT_DATA");
	struct name name;
	FILE *file;

	snprintf(path, sizeof(path), "xz -dc '%s/perf/dnsperf_queries.txt.xz'", data != NULL ? data : "../shared/data");
	file = popen(path, "r");
	while (file != NULL && names->count < NAMES_MAX && fgets(line, sizeof(line), file) != NULL)
		if (name_from_text(&name, line, strcspn(line, " \t\n")) == NULL && !pool_add(names, &name))
			break;
	if (file != NULL)
		pclose(file);
	return names->count > 0;
}

int main(void)
{
	const struct hash_key key = { 0x0123456789abcdef, 0xfedcba9876543210 };
	const char *wanted = getenv("FLOOD");
	struct pool names = { .packed = NULL };
	struct diag diag = { 0 };

	bench.now_ms = 1700000000000;
	bench.detect = detect_create(&detect_sizes_default, SUFFIXES, &key, bench.now_ms, &diag);
	if (bench.detect == NULL) {
		fprintf(stderr, "bench_detect: skipped: %s: %s\n", diag.file, diag.text);
		return 0;
	}
	detector_conf_defaults(bench.conf);
	print("detector_mib", (double)detect_octets(bench.detect) / (1 << 20), "MiB");
	if (read_names(&names)) {
		size_t at = 0;

		for (size_t i = 0; i < names.count; i++)
			answer(pool_next(&names, &at), PATH_RESOLVED, true);
		print("detector_ns_per_miss", passes(&names, PATH_RESOLVED), "ns");
		print("detector_ns_per_hit", passes(&names, PATH_CACHED), "ns");
	} else {
		fprintf(stderr, "bench_detect: skipped: no real queries: set VERDICT_DATA\n");
	}
	print("detector_ns_per_new", of_new_names(POOL_LISTED, NEW_NAMES), "ns");
	flood(wanted != NULL ? strtoull(wanted, NULL, 10) : FLOOD_NAMES);
	pool_fini(&names);
	detect_destroy(&bench.detect);
	return 0;
}
