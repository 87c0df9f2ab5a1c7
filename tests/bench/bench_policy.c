/*
 * bench_policy.c: what a policy costs: memory, time to load, time for a look-up, memory while it is replaced.
 *
 * Prints `bench policy_NAME VALUE UNIT` for the real list (VERDICT_DATA) and for made ones of 1, 5 and 10 million
 * names, whose names carry the size in millions (`_1m`). Times are CPU time; of look-ups the median of rounds, each
 * with other names, drawn at random from all that are listed (hit) or from names that no list has (miss). Each size
 * is measured in a process of its own, so that memory is its own too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/conf.h"
#include "policy/evaluate.h"
#include "policy/match.h"
#include "policy/snapshot.h"
#include "tests/bench/memory.h"
#include "tests/bench/pool.h"

#define ROUNDS 11
#define LOADS 3
#define ROUND_NAMES (1 << 18)
#define PATH_OCTETS 4096

struct bench {
	const char *suffix;       /* of the figures' names */
	const char *text;         /* path of the domain text */
	const char *rpz;          /* path; NULL: none */
	size_t made;              /* names are made of the numbers below; 0: real ones */
};

static void print(const struct bench *bench, const char *name, double value, const char *unit)
{
	printf("bench policy_%s%s %.2f %s\n", name, bench->suffix, value, unit);
	fflush(stdout);
}

/* --- loading ---------------------------------------------------------------------------------------------------- */

/* `all`: rules that a list may not have unless it is told so are taken too. */
static struct snapshot *load(const char *path, enum list_format format, bool all, double *cpu_s)
{
	struct list_conf list = { .name = "bench", .format = format, .action = ACTION_NXDOMAIN, .ede = EDE_BY_ACTION,
				  .ttl = 300, .allow_wide = all };
	struct conf conf = { .lists = &list, .list_count = 1 };
	char conf_path[] = "bench";
	struct snapshot *snapshot;
	struct diag diag;
	char text[1024];
	double start = pool_cpu_s();

	conf.path = conf_path;
	list.file = strdup(path);
	snapshot = snapshot_build(&conf, 0, NULL, &diag);
	*cpu_s = pool_cpu_s() - start;
	if (snapshot == NULL)
		fprintf(stderr, "bench_policy: %s\n", diag_format(&diag, text, sizeof(text)));
	free(list.file);
	return snapshot;
}

static bool measure_load(const struct bench *bench, const char *path, enum list_format format, const char *name)
{
	double rates[LOADS];
	size_t i;

	for (i = 0; i < LOADS; i++) {
		double cpu_s;
		struct snapshot *snapshot = load(path, format, false, &cpu_s);

		if (snapshot == NULL)
			return false;
		rates[i] = (double)snapshot_rule_count(snapshot) / cpu_s;
		snapshot_destroy(&snapshot);
	}
	print(bench, name, pool_median(rates, LOADS), "rules/s");
	return true;
}

/* The peak while a second one is built, over what the first alone takes: anonymous memory, the program's too. */
static bool measure_reload(const struct bench *bench)
{
	double before = status_mib("RssAnon:");
	double cpu_s;
	struct snapshot *first = load(bench->text, FORMAT_DOMAINS, false, &cpu_s);
	double alone = status_mib("RssAnon:") - before;
	double files = status_mib("RssFile:");
	struct snapshot *second;
	double peak;

	if (first == NULL || !reset_peak())
		return false;
	second = load(bench->text, FORMAT_DOMAINS, false, &cpu_s);
	peak = status_mib("VmHWM:") - files - before;
	if (second == NULL)
		return false;
	print(bench, "rss_mib", alone, "MiB");
	print(bench, "reload_peak_ratio", peak / alone, "ratio");
	snapshot_destroy(&first);
	snapshot_destroy(&second);
	print(bench, "rss_left_mib", status_mib("RssAnon:") - before, "MiB");
	return true;
}

/* --- look-ups --------------------------------------------------------------------------------------------------- */

/* All names of a list of text. */
static bool read_names(const char *path, struct pool *names)
{
	FILE *file = fopen(path, "re");
	char line[1024];
	struct name name;
	bool good = file != NULL;

	while (good && fgets(line, sizeof(line), file) != NULL)
		if (name_from_text(&name, line, strcspn(line, "\r\n")) == NULL)
			good = pool_add(names, &name);
	if (file != NULL)
		fclose(file);
	return good;
}

/* Draws names that are listed: made again from their numbers, or from a random one of the real ones on. */
static bool draw_listed(const struct bench *bench, const struct pool *real, struct pool *drawn, uint64_t *state)
{
	struct name name;
	size_t i;

	for (i = 0; i < ROUND_NAMES; i++) {
		if (bench->made != 0) {
			pool_make(&name, pool_draw(state) % bench->made);
		} else {
			size_t which = pool_draw(state) % real->count;

			memcpy(&name, pool_at(real, which), sizeof(name));
		}
		if (!pool_add(drawn, &name))
			return false;
	}
	return true;
}

static bool draw_unlisted(struct pool *drawn, uint64_t *state)
{
	struct name name;
	size_t i;

	for (i = 0; i < ROUND_NAMES; i++) {
		pool_make(&name, pool_draw(state) | POOL_LISTED);
		if (!pool_add(drawn, &name))
			return false;
	}
	return true;
}

static void count_match(void *arg, const struct match *match)
{
	*(size_t *)arg += match->cut == 0;
}

static size_t match_all(const struct snapshot *snapshot, const struct pool *names)
{
	size_t found = 0;
	size_t at = 0;
	size_t i;

	for (i = 0; i < names->count; i++)
		match_name(snapshot, TRIGGER_QNAME, pool_next(names, &at), count_match, &found);
	return found;
}

static size_t evaluate_all(const struct snapshot *snapshot, const struct pool *names)
{
	struct facts facts = { .qtype = 1, .qclass = 1 };
	struct verdict verdict;
	size_t denied = 0;
	size_t at = 0;
	size_t i;

	for (i = 0; i < names->count; i++) {
		const struct name *name = pool_next(names, &at);

		memcpy(&facts.qname, name, offsetof(struct name, octets) + name->length);
		evaluate_question(snapshot, &facts, &verdict);
		denied += verdict.denied_to_some;
	}
	return denied;
}

static double time_of(size_t (*run)(const struct snapshot *, const struct pool *), const struct snapshot *snapshot,
		      const struct pool *names, size_t *found)
{
	double start = pool_cpu_s();

	*found = run(snapshot, names);
	return (pool_cpu_s() - start) * 1e9 / (double)names->count;
}

/* The four things that are measured: look-up and whole evaluation, of names that are listed and that are not. */
static const struct {
	const char *name;
	size_t (*run)(const struct snapshot *, const struct pool *);
	bool listed;
} lookups[] = {
	{ "lookup_miss_ns", match_all, false },
	{ "lookup_hit_ns", match_all, true },
	{ "evaluate_miss_ns", evaluate_all, false },
	{ "evaluate_hit_ns", evaluate_all, true },
};

#define LOOKUPS (sizeof(lookups) / sizeof(lookups[0]))

static bool measure_lookup(const struct bench *bench, const struct snapshot *snapshot, const struct pool *real,
			   size_t which, uint64_t *state, double *ns)
{
	struct pool names = { .count = 0 };
	bool listed = lookups[which].listed;
	bool right = listed ? draw_listed(bench, real, &names, state) : draw_unlisted(&names, state);
	size_t found;

	if (right) {
		*ns = time_of(lookups[which].run, snapshot, &names, &found);
		right = listed ? found >= names.count : found == 0;
		if (!right)
			fprintf(stderr, "bench_policy: verdicts are wrong\n");
	}
	pool_fini(&names);
	return right;
}

static bool measure_lookups(const struct bench *bench, const struct snapshot *snapshot)
{
	struct pool real = { .count = 0 };
	double times[LOOKUPS][ROUNDS];
	uint64_t state = 7;
	bool right = bench->made != 0 || read_names(bench->text, &real);
	size_t i;
	size_t k;

	for (i = 0; i < ROUNDS; i++)
		for (k = 0; k < LOOKUPS && right; k++)
			right = measure_lookup(bench, snapshot, &real, k, &state, &times[k][i]);
	for (k = 0; k < LOOKUPS && right; k++)
		print(bench, lookups[k].name, pool_median(times[k], ROUNDS), "ns");
	pool_fini(&real);
	return right;
}

/* --- one list --------------------------------------------------------------------------------------------------- */

static bool measure(const struct bench *bench)
{
	struct snapshot *snapshot;
	double cpu_s;
	bool right;

	if (!measure_reload(bench) ||
	    !measure_load(bench, bench->text, FORMAT_DOMAINS, "load_rules_per_s") ||
	    (bench->rpz != NULL && !measure_load(bench, bench->rpz, FORMAT_RPZ, "load_rpz_rules_per_s")))
		return false;
	snapshot = load(bench->text, FORMAT_DOMAINS, true, &cpu_s);
	if (snapshot == NULL)
		return false;
	print(bench, "rules", (double)snapshot_rule_count(snapshot), "rules");
	print(bench, "octets_per_rule", (double)snapshot_octets(snapshot) / (double)snapshot_rule_count(snapshot),
	      "octets");
	/* A match says the rule's name by itself; `explain` reads the lists again for file and line. */
	print(bench, "octets_per_rule_for_explain", 0, "octets");
	right = measure_lookups(bench, snapshot);
	snapshot_destroy(&snapshot);
	return right;
}

static bool measure_apart(const struct bench *bench)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(measure(bench) ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Writes both files; the RPZ one has the exact name and what is below it, as feeds do. */
static bool write_lists(const struct bench *bench)
{
	FILE *text = fopen(bench->text, "we");
	FILE *rpz = fopen(bench->rpz, "we");
	char shown[NAME_TEXT_MAX];
	struct name name;
	bool good = text != NULL && rpz != NULL;
	size_t i;

	if (good)
		fputs("$TTL 300\n@ SOA localhost. root.localhost. 1 3600 600 86400 300\n@ NS localhost.\n", rpz);
	for (i = 0; good && i < bench->made; i++) {
		pool_make(&name, i);
		name_to_text(&name, shown);
		good = fprintf(text, "%s\n", shown) > 0 &&
		       fprintf(rpz, "%s CNAME .\n*.%s CNAME .\n", shown, shown) > 0;
	}
	if (text != NULL)
		good = fclose(text) == 0 && good;
	if (rpz != NULL)
		good = fclose(rpz) == 0 && good;
	return good;
}

static bool measure_made(const char *directory, unsigned millions)
{
	char suffix[16];
	char text[PATH_OCTETS];
	char rpz[PATH_OCTETS];
	struct bench bench = { suffix, text, rpz, (size_t)millions * 1000000 };
	bool right;

	snprintf(suffix, sizeof(suffix), "_%um", millions);
	snprintf(text, sizeof(text), "%s/names.txt", directory);
	snprintf(rpz, sizeof(rpz), "%s/names.rpz", directory);
	right = write_lists(&bench) && measure_apart(&bench);
	unlink(text);
	unlink(rpz);
	return right;
}

static bool measure_real(const char *directory)
{
	const char *data = getenv("VERDICT_DATA");
	char packed[PATH_OCTETS];
	char text[PATH_OCTETS];
	char command[2 * PATH_OCTETS + 32];
	struct bench bench = { "", text, NULL, 0 };
	struct stat info;
	bool right;

	snprintf(packed, sizeof(packed), "%s/lists/block_malware_big.txt.xz", data == NULL ? "../shared/data" : data);
	if (strchr(packed, '\'') != NULL || stat(packed, &info) != 0) {
		fprintf(stderr, "SKIPPED bench_policy: no list at %s (set VERDICT_DATA)\n", packed);
		return true;
	}
	snprintf(text, sizeof(text), "%s/real.txt", directory);
	snprintf(command, sizeof(command), "xz -dc '%s' >'%s'", packed, text);
	right = system(command) == 0 && measure_apart(&bench);
	unlink(text);
	return right;
}

/* Arguments: sizes in millions. */
int main(int count, char **arguments)
{
	static const char *const usual[] = { "1", "5", "10" };
	char directory[] = "/tmp/bench_policy.XXXXXX";
	bool right;
	int i;

	if (mkdtemp(directory) == NULL) {
		fprintf(stderr, "bench_policy: %s: %s\n", directory, strerror(errno));
		return 1;
	}
	right = measure_real(directory);
	for (i = 0; right && i < (count < 2 ? 3 : count - 1); i++)
		right = measure_made(directory,
				     (unsigned)strtoul(count < 2 ? usual[i] : arguments[i + 1], NULL, 10));
	rmdir(directory);
	return right ? 0 : 1;
}
