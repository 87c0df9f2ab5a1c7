/*
 * fake_resolver.c: the control socket of a resolver that is not there, for tests of the commands.
 *
 *     fake_resolver FOLDER CONFIG [DENIAL-LOG]
 *
 * Listens at FOLDER/control.sock, prints "ready", and ends at the end of its standard input. A line `slow N` there
 * makes loads take N ms, `fail` makes them fail, `deny` counts a denial of list "malware", `ask NAME` has two workers
 * note a question, and `see NAME` shows the detectors, where there are some, an answer to 192.0.2.7.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/behaviour.h"
#include "control/server.h"
#include "policy/rrtype.h"
#include "tests/unit/fake_live.h"

#define STOP_MS 60000

static struct loader loader;
static struct tally *tally;
static struct denial_log *denials;
static struct recent *recent;
static struct behaviour *behaviour;

static void deny(void)
{
	static const struct timespec when = { 1700000000, 0 };
	struct facts facts = { .client = { ADDRESS_INET, 0, { 192, 0, 2, 7 } }, .qtype = 1, .qclass = 1 };
	struct verdict verdict = { .action = ACTION_NXDOMAIN };
	const struct event event = { .facts = &facts, .verdict = &verdict, .response_time = when, .ede = 15 };

	name_from_text(&facts.qname, "www.evil.example", strlen("www.evil.example"));
	verdict.rule.trigger = TRIGGER_QNAME;
	verdict.rule.action = ACTION_NXDOMAIN;
	strcpy(verdict.rule.list, "malware");
	verdict.rule.rule_name = facts.qname;
	tally_note(tally, 0, &verdict);
	denial_log_note(denials, 0, &event);
}

static void ask(const char *text)
{
	struct name name;

	if (name_from_text(&name, text, strlen(text)) != NULL)
		return;
	for (unsigned i = 0; i < RECENT_EVERY; i++) {
		recent_note(recent, 0, &name, 1, "");
		recent_note(recent, 1, &name, 1, "");
	}
}

static void see(const char *text)
{
	struct facts facts = { .client = { ADDRESS_INET, 0, { 192, 0, 2, 7 } }, .qtype = RRTYPE_TXT, .qclass = 1 };
	const struct sight sight = { .facts = &facts, .path = PATH_RESOLVED, .now_ms = (int64_t)time(NULL) * 1000 };
	struct detections detections;

	if (behaviour != NULL && name_from_text(&facts.qname, text, strlen(text)) == NULL)
		behaviour_note(behaviour, &loader.conf->options, &sight, &detections);
}

static void obey(void)
{
	char line[300], name[300];
	unsigned number;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (sscanf(line, "slow %u", &number) == 1)
			loader.slow_ms = number;
		else if (strcmp(line, "fail\n") == 0)
			loader.fails = true;
		else if (strcmp(line, "deny\n") == 0)
			deny();
		else if (sscanf(line, "ask %299s", name) == 1)
			ask(name);
		else if (sscanf(line, "see %299s", name) == 1)
			see(name);
		puts("done");
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	struct control_host host = fake_live_host(&loader);
	char path[256], text[1024];
	struct server_options options = { .path = path };
	struct control_server *server;
	struct diag diag;

	if (argc < 3)
		return 2;
	fake_live_init(&loader, argv[2]);
	snprintf(path, sizeof(path), "%s/control.sock", argv[1]);
	tally = tally_create();
	recent = recent_create();
	denials = argc > 3 ? denial_log_create(&(struct denial_log_options){ .to = argv[3] }) : NULL;
	/* As the library: without detectors rather than not at all. */
	if (behaviour_start(&behaviour, loader.conf, &host, &diag) != 0)
		diag = (struct diag){ 0 };
	options.backend = (struct server_backend){ &host, &loader, override_store_open(argv[1], &host, time(NULL)), tally,
		denials, recent, behaviour };
	server = server_create(&options, &diag);
	if (server == NULL || diag.text[0] != '\0') {
		fprintf(stderr, "%s\n", diag_format(&diag, text, sizeof(text)));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	obey();
	if (!server_destroy(&server, STOP_MS) || !behaviour_stop(behaviour, STOP_MS))
		return 1;
	loader.conf->detection.wanted = false;
	behaviour_start(&behaviour, loader.conf, &host, &diag);
	denial_log_destroy(&denials, STOP_MS, NULL);
	override_store_close(&options.backend.overrides);
	tally_destroy(&tally);
	recent_destroy(&recent);
	fake_live_fini(&loader);
	return 0;
}
