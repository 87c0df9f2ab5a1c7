/*
 * bench_detect.c: what the detectors cost for each answer, and what memory they take, whoever floods them.
 *
 * Names are those of real queries (perf/dnsperf_queries.txt.xz below VERDICT_DATA), asked by 500 clients. The first pass fills what is remembered; the median of the
 * later ones is printed, as CPU time of this thread:
 *
 *   detector_ns_per_miss     an answer that was resolved, of names and zones that are mostly known
 *   detector_ns_per_new      one of a name that nobody asked for before, below a zone that nobody did
 *   detector_ns_per_hit      a cached answer of an address; one in eight is looked at
 *   detector_mib             all that is remembered, with the default sizes; and what the process grew by while
 *   detector_flood_mib       it was asked 50 million distinct names (FLOOD=N: so many)
 */
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

static void answer(const struct name *name, enum answer_path path)
{
	struct facts facts = { .qname = *name, .qtype = RRTYPE_A, .qclass = 1 };
	const struct sight sight = { .facts = &facts, .path = path, .ordinal = bench.ordinal++, .now_ms = bench.now_ms };
	const uint32_t client = (uint32_t)(bench.ordinal * 2654435761u) % CLIENTS;
	struct detections detections;

	facts.client.family = ADDRESS_INET;
	memcpy(facts.client.octets, &client, sizeof(client));
	if (detect_wants(&facts, path, sight.ordinal))
		detect_answer(bench.detect, bench.conf, &sight, &detections);
	bench.now_ms += bench.ordinal % 4 == 0;
}

/* Nanoseconds for each name, in the median. */
static double passes(const struct pool *names, enum answer_path path)
{
	double values[PASSES];

	for (unsigned pass = 0; pass < PASSES; pass++) {
		const double begun = pool_cpu_s();
		size_t at = 0;

		for (size_t i = 0; i < names->count; i++)
			answer(pool_next(names, &at), path);
		values[pass] = (pool_cpu_s() - begun) * 1e9 / (double)names->count;
	}
	return pool_median(values, PASSES);
}

static double of_new_names(uint64_t from, uint64_t count)
{
	const double begun = pool_cpu_s();
	double made;
	struct name name;

	for (uint64_t i = 0; i < count; i++) {
		pool_make(&name, from + i);
		answer(&name, PATH_RESOLVED);
	}
	made = pool_cpu_s();
	for (uint64_t i = 0; i < count; i++)
		pool_make(&name, from + i);
	return (made - begun - (pool_cpu_s() - made)) * 1e9 / (double)count;
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
	const char *flood = getenv("FLOOD");
	struct pool names = { .packed = NULL };
	struct diag diag = { 0 };
	double before;

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
			answer(pool_next(&names, &at), PATH_RESOLVED);
		print("detector_ns_per_miss", passes(&names, PATH_RESOLVED), "ns");
		print("detector_ns_per_hit", passes(&names, PATH_CACHED), "ns");
	} else {
		fprintf(stderr, "bench_detect: skipped: no real queries: set VERDICT_DATA\n");
	}
	print("detector_ns_per_new", of_new_names(POOL_LISTED, NEW_NAMES), "ns");
	before = resident_mib();
	of_new_names(2 * POOL_LISTED, flood != NULL ? strtoull(flood, NULL, 10) : 50000000);
	print("detector_flood_mib", resident_mib() - before, "MiB");
	pool_fini(&names);
	detect_destroy(&bench.detect);
	return 0;
}
