/* bench_policy.c: what a million rules cost: memory, time to load, time for each look-up. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policy/conf.h"
#include "policy/evaluate.h"
#include "policy/name.h"
#include "policy/snapshot.h"

#define NAMES_MAX (1 << 17)
#define STEP 9
#define ROUNDS 16
#define PATH_OCTETS 4096

static void print(const char *name, double value, const char *unit)
{
	printf("bench policy_%s %.2f %s\n", name, value, unit);
	fflush(stdout);
}

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Memory of this process alone: pages of the program's own files come and go. */
static double resident_mib(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	double kib = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "RssAnon:", 8) == 0)
			kib = strtod(line + 8, NULL);
	if (file != NULL)
		fclose(file);
	return kib / 1024;
}

/* Names to look up, one behind the other as they lie in struct name: only the look-up shall miss the caches. */
struct names {
	uint8_t *packed;
	size_t used;
	size_t count;
};

static void add_name(struct names *names, const struct name *name)
{
	size_t octets = offsetof(struct name, octets) + name->length;

	memcpy(names->packed + names->used, name, octets);
	names->used += octets;
	names->count++;
}

/* Every STEP-th line of the list as a name; `spoil` makes a name of it that no list has: another top label. */
static bool read_names(const char *path, struct names *names, bool spoil)
{
	FILE *file = fopen(path, "re");
	char line[1024];
	unsigned number = 0;
	struct name name;

	names->packed = calloc(NAMES_MAX, sizeof(struct name));
	while (file != NULL && names->packed != NULL && names->count < NAMES_MAX &&
	       fgets(line, sizeof(line), file) != NULL) {
		size_t octets = strcspn(line, "\r\n");

		if (number++ % STEP != 0 || name_from_text(&name, line, octets) != NULL)
			continue;
		if (spoil)
			name.octets[name_suffix(&name, name.labels - 1u) - name.octets + 1] = '_';
		add_name(names, &name);
	}
	if (file != NULL)
		fclose(file);
	return names->count != 0;
}

/* Returns how many are denied; *best_ns is for each name, in the fastest round. */
static size_t judge_all(const struct snapshot *snapshot, const struct names *names, double *best_ns)
{
	struct facts facts = { .qtype = 1, .qclass = 1 };
	struct verdict verdict;
	size_t denied = 0;
	unsigned round;

	*best_ns = 1e9;
	for (round = 0; round < ROUNDS; round++) {
		double start = seconds(CLOCK_MONOTONIC);
		size_t at = 0;
		double took;

		denied = 0;
		while (at < names->used) {
			size_t octets = offsetof(struct name, octets) + names->packed[at];

			memcpy(&facts.qname, names->packed + at, octets);
			evaluate_question(snapshot, &facts, &verdict);
			denied += verdict.denied_to_some;
			at += octets;
		}
		took = (seconds(CLOCK_MONOTONIC) - start) * 1e9 / (double)names->count;
		*best_ns = took < *best_ns ? took : *best_ns;
	}
	return denied;
}

static bool measure_lookups(const struct snapshot *snapshot, const char *path, bool listed)
{
	struct names names = { .count = 0 };
	bool right = read_names(path, &names, !listed);
	double best_ns;

	if (right) {
		right = judge_all(snapshot, &names, &best_ns) == (listed ? names.count : 0);
		print(listed ? "lookup_hit_ns" : "lookup_miss_ns", best_ns, "ns");
	}
	free(names.packed);
	if (!right)
		fprintf(stderr, "bench_policy: verdicts are wrong\n");
	return right;
}

static bool measure(const char *path)
{
	struct list_conf list = {
		.name = "big", .format = FORMAT_DOMAINS, .action = ACTION_NXDOMAIN, .ede = EDE_BY_ACTION, .ttl = 300,
	};
	struct conf conf = { .lists = &list, .list_count = 1 };
	char conf_path[] = "bench";
	struct build_report report;
	struct snapshot *snapshot;
	struct diag diag;
	char text[1024];
	double before = resident_mib();
	double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
	bool right;

	conf.path = conf_path;
	list.file = strdup(path);
	snapshot = snapshot_build(&conf, &report, &diag);
	if (snapshot == NULL) {
		fprintf(stderr, "bench_policy: %s\n", diag_format(&diag, text, sizeof(text)));
		free(list.file);
		return false;
	}
	print("load_cpu_s", seconds(CLOCK_PROCESS_CPUTIME_ID) - start, "s");
	print("rules", (double)snapshot_rule_count(snapshot), "rules");
	print("rss_mib", resident_mib() - before, "MiB");
	print("octets_per_rule", (double)snapshot_octets(snapshot) / (double)snapshot_rule_count(snapshot), "octets");
	right = measure_lookups(snapshot, path, false) && measure_lookups(snapshot, path, true);
	build_report_fini(&report);
	snapshot_destroy(&snapshot);
	print("rss_left_mib", resident_mib() - before, "MiB");
	free(list.file);
	return right;
}

int main(void)
{
	const char *data = getenv("VERDICT_DATA");
	char packed[PATH_OCTETS];
	char path[] = "/tmp/bench_policy.XXXXXX";
	char command[2 * PATH_OCTETS];
	struct stat info;
	bool right;
	int file;

	snprintf(packed, sizeof(packed), "%s/lists/block_malware_big.txt.xz", data == NULL ? "../shared/data" : data);
	if (strchr(packed, '\'') != NULL || stat(packed, &info) != 0) {
		fprintf(stderr, "SKIPPED bench_policy: no list at %s (set VERDICT_DATA)\n", packed);
		return 0;
	}
	file = mkstemp(path);
	if (file < 0) {
		fprintf(stderr, "bench_policy: %s: %s\n", path, strerror(errno));
		return 1;
	}
	close(file);
	snprintf(command, sizeof(command), "xz -dc '%s' >'%s'", packed, path);
	right = system(command) == 0 && measure(path);
	unlink(path);
	return right ? 0 : 1;
}
