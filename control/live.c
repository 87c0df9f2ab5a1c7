/* live.c: puts the live side together. */
#include "control/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "control/behaviour.h"
#include "control/denial_log.h"
#include "control/loader.h"
#include "control/override_store.h"
#include "control/recent.h"
#include "control/server.h"
#include "control/tally.h"
#include "policy/hot.h"

#define SOCKET_NAME "control.sock"
#define DENIAL_LOG_STOP_MS 500u
#define DETECTORS_STOP_MS 4000u      /* they write down what they remember */

struct live {
	const struct control_host *host;
	struct recent *recent;
	struct tally *tally;
	struct loader *loader;
	struct override_store *overrides;   /* NULL: none could be made */
	char *store_directory;              /* of `overrides` */
	/* made and destroyed while no worker runs: */
	struct denial_log *denial_log;      /* NULL: none */
	struct denial_log_counts denials;   /* of those before */
	struct control_server *server;            /* NULL: none */
	struct behaviour *behaviour;        /* NULL: no detectors */
	bool stuck;                         /* a thread of a server was given up: what it may use stays for ever */
};

static void live_free(struct live **live)
{
	loader_destroy(&(*live)->loader);
	override_store_close(&(*live)->overrides);
	recent_destroy(&(*live)->recent);
	tally_destroy(&(*live)->tally);
	free((*live)->store_directory);
	free(*live);
	*live = NULL;
}

static struct live *live_new(const struct live_options *options)
{
	struct live *live = calloc(1, sizeof(*live));

	if (live == NULL)
		return NULL;
	live->host = options->host;
	live->recent = recent_create();
	live->tally = tally_create();
	if (live->recent == NULL || live->tally == NULL)
		live_free(&live);
	return live;
}

static void say(const struct live *live, bool error, const char *what, const char *why)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s%s", what, why);
	live->host->log(live->host->arg, error, text);
}

/* --- overrides -------------------------------------------------------------------------------------------------- */

/* At the first start, and where the folder is another one: then what was kept in the old one ends here, since nobody
 * would end it. */
static void open_overrides(struct live *live, const char *directory)
{
	const bool other = live->overrides != NULL;
	struct load_report report;
	struct override *all;
	size_t count = 0;

	if (live->store_directory != NULL && strcmp(live->store_directory, directory) == 0)
		return;
	override_store_close(&live->overrides);
	free(live->store_directory);
	live->store_directory = strdup(directory);
	live->overrides = override_store_open(directory, live->host, time(NULL));
	if (live->overrides == NULL) {
		say(live, true, "overrides: out of memory", "");
		return;
	}
	all = override_store_copy(live->overrides, &count);
	if (all != NULL && (count > 0 || other) && loader_restore_overrides(live->loader, all, count, &report) != 0)
		say(live, true, "the overrides that were kept are not in force: ", report.error);
	free(all);
}

/* --- socket and log --------------------------------------------------------------------------------------------- */

/* The resolver's own folder; what lies in it is for it and its operators alone. */
static void make_folder(const struct live *live, const char *path)
{
	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		say(live, true, "state-directory: cannot be made: ", strerror(errno));
}

static void start_denial_log(struct live *live, const struct live_conf *conf)
{
	const struct denial_log_options options = { .to = conf->denial_log, .rate = conf->denial_log_rate,
		.before = &live->denials };

	if (conf->denial_log == NULL)
		return;
	live->denial_log = denial_log_create(&options);
	if (live->denial_log == NULL)
		say(live, true, "denial-log: ", strerror(errno));
}

static void start_detectors(struct live *live, const struct conf *conf)
{
	struct diag diag = { 0 };
	char text[1024];

	if (behaviour_start(&live->behaviour, conf, live->host, &diag) != 0)
		say(live, true, "detectors: ", diag_format(&diag, text, sizeof(text)));
}

static void take_flags(void *server)
{
	server_take_flags(server);
}

static void look_again(void *server)
{
	server_look_again(server);
}

static void start_server(struct live *live, const struct conf *conf)
{
	char path[4096 + sizeof(SOCKET_NAME)], text[1024];
	const struct server_options options = {
		.path = conf->live.control_socket != NULL ? conf->live.control_socket : path,
		.users = conf->live.control_users,
		.user_count = conf->live.control_user_count,
		.backend = { .host = live->host, .loader = live->loader, .overrides = live->overrides,
			.tally = live->tally, .denial_log = live->denial_log, .recent = live->recent, .behaviour = live->behaviour },
	};
	struct diag diag = { 0 };

	if (live->overrides == NULL)
		return;
	snprintf(path, sizeof(path), "%s/" SOCKET_NAME, conf->state_directory);
	live->server = server_create(&options, &diag);
	if (diag.text[0] != '\0')
		say(live, true, "no control socket: ", diag_format(&diag, text, sizeof(text)));
	if (live->server == NULL)
		return;
	behaviour_act_by(live->behaviour, take_flags, live->server);
	loader_tell(live->loader, look_again, live->server);
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

int live_start(struct live **live, const struct live_options *options, struct diag *diag)
{
	struct live *own = *live != NULL ? *live : live_new(options);
	struct loader_options loading = { .conf_path = options->conf_path, .chroot = options->chroot,
		.host = options->host };
	struct diag wrong = { 0 };
	struct loader *loader;
	const struct conf *conf;

	if (own == NULL)
		return diag_set(diag, options->conf_path, 0, 0, "out of memory");
	loading.recent = own->recent;
	loader = loader_create(&loading, own->loader, &wrong);
	own->loader = loader;
	if (loader == NULL) {
		live_free(&own);
		*live = NULL;
		*diag = wrong;
		return -1;
	}
	*live = own;
	conf = loader_started(loader);
	make_folder(own, conf->state_directory);
	open_overrides(own, conf->state_directory);
	start_denial_log(own, &conf->live);
	start_detectors(own, conf);
	start_server(own, conf);
	if (wrong.text[0] == '\0')
		return 0;
	*diag = wrong;
	return -1;
}

void live_stop(struct live *live, unsigned timeout_ms)
{
	bool left = false;               /* a thread of the server, which may look at detectors still */

	loader_stop(live->loader, timeout_ms / 2);
	loader_tell(live->loader, NULL, NULL);
	behaviour_act_by(live->behaviour, NULL, NULL);
	if (live->server != NULL)
		left = !server_destroy(&live->server, timeout_ms / 2);
	live->stuck |= left;
	if (!live->stuck)
		denial_log_destroy(&live->denial_log, DENIAL_LOG_STOP_MS, &live->denials);
	live->denial_log = NULL;
	/* What it may use stays with it. */
	if (!behaviour_stop(live->behaviour, DETECTORS_STOP_MS) || left)
		live->behaviour = NULL;
}

const struct conf *live_conf(const struct live *live)
{
	return loader_started(live->loader);
}

HOT void live_note_question(struct live *live, unsigned worker, const struct name *qname, uint16_t qtype,
	const char *group)
{
	recent_note(live->recent, worker, qname, qtype, group);
}

HOT void live_note_verdict(struct live *live, unsigned worker, const struct verdict *verdict)
{
	tally_note(live->tally, worker, verdict);
}

void live_note_escape(struct live *live)
{
	loader_sweep_soon(live->loader);
}

HOT bool live_takes(const struct live *live, const struct verdict *verdict)
{
	return live->denial_log != NULL && action_table[verdict->action].denies;
}

HOT void live_note_denial(struct live *live, unsigned worker, const struct event *event)
{
	if (live->denial_log != NULL)
		denial_log_note(live->denial_log, worker, event);
}

HOT bool live_has_detectors(const struct live *live)
{
	return live->behaviour != NULL;
}

HOT bool live_detects(const struct live *live, const struct facts *facts, enum answer_path path, uint64_t ordinal)
{
	return behaviour_wants(live->behaviour, facts, path, ordinal);
}

void live_hit(struct live *live, struct detect_hits *hits, const struct facts *facts, int64_t now_s)
{
	behaviour_hit(live->behaviour, hits, facts, now_s);
}

void live_detect(struct live *live, const struct policy_options *options, const struct sight *sight,
	struct detections *detections)
{
	behaviour_note(live->behaviour, options, sight, detections);
}
