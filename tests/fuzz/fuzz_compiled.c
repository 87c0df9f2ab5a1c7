/*
 * fuzz_compiled.c: any octets in a compiled policy. The first two say where in a good file the others are put, so
 * that what is behind the header is reached; the checksum is mended. What opens is asked by name and by address, and
 * has to answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "policy/compiled.h"
#include "policy/compiled_parts.h"
#include "policy/evaluate.h"
#include "policy/local_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAMES 4

static const char list_text[] =
	"$TTL 300\n@ SOA localhost. root.localhost. 7 3600 600 86400 300\n@ NS localhost.\n"
	"data.example A 192.0.2.1\ndata.example MX 10 mail.data.example.\n*.data.example CNAME *.garden.example.\n"
	"one.example CNAME .\n32.1.2.0.192.rpz-ip CNAME .\n24.0.2.0.192.rpz-client-ip CNAME rpz-drop.\n";
static char list_path[] = "/proc/self/fd/0000000000";
static char conf_path[] = "fuzz";
static struct list_conf list = { .name = "zone", .file = list_path, .format = FORMAT_RPZ, .ede = EDE_BY_ACTION,
	.ttl = 300 };
static struct conf conf = { .path = conf_path, .lists = &list, .list_count = 1 };
static const struct compiled_source source = { .inode = 1 };

static const char *no_path(void *arg, size_t index)
{
	(void)arg;
	(void)index;
	return NULL;
}

static const struct compiled_sources sources = { .all = &source, .count = 1, .path = no_path };

/* A good file, made once: its octets. */
static uint8_t *make_good(size_t *length)
{
	const int text = memfd_create("list", 0), fd = memfd_create("compiled", 0);
	struct build_report report;
	struct snapshot *snapshot;
	uint64_t octets = 0;
	struct diag diag;
	uint8_t *good;

	if (text < 0 || fd < 0 || write(text, list_text, sizeof(list_text) - 1) != (ssize_t)sizeof(list_text) - 1)
		abort();
	snprintf(list_path, sizeof(list_path), "/proc/self/fd/%d", text);
	snapshot = snapshot_build(&conf, 1, &report, &diag);
	if (snapshot == NULL || compiled_write(fd, "good", snapshot, &report, &sources, &octets, &diag) != 0)
		abort();
	good = malloc((size_t)octets);
	if (good == NULL || pread(fd, good, (size_t)octets, 0) != (ssize_t)octets)
		abort();
	*length = (size_t)octets;
	snapshot_destroy(&snapshot);
	build_report_fini(&report);
	close(fd);
	close(text);
	return good;
}

static void mend(uint8_t *octets, size_t length)
{
	const size_t at = offsetof(struct compiled_header, checksum);
	uint64_t sum = 0;

	if (length < sizeof(struct compiled_header))
		return;
	memcpy(octets + at, &sum, sizeof(sum));
	sum = XXH3_64bits(octets, length);
	memcpy(octets + at, &sum, sizeof(sum));
}

/* An address that a rule is about. */
static size_t show_address(const void *asked, record_visit visit, void *arg)
{
	static const uint8_t octets[] = { 192, 0, 2, 1 };
	const struct name *owner = asked;
	const struct record record = { .owner = owner->octets, .owner_length = owner->length, .type = 1, .class = 1,
		.ttl = 300, .rdata = octets, .rdata_length = sizeof(octets) };

	visit(arg, &record);
	return 0;
}

static volatile unsigned octets_read;

/* As an answer is made of it. */
static void read_data(const struct local_data *data, const struct name *owner)
{
	size_t found[LOCAL_RECORDS_MAX];
	const size_t count = data != NULL ? local_data_select(data, 255, found, LOCAL_RECORDS_MAX) : 0;

	for (size_t i = 0; i < count; i++) {
		const struct local_record record = local_data_at(data, found[i]);
		struct name target, again;

		for (size_t at = 0; at < record.rdata_length; at++)
			octets_read += record.rdata[at];
		if (record.type == 5 && local_data_target(&record, owner, &target) &&
		    !name_from_wire(&again, target.octets, target.length))
			abort();
	}
}

static void ask(const struct snapshot *snapshot)
{
	static const char *const names[NAMES] = { "one.example", "data.example", "x.data.example", "a.b.c.example" };

	for (size_t i = 0; i < NAMES; i++) {
		struct facts facts = { .qtype = 1, .qclass = 1, .recursion_desired = true,
			.client = { .family = ADDRESS_INET, .octets = { 192, 0, 2, 1 } } };
		struct verdict verdict;

		if (name_from_text(&facts.qname, names[i], strlen(names[i])) != NULL)
			abort();
		evaluate_question(snapshot, &facts, &verdict);
		facts.records = show_address;
		facts.source = &facts.qname;
		evaluate_answer(snapshot, &facts, &verdict);
		read_data(verdict.data, &facts.qname);
	}
}

static void try_octets(const uint8_t *octets, size_t length)
{
	struct compiled_order order = { .fd = memfd_create("try", 0), .path = "try", .conf = &conf, .sources = &sources,
		.now = 1 };
	struct build_report report;
	struct snapshot *snapshot;
	struct diag diag = { .line = 0 };

	if (order.fd < 0 || write(order.fd, octets, length) != (ssize_t)length || lseek(order.fd, 0, SEEK_SET) != 0)
		abort();
	snapshot = compiled_read(&order, &report, &diag);
	if ((snapshot == NULL) != (diag.text[0] != '\0'))
		abort();
	if (snapshot != NULL)
		ask(snapshot);
	snapshot_destroy(&snapshot);
	build_report_fini(&report);
	close(order.fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *good;
	static size_t length;
	uint8_t *octets;
	size_t at;

	if (good == NULL)
		good = make_good(&length);
	if (size < 2)
		return 0;
	octets = malloc(length);
	if (octets == NULL)
		return 0;
	memcpy(octets, good, length);
	at = ((size_t)data[0] << 8 | data[1]) % length;
	memcpy(octets + at, data + 2, size - 2 < length - at ? size - 2 : length - at);
	mend(octets, length);
	try_octets(octets, length);
	free(octets);
	return 0;
}
