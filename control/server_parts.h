/*
 * server_parts.h: what server.c and the commands share. For control/server*.c alone.
 *
 * Threads: server_answer is called by the server thread and by its hands, at most one command that changes at a time.
 */
#ifndef CONTROL_SERVER_PARTS_H
#define CONTROL_SERVER_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "control/request.h"
#include "control/server.h"

/* Who asks, as the kernel says. */
struct server_peer {
	uid_t uid;
	bool may_change;
};

/* Does what the request asks. Returns the owned answer, a JSON object; NULL: no memory. */
json_t *server_answer(const struct server_backend *backend, const struct request *request,
	const struct server_peer *peer);

/* What the policy in force has detectors do. False: there is no policy. */
bool server_detectors(const struct server_backend *backend, struct detector_conf to[DETECTOR_COUNT]);

/* Takes out overrides that have ended, or that no detector wants; `keep`: of their file, too. False: it did not work,
 * try again later. */
bool server_end_overrides(const struct server_backend *backend, int64_t now, bool keep);

/* Makes the overrides that flags are due to become; `keep`: in their file, too. */
void server_apply_flags(const struct server_backend *backend, bool keep);

/* After a change of overrides: flags end with theirs, and what `added` lets through is none. NULL: nothing was added. */
void server_sync_flags(const struct server_backend *backend, const struct override *added);

/* server_flags.c */
json_t *server_flagged(const struct server_backend *backend);

/* {"ok": true}, and {"ok": false, "kind": ..., "error": ...}. Kinds are for programs: "request" (wrong usage),
 * "permission", "refused" (the policy or its guards say no), "failed", "busy". */
json_t *server_ok(void);
json_t *server_error(const char *kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* server_status.c */
json_t *server_status(const struct server_backend *backend);
json_t *server_stats(const struct server_backend *backend);
json_t *server_metrics(const struct server_backend *backend);
json_t *server_overrides(const struct server_backend *backend);

/* server_policy.c; `view` under loader_lock */
void server_add_view(json_t *answer, const struct loader_view *view, int64_t now);
json_t *server_load_json(const struct load_report *report);
json_t *server_sweep_json(const struct sweep_report *sweep);

/* server_change.c */
json_t *server_change(const struct server_backend *backend, const struct request *request,
	const struct server_peer *peer);

/* server_explain.c */
json_t *server_explain(const struct server_backend *backend, const struct request *request);

/* server_recent.c */
json_t *server_recent(const struct server_backend *backend);

#endif
