/*
 * live.h: talking to the running resolver (control/server.h), for the commands that do.
 *
 * Threads: none.
 */
#ifndef TOOLS_LIVE_H
#define TOOLS_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "policy/diag.h"
#include "policy/name.h"
#include "tools/verdictctl.h"

/* What all of these commands take. */
struct live_options {
	const char *config;
	const char *socket;   /* NULL: as the configuration says */
	bool json;
};

#define LIVE_LETTERS ":c:s:jh"
#define LIVE_OPTIONS { "config", required_argument, NULL, 'c' }, { "socket", required_argument, NULL, 's' }, \
	{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }

#define LIVE_HELP_OPTIONS \
	"  -s, --socket PATH      the resolver's control socket; default: as the configuration says\n" \
	"  -c, --config FILE      default: $UNBOUND_VERDICT_CONF, else " SYSCONFDIR "/unbound/verdict.conf\n" \
	"  -j, --json             the resolver's answer as one JSON object\n" \
	"  -h, --help             this text\n"

#define LIVE_HELP_EXIT \
	"Exit: 0 done; 1 the resolver or its policy refuses; 2 wrong usage; 3 no resolver answers at the socket.\n"

/* Takes one of LIVE_OPTIONS. False: it is none of them. */
bool live_option(struct live_options *options, int option);

/* Reads the arguments of a command that takes LIVE_OPTIONS and nothing else. False: it ends here, with *code. */
bool live_options_alone(const struct command *command, int argc, char **argv, struct live_options *options, int *code);

/* Sends one request (taken) and waits for the answer, however long that takes. EXIT_FINE with the owned *answer; else
 * an exit code after a complaint (with --json the resolver's own is printed), and *answer is NULL. */
int live_ask(const struct live_options *options, json_t *request, json_t **answer);

/* Where the socket is. EXIT_FINE with the owned *path, or an exit code after a complaint. */
int live_socket(const struct live_options *options, char **path);

/* One question and one answer, without a word. Takes the request. NULL with *diag set. */
json_t *live_call(const char *path, json_t *request, struct diag *diag);

/* A request of that command; one that changes something says who root is behind sudo. */
json_t *live_request(const char *command);
json_t *live_change_request(const char *command);

/* Ends a command: prints a warning, and with --json the answer. Takes the answer. Returns `code`. */
int live_end(const struct live_options *options, json_t *answer, int code);

/* --- words --- */

/* `90`, `30s`, `30m`, `1h`, `7d`. False: it is none, or not in 1 s to 90 d. */
bool live_duration(const char *text, uint32_t *seconds);

/* `to` holds LIVE_TEXT_MAX. Return `to`. */
#define LIVE_TEXT_MAX 64
char *live_span(int64_t seconds, char *to);             /* 3 min */
char *live_time(int64_t seconds, char *to);             /* 2026-11-21 00:40:44, local */
char *live_octets(int64_t octets, char *to);            /* 21.4 MiB */

/* Reads a name in ASCII or Unicode. EXIT_FINE, or EXIT_USAGE after a complaint. */
int live_name(const struct command *command, const char *text, struct name *name);

#endif
