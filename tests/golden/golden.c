/*
 * golden.c: each folder in cases/ is a claim: what is in it is read, and the outcome must be its file `expected`
 * to the letter. Speaks TAP.
 *
 * A folder conf-... holds verdict.conf: the outcome is the configuration, or the error. A folder list-... holds
 * list.FORMAT, or a verdict.conf that names the lists: the outcome is each list's rules and what was skipped, or the
 * error. `golden FOLDER` prints the outcome of one, which is how a new `expected` begins.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/conf.h"
#include "policy/list.h"

static void print_error(FILE *to, const struct diag *diag)
{
	char text[1024];

	fprintf(to, "error %s\n", diag_format(diag, text, sizeof(text)));
}

/* --- configurations -------------------------------------------------------------------------------------------- */

static void print_types(FILE *to, const char *key, const struct rrtypes *types)
{
	size_t i;

	if (types->count == 0)
		return;
	fprintf(to, "    %s", key);
	for (i = 0; i < types->count; i++)
		fprintf(to, " %u", types->types[i]);
	fprintf(to, "\n");
}

/* What differs from the defaults. */
static void print_options(FILE *to, const struct policy_options *options)
{
	if (options->qname_wait_recurse)
		fprintf(to, "    qname-wait-recurse yes\n");
	if (!options->nsip_wait_recurse)
		fprintf(to, "    nsip-wait-recurse no\n");
	if (!options->nsdname_wait_recurse)
		fprintf(to, "    nsdname-wait-recurse no\n");
	if (options->recursive_only)
		fprintf(to, "    recursive-only yes\n");
	if (options->keep_dnssec)
		fprintf(to, "    break-dnssec no\n");
	if (options->min_ns_dots != 1)
		fprintf(to, "    min-ns-dots %u\n", options->min_ns_dots);
	if (options->https != HTTPS_PASS)
		fprintf(to, "    https %d\n", (int)options->https);
	if (options->max_policy_ttl != 86400)
		fprintf(to, "    max-policy-ttl %u\n", options->max_policy_ttl);
	for (size_t i = 0; i < options->nat64_count; i++) {
		char text[INET6_ADDRSTRLEN];

		inet_ntop(AF_INET6, options->nat64[i].address.octets, text, sizeof(text));
		fprintf(to, "    nat64-prefix %s/%u\n", text, options->nat64[i].prefix_length);
	}
}

/* Networks, and ports where they are set. */
static void print_networks(FILE *to, const char *key, const struct network *networks, size_t count)
{
	char text[INET6_ADDRSTRLEN];
	size_t i;

	for (i = 0; i < count; i++) {
		const struct address *address = &networks[i].address;

		inet_ntop(address->family == ADDRESS_INET ? AF_INET : AF_INET6, address->octets, text, sizeof(text));
		fprintf(to, "    %s %s/%u", key, text, networks[i].prefix_length);
		if (address->port != 0)
			fprintf(to, "@%u", address->port);
		fprintf(to, "\n");
	}
}

static void print_group(FILE *to, const struct group_conf *group)
{
	static const char *const modes[] = { "text", "code", "none" };

	fprintf(to, "client-group at line %u: %s, parent %s, ede %s\n", group->line, group->name,
		*group->parent != '\0' ? group->parent : "(none)", modes[group->ede]);
	print_networks(to, "network", group->networks, group->network_count);
	print_networks(to, "interface", group->interfaces, group->interface_count);
}

/* What differs from the defaults. */
static void print_live(FILE *to, const struct live_conf *live)
{
	char text[NAME_TEXT_MAX];
	size_t i;

	if (live->control_socket != NULL)
		fprintf(to, "    control-socket %s\n", live->control_socket);
	if (live->compiled_policy != NULL)
		fprintf(to, "    compiled-policy %s\n", live->compiled_policy);
	for (i = 0; i < live->control_user_count; i++)
		fprintf(to, "    control-user %s\n", live->control_users[i]);
	if (!live->watch)
		fprintf(to, "    watch no\n");
	if (live->deny_share_max != 20)
		fprintf(to, "    deny-share-max %u\n", live->deny_share_max);
	for (i = 0; i < live->protected_count; i++)
		fprintf(to, "    protected-name %s\n", name_to_text(&live->protected[i], text));
	if (live->sweep_interval != 600)
		fprintf(to, "    sweep-interval %u\n", live->sweep_interval);
	if (live->denial_log != NULL)
		fprintf(to, "    denial-log %s\n", live->denial_log);
	if (live->denial_log_rate != 100)
		fprintf(to, "    denial-log-rate %u\n", live->denial_log_rate);
}

/* The same. */
static void print_guard(FILE *to, const struct guard_conf *guard)
{
	if (guard->msg_octets != 4 << 20)
		fprintf(to, "    guarded-msg-cache-size %zu\n", guard->msg_octets);
	if (guard->rrset_octets != 8 << 20)
		fprintf(to, "    guarded-rrset-cache-size %zu\n", guard->rrset_octets);
	if (guard->unique_per_client != 32)
		fprintf(to, "    unique-per-client %u\n", guard->unique_per_client);
	if (guard->fail != FAIL_OPEN)
		fprintf(to, "    fail closed\n");
	if (guard->answer_budget != 10000)
		fprintf(to, "    answer-budget %u\n", guard->answer_budget);
}

static void print_list_conf(FILE *to, const struct list_conf *list)
{
	char text[NAME_TEXT_MAX];
	size_t i;

	fprintf(to, "policy-list at line %u: %s, file %s, format %s, action %s, "
		"shadow %d, subdomains %d, ede %d, ttl %u\n",
		list->line, list->name, list->file, format_names[list->format], action_table[list->action].name,
		list->shadow, list->subdomains, list->ede, list->ttl);
	for (i = 0; i < list->group_count; i++)
		fprintf(to, "    group %s\n", list->groups[i]);
	print_types(to, "qtype", &list->qtypes);
	print_types(to, "qtype-exempt", &list->qtypes_exempt);
	for (i = 0; i < list->sinkhole_count; i++) {
		const struct address *address = &list->sinkholes[i];

		inet_ntop(address->family == ADDRESS_INET ? AF_INET : AF_INET6, address->octets, text, sizeof(text));
		fprintf(to, "    sinkhole %s\n", text);
	}
	if (list->sinkhole_name.length > 0)
		fprintf(to, "    sinkhole %s\n", name_to_text(&list->sinkhole_name, text));
	if (*list->category != '\0')
		fprintf(to, "    category %s\n", list->category);
	if (*list->attack != '\0')
		fprintf(to, "    attack %s\n", list->attack);
	if (list->zone.length > 0)
		fprintf(to, "    zone %s\n", name_to_text(&list->zone, text));
	if (list->https != HTTPS_PASS)
		fprintf(to, "    https %d\n", (int)list->https);
	if (list->expire != EXPIRE_KEEP)
		fprintf(to, "    expire withdraw\n");
}

static void print_conf(FILE *to, const struct conf *conf)
{
	size_t i;

	fprintf(to, "verdict: identity %s, mode %s, state-directory %s\n",
		conf->identity != NULL ? conf->identity : "(none)", conf->mode == MODE_SHADOW ? "shadow" : "enforce",
		conf->state_directory);
	print_options(to, &conf->options);
	print_live(to, &conf->live);
	print_guard(to, &conf->guard);
	fprintf(to, "dnstap: socket-path %s, file %s, frames %s, ring-size %zu\n",
		conf->dnstap.socket_path != NULL ? conf->dnstap.socket_path : "(none)",
		conf->dnstap.file != NULL ? conf->dnstap.file : "(none)",
		conf->dnstap.frames == FRAMES_VERDICTS ? "verdicts" : "all", conf->dnstap.ring_octets);
	for (i = 0; i < conf->group_count; i++)
		print_group(to, &conf->groups[i]);
	for (i = 0; i < conf->list_count; i++)
		print_list_conf(to, &conf->lists[i]);
}

/* --- lists ----------------------------------------------------------------------------------------------------- */

static void print_trigger(FILE *to, const struct rule *rule)
{
	char text[NAME_TEXT_MAX];

	switch (rule->trigger) {
	case TRIGGER_CLIENT_IP:
	case TRIGGER_IP:
	case TRIGGER_NSIP:
		inet_ntop(rule->address.family == ADDRESS_INET ? AF_INET : AF_INET6, rule->address.octets, text,
			sizeof(text));
		fprintf(to, "%s %s/%u", trigger_names[rule->trigger], text, rule->prefix_length);
		return;
	case TRIGGER_NSDNAME:
		fprintf(to, "%s ", trigger_names[rule->trigger]);
		break;
	case TRIGGER_NONE:
	case TRIGGER_QNAME:
	case TRIGGER_COUNT:
		break;
	}
	fprintf(to, "%s%s%s", rule->exact ? "" : "*.", name_to_text(&rule->name, text),
		rule->exact && rule->below ? " and below" : "");
}

static bool print_rule(void *arg, const struct rule *rule)
{
	FILE *to = arg;
	unsigned i;

	fprintf(to, "%u: ", rule->line);
	print_trigger(to, rule);
	fprintf(to, "%s", rule->action == ACTION_ALLOW ? "" : " ");
	if (rule->action != ACTION_ALLOW)
		fprintf(to, "%s", action_table[rule->action].name);
	if (rule->rdata != NULL) {
		char *type = ldns_rr_type2str((ldns_rr_type)rule->type);

		fprintf(to, " %u %s ", rule->ttl, type);
		free(type);
		for (i = 0; i < rule->rdata_length; i++)
			fprintf(to, "%02x", rule->rdata[i]);
	}
	fprintf(to, "\n");
	return true;
}

static void print_list(FILE *to, const struct list_conf *conf)
{
	struct list_stats stats;
	struct diag diag;
	unsigned i;

	if (list_load(conf, 0, print_rule, to, &stats, &diag) != 0) {
		print_error(to, &diag);
		return;
	}
	if (stats.detected)
		fprintf(to, "format: %s (detected)\n", format_names[stats.format]);
	for (i = 0; i < SKIP_COUNT; i++)
		if (stats.skipped[i] > 0)
			fprintf(to, "skipped %zu, first at line %u: %s\n", stats.skipped[i], stats.skipped_line[i],
				skip_texts[i]);
	fprintf(to, "%zu rules in %zu lines", stats.rules, stats.lines);
	if (stats.serial != 0)
		fprintf(to, ", serial %u", stats.serial);
	fprintf(to, "\n");
}

/* The folder has a list and no configuration: the file's name says the format. */
static bool print_plain_list(FILE *to)
{
	unsigned i;

	for (i = 0; i < FORMAT_COUNT; i++) {
		char file[64];
		struct list_conf conf = { .name = "list", .file = file, .format = (enum list_format)i, .ttl = 300,
			.ede = EDE_BY_ACTION };

		snprintf(file, sizeof(file), "list.%s", format_names[i]);
		if (access(file, F_OK) == 0) {
			print_list(to, &conf);
			return true;
		}
	}
	return false;
}

/* --- running them ---------------------------------------------------------------------------------------------- */

/* Prints the outcome of the folder that is the current one. */
static void print_outcome(FILE *to, bool lists)
{
	struct conf *conf;
	struct diag diag;
	size_t i;

	if (lists && print_plain_list(to))
		return;
	conf = conf_load("verdict.conf", &diag);
	if (conf == NULL)
		print_error(to, &diag);
	else if (!lists)
		print_conf(to, conf);
	for (i = 0; lists && conf != NULL && i < conf->list_count; i++)
		print_list(to, &conf->lists[i]);
	conf_destroy(&conf);
}

static char *read_expected(void)
{
	static char text[65536];
	FILE *file = fopen("expected", "r");
	size_t octets = 0;

	if (file != NULL) {
		octets = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[octets] = '\0';
	return text;
}

static void print_comment(const char *what, const char *text)
{
	printf("# %s:\n", what);
	while (*text != '\0') {
		size_t octets = strcspn(text, "\n");

		printf("#   %.*s\n", (int)octets, text);
		text += octets + (text[octets] == '\n');
	}
}

static bool run(const char *root, const char *name, unsigned number)
{
	char *outcome = NULL, *expected;
	size_t octets = 0;
	FILE *to = open_memstream(&outcome, &octets);
	bool same;

	if (to == NULL || chdir(root) != 0 || chdir(name) != 0) {
		printf("not ok %u - %s: its folder cannot be entered\n", number, name);
		return false;
	}
	print_outcome(to, strncmp(name, "list-", 5) == 0);
	fclose(to);
	expected = read_expected();
	same = octets > 0 && strcmp(outcome, expected) == 0;
	printf("%sok %u - %s\n", same ? "" : "not ", number, name);
	if (!same) {
		print_comment("expected", expected);
		print_comment("but it is", outcome);
	}
	free(outcome);
	return same;
}

static int is_case(const struct dirent *entry)
{
	return strncmp(entry->d_name, "conf-", 5) == 0 || strncmp(entry->d_name, "list-", 5) == 0;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	struct dirent **entries;
	char root[4096];
	bool good = true;
	int count, i;

	if (argc > 1) {
		const char *slash = strrchr(argv[1], '/');

		if (chdir(argv[1]) != 0)
			return 1;
		print_outcome(stdout, strncmp(slash != NULL ? slash + 1 : argv[1], "list-", 5) == 0);
		return 0;
	}
	snprintf(root, sizeof(root), "%s/tests/golden/cases", srcdir != NULL ? srcdir : ".");
	count = scandir(root, &entries, is_case, alphasort);
	if (count < 1 || chdir(root) != 0 || getcwd(root, sizeof(root)) == NULL) {
		printf("1..1\nnot ok 1 - there are cases in %s\n", root);
		return 1;
	}
	printf("1..%d\n", count);
	for (i = 0; i < count; i++) {
		good = run(root, entries[i]->d_name, (unsigned)i + 1) && good;
		free(entries[i]);
	}
	free(entries);
	return good ? 0 : 1;
}
