/* server_change.c: commands that change what the resolver does. In the hands for changes and for loads. */
#include "control/server_parts.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "control/audit.h"
#include "control/json.h"
#include "control/override_file.h"
#include "control/quote.h"

#define PASSWD_OCTETS 4096

/* `root`, or `root (as alice)` when root says so; without a user database, as in a chroot, `uid 1000`. A name that was
 * cut inside a character would be no UTF-8, and the file of overrides no JSON: octets beyond ASCII are escaped. */
static void write_who(const struct server_peer *peer, const struct request *request, char *to)
{
	struct passwd entry, *found = NULL;
	char buffer[PASSWD_OCTETS], name[OVERRIDE_WHO_MAX];

	if (peer->uid == 0)
		snprintf(name, sizeof(name), "root");
	else if (getpwuid_r(peer->uid, &entry, buffer, sizeof(buffer), &found) == 0 && found != NULL)
		quote_escape(name, sizeof(name), found->pw_name, strlen(found->pw_name));
	else
		snprintf(name, sizeof(name), "uid %u", (unsigned)peer->uid);
	if (peer->uid == 0 && request->as[0] != '\0')
		snprintf(to, OVERRIDE_WHO_MAX, "root (as %s)", request->as);
	else
		memcpy(to, name, sizeof(name));
}

static void add_warning(json_t *answer, const struct diag *diag)
{
	char text[sizeof(*diag) + 32];

	json_set_text(answer, "warning", diag_format(diag, text, sizeof(text)));
}

/* Says what went wrong, and how far it came. */
static json_t *refuse_load(const struct load_report *report)
{
	const char *why = report->error[0] != '\0' ? report->error : "the policy was not loaded";
	json_t *answer = server_error("refused", "%s", why);

	json_object_set_new(answer, "load", server_load_json(report));
	return answer;
}

/* --- overrides --------------------------------------------------------------------------------------------- */

static json_t *changed_answer(const struct override_change *change, const struct load_report *report)
{
	json_t *answer = server_ok(), *gone = json_array();

	if (change->added.id != 0)
		json_object_set_new(answer, "override", override_json(&change->added));
	for (size_t i = 0; i < change->gone_count; i++)
		json_array_append_new(gone, override_json(&change->gone[i]));
	json_object_set_new(answer, "removed", gone);
	json_object_set_new(answer, "load", server_load_json(report));
	return answer;
}

/* Publishes the planned list, and keeps it when that went well. */
static json_t *carry_out(const struct server_backend *backend, struct override_change *change, int64_t now,
	const char *who, const char *why)
{
	struct load_report report = { 0 };
	struct diag diag = { 0 };
	json_t *answer;

	if (loader_set_overrides(backend->loader, change->all, change->count, &report) != 0)
		return refuse_load(&report);
	answer = changed_answer(change, &report);
	if (override_store_commit(backend->overrides, change, now, who, why, &diag) != 0)
		add_warning(answer, &diag);
	server_sync_flags(backend, &change->added);
	return answer;
}

static json_t *plan_and_carry_out(const struct server_backend *backend, const struct override_plan *plan,
	const char *who, const char *why)
{
	struct override_change change;
	struct diag diag = { 0 };
	json_t *answer;

	if (override_store_plan(backend->overrides, plan, &change, &diag) != 0)
		return server_error("failed", "%s", diag.text);
	if (change.added.id == 0 && change.revoked == 0)
		answer = server_error("refused", "there is no such override");
	else
		answer = carry_out(backend, &change, plan->now, who, why);
	override_change_fini(&change);
	return answer;
}

static json_t *add_override(const struct server_backend *backend, const struct request *request, const char *who,
	int64_t now)
{
	struct override add = {
		.name = request->name,
		.action = request->command == REQUEST_ALLOW ? ACTION_PASS : ACTION_NXDOMAIN,
		.client = request->client,
		.made = now,
		.until = now + request->seconds,
	};
	const struct override_plan plan = { .add = &add, .now = now };

	memcpy(add.why, request->why, sizeof(add.why));
	memcpy(add.who, who, sizeof(add.who));
	return plan_and_carry_out(backend, &plan, who, add.why);
}

static json_t *revoke(const struct server_backend *backend, const struct request *request, const char *who,
	int64_t now)
{
	const struct override_plan plan = {
		.revoke_id = request->id,
		.revoke_name = (request->given & MEMBER_NAME) != 0 ? &request->name : NULL,
		.now = now,
	};

	return plan_and_carry_out(backend, &plan, who, request->why);
}

bool server_end_overrides(const struct server_backend *backend, int64_t now, bool keep)
{
	struct detector_conf detectors[DETECTOR_COUNT];
	const struct override_plan plan = { .detectors = server_detectors(backend, detectors) ? detectors : NULL, .now = now };
	struct load_report report = { 0 };
	struct override_change change;
	bool ended;

	if (override_store_plan(backend->overrides, &plan, &change, NULL) != 0)
		return false;
	ended = change.gone_count == 0 ||
		loader_set_overrides(backend->loader, change.all, change.count, &report) == 0;
	if (ended && !keep)
		override_store_drop(backend->overrides, &change);
	else if (ended && change.gone_count > 0)
		override_store_commit(backend->overrides, &change, now, "verdict", "its detector does not block any more", NULL);
	if (ended)
		server_sync_flags(backend, NULL);
	override_change_fini(&change);
	return ended;
}

/* --- reload and flush -------------------------------------------------------------------------------------- */

static json_t *reload(const struct server_backend *backend, const struct request *request, const char *who,
	int64_t now)
{
	const bool back = request->previous || (request->given & MEMBER_TO) != 0;
	const struct load_request load = {
		.cause = back ? CAUSE_ROLLBACK : CAUSE_COMMAND,
		.force = request->force,
		.to = request->to,
	};
	struct load_report report = { 0 };
	struct diag diag = { 0 };
	char what[256];
	json_t *answer;

	if (loader_request(backend->loader, &load, &report) != 0)
		return server_error("busy", "%s", report.error[0] != '\0' ? report.error :
			"the resolver is stopping, or too many loads wait; try again");
	snprintf(what, sizeof(what), "reload%s%s policy=%llu result=%s", back ? " back=yes" : "",
		request->force ? " force=yes" : "", (unsigned long long)report.number, report.number != 0 ? "ok" : "refused");
	if (report.number == 0)
		answer = refuse_load(&report);
	else
		answer = server_ok();
	if (report.number != 0)
		json_object_set_new(answer, "load", server_load_json(&report));
	if (override_store_audit(backend->overrides, now, who, what, &diag) != 0)
		add_warning(answer, &diag);
	return answer;
}

static json_t *flush(const struct server_backend *backend, const struct request *request, const char *who,
	int64_t now)
{
	struct sweep_report sweep = { 0 };
	struct diag diag = { 0 };
	char name[NAME_TEXT_MAX], what[AUDIT_LINE_MAX] = "flush";
	size_t used = strlen(what);
	json_t *answer;

	backend->host->flush(backend->host->arg, &request->name, request->below, &sweep);
	answer = server_ok();
	json_set_text(answer, "name", name_to_text(&request->name, name));
	json_set_flag(answer, "below", request->below);
	json_object_set_new(answer, "sweep", server_sweep_json(&sweep));
	used = audit_add(what, used, "name", name);
	audit_add(what, used, "below", request->below ? "yes" : "no");
	if (override_store_audit(backend->overrides, now, who, what, &diag) != 0)
		add_warning(answer, &diag);
	return answer;
}

json_t *server_change(const struct server_backend *backend, const struct request *request,
	const struct server_peer *peer)
{
	const int64_t now = (int64_t)time(NULL);
	char who[OVERRIDE_WHO_MAX] = "";

	write_who(peer, request, who);
	switch (request->command) {
	case REQUEST_ALLOW:
	case REQUEST_DENY:
		return add_override(backend, request, who, now);
	case REQUEST_REVOKE:
		return revoke(backend, request, who, now);
	case REQUEST_RELOAD:
		return reload(backend, request, who, now);
	case REQUEST_FLUSH:
		return flush(backend, request, who, now);
	case REQUEST_STATUS:
	case REQUEST_STATS:
	case REQUEST_METRICS:
	case REQUEST_OVERRIDES:
	case REQUEST_EXPLAIN:
	case REQUEST_RECENT:
	case REQUEST_FLAGGED:
	case REQUEST_LOG_REOPEN:
	case REQUEST_COUNT:
		break;
	}
	return server_error("request", "there is no such change");
}
