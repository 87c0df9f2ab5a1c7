/* server_flags.c: flags that become overrides, and what is told of them. */
#include "control/server_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/audit.h"
#include "control/flag_json.h"
#include "control/json.h"
#include "policy/evaluate.h"
#include "policy/rrtype.h"

#define CLASS_IN 1

bool server_detectors(const struct server_backend *backend, struct detector_conf to[DETECTOR_COUNT])
{
	const struct snapshot *snapshot = backend->host->pin(backend->host->arg);

	if (snapshot != NULL)
		memcpy(to, snapshot_options(snapshot)->detectors, DETECTOR_COUNT * sizeof(to[0]));
	backend->host->unpin(backend->host->arg);
	return snapshot != NULL;
}

/* --- making overrides --------------------------------------------------------------------------------------------- */

static bool is_in_shadow(const struct server_backend *backend)
{
	struct loader_view view;
	bool shadow;

	loader_lock(backend->loader, &view);
	shadow = view.conf == NULL || view.conf->mode == MODE_SHADOW;
	loader_unlock(backend->loader);
	return shadow;
}

/* Somebody may have allowed it since the answer that called for the flag. */
static bool release_allowed(const struct server_backend *backend, const struct flag *flag)
{
	size_t count;
	struct override *all = override_store_copy(backend->overrides, &count);
	bool released = false;

	for (size_t i = 0; i < count && !released; i++)
		if (flag_is_released(flag, &all[i])) {
			flag_book_release(behaviour_book(backend->behaviour), &all[i]);
			released = true;
		}
	free(all);
	return released;
}

/* Why the policy wants the zone to be let through; NULL: it does not care. */
static const char *vouched_for(const struct server_backend *backend, const struct flag *flag)
{
	const struct facts facts = { .client = flag->call.client, .transport = TRANSPORT_UDP, .qname = flag->call.zone,
		.qtype = RRTYPE_A, .qclass = CLASS_IN, .recursion_desired = true };
	const struct snapshot *snapshot = backend->host->pin(backend->host->arg);
	struct verdict verdict;

	verdict_init(&verdict);
	if (snapshot != NULL)
		evaluate_question(snapshot, &facts, &verdict);
	verdict.data = NULL;
	backend->host->unpin(backend->host->arg);
	if (snapshot == NULL)
		return "there is no policy";
	if (verdict.action == ACTION_PASS)
		return "the policy lets the zone through";
	if ((verdict.traits & TRAIT_POPULAR) != 0)
		return "the zone is popular";
	if ((verdict.traits & (TRAIT_APPROVED | TRAIT_INTERNAL)) != 0)
		return "the zone is approved";
	return NULL;
}

static void say_would_deny(const struct server_backend *backend, const struct flag *flag,
	const struct override *override)
{
	char line[AUDIT_LINE_MAX], text[AUDIT_LINE_MAX + 64];

	if (flag->would_deny_said)
		return;
	audit_override("would deny", override, override->who, override->why, line);
	snprintf(text, sizeof(text), "in shadow: %s", line);
	backend->host->log(backend->host->arg, false, text);
}

/* The id of the override; 0: `wrong` of `cap` octets says why there is none. */
static uint64_t deny(const struct server_backend *backend, const struct override *override, int64_t now, bool keep,
	char *wrong, size_t cap)
{
	const struct override_plan plan = { .add = override, .now = now };
	struct load_report report = { .number = 0 };
	struct override_change change;
	struct diag diag = { 0 };
	uint64_t id;

	if (override_store_plan(backend->overrides, &plan, &change, &diag) != 0) {
		snprintf(wrong, cap, "%.*s", (int)cap - 1, diag.text);
		return 0;
	}
	id = change.added.id;
	if (loader_set_overrides(backend->loader, change.all, change.count, &report) != 0) {
		snprintf(wrong, cap, "%.*s", (int)cap - 1, report.error[0] != '\0' ? report.error :
			"the resolver is stopping");
		id = 0;
	} else if (keep) {
		override_store_commit(backend->overrides, &change, now, override->who, override->why, NULL);
	} else {
		override_store_drop(backend->overrides, &change);
	}
	override_change_fini(&change);
	return id;
}

static void apply(const struct server_backend *backend, const struct flag *flag, const struct override *override,
	bool keep)
{
	struct flag_book *book = behaviour_book(backend->behaviour);
	char wrong[sizeof(flag->error)] = "";
	struct detector_conf detectors[DETECTOR_COUNT];
	const char *vouched;
	uint64_t id;

	if (release_allowed(backend, flag))
		return;
	/* The policy may be another one than the detector was called by. */
	if (server_detectors(backend, detectors) && !override_is_wanted(override, detectors)) {
		flag_book_done(book, flag->id, FLAG_ALERT, 0, NULL);
		return;
	}
	vouched = vouched_for(backend, flag);
	if (vouched != NULL) {
		flag_book_done(book, flag->id, FLAG_REFUSED, 0, vouched);
		return;
	}
	if (is_in_shadow(backend)) {
		say_would_deny(backend, flag, override);
		flag_book_done(book, flag->id, FLAG_WOULD_DENY, 0, NULL);
		return;
	}
	id = deny(backend, override, (int64_t)time(NULL), keep, wrong, sizeof(wrong));
	flag_book_done(book, flag->id, id != 0 ? FLAG_DENIED : FLAG_REFUSED, id, wrong);
}

/* Each leaves the book's row of those due. */
void server_apply_flags(const struct server_backend *backend, bool keep)
{
	struct override override;
	struct flag flag;

	while (backend->behaviour != NULL && flag_book_due(behaviour_book(backend->behaviour), &flag, &override))
		apply(backend, &flag, &override, keep);
}

void server_sync_flags(const struct server_backend *backend, const struct override *added)
{
	size_t count;
	struct override *all;

	if (backend->behaviour == NULL)
		return;
	if (added != NULL && added->id != 0)
		flag_book_release(behaviour_book(backend->behaviour), added);
	all = override_store_copy(backend->overrides, &count);
	if (all != NULL)
		flag_book_sync(behaviour_book(backend->behaviour), all, count);
	free(all);
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

static bool are_wanted(const struct server_backend *backend)
{
	struct loader_view view;
	bool wanted;

	loader_lock(backend->loader, &view);
	wanted = view.conf != NULL && view.conf->detection.wanted;
	loader_unlock(backend->loader);
	return wanted;
}

json_t *server_flagged(const struct server_backend *backend)
{
	json_t *answer = server_ok(), *array = json_array();
	struct flag *flags = NULL;
	size_t count = 0;

	json_set_flag(answer, "detectors", backend->behaviour != NULL);
	json_set_flag(answer, "detectors_wanted", are_wanted(backend));
	if (backend->behaviour != NULL)
		flags = flag_book_copy(behaviour_book(backend->behaviour), &count);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, flag_json(&flags[i]));
	free(flags);
	json_set_number(answer, "time", (uint64_t)time(NULL));
	json_object_set_new(answer, "flags", array);
	return answer;
}
