/*
 * fuzz_list.c: any octets as a list in every format: sound rules, or an error with a text. The first octet chooses
 * format, zone and subdomains. RPZ is read twice, with and without the fast path: both must give the same rules.
 *
 * A file is read piece by piece, and what lies behind is given back: far more than an input has. So the octet 1 stands
 * for long blank lines and the octet 2 for a long word. What has one of them is also read as a file: the same rules, the
 * same counts, the same error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/list_reader.h"
#include "policy/unpack.h"

#define EXPANSIONS_MAX 2
#define EMPTY_OCTETS 70070     /* more than a record may have, which is what is kept behind */
#define EMPTY_LINE 1001
#define WORD_OCTETS 140000     /* a line that is skipped, as long as two pieces */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX 64

/* What came out of one reading. */
struct seen {
	uint64_t hash;      /* of all rules in order */
	size_t count;
	int result;
	struct list_stats stats;
	struct diag diag;
};

static uint64_t sum_octets(uint64_t hash, const void *octets, size_t count)
{
	const uint8_t *at = octets;

	while (count-- > 0)
		hash = (hash ^ *at++) * 0x100000001b3u;
	return hash;
}

static bool is_network(const struct rule *rule)
{
	unsigned bits = rule->address.family == ADDRESS_INET ? 32 : 128;
	unsigned bit;

	if ((rule->address.family != ADDRESS_INET && rule->address.family != ADDRESS_INET6) ||
	    rule->prefix_length == 0 || rule->prefix_length > bits)
		return false;
	for (bit = rule->prefix_length; bit < 128; bit++)
		if (rule->address.octets[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

static bool see(void *arg, const struct rule *rule)
{
	struct seen *seen = arg;
	struct name again;
	uint32_t words[] = { rule->exact, rule->below, rule->action, rule->line, rule->type, rule->rdata_length,
		rule->trigger, rule->prefix_length };

	if ((rule->action == ACTION_LOCAL_DATA) != (rule->rdata != NULL) || rule->line == 0)
		abort();
	if (rule->trigger == TRIGGER_QNAME || rule->trigger == TRIGGER_NSDNAME) {
		if (!name_from_wire(&again, rule->name.octets, rule->name.length) ||
		    !name_equal(&again, &rule->name) || again.labels != rule->name.labels || again.labels == 0 || (!rule->exact && !rule->below))
			abort();
	} else {
		if (!is_network(rule))
			abort();
		seen->hash = sum_octets(seen->hash, &rule->address, sizeof(rule->address));
	}
	seen->hash = sum_octets(seen->hash, words, sizeof(words));
	seen->hash = sum_octets(seen->hash, rule->name.octets, rule->name.length);
	if (rule->rdata != NULL) {
		seen->hash = sum_octets(seen->hash, &rule->ttl, sizeof(rule->ttl));
		seen->hash = sum_octets(seen->hash, rule->rdata, rule->rdata_length);
	}
	seen->count++;
	return true;
}

static void check_outcome(const struct seen *seen)
{
	if (seen->result != 0 && *seen->diag.text == '\0')
		abort();
	if (seen->result == 0 && (seen->stats.rules != seen->count || seen->count == 0))
		abort();
}

static void read_list(const struct list_conf *conf, bool no_fast_path, const char *text, size_t size,
	struct seen *seen)
{
	struct list_reader reader = { .conf = conf, .visit = see, .arg = seen, .diag = &seen->diag,
		.no_fast_path = no_fast_path };

	seen->result = list_read(&reader, text, size);
	seen->stats = reader.stats;
	check_outcome(seen);
}

static void check_same_rules(const struct seen *a, const struct seen *b)
{
	if (a->result != b->result || a->hash != b->hash || a->count != b->count)
		abort();
}

static void check_same_stats(const struct list_stats *a, const struct list_stats *b)
{
	int reason;

	if (a->format != b->format || a->detected != b->detected || a->lines != b->lines || a->octets != b->octets ||
	    a->serial != b->serial || a->expire != b->expire)
		abort();
	for (reason = 0; reason < SKIP_COUNT; reason++)
		if (a->skipped[reason] != b->skipped[reason] || a->skipped_line[reason] != b->skipped_line[reason] ||
		    strcmp(a->skipped_text[reason], b->skipped_text[reason]) != 0)
			abort();
}

/* Reads the text as a file, and compares with what came out of memory. */
static void check_file(struct list_conf *conf, const char *text, size_t size, const struct seen *memory)
{
	struct seen seen = { .count = 0 };
	int fd = memfd_create("list", MFD_CLOEXEC);

	if (fd < 0 || write(fd, text, size) != (ssize_t)size)
		abort();
	snprintf(conf->file, FILE_MAX, "/proc/self/fd/%d", fd);
	seen.result = list_load(conf, 0, see, &seen, &seen.stats, &seen.diag);
	close(fd);
	check_outcome(&seen);
	check_same_rules(&seen, memory);
	if (seen.result == 0)
		check_same_stats(&seen.stats, &memory->stats);
	else if (seen.diag.line != memory->diag.line || strcmp(seen.diag.text, memory->diag.text) != 0)
		abort();
}

/* An owned copy of the exact size, which shows reading past it: list_load's text ends with a NUL that is not counted.
 * *expanded: some octets stood for more. */
static char *expand(const uint8_t *data, size_t size, size_t *length, bool *expanded)
{
	size_t i, used = 0, room = size, left = EXPANSIONS_MAX;
	char *text;

	for (i = 0; i < size && left > 0; i++)
		if (data[i] == 1 || data[i] == 2) {
			room += data[i] == 1 ? EMPTY_OCTETS : WORD_OCTETS;
			left--;
		}
	*expanded = left < EXPANSIONS_MAX;
	*length = room - (EXPANSIONS_MAX - left);
	text = malloc(*length + (*length == 0));
	left = EXPANSIONS_MAX;
	for (i = 0; text != NULL && i < size; i++) {
		const bool stands = left > 0 && (data[i] == 1 || data[i] == 2);
		const size_t octets = !stands ? 1 : data[i] == 1 ? EMPTY_OCTETS : WORD_OCTETS;
		size_t line;

		memset(text + used, !stands ? data[i] : data[i] == 1 ? ' ' : 'a', octets);
		for (line = EMPTY_LINE; octets == EMPTY_OCTETS && line <= octets; line += EMPTY_LINE)
			text[used + line - 1] = '\n';
		used += octets;
		left -= stands;
	}
	return text;
}

static void choose(struct list_conf *conf, uint8_t how)
{
	conf->format = (how & 15) < FORMAT_COUNT ? (enum list_format)(how & 15) : FORMAT_DETECT;
	conf->subdomains = (enum choice)(how / 16 % 3);
	conf->allow_wide = how & 64;
	if (how & 64)
		name_from_text(&conf->zone, "rpz.example", 11);
	if (how & 128) {
		conf->trigger = conf->format == FORMAT_CIDR || conf->format == FORMAT_CSV ? TRIGGER_NSIP :
			TRIGGER_NSDNAME;
		memcpy(conf->column, "2", 2);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char file[FILE_MAX] = "list";
	struct list_conf conf = { .name = "fuzz", .file = file, .ttl = 300 };
	struct seen fast = { .count = 0 }, full = { .count = 0 };
	size_t length;
	bool expanded;
	char *text;

	if (size == 0)
		return 0;
	choose(&conf, data[0]);
	text = expand(data + 1, size - 1, &length, &expanded);
	if (text == NULL)
		return 0;
	read_list(&conf, false, text, length, &fast);
	if (conf.format == FORMAT_RPZ) {
		read_list(&conf, true, text, length, &full);
		check_same_rules(&fast, &full);
	}
	if (expanded && !unpack_knows(text, length))
		check_file(&conf, text, length, &fast);
	free(text);
	return 0;
}
