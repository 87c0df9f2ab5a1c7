/*
 * fuzz_list.c: any octets as a list in every format: sound rules, or an error with a text. The first octet chooses
 * format, zone and subdomains. RPZ is read twice, with and without the fast path: both must give the same rules.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/list_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t hash;      /* of all rules in order */
	size_t count;
};

static uint64_t hash_octets(uint64_t hash, const void *octets, size_t count)
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
		seen->hash = hash_octets(seen->hash, &rule->address, sizeof(rule->address));
	}
	seen->hash = hash_octets(seen->hash, words, sizeof(words));
	seen->hash = hash_octets(seen->hash, rule->name.octets, rule->name.length);
	if (rule->rdata != NULL) {
		seen->hash = hash_octets(seen->hash, &rule->ttl, sizeof(rule->ttl));
		seen->hash = hash_octets(seen->hash, rule->rdata, rule->rdata_length);
	}
	seen->count++;
	return true;
}

static int read_list(const struct list_conf *conf, bool no_fast_path, const char *text, size_t size,
	struct seen *seen)
{
	struct diag diag = { .line = 0 };
	struct list_reader reader = { .conf = conf, .visit = see, .arg = seen, .diag = &diag,
		.no_fast_path = no_fast_path };
	int result = list_read(&reader, text, size);

	if (result != 0 && *diag.text == '\0')
		abort();
	if (result == 0 && (reader.stats.rules != seen->count || seen->count == 0))
		abort();
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char file[] = "list";
	struct list_conf conf = { .name = "fuzz", .file = file, .ttl = 300 };
	struct seen fast = { .count = 0 }, full = { .count = 0 };
	char *text;

	if (size == 0)
		return 0;
	conf.format = (data[0] & 15) < FORMAT_COUNT ? (enum list_format)(data[0] & 15) : FORMAT_DETECT;
	conf.subdomains = (enum choice)(data[0] / 16 % 3);
	conf.allow_wide = data[0] & 64;
	if (data[0] & 64)
		name_from_text(&conf.zone, "rpz.example", 11);
	if (data[0] & 128) {
		conf.trigger = conf.format == FORMAT_CIDR || conf.format == FORMAT_CSV ? TRIGGER_NSIP :
			TRIGGER_NSDNAME;
		memcpy(conf.column, "2", 2);
	}
	/* list_load's text ends with a NUL that is not counted; a copy of the exact size shows reading past it. */
	text = malloc(size);
	if (text == NULL)
		return 0;
	memcpy(text, data + 1, size - 1);
	if (read_list(&conf, false, text, size - 1, &fast) != (conf.format != FORMAT_RPZ ? 0 :
	    read_list(&conf, true, text, size - 1, &full)) && conf.format == FORMAT_RPZ)
		abort();
	if (conf.format == FORMAT_RPZ && (fast.hash != full.hash || fast.count != full.count))
		abort();
	free(text);
	return 0;
}
