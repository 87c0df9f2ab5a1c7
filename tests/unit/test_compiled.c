/* test_compiled.c: a compiled policy is the policy, or it is refused. */
#include "policy/compiled.h"

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

static void write_text(const struct bench *bench, const char *name, const char *text, unsigned more)
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

static void write_octets(const struct bench *bench, const char *octets, size_t length)
{
	const int fd = open(bench->file, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, octets, length), (ssize_t)length);
	close(fd);
}

static struct stamps *take_stamps(const struct conf *conf)
{
	char *names[] = { conf->sources[0], conf->lists[0].file, conf->lists[1].file };

	return stamps_take(names, 3);
}

static void read_octets(struct bench *bench)
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

static void setup(struct bench *bench)
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

static void teardown(struct bench *bench)
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

static struct snapshot *load(const struct bench *bench, struct build_report *report, struct diag *diag)
{
	const struct compiled_file_order order = { .conf = bench->conf, .stamps = bench->stamps, .now = NOW };

	return compiled_file_load(bench->file, &order, report, diag);
}

/* Refused, and the reason has that word in it. */
static void assert_refused(const struct bench *bench, const char *word, const char *why)
{
	struct build_report report;
	struct diag diag = { .line = 0 };
	struct snapshot *snapshot = load(bench, &report, &diag);

	if (snapshot != NULL || report.lists != NULL)
		fail_msg("opened: %s", why);
	if (strstr(diag.text, word) == NULL)
		fail_msg("%s: said '%s', not '%s'", why, diag.text, word);
}

/* --- the same policy -------------------------------------------------------------------------------------------- */

struct said {
	char text[4096];
	size_t used;
};

static bool say(void *arg, const struct explain_candidate *candidate)
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

static void ask(const struct snapshot *snapshot, const char *name, uint8_t client, struct said *said)
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

static void is_the_policy_that_the_lists_make(void **state)
{
	static const char *const names[] = { "one.example", "a.one.example", "twice.example", "pass.example",
		"data.example", "x.data.example", "none.example", "name77.example", "example" };
	struct build_report report;
	struct snapshot *snapshot;
	struct said first, second;
	struct bench bench;
	struct diag diag;

	(void)state;
	setup(&bench);
	snapshot = load(&bench, &report, &diag);
	if (snapshot == NULL)
		fail_msg("%s", diag.text);
	assert_int_equal(snapshot_rule_count(snapshot), snapshot_rule_count(bench.text));
	assert_int_equal(snapshot_triggers(snapshot), snapshot_triggers(bench.text));
	assert_int_equal(report.list_count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_memory_equal(&report.lists[i].stats, &bench.report.lists[i].stats, sizeof(report.lists[i].stats));
	assert_int_equal(report.lists[1].stats.serial, 7);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (unsigned client = 192; client > 190; client--) {
			ask(bench.text, names[i], (uint8_t)client, &first);
			ask(snapshot, names[i], (uint8_t)client, &second);
			assert_string_equal(second.text, first.text);
		}
	}
	build_report_fini(&report);
	snapshot_destroy(&snapshot);
	teardown(&bench);
}

static unsigned draw(uint64_t *seed, unsigned below)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(*seed >> 33) % below;
}

/* Few labels, so that lists and questions meet. */
static const char *draw_name(uint64_t *seed, char *to, size_t cap)
{
	size_t used = 0;

	for (unsigned i = draw(seed, 3); i < 3; i++)
		used += (size_t)snprintf(to + used, cap - used, "%c.", 'a' + (char)draw(seed, 5));
	snprintf(to + used, cap - used, "example");
	return to;
}

static void draw_lists(const struct bench *bench, uint64_t *seed)
{
	static const char *const targets[] = { "CNAME .", "CNAME *.", "CNAME rpz-passthru.", "CNAME rpz-drop.",
		"CNAME rpz-tcp-only.", "A 192.0.2.7", "TXT \"t\"", "CNAME *.garden.example.", "AAAA 2001:db8::1" };
	char text[16384], name[64];
	size_t used = (size_t)sprintf(text, "%s", zone_text);

	for (unsigned i = 0; i < 150; i++)
		used += (size_t)sprintf(text + used, "%s%s %s\n", draw(seed, 2) == 0 ? "*." : "",
			draw_name(seed, name, sizeof(name)),
			targets[draw(seed, sizeof(targets) / sizeof(targets[0]))]);
	write_text(bench, "zone.rpz", text, 0);
	used = 0;
	for (unsigned i = 0; i < 60; i++)
		used += (size_t)sprintf(text + used, "%s\n", draw_name(seed, name, sizeof(name)));
	write_text(bench, "plain.txt", text, 0);
}

/* The seed is printed; another one by VERDICT_SEED. */
static void equals_the_text_for_drawn_policies(void **state)
{
	const char *given = getenv("VERDICT_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 1;
	struct bench bench;

	(void)state;
	print_message("# VERDICT_SEED=%llu\n", (unsigned long long)seed);
	setup(&bench);
	for (unsigned round = 0; round < 40; round++) {
		struct build_report report;
		struct snapshot *snapshot;
		struct diag diag;
		uint64_t octets;

		draw_lists(&bench, &seed);
		snapshot_destroy(&bench.text);
		build_report_fini(&bench.report);
		stamps_destroy(&bench.stamps);
		bench.stamps = take_stamps(bench.conf);
		bench.text = snapshot_build(bench.conf, NOW, &bench.report, &diag);
		assert_non_null(bench.text);
		assert_int_equal(compiled_file_save(bench.file, bench.text, &bench.report, bench.stamps, &octets, &diag), 0);
		snapshot = load(&bench, &report, &diag);
		if (snapshot == NULL)
			fail_msg("%s", diag.text);
		for (unsigned i = 0; i < 100; i++) {
			struct said first, second;
			char name[64];

			draw_name(&seed, name, sizeof(name));
			ask(bench.text, name, i % 2 == 0 ? 192 : 10, &first);
			ask(snapshot, name, i % 2 == 0 ? 192 : 10, &second);
			assert_string_equal(second.text, first.text);
		}
		build_report_fini(&report);
		snapshot_destroy(&snapshot);
	}
	teardown(&bench);
}

/* --- whose file it is ------------------------------------------------------------------------------------------- */

static void refuses_a_file_that_others_could_have_written_or_can_read(void **state)
{
	static const struct {
		mode_t mode;
		const char *why;
	} rows[] = {
		{ 0660, "the group may write" }, { 0642, "others may write" }, { 0644, "others may read the key" },
	};
	struct bench bench;

	(void)state;
	setup(&bench);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(chmod(bench.file, rows[i].mode), 0);
		assert_refused(&bench, "mode", rows[i].why);
	}
	assert_int_equal(chmod(bench.file, 0640), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(bench.file, 12345, 0), 0);
		assert_refused(&bench, "belongs to user 12345", "another user's");
	}
	teardown(&bench);
}

static void root_writes_for_the_group_of_the_folder(void **state)
{
	struct bench bench;
	struct stat info;
	struct diag diag;
	uint64_t octets;

	(void)state;
	if (geteuid() != 0)
		return;
	setup(&bench);
	assert_int_equal(chown(bench.folder, (uid_t)-1, 12345), 0);
	assert_int_equal(compiled_file_save(bench.file, bench.text, &bench.report, bench.stamps, &octets, &diag), 0);
	assert_int_equal(stat(bench.file, &info), 0);
	assert_int_equal(info.st_uid, 0);
	assert_int_equal(info.st_gid, 12345);
	assert_int_equal(info.st_mode & 07777, 0640);
	teardown(&bench);
}

static void refuses_links_and_what_is_no_file(void **state)
{
	char other[PATH_OCTETS + 8];
	struct bench bench;

	(void)state;
	setup(&bench);
	snprintf(other, sizeof(other), "%s.real", bench.file);
	assert_int_equal(rename(bench.file, other), 0);
	assert_int_equal(symlink(other, bench.file), 0);
	assert_refused(&bench, "is a link", "a link to a good one");
	assert_int_equal(unlink(bench.file), 0);
	assert_int_equal(mkfifo(bench.file, 0600), 0);
	assert_refused(&bench, "regular", "a FIFO, which would hang");
	assert_int_equal(unlink(bench.file), 0);
	assert_refused(&bench, "", "no file at all");
	teardown(&bench);
}

static void is_for_the_files_that_it_was_made_of_alone(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench);
	write_text(&bench, "plain.txt", "other.example\n", 300);
	stamps_destroy(&bench.stamps);
	bench.stamps = take_stamps(bench.conf);
	assert_refused(&bench, "plain.txt changed", "a list is another one now");
	teardown(&bench);
}

/* --- damage ----------------------------------------------------------------------------------------------------- */

static void mend_checksum(char *octets, size_t length)
{
	const size_t at = offsetof(struct compiled_header, checksum);
	uint64_t sum;

	memset(octets + at, 0, sizeof(sum));
	sum = XXH3_64bits(octets, length);
	memcpy(octets + at, &sum, sizeof(sum));
}

static void refuses_every_truncation(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench);
	for (size_t length = 0; length < bench.length; length += length < 4096 ? 1 : 61) {
		write_octets(&bench, bench.octets, length);
		assert_refused(&bench, "offset", "cut");
	}
	write_octets(&bench, bench.octets, bench.length);
	assert_int_equal(truncate(bench.file, (off_t)bench.length + 1), 0);
	assert_refused(&bench, "should have", "an octet more");
	teardown(&bench);
}

static void refuses_every_octet_that_changes(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench);
	for (size_t i = 0; i < bench.length; i += i < sizeof(struct compiled_header) ? 1 : 13) {
		bench.octets[i] ^= 0x40;
		write_octets(&bench, bench.octets, bench.length);
		bench.octets[i] ^= 0x40;
		assert_refused(&bench, "", "one bit is another");
	}
	teardown(&bench);
}

static void refuses_hostile_numbers_with_a_right_checksum(void **state)
{
#define HEADER(field) offsetof(struct compiled_header, field)
	static const struct {
		size_t at;
		uint64_t value;
		size_t width;
		const char *why, *word;
	} rows[] = {
		{ HEADER(magic), 1, 8, "another kind of file", "no compiled policy" },
		{ HEADER(order), 0x04030201, 4, "of a machine with the other byte order", "byte order" },
		{ HEADER(format), 2, 2, "a later format", "format" },
		{ HEADER(word_octets), 4, 2, "of a machine with narrow words", "another build" },
		{ HEADER(list_octets), 8, 4, "lists of another shape", "another build" },
		{ HEADER(trigger_count), 99, 4, "more triggers", "another build" },
		{ HEADER(made_by), UINT64_MAX, 8, "another release", "release" },
		{ HEADER(octets), 1, 8, "a length that the counts do not make", "length" },
		{ HEADER(source_count), UINT64_MAX, 8, "sums overflow", "too many files" },
		{ HEADER(list_count), UINT64_MAX / 2, 8, "sums overflow", "too many lists" },
		{ HEADER(class_count), 0, 8, "not even number 0", "classes" },
		{ HEADER(class_count), UINT64_MAX, 8, "sums overflow", "classes" },
		{ HEADER(data_count), UINT64_MAX, 8, "sums overflow", "local data" },
		{ HEADER(data_octets), UINT64_MAX - 7, 8, "sums overflow", "local data" },
		{ HEADER(data_octets), 9, 8, "what follows is not aligned", "local data" },
		{ HEADER(prefixes), UINT64_C(1) << 63, 8, "an IPv4 prefix of 63 bits", "prefix" },
		{ HEADER(set.blocks), 0, 8, "a filter without a block", "filter" },
		{ HEADER(set.blocks), UINT64_MAX, 8, "sums overflow", "filter" },
		{ HEADER(set.entries), UINT64_MAX, 8, "more entries than slots", "entries" },
		{ HEADER(set.first), 1, 4, "the first part begins late", "first part" },
		{ HEADER(set.first[7]), UINT32_MAX, 4, "a part that ends before it begins", "order" },
		{ HEADER(data_count), 0, 8, "records that belong to nobody", "offset" },
	};
	struct bench bench;

	(void)state;
	setup(&bench);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *copy = malloc(bench.length);

		memcpy(copy, bench.octets, bench.length);
		memcpy(copy + rows[i].at, &rows[i].value, rows[i].width);
		mend_checksum(copy, bench.length);
		write_octets(&bench, copy, bench.length);
		assert_refused(&bench, rows[i].word, rows[i].why);
		free(copy);
	}
	teardown(&bench);
}

static void refuses_hostile_tables_with_a_right_checksum(void **state)
{
	struct compiled_header header;
	struct compiled_places places;
	struct bench bench;
	char *copy;

	(void)state;
	setup(&bench);
	memcpy(&header, bench.octets, sizeof(header));
	places = compiled_places(&header);
	copy = malloc(bench.length);
	for (unsigned row = 0; row < 6; row++) {
		static const char *const words[] = { "class that does not exist", "no search would end", "no class", "no class",
			"no records", "no records" };
		const uint16_t null_type = 10;
		struct compiled_class class = { .list = 0, .also = 1, .action = ACTION_NXDOMAIN, .exact = 1 };

		memcpy(copy, bench.octets, bench.length);
		switch (row) {
		case 0:   /* a slot of the first line */
			memset(copy + places.lines + 14, 0xff, 2);
			break;
		case 1:   /* every line was passed by everything */
			for (uint64_t at = places.lines + 63; at < places.filter; at += 64)
				copy[at] = (char)0xff;
			break;
		case 2:   /* a chain that is a ring */
			memcpy(copy + places.classes + sizeof(class), &class, sizeof(class));
			break;
		case 3:   /* a list that does not exist */
			class.also = 0;
			class.list = 2;
			memcpy(copy + places.classes + sizeof(class), &class, sizeof(class));
			break;
		case 4:   /* records longer than what there is */
			memset(copy + places.data, 0x7f, 8);
			break;
		case 5:   /* of a type that no list may have */
			memcpy(copy + places.data + 12, &null_type, sizeof(null_type));
			break;
		}
		mend_checksum(copy, bench.length);
		write_octets(&bench, copy, bench.length);
		assert_refused(&bench, words[row], words[row]);
	}
	free(copy);
	teardown(&bench);
}

/* Whatever still opens with a checksum that was mended can be asked anything. */
static void what_opens_can_be_asked(void **state)
{
	uint64_t draw = 1;
	struct bench bench;
	char *copy;

	(void)state;
	setup(&bench);
	copy = malloc(bench.length);
	for (unsigned round = 0; round < 2000; round++) {
		struct build_report report;
		struct snapshot *snapshot;
		struct diag diag;
		struct said said;

		memcpy(copy, bench.octets, bench.length);
		for (unsigned i = 0; i < 3; i++) {
			draw = draw * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			copy[(draw >> 20) % bench.length] ^= (char)(1u << (draw >> 60 & 7));
		}
		mend_checksum(copy, bench.length);
		write_octets(&bench, copy, bench.length);
		snapshot = load(&bench, &report, &diag);
		if (snapshot == NULL)
			continue;
		ask(snapshot, "a.one.example", 192, &said);
		ask(snapshot, "x.data.example", 192, &said);
		build_report_fini(&report);
		snapshot_destroy(&snapshot);
	}
	free(copy);
	teardown(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_the_policy_that_the_lists_make),
		cmocka_unit_test(equals_the_text_for_drawn_policies),
		cmocka_unit_test(refuses_a_file_that_others_could_have_written_or_can_read),
		cmocka_unit_test(root_writes_for_the_group_of_the_folder),
		cmocka_unit_test(refuses_links_and_what_is_no_file),
		cmocka_unit_test(is_for_the_files_that_it_was_made_of_alone),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_every_octet_that_changes),
		cmocka_unit_test(refuses_hostile_numbers_with_a_right_checksum),
		cmocka_unit_test(refuses_hostile_tables_with_a_right_checksum),
		cmocka_unit_test(what_opens_can_be_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
