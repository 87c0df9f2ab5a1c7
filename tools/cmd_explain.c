/* cmd_explain.c: `verdictctl explain`: what the policy does with a name, and which rule of which file decides. */
#include "tools/verdictctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/explanation.h"
#include "control/json.h"
#include "control/request.h"
#include "policy/conf.h"
#include "policy/rrtype.h"
#include "policy/snapshot.h"
#include "tools/behaviour_print.h"
#include "tools/explanation_print.h"
#include "tools/given_answer.h"
#include "tools/json_out.h"
#include "tools/live.h"
#include "tools/term.h"

const char help_explain[] =
	"Usage: verdictctl explain [--config FILE] [--client ADDRESS] [--interface ADDRESS[@PORT]]\n"
	"                          [--answer RECORD] ... [--name-server 'NAME [ADDRESS]'] ... [--json] NAME [TYPE]\n"
	"       verdictctl explain --live [--socket PATH] [--client ADDRESS] [--interface ADDRESS[@PORT]] [--json]\n"
	"                          NAME [TYPE]\n"
	"       verdictctl explain --live [--socket PATH] --client ADDRESS [--json]\n"
	"\n"
	"Examples:\n"
	"  verdictctl explain www.evil.example          what happens to this name, and which rule does it?\n"
	"  verdictctl explain sink.example AAAA         the answer to another type than A\n"
	"  verdictctl explain --config new.conf partner.example && echo allowed\n"
	"                                               what would a new configuration do?\n"
	"\n"
	"  verdictctl explain www.example --answer 'www.example. CNAME a.example.' --answer 'a.example. A 192.0.2.1'\n"
	"                                               and with this answer?\n"
	"\n"
	"  verdictctl explain --live www.evil.example   what does the running resolver do with it, overrides included,\n"
	"                                               and what do its detectors know of the zone?\n"
	"  verdictctl explain --live --client 192.0.2.7 www.evil.example\n"
	"                                               and of that client?\n"
	"  verdictctl explain --live --client 192.0.2.7  and of that client, whatever it asks for?\n"
	"\n"
	"Reads the configuration and the lists, or asks the running resolver (--live). Without --answer the question\n"
	"alone is judged, as the resolver does before it asks anybody; with it the answer too. Prints the verdict, the\n"
	"answer that the client gets, and every rule that matches in order of precedence, with file and line and why it\n"
	"did not win. The running resolver adds what its detectors remember of the zone (and with --client of the client\n"
	"and of both together): what each measures, the threshold, how sure it is, and the flags in force.\n"
	"\n"
	"Options:\n"
	"  -c, --config FILE      default: $UNBOUND_VERDICT_CONF, else " SYSCONFDIR "/unbound/verdict.conf\n"
	"      --client ADDRESS   who asks, for rules about clients and for client groups\n"
	"      --interface ADDRESS[@PORT]\n"
	"                         where the query comes in, for client groups; the port is 53 when it is not said\n"
	"      --answer RECORD    a record of the answer, as in a zone file; any number of them, in order\n"
	"      --name-server 'NAME [ADDRESS]'\n"
	"                         a server of the zones that the name is in, for rules about name servers\n"
	"  -l, --live             ask the running resolver\n"
	"  -s, --socket PATH      its control socket; default: as the configuration says\n"
	"  -j, --json             one JSON object\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit: 0 the name is allowed; 1 it is denied, or the configuration is wrong; 2 wrong usage; 3 the configuration\n"
	"file cannot be read, or no resolver answers.\n";

struct explain_arguments {
	const char *config;
	const char *client;
	const char *interface;
	struct given_answer answer;
	struct live_options ask;
	bool live;
	bool json;
};

static int misuse_quoted(const struct command *command, const char *option, const char *text, const char *wrong)
{
	char safe[256];

	term_escape(safe, sizeof(safe), text, strlen(text));
	return command_misuse(command, "%s '%s': %s", option, safe, wrong);
}

/* A record or a name server. */
static int take_answer(const struct command *command, struct explain_arguments *given, int option)
{
	const bool record = option == 'A';
	const char *wrong = record ? given_answer_add(&given->answer, optarg)
				   : given_answer_add_server(&given->answer, optarg, 0);

	return wrong == NULL ? EXIT_FINE : misuse_quoted(command, record ? "--answer" : "--name-server", optarg, wrong);
}

/* EXIT_FINE: go on; -1: help was printed. */
static int parse(const struct command *command, int argc, char **argv, struct explain_arguments *given)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "client", required_argument, NULL, 'C' },
		{ "interface", required_argument, NULL, 'I' },
		{ "answer", required_argument, NULL, 'A' }, { "name-server", required_argument, NULL, 'N' },
		{ "live", no_argument, NULL, 'l' }, { "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	int option;

	while ((option = command_option(command, argc, argv, ":c:ls:jh", options)) != -1) {
		switch (option) {
		case 'c':
			given->config = optarg;
			break;
		case 'C':
			given->client = optarg;
			break;
		case 'I':
			given->interface = optarg;
			break;
		case 'A':
		case 'N':
			if (take_answer(command, given, option) != EXIT_FINE)
				return EXIT_USAGE;
			break;
		case 'j':
			given->json = true;
			break;
		case 'l':
			given->live = true;
			break;
		case 's':
			given->ask.socket = optarg;
			break;
		case 'h':
			return -1;
		default:
			return EXIT_USAGE;
		}
	}
	return EXIT_FINE;
}

static int parse_type(const struct command *command, const char *text, uint16_t *type)
{
	char safe[64];

	*type = (uint16_t)ldns_get_rr_type_by_name(text);
	if (*type != 0)
		return EXIT_FINE;
	term_escape(safe, sizeof(safe), text, strlen(text));
	return command_misuse(command, "there is no record type '%s'; try A, AAAA, HTTPS, TXT or TYPE65", safe);
}

static int parse_client(const struct command *command, const char *text, struct address *client)
{
	char safe[64];

	if (text == NULL || given_address(client, text) == 0)
		return EXIT_FINE;
	term_escape(safe, sizeof(safe), text, strlen(text));
	return command_misuse(command, "--client takes an IPv4 or IPv6 address, not '%s'", safe);
}

static int parse_interface(const struct command *command, const char *text, struct address *interface)
{
	char safe[64];

	if (text == NULL || request_interface(interface, text))
		return EXIT_FINE;
	term_escape(safe, sizeof(safe), text, strlen(text));
	return command_misuse(command, "--interface takes an address and perhaps a port, as 192.0.2.53@853, not '%s'",
		safe);
}

/* What detectors know of a client, whatever it asks for. */
static bool is_of_client(const struct explain_arguments *given)
{
	return given->live && given->client != NULL && given->interface == NULL;
}

/* NAME [TYPE], behind the options. The root: none. */
static int parse_question(const struct command *command, int argc, char **argv, const struct explain_arguments *given,
	struct facts *facts)
{
	int code;

	if (optind == argc && is_of_client(given))
		return EXIT_FINE;
	if (optind == argc)
		return command_misuse(command, "name a domain, such as www.example.com");
	if (argc - optind > 2)
		return command_misuse(command, "one name, and perhaps a type, at a time");
	facts->qtype = LDNS_RR_TYPE_A;
	facts->qclass = LDNS_RR_CLASS_IN;
	code = live_name(command, argv[optind], &facts->qname);
	if (code == EXIT_FINE && argc - optind == 2)
		code = parse_type(command, argv[optind + 1], &facts->qtype);
	return code;
}

/* Takes the explanation. */
static int show(const struct explain_arguments *given, json_t *explanation)
{
	const int code = json_get_flag(explanation, "denied") ? EXIT_WRONG : EXIT_FINE;
	const json_t *behaviour = json_object_get(explanation, "behaviour");
	struct term term;

	if (given->json)
		return json_print_line(explanation, stdout, false) ? code : EXIT_UNREADABLE;
	term_init(&term, STDOUT_FILENO);
	if (json_object_get(explanation, "qname") != NULL) {
		explanation_print(explanation, &term, stdout);
		fputs(behaviour != NULL ? "\n" : "", stdout);
	}
	if (behaviour != NULL)
		behaviour_print(behaviour, &term, stdout);
	json_decref(explanation);
	return code;
}

/* -1: *diag is set. */
static int explain(const struct explain_arguments *given, const struct facts *facts, struct diag *diag)
{
	struct conf *conf = conf_load(command_config(given->config), diag);
	struct snapshot *snapshot = conf == NULL ? NULL : snapshot_build(conf, time(NULL), NULL, diag);
	struct explanation explanation;
	int code = -1;

	if (snapshot != NULL && explanation_judge(&explanation, conf, snapshot, facts, diag) == 0) {
		if (explanation_find_lines(&explanation, diag) == 0)
			code = show(given, explanation_json(&explanation));
		explanation_fini(&explanation);
	}
	snapshot_destroy(&snapshot);
	conf_destroy(&conf);
	return code;
}

static int ask(const struct explain_arguments *given, const struct facts *facts)
{
	json_t *request = live_request("explain"), *answer, *explanation;
	char name[NAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];
	int code;

	if (facts->qname.labels > 0) {
		json_set_text(request, "name", name_to_text(&facts->qname, name));
		json_set_text(request, "type", rrtype_to_text(facts->qtype, type));
	}
	json_set_text(request, "client", given->client);
	json_set_text(request, "interface", given->interface);
	code = live_ask(&given->ask, request, &answer);
	if (code != EXIT_FINE)
		return code;
	explanation = json_incref(json_object_get(answer, "explanation"));
	live_end(&given->ask, answer, EXIT_FINE);
	return show(given, explanation);
}

static int run(const struct command *command, int argc, char **argv, struct explain_arguments *given)
{
	struct facts facts = { .transport = TRANSPORT_UDP, .recursion_desired = true };
	struct diag diag = { 0 };
	int code = parse(command, argc, argv, given);

	if (code != EXIT_FINE)
		return code < 0 ? EXIT_FINE : code;
	code = parse_question(command, argc, argv, given, &facts);
	if (code == EXIT_FINE)
		code = parse_client(command, given->client, &facts.client);
	if (code == EXIT_FINE)
		code = parse_interface(command, given->interface, &facts.server);
	if (code != EXIT_FINE)
		return code;
	/* Nobody is in no group but the default one. */
	if (given->interface != NULL && given->client == NULL)
		return command_misuse(command, "--interface goes with --client: groups are of clients");
	given_answer_show(&given->answer, &facts);
	given->ask.config = given->config;
	if (given->live && (facts.records != NULL || facts.servers != NULL))
		return command_misuse(command, "the running resolver judges questions: --live goes without --answer and "
			"--name-server");
	if (given->live)
		return ask(given, &facts);
	code = explain(given, &facts, &diag);
	return code >= 0 ? code : command_fail(command_config_code(given->config), &diag);
}

int cmd_explain(const struct command *command, int argc, char **argv)
{
	struct explain_arguments *given = calloc(1, sizeof(*given));
	struct diag diag = { .text = "out of memory" };
	int code;

	if (given == NULL)
		return command_fail(EXIT_UNREADABLE, &diag);
	code = run(command, argc, argv, given);
	given_answer_fini(&given->answer);
	free(given);
	return code;
}
