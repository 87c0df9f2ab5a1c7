/*
 * compiling.h: a compiled policy in a folder of its own, and what is asked of it.
 */
#ifndef TESTS_UNIT_COMPILING_H
#define TESTS_UNIT_COMPILING_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>
#include <cmocka.h>

#include "control/compiled_file.h"
#include "policy/compiled.h"
#include "policy/compiled_parts.h"
#include "policy/explain.h"
#include "tests/unit/temp_file.h"

#define NOW 1000000
#define PATH_OCTETS 256

static const char conf_text[] =
	"client-group:\n\tname: lab\n\tnetwork: 192.0.2.0/24\n"
	"policy-list:\n\tname: plain\n\tfile: plain.txt\n\tformat: domains\n\taction: sinkhole\n"
	"\tsinkhole-address: 192.0.2.99\n"
	"policy-list:\n\tname: zone\n\tfile: zone.rpz\n\tformat: rpz\n\tgroup: lab\n";
static const char zone_text[] =
	"$TTL 300\n@ SOA localhost. root.localhost. 7 3600 600 86400 300\n@ NS localhost.\n"
	"data.example A 192.0.2.1\ndata.example TXT \"hello\"\ndata.example MX 10 mail.data.example.\n"
	"*.data.example CNAME *.garden.example.\ntwice.example CNAME .\npass.example CNAME rpz-passthru.\n"
	"32.1.2.0.192.rpz-ip CNAME .\n24.0.2.0.192.rpz-client-ip CNAME rpz-drop.\n"
	"ns.evil.example.rpz-nsdname CNAME *.\n48.zz.db8.2001.rpz-nsip CNAME .\nbad..name CNAME .\n";

struct bench {
	char folder[TEMP_PATH_MAX];
	char file[PATH_OCTETS];
	struct conf *conf;
	struct stamps *stamps;
	struct snapshot *text;           /* built of the lists */
	struct build_report report;
	char *octets;                    /* of the compiled file */
	size_t length;
};

static inline void write_text(const struct bench *bench, const char *name, const char *text, unsigned more)
{
	char path[PATH_OCTETS];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", bench->folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	for (unsigned i = 0; i < more; i++)
		fprintf(file, "name%u.example\n", i);
	assert_int_equal(fclose(file), 0);
}

static inline void write_octets(const struct bench *bench, const char *octets, size_t length)
{
	const int fd = open(bench->file, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, octets, length), (ssize_t)length);
	close(fd);
}

static inline struct stamps *take_stamps(const struct conf *conf)
{
	char *names[] = { conf->sources[0], conf->lists[0].file, conf->lists[1].file };

	return stamps_take(names, 3);
}

static inline void read_octets(struct bench *bench)
{
	struct stat info;
	FILE *file = fopen(bench->file, "r");

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &info), 0);
	bench->length = (size_t)info.st_size;
	bench->octets = malloc(bench->length + 1);
	assert_int_equal(fread(bench->octets, 1, bench->length, file), bench->length);
	fclose(file);
}

static inline void setup(struct bench *bench)
{
	char path[PATH_OCTETS];
	struct diag diag;
	uint64_t octets;

	memset(bench, 0, sizeof(*bench));
	temp_folder(bench->folder);
	write_text(bench, "verdict.conf", conf_text, 0);
	write_text(bench, "plain.txt", "one.example\ntwice.example\n", 200);
	write_text(bench, "zone.rpz", zone_text, 0);
	snprintf(path, sizeof(path), "%s/verdict.conf", bench->folder);
	snprintf(bench->file, sizeof(bench->file), "%s/policy.compiled", bench->folder);
	bench->conf = conf_load(path, &diag);
	assert_non_null(bench->conf);
	bench->stamps = take_stamps(bench->conf);
	bench->text = snapshot_build(bench->conf, NOW, &bench->report, &diag);
	assert_non_null(bench->text);
	assert_int_equal(compiled_file_save(bench->file, bench->text, &bench->report, bench->stamps, &octets, &diag), 0);
	read_octets(bench);
	assert_int_equal(octets, bench->length);
}

static inline void teardown(struct bench *bench)
{
	char command[TEMP_PATH_MAX + 16];

	free(bench->octets);
	snapshot_destroy(&bench->text);
	build_report_fini(&bench->report);
	stamps_destroy(&bench->stamps);
	conf_destroy(&bench->conf);
	snprintf(command, sizeof(command), "rm -r %s", bench->folder);
	assert_int_equal(system(command), 0);
}

static inline struct snapshot *load(const struct bench *bench, struct build_report *report, struct diag *diag)
{
	const struct compiled_file_order order = { .conf = bench->conf, .stamps = bench->stamps, .now = NOW };

	return compiled_file_load(bench->file, &order, report, diag);
}

/* Refused, and the reason has that word in it. */
static inline void assert_refused(const struct bench *bench, const char *word, const char *why)
{
	struct build_report report;
	struct diag diag = { .line = 0 };
	struct snapshot *snapshot = load(bench, &report, &diag);

	if (snapshot != NULL || report.lists != NULL)
		fail_msg("opened: %s", why);
	if (strstr(diag.text, word) == NULL)
		fail_msg("%s: said '%s', not '%s'", why, diag.text, word);
}
struct said {
	char text[4096];
	size_t used;
};

static inline bool say(void *arg, const struct explain_candidate *candidate)
{
	struct said *said = arg;
	char rule[NAME_TEXT_MAX + 2];

	said->used += (size_t)snprintf(said->text + said->used, sizeof(said->text) - said->used,
		"%zu %s %s %u %u %d %s %zu\n",
		candidate->list_index, candidate->match.list, rule_match_text(&candidate->match, rule),
		(unsigned)candidate->match.action, (unsigned)candidate->match.serial, candidate->won,
		candidate->why_not != NULL ? candidate->why_not : "-",
		candidate->data != NULL ? local_data_count(candidate->data) : 0);
	for (size_t i = 0; candidate->data != NULL && i < local_data_count(candidate->data); i++) {
		const struct local_record record = local_data_at(candidate->data, i);

		said->used += (size_t)snprintf(said->text + said->used, sizeof(said->text) - said->used, "  %u %u %u %02x\n",
			record.type, record.ttl, record.rdata_length, record.rdata_length > 0 ? record.rdata[0] : 0);
	}
	assert_true(said->used < sizeof(said->text));
	return true;
}

static inline void ask(const struct snapshot *snapshot, const char *name, uint8_t client, struct said *said)
{
	struct facts facts = { .qtype = 1, .qclass = 1, .recursion_desired = true,
		.client = { .family = ADDRESS_INET, .octets = { client, 0, 2, 1 } } };
	struct verdict verdict;

	memset(said, 0, sizeof(*said));
	assert_null(name_from_text(&facts.qname, name, strlen(name)));
	explain_question(snapshot, &facts, say, said, &verdict);
	said->used += (size_t)snprintf(said->text + said->used, sizeof(said->text) - said->used, "%u %d",
		(unsigned)verdict.action, verdict.denied_to_some);
}

#endif
