/*
 * loading.h: a resolver of the test's own with a configuration in a folder of its own.
 */
#ifndef TESTS_UNIT_LOADING_H
#define TESTS_UNIT_LOADING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/loader.h"
#include "tests/unit/fake_host.h"
#include "tests/unit/own_clock.h"
#include "tests/unit/temp_file.h"

#define PATIENCE_MS 60000

/* One resolver with a configuration in a folder of its own. */
struct bench {
	char folder[TEMP_PATH_MAX];
	char conf[TEMP_PATH_MAX + 32];
	struct fake_host *fake;
	struct recent *recent;
	struct loader *loader;
	struct diag diag;
};

static inline void sleep_ms(unsigned ms)
{
	usleep(ms * 1000);
}

static inline void path_of(const struct bench *bench, const char *name, char *path, size_t cap)
{
	snprintf(path, cap, "%s/%s", bench->folder, name);
}

/* Beside and renamed, as one should. */
static inline void write_file(const struct bench *bench, const char *name, const char *text)
{
	char path[256], beside[256];
	FILE *file;

	path_of(bench, name, path, sizeof(path));
	path_of(bench, "beside", beside, sizeof(beside));
	file = fopen(beside, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(rename(beside, path), 0);
}

static inline void write_conf(const struct bench *bench, const char *more)
{
	char text[4096];

	snprintf(text, sizeof(text), "verdict:\n\tstate-directory: \"%s\"\n\tsweep-interval: 0\n%s"
		"policy-list:\n\tname: one\n\tfile: one.txt\n\tformat: domains\n\taction: refuse\n", bench->folder, more);
	write_file(bench, "verdict.conf", text);
}

/* `count` names, nameN.example, and one more. */
static inline void write_list(const struct bench *bench, const char *first, unsigned count)
{
	char *text = malloc(count * 32 + 300);
	size_t used;

	assert_non_null(text);
	used = (size_t)sprintf(text, "%s\n", first);
	for (unsigned i = 0; i < count; i++)
		used += (size_t)sprintf(text + used, "name%u.example\n", i);
	write_file(bench, "one.txt", text);
	free(text);
}

static inline struct loader *create(struct bench *bench, struct loader *before)
{
	const struct loader_options options = { .conf_path = bench->conf, .chroot = "", .host = &bench->fake->host,
		.recent = bench->recent };

	bench->diag.text[0] = '\0';
	return loader_create(&options, before, &bench->diag);
}

static inline void setup(struct bench *bench, const char *more)
{
	memset(bench, 0, sizeof(*bench));
	own_clock_put_on(0);
	own_clock_go();
	temp_folder(bench->folder);
	path_of(bench, "verdict.conf", bench->conf, sizeof(bench->conf));
	bench->fake = fake_host_create();
	bench->recent = recent_create();
	write_conf(bench, more);
	write_list(bench, "one.example", 20);
	bench->loader = create(bench, NULL);
	if (bench->loader == NULL)
		fail_msg("%s", bench->diag.text);
}

static inline void teardown(struct bench *bench)
{
	char command[TEMP_PATH_MAX + 16];

	if (bench->loader != NULL)
		loader_stop(bench->loader, PATIENCE_MS);
	loader_destroy(&bench->loader);
	fake_host_destroy(&bench->fake);
	recent_destroy(&bench->recent);
	snprintf(command, sizeof(command), "rm -r %s", bench->folder);
	assert_int_equal(system(command), 0);
}

static inline struct load_report load(struct bench *bench, bool force)
{
	const struct load_request request = { .cause = CAUSE_COMMAND, .force = force };
	struct load_report report;

	assert_int_equal(loader_request(bench->loader, &request, &report), 0);
	return report;
}

static inline struct load_report go_back(struct bench *bench, uint64_t to)
{
	const struct load_request request = { .cause = CAUSE_ROLLBACK, .to = to };
	struct load_report report;

	assert_int_equal(loader_request(bench->loader, &request, &report), 0);
	return report;
}

static inline bool becomes(struct bench *bench, const char *name, enum action action)
{
	for (unsigned ms = 0; ms < PATIENCE_MS; ms += 10) {
		if (fake_host_asks(bench->fake, name) == action)
			return true;
		sleep_ms(10);
	}
	return false;
}

static inline struct override override_of(const char *name, enum action action)
{
	struct override override = { .id = 1, .action = action };

	assert_null(name_from_text(&override.name, name, strlen(name)));
	return override;
}

#endif
