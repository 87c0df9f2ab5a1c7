/*
 * judge.c: each file in verdicts/ is a claim about precedence, written by hand from draft-vixie-dnsop-dns-rpz-00 and
 * BIND's manual: lists, questions with answers, and the verdict of each to the letter. Speaks TAP.
 *
 *     verdict KEY: VALUE               an option of verdict:
 *     list NAME FORMAT                 a policy-list, in order
 *     group NAME                       a client-group
 *     with KEY: VALUE                  an option of that list or group
 *     + TEXT                           a line of that list's file
 *     override ACTION NAME [NETWORK]   an operator's, in front of all lists; numbered from 1
 *     ask NAME TYPE [WORD ...]         client=ADDRESS, at=ADDRESS@PORT (where it comes in), tcp, do, rd=0, answered (resolved, and without records)
 *     rr RECORD                        a record of the answer
 *     ns NAME [ADDRESS]                a name server of the question's zones; ns@1: of the first CNAME's target
 *     is VERDICT                       what comes out
 *
 * Without `rr` and `answered` the question alone is judged. The real readers, compiler and judges run, each question by
 * the policy as its lists give it and as it comes out of a compiled file.
 */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/conf.h"
#include "policy/conf_value.h"
#include "policy/evaluate.h"
#include "policy/explain.h"
#include "policy/override.h"
#include "policy/rrtype.h"
#include "tests/golden/sides.h"
#include "tools/given_answer.h"

#define TEXT_MAX 4096
#define OVERRIDES 8

/* One file. */
struct claim {
	const char *name;
	char folder[64];            /* lists and configuration are written here */
	char options[TEXT_MAX];     /* of verdict: */
	char lists[TEXT_MAX];       /* and groups */
	struct override overrides[OVERRIDES];
	size_t override_count;
	FILE *list;
	struct snapshot *sides[SIDE_COUNT];
	struct facts facts;
	struct given_answer given;
	bool answered;
	char question[512];
};

static unsigned asked, failed;

static void result(const struct claim *claim, const char *side, const char *expected, const char *got)
{
	const bool good = strcmp(expected, got) == 0;

	asked++;
	failed += !good;
	printf("%sok %u - %s: %s%s\n", good ? "" : "not ", asked, claim->name, claim->question, side);
	if (!good)
		printf("#   expected: %s\n#   but it is: %s\n", expected, got);
}

static void add(char *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(char *to, const char *format, ...)
{
	size_t used = strlen(to);
	va_list args;

	va_start(args, format);
	vsnprintf(to + used, TEXT_MAX - used, format, args);
	va_end(args);
}

/* --- lists ------------------------------------------------------------------------------------------------------ */

static void close_list(struct claim *claim)
{
	if (claim->list != NULL)
		fclose(claim->list);
	claim->list = NULL;
}

static bool begin_list(struct claim *claim, const char *rest)
{
	char name[64], format[64], path[256];

	if (sscanf(rest, "%63s %63s", name, format) != 2)
		return false;
	close_list(claim);
	snprintf(path, sizeof(path), "%s/%s", claim->folder, name);
	claim->list = fopen(path, "w");
	add(claim->lists, "policy-list:\n name: %s\n file: %s\n format: %s\n", name, name, format);
	return claim->list != NULL;
}

static bool add_override(struct claim *claim, char *rest)
{
	struct override *override = &claim->overrides[claim->override_count];
	const struct conf_limits limits = { .max = 0 };
	const char *action = strtok(rest, " "), *name = strtok(NULL, " "), *network = strtok(NULL, " ");
	char wrong[CONF_WRONG_MAX];

	if (name == NULL || claim->override_count == OVERRIDES ||
	    name_from_text(&override->name, name, strlen(name)) != NULL ||
	    (network != NULL && conf_network_parse(&limits, network, &override->client, wrong) != 0))
		return false;
	override->id = ++claim->override_count;
	override->action = strcmp(action, "pass") == 0 ? ACTION_PASS : ACTION_NXDOMAIN;
	return true;
}

static bool compile(struct claim *claim)
{
	char path[256];
	FILE *file;

	close_list(claim);
	snprintf(path, sizeof(path), "%s/verdict.conf", claim->folder);
	file = fopen(path, "w");
	if (file == NULL)
		return false;
	fprintf(file, "verdict:\n%s%s", claim->options, claim->lists);
	fclose(file);
	return sides_make(claim->sides, path, claim->overrides, claim->override_count);
}

static void remove_folder(const char *folder)
{
	DIR *open = opendir(folder);
	const struct dirent *entry;
	char path[512];

	while (open != NULL && (entry = readdir(open)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		unlink(path);
	}
	if (open != NULL)
		closedir(open);
	rmdir(folder);
}

/* --- questions -------------------------------------------------------------------------------------------------- */

static bool take_interface(struct facts *facts, const char *text)
{
	const struct conf_limits limits = { .max = 0 };
	char wrong[CONF_WRONG_MAX];
	struct network interface;

	if (conf_interface_parse(&limits, text, &interface, wrong) != 0)
		return false;
	facts->server = interface.address;
	return true;
}

static bool take_word(struct claim *claim, const char *word)
{
	struct facts *facts = &claim->facts;

	if (strncmp(word, "client=", 7) == 0)
		return given_address(&facts->client, word + 7) == 0;
	if (strncmp(word, "at=", 3) == 0)
		return take_interface(facts, word + 3);
	if (strcmp(word, "tcp") == 0)
		facts->transport = TRANSPORT_TCP;
	else if (strcmp(word, "do") == 0)
		facts->dnssec_ok = true;
	else if (strcmp(word, "rd=0") == 0)
		facts->recursion_desired = false;
	else if (strcmp(word, "answered") == 0)
		claim->answered = true;
	else
		return false;
	return true;
}

static bool begin_question(struct claim *claim, char *rest)
{
	char *name, *type;
	const char *word;

	if (claim->sides[0] == NULL && !compile(claim))
		return false;
	given_answer_fini(&claim->given);
	snprintf(claim->question, sizeof(claim->question), "%s", rest);
	claim->facts = (struct facts){ .transport = TRANSPORT_UDP, .qclass = 1, .recursion_desired = true };
	claim->answered = false;
	name = strtok(rest, " ");
	type = strtok(NULL, " ");
	if (name == NULL || type == NULL || name_from_text(&claim->facts.qname, name, strlen(name)) != NULL ||
	    !rrtype_from_text(&claim->facts.qtype, type, strlen(type)))
		return false;
	while ((word = strtok(NULL, " ")) != NULL)
		if (!take_word(claim, word))
			return false;
	return true;
}

static void add_match(char *to, const struct rule_match *match)
{
	char rule[NAME_TEXT_MAX + 2];

	add(to, " %s: %s (%s)", match->list, rule_match_text(match, rule), trigger_names[match->trigger]);
	if (match->chain > 0)
		add(to, " at %u", match->chain);
}

static void describe(const struct verdict *verdict, char *to)
{
	add(to, "%s", action_table[verdict->action].name);
	if (verdict->rule.trigger != TRIGGER_NONE) {
		add(to, " by");
		add_match(to, &verdict->rule);
		if (!verdict->final && verdict->action != ACTION_OBSERVE)
			add(to, ", may change");
	}
	if (verdict->shadow.trigger != TRIGGER_NONE) {
		add(to, "; shadow %s by", action_table[verdict->shadow.action].name);
		add_match(to, &verdict->shadow);
	}
	if (*verdict->group_name != '\0')
		add(to, "; group %s", verdict->group_name);
	if (verdict->differs)
		add(to, "; clients differ");
	else if (verdict->denied_to_some != action_table[verdict->action].denies)
		add(to, "; denied to %s", verdict->denied_to_some ? "others" : "nobody");
}

struct winner {
	struct rule_match match;
	size_t count;
};

static bool note_winner(void *arg, const struct explain_candidate *candidate)
{
	struct winner *winner = arg;

	if (candidate->won && candidate->match.action != ACTION_OBSERVE) {
		winner->match = candidate->match;
		winner->count++;
	}
	return true;
}

/* The explanation names the same rule as the verdict. */
static void check_explanation(const struct claim *claim, const struct snapshot *snapshot, bool answer,
	const struct verdict *verdict, char *to)
{
	struct winner winner = { .count = 0 };
	struct verdict again;
	char rules[2][NAME_TEXT_MAX + 2];
	const bool decided = verdict->rule.trigger != TRIGGER_NONE && verdict->rule.action != ACTION_OBSERVE;

	(answer ? explain_answer : explain_question)(snapshot, &claim->facts, note_winner, &winner, &again);
	if (winner.count != decided)
		add(to, "; explain has %zu winners", winner.count);
	else if (decided && (strcmp(rule_match_text(&winner.match, rules[0]),
				    rule_match_text(&verdict->rule, rules[1])) != 0 ||
			     strcmp(winner.match.list, verdict->rule.list) != 0 ||
			     winner.match.trigger != verdict->rule.trigger ||
			     winner.match.chain != verdict->rule.chain))
		add(to, "; explain names %s", rules[0]);
}

/* What is known to be a plain allow is one. */
static void check_plain(const struct claim *claim, const struct snapshot *snapshot, const struct verdict *verdict,
	char *to)
{
	if (evaluate_is_plain(snapshot, &claim->facts) &&
	    (verdict->action != ACTION_ALLOW || verdict->rule.trigger != TRIGGER_NONE ||
	     verdict->shadow.trigger != TRIGGER_NONE || verdict->denied_to_some || verdict->traits != 0 ||
	     verdict->group_name[0] != '\0'))
		add(to, "; taken for a plain allow");
}

static size_t show_nothing(const void *source, record_visit visit, void *arg)
{
	(void)source;
	(void)visit;
	(void)arg;
	return 0;
}

static void end_question(struct claim *claim, const char *expected)
{
	const bool answer = claim->answered || claim->given.record_count > 0;

	given_answer_show(&claim->given, &claim->facts);
	if (claim->answered)
		claim->facts.records = show_nothing;
	for (unsigned side = 0; side < SIDE_COUNT; side++) {
		char text[TEXT_MAX] = "";
		struct verdict verdict;

		(answer ? evaluate_answer : evaluate_question)(claim->sides[side], &claim->facts, &verdict);
		describe(&verdict, text);
		check_explanation(claim, claim->sides[side], answer, &verdict, text);
		if (answer)
			check_plain(claim, claim->sides[side], &verdict, text);
		result(claim, side == SIDE_COMPILED ? " (compiled)" : "", expected, text);
	}
}

/* --- files ------------------------------------------------------------------------------------------------------ */

static bool read_server(struct claim *claim, const char *line)
{
	const unsigned chain = line[2] == '@' ? (unsigned)(line[3] - '0') : 0;
	const char *rest = strchr(line, ' ');

	return rest != NULL && given_answer_add_server(&claim->given, rest + 1, chain) == NULL;
}

static bool read_line(struct claim *claim, char *line)
{
	char *rest = strchr(line, ' ');

	if (*line == '\0' || *line == '#')
		return true;
	if (rest == NULL)
		return false;
	rest++;
	if (strncmp(line, "verdict ", 8) == 0)
		add(claim->options, " %s\n", rest);
	else if (strncmp(line, "list ", 5) == 0)
		return begin_list(claim, rest);
	else if (strncmp(line, "group ", 6) == 0)
		add(claim->lists, "client-group:\n name: %s\n", rest);
	else if (strncmp(line, "override ", 9) == 0)
		return add_override(claim, rest);
	else if (strncmp(line, "with ", 5) == 0)
		add(claim->lists, " %s\n", rest);
	else if (strncmp(line, "+ ", 2) == 0)
		return claim->list != NULL && fprintf(claim->list, "%s\n", rest) > 0;
	else if (strncmp(line, "ask ", 4) == 0)
		return begin_question(claim, rest);
	else if (strncmp(line, "rr ", 3) == 0)
		return given_answer_add(&claim->given, rest) == NULL;
	else if (strncmp(line, "ns", 2) == 0)
		return read_server(claim, line);
	else if (strncmp(line, "is ", 3) == 0 && claim->sides[0] != NULL)
		end_question(claim, rest);
	else
		return false;
	return true;
}

static void run(const char *name, const char *path)
{
	static struct claim claim;
	char line[TEXT_MAX];
	FILE *file = fopen(path, "r");
	unsigned number = 0;
	bool good = file != NULL;

	memset(&claim, 0, sizeof(claim));
	claim.name = name;
	snprintf(claim.folder, sizeof(claim.folder), "judge.XXXXXX");
	good = good && mkdtemp(claim.folder) != NULL;
	while (good && fgets(line, sizeof(line), file) != NULL) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		good = read_line(&claim, line);
	}
	if (!good) {
		snprintf(claim.question, sizeof(claim.question), "line %u", number);
		result(&claim, "", "a line that can be read", "not");
	}
	close_list(&claim);
	given_answer_fini(&claim.given);
	sides_fini(claim.sides);
	remove_folder(claim.folder);
	if (file != NULL)
		fclose(file);
}

static int is_claim(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(void)
{
	const char *srcdir = getenv("srcdir");
	struct dirent **entries;
	char root[4096], path[8192];
	int count, i;

	snprintf(root, sizeof(root), "%s/tests/golden/verdicts", srcdir != NULL ? srcdir : ".");
	count = scandir(root, &entries, is_claim, alphasort);
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", root, entries[i]->d_name);
		run(entries[i]->d_name, path);
		free(entries[i]);
	}
	if (count > 0)
		free(entries);
	printf("1..%u\n", asked);
	return asked > 0 && failed == 0 ? 0 : 1;
}
