/*
 * bench_compiled.c: opening a compiled policy beside reading the list that it was made of.
 *
 * Prints `bench policy_open_compiled_ms_SIZE VALUE ms` and the like for the real list (VERDICT_DATA) and for made ones
 * of 1 and 5 million names. Both are what a resolver's start waits for, on the clock and with the files in the page
 * cache; of the opening the median of eleven. The peak is that of anonymous memory while a second one is opened
 * beside the first, over what one takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy/compiled.h"
#include "tests/bench/memory.h"
#include "tests/bench/pool.h"

#define OPENS 11
#define PATH_OCTETS 4096

struct bench {
	const char *suffix;       /* of the figures' names */
	const char *list;         /* paths */
	const char *compiled;
};

static const char *no_path(void *arg, size_t index)
{
	(void)arg;
	(void)index;
	return NULL;
}

static const struct compiled_source source = { .inode = 1 };
static const struct compiled_sources sources = { .all = &source, .count = 1, .path = no_path };

static double clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void print(const struct bench *bench, const char *name, double value, const char *unit)
{
	printf("bench %s%s %.2f %s\n", name, bench->suffix, value, unit);
	fflush(stdout);
}

static bool complain(const struct diag *diag)
{
	char text[1024];

	fprintf(stderr, "bench_compiled: %s\n", diag_format(diag, text, sizeof(text)));
	return false;
}

static bool compile(const struct bench *bench, const struct conf *conf)
{
	const double start = clock_ms();
	struct build_report report;
	struct snapshot *snapshot;
	struct diag diag;
	uint64_t octets;
	bool done;
	int fd;

	snapshot = snapshot_build(conf, 0, &report, &diag);
	if (snapshot == NULL)
		return complain(&diag);
	print(bench, "policy_open_text_ms", clock_ms() - start, "ms");
	print(bench, "policy_compiled_rules", (double)snapshot_rule_count(snapshot), "rules");
	fd = open(bench->compiled, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	done = fd >= 0 &&
		compiled_write(fd, bench->compiled, snapshot, &report, &sources, &octets, &diag) == 0;
	if (done)
		print(bench, "policy_compiled_mib", (double)octets / (1 << 20), "MiB");
	else
		complain(&diag);
	if (fd >= 0)
		close(fd);
	snapshot_destroy(&snapshot);
	build_report_fini(&report);
	return done;
}

static struct snapshot *open_compiled(const struct bench *bench, const struct conf *conf)
{
	struct compiled_order order = { .path = bench->compiled, .conf = conf, .sources = &sources };
	struct snapshot *snapshot;
	struct build_report report;
	struct diag diag;

	order.fd = open(bench->compiled, O_RDONLY | O_CLOEXEC);
	snapshot = compiled_read(&order, &report, &diag);
	if (snapshot == NULL)
		complain(&diag);
	build_report_fini(&report);
	close(order.fd);
	return snapshot;
}

static bool measure_opens(const struct bench *bench, const struct conf *conf)
{
	double times[OPENS];

	for (size_t i = 0; i < OPENS; i++) {
		const double start = clock_ms();
		struct snapshot *snapshot = open_compiled(bench, conf);

		times[i] = clock_ms() - start;
		if (snapshot == NULL)
			return false;
		snapshot_destroy(&snapshot);
	}
	print(bench, "policy_open_compiled_ms", pool_median(times, OPENS), "ms");
	return true;
}

static bool measure_peak(const struct bench *bench, const struct conf *conf)
{
	const double before = status_mib("RssAnon:");
	struct snapshot *first = open_compiled(bench, conf), *second;
	const double alone = status_mib("RssAnon:") - before;
	const double files = status_mib("RssFile:");
	const bool reset = reset_peak();

	second = open_compiled(bench, conf);
	if (first != NULL && second != NULL && reset)
		print(bench, "policy_open_compiled_peak_ratio", (status_mib("VmHWM:") - files - before) / alone, "ratio");
	snapshot_destroy(&first);
	snapshot_destroy(&second);
	return reset;
}

static bool measure(const struct bench *bench)
{
	struct list_conf list = { .name = "bench", .format = FORMAT_DOMAINS, .action = ACTION_NXDOMAIN,
		.ede = EDE_BY_ACTION, .ttl = 300 };
	char conf_path[] = "bench";
	struct conf conf = { .path = conf_path, .lists = &list, .list_count = 1 };
	bool done;

	list.file = strdup(bench->list);
	done = compile(bench, &conf) && measure_opens(bench, &conf) && measure_peak(bench, &conf);
	free(list.file);
	return done;
}

/* In a process of its own, so that memory is its own too. */
static bool measure_apart(const struct bench *bench)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(measure(bench) ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool write_list(const char *path, size_t count)
{
	FILE *file = fopen(path, "we");
	bool good = file != NULL;

	for (size_t i = 0; good && i < count; i++) {
		char shown[NAME_TEXT_MAX];
		struct name name;

		pool_make(&name, i);
		good = fprintf(file, "%s\n", name_to_text(&name, shown)) > 0;
	}
	return file != NULL && fclose(file) == 0 && good;
}

static bool unpack_real(const char *to)
{
	const char *data = getenv("VERDICT_DATA");
	char packed[PATH_OCTETS], command[2 * PATH_OCTETS + 32];
	struct stat info;

	snprintf(packed, sizeof(packed), "%s/lists/block_malware_big.txt.xz", data == NULL ? "../shared/data" : data);
	if (strchr(packed, '\'') != NULL || stat(packed, &info) != 0) {
		fprintf(stderr, "SKIPPED bench_compiled: no list at %s (set VERDICT_DATA)\n", packed);
		return false;
	}
	snprintf(command, sizeof(command), "xz -dc '%s' >'%s'", packed, to);
	return system(command) == 0;
}

/* Arguments: sizes in millions. */
int main(int count, char **arguments)
{
	static const char *const usual[] = { "1", "5" };
	char directory[] = "/tmp/bench_compiled.XXXXXX", list[PATH_OCTETS], compiled[PATH_OCTETS], suffix[32] = "";
	const struct bench bench = { suffix, list, compiled };
	bool right = true;

	if (mkdtemp(directory) == NULL) {
		fprintf(stderr, "bench_compiled: %s: %s\n", directory, strerror(errno));
		return 1;
	}
	snprintf(list, sizeof(list), "%s/names.txt", directory);
	snprintf(compiled, sizeof(compiled), "%s/policy.compiled", directory);
	if (unpack_real(list))
		right = measure_apart(&bench);
	for (int i = 0; right && i < (count < 2 ? 2 : count - 1); i++) {
		const unsigned long millions = strtoul(count < 2 ? usual[i] : arguments[i + 1], NULL, 10);

		snprintf(suffix, sizeof(suffix), "_%lum", millions);
		right = write_list(list, millions * 1000000) && measure_apart(&bench);
	}
	unlink(list);
	unlink(compiled);
	rmdir(directory);
	return right ? 0 : 1;
}
