/* server_commands.c: from a request to the function that does it. */
#include "control/server_parts.h"

#include <stdarg.h>
#include <stdio.h>

#include "control/json.h"

json_t *server_ok(void)
{
	json_t *object = json_object();

	json_set_flag(object, "ok", true);
	return object;
}

json_t *server_error(const char *kind, const char *format, ...)
{
	json_t *object = json_object();
	char text[1280];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_set_flag(object, "ok", false);
	json_set_text(object, "kind", kind);
	json_set_text(object, "error", text);
	return object;
}

static json_t *reopen_files(const struct server_backend *backend)
{
	const struct control_host *host = backend->host;
	const bool frames = host->reopen != NULL && host->reopen(host->arg);

	if (backend->denial_log == NULL && !frames)
		return server_error("failed", "there is neither a denial log nor a file of frames: denial-log: is not set");
	if (backend->denial_log != NULL)
		denial_log_reopen(backend->denial_log);
	return server_ok();
}

json_t *server_answer(const struct server_backend *backend, const struct request *request,
	const struct server_peer *peer)
{
	switch (request->command) {
	case REQUEST_STATUS:
		return server_status(backend);
	case REQUEST_STATS:
		return server_stats(backend);
	case REQUEST_METRICS:
		return server_metrics(backend);
	case REQUEST_OVERRIDES:
		return server_overrides(backend);
	case REQUEST_EXPLAIN:
		return server_explain(backend, request);
	case REQUEST_RECENT:
		return server_recent(backend);
	case REQUEST_FLAGGED:
		return server_flagged(backend);
	case REQUEST_LOG_REOPEN:
		return reopen_files(backend);
	case REQUEST_RELOAD:
	case REQUEST_ALLOW:
	case REQUEST_DENY:
	case REQUEST_REVOKE:
	case REQUEST_FLUSH:
		return server_change(backend, request, peer);
	case REQUEST_COUNT:
		break;
	}
	return server_error("request", "there is no such command");
}
