/* suffix.c: the Public Suffix List as hashes of wire-form names. */
#include "detect/suffix.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "detect/dynamic_dns.h"
#include "policy/file.h"
#include "policy/hash_walk.h"
#include "policy/hot.h"

#define TEXT_OCTETS_MAX ((size_t)4 << 20)
#define SLOTS_MIN 32768u             /* thrice what the list has */
#define DEPTH_MAX 8u                 /* labels that are looked at; no rule has more than six */
#define RULES_MAX 200000u
#define RULES_MIN 100u               /* with fewer the file is something else */

static const char section_begin[] = "===BEGIN ICANN DOMAINS===", section_end[] = "===END ICANN DOMAINS===";

enum { RULE_PLAIN = 1, RULE_WILDCARD = 2, RULE_EXCEPTION = 4, RULE_ABOVE = 8 };

#define RULES UINT64_C(0xff)

struct suffix_set {
	uint64_t *slots;             /* the hash, but for its lowest octet, which is the rules'; 0: free */
	size_t mask, used;
	struct hash_key key;
};

static uint64_t *slot_of(const struct suffix_set *set, uint64_t hash)
{
	size_t at = hash >> 8 & set->mask;

	while (set->slots[at] != 0 && ((set->slots[at] ^ hash) & ~RULES) != 0)
		at = (at + 1) & set->mask;
	return &set->slots[at];
}

static bool add(struct suffix_set *set, uint64_t hash, unsigned rule)
{
	uint64_t *slot = slot_of(set, hash);

	if (*slot == 0 && set->used > set->mask / 2)
		return false;
	set->used += *slot == 0;
	*slot = (hash & ~RULES) | (*slot & RULES) | rule;
	return true;
}

/* The names above lead to the rule: a search ends where nothing leads on. */
static bool add_name(struct suffix_set *set, const struct name *name, unsigned rule)
{
	struct hash_starts starts;
	struct hash_walk walk;
	struct hash_half half;

	hash_walk_begin(&walk, &set->key, name, &starts);
	while (walk.cut > 0) {
		hash_walk_label(&walk);
		hash_walk_half(&walk, &half);
		if (!add(set, half.low, walk.cut > 0 ? RULE_ABOVE : rule))
			return false;
	}
	return true;
}

/* NULL, or what is wrong with the line. */
static const char *add_line(struct suffix_set *set, const char *line)
{
	const char *wrong = "is no domain name", *text = line;
	unsigned rule = RULE_PLAIN;
	char *ascii = NULL;
	struct name name;

	if (*text == '!')
		rule = RULE_EXCEPTION, text++;
	else if (strncmp(text, "*.", 2) == 0)
		rule = RULE_WILDCARD, text += 2;
	else if (strcmp(text, "*") == 0)
		return NULL;
	if (idn2_to_ascii_8z(text, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
		return wrong;
	wrong = name_from_text(&name, ascii, strlen(ascii));
	idn2_free(ascii);
	if (wrong != NULL)
		return wrong;
	if (name.labels == 0 || name.labels >= DEPTH_MAX)
		return "has no labels, or too many";
	return add_name(set, &name, rule) ? NULL : "is more than can be held";
}

static int read_lines(struct suffix_set *set, char *text, const char *path, struct diag *diag)
{
	bool inside = false;
	unsigned number = 1, rules = 0;

	for (char *next, *line = text; line != NULL; line = next, number++) {
		const char *wrong = NULL;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (strstr(line, section_begin) != NULL || strstr(line, section_end) != NULL) {
			inside = strstr(line, section_begin) != NULL;
			continue;
		}
		line[strcspn(line, " \t\r")] = '\0';
		if (!inside || *line == '\0' || strncmp(line, "//", 2) == 0)
			continue;
		wrong = ++rules > RULES_MAX ? "is more than can be held" : add_line(set, line);
		if (wrong != NULL)
			return diag_set(diag, path, number, 1, "%s: %s", line, wrong);
	}
	if (rules < RULES_MIN)
		return diag_set(diag, path, 0, 0, "this is no Public Suffix List: it has %u rules between the lines that "
			"say where ICANN's domains begin and end", rules);
	return 0;
}

static bool add_dynamic_dns(struct suffix_set *set)
{
	struct name name;

	for (size_t i = 0; i < dynamic_dns_count; i++)
		if (name_from_text(&name, dynamic_dns_zones[i], strlen(dynamic_dns_zones[i])) != NULL ||
		    !add_name(set, &name, RULE_PLAIN))
			return false;
	return true;
}

/* At most one rule a line, and each adds a few names. */
static bool reserve(struct suffix_set *set, const char *text)
{
	size_t lines = 1, slots = SLOTS_MIN;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		lines++;
	while (slots < lines * 2)
		slots *= 2;
	set->slots = calloc(slots, sizeof(*set->slots));
	set->mask = slots - 1;
	return set->slots != NULL;
}

struct suffix_set *suffix_load(const char *path, const struct hash_key *key, struct diag *diag)
{
	struct suffix_set *set = calloc(1, sizeof(*set));
	struct file_text text;
	const char *wrong = set != NULL ? file_load(&text, path, TEXT_OCTETS_MAX) : "out of memory";
	bool done = false;

	if (wrong != NULL) {
		diag_set(diag, path, 0, 0, "%s (the public-suffix-list of `detection:`; Debian's package publicsuffix has one)", wrong);
		free(set);
		return NULL;
	}
	set->key = *key;
	if (!reserve(set, text.octets))
		diag_set(diag, path, 0, 0, "out of memory");
	else if (read_lines(set, text.octets, path, diag) == 0)
		done = add_dynamic_dns(set) || diag_set(diag, path, 0, 0, "out of room") == 0;
	file_release(&text);
	if (!done)
		suffix_destroy(&set);
	return set;
}

void suffix_destroy(struct suffix_set **set)
{
	if (*set == NULL)
		return;
	free((*set)->slots);
	free(*set);
	*set = NULL;
}

/* Down from the top-level domain for as long as a rule may lead on. The longest rule prevails, and an exception over all. */
struct descent {
	struct hash_walk walk;
	uint64_t hashes[DEPTH_MAX + 2];  /* of so many labels */
	unsigned done;               /* labels */
	unsigned suffix;             /* those of the public suffix */
	bool has_tld;
};

/* False: what is below does not matter. */
static bool take_rules(struct descent *descent, unsigned rules)
{
	const unsigned done = descent->done;

	if (rules & RULE_EXCEPTION) {
		descent->suffix = done - 1;
		return false;
	}
	if (rules & RULE_PLAIN)
		descent->suffix = done;
	if (rules & RULE_WILDCARD)
		descent->suffix = done + 1;
	return (rules & (RULE_ABOVE | RULE_WILDCARD)) != 0 || descent->suffix >= done;
}

static void descend(const struct suffix_set *set, struct descent *descent)
{
	struct hash_half half;
	unsigned rules = RULE_ABOVE;
	bool going = true;

	while (going && descent->walk.cut > 0 && descent->done < DEPTH_MAX) {
		hash_walk_label(&descent->walk);
		hash_walk_half(&descent->walk, &half);
		descent->hashes[++descent->done] = half.low;
		/* Where nothing leads on there is nothing, and no need to look. */
		rules = rules & RULE_ABOVE ? (unsigned)(*slot_of(set, half.low) & RULES) : 0;
		descent->has_tld |= descent->done == 1 && rules != 0;
		going = take_rules(descent, rules);
	}
}

/* Of the whole name. */
static uint64_t finish(struct descent *descent)
{
	if (descent->walk.cut == 0 && descent->done > 0)
		return descent->hashes[descent->done];
	while (descent->walk.cut > 0)
		hash_walk_label(&descent->walk);
	return sip_finish_low(&descent->walk.state);
}

HOT struct suffix_found suffix_find(const struct suffix_set *set, const struct name *name)
{
	struct suffix_found found = { .labels = 0 };
	const unsigned known = name->labels < DEPTH_MAX ? name->labels : DEPTH_MAX;
	struct hash_starts starts;
	struct descent descent;

	hash_walk_begin(&descent.walk, &set->key, name, &starts);
	descent.done = descent.suffix = 0;
	descent.has_tld = false;
	descend(set, &descent);
	found.name = finish(&descent);
	found.has_tld = descent.has_tld;
	if (descent.suffix == 0 || descent.suffix >= known)
		return found;
	found.labels = descent.suffix + 1;
	found.zone = descent.hashes[found.labels];
	return found;
}

size_t suffix_octets(const struct suffix_set *set)
{
	return (set->mask + 1) * sizeof(*set->slots) + sizeof(*set);
}
