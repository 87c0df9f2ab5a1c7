/* loader_log.c: what the loader says in the resolver's log. */
#include "control/loader_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/feed.h"

const char *const load_phase_names[PHASE_COUNT] = {
	[PHASE_READ] = "read",
	[PHASE_BUILD] = "build",
	[PHASE_CHECK] = "check",
	[PHASE_SWEEP] = "sweep",
	[PHASE_PUBLISH] = "publish",
};

const char *const load_cause_names[CAUSE_COUNT] = {
	[CAUSE_START] = "start",
	[CAUSE_COMMAND] = "command",
	[CAUSE_FILES] = "files changed",
	[CAUSE_EXPIRY] = "a list expired",
	[CAUSE_OVERRIDE] = "overrides",
	[CAUSE_ROLLBACK] = "back",
};

void loader_say(const struct loader *loader, bool error, const char *format, ...)
{
	char text[2048];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	loader->host->log(loader->host->arg, error, text);
}

static unsigned long long ms_of(const struct load_report *report, enum load_phase phase)
{
	return (unsigned long long)((report->phase_us[phase] + 500) / 1000);
}

static unsigned long long total_ms(const struct load_report *report)
{
	uint64_t total = 0;

	for (unsigned phase = 0; phase < PHASE_COUNT; phase++)
		total += report->phase_us[phase];
	return (unsigned long long)((total + 500) / 1000);
}

static void say_good(const struct loader *loader, const struct load_report *report)
{
	const struct sweep_report *sweep = &report->sweep;

	loader_say(loader, false, "policy %llu (%s%s): %zu lists, %zu rules, %zu skipped, %zu overrides, %.1f MiB in %llu ms "
		"(read %llu, build %llu, check %llu, sweep %llu (%llu entries, %llu removed%s), publish %llu)",
		(unsigned long long)report->number, load_cause_names[report->cause],
		report->compiled ? ", compiled" : "", report->lists, report->rules,
		report->skipped, loader->override_count, (double)report->octets / (1 << 20), total_ms(report),
		ms_of(report, PHASE_READ), ms_of(report, PHASE_BUILD), ms_of(report, PHASE_CHECK),
		ms_of(report, PHASE_SWEEP), (unsigned long long)(sweep->messages + sweep->rrsets),
		(unsigned long long)(sweep->messages_removed + sweep->rrsets_removed),
		sweep->complete ? "" : ", goes on", ms_of(report, PHASE_PUBLISH));
	if (report->compiled_wrong[0] != '\0')
		loader_say(loader, true, "the compiled policy was not used, the lists were read: %s", report->compiled_wrong);
	if (report->newly_denied > 0)
		loader_say(loader, false, "policy %llu newly denies %llu of the last %llu distinct questions, such as %s",
			(unsigned long long)report->number, (unsigned long long)report->newly_denied,
			(unsigned long long)report->questions, report->example);
	if (report->restart[0] != '\0')
		loader_say(loader, false, "changed, but only when Unbound loads again (unbound-control reload): %s",
			report->restart);
}

static void say_expired(const struct loader *loader, const struct edition *edition)
{
	for (size_t i = 0; i < edition->build.list_count; i++) {
		const struct list_report *list = &edition->build.lists[i];
		char text[256];

		if (feed_expired(&list->stats, list->loaded_at, text, sizeof(text)))
			loader_say(loader, true, "policy-list %s %s", edition->conf->lists[i].name, text);
	}
}

void loader_log(const struct loader *loader, const struct load_report *report)
{
	if (report->error[0] == '\0')
		say_good(loader, report);
	if (report->error[0] == '\0' && report->cause != CAUSE_OVERRIDE)
		say_expired(loader, loader->current);
	if (report->error[0] != '\0' && loader->current != NULL)
		loader_say(loader, true, "not loaded (%s), policy %llu stays in force: %s", load_cause_names[report->cause],
			(unsigned long long)loader->current->report.number, report->error);
}

/* --- what waits ------------------------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_users(const struct live_conf *a, const struct live_conf *b)
{
	if (a->control_user_count != b->control_user_count)
		return false;
	for (size_t i = 0; i < a->control_user_count; i++)
		if (!same_text(a->control_users[i], b->control_users[i]))
			return false;
	return true;
}

static bool same_names(const struct live_conf *a, const struct live_conf *b)
{
	if (a->protected_count != b->protected_count)
		return false;
	for (size_t i = 0; i < a->protected_count; i++)
		if (!name_equal(&a->protected[i], &b->protected[i]))
			return false;
	return true;
}

static bool same_detection(const struct detection_conf *a, const struct detection_conf *b)
{
	return a->wanted == b->wanted && same_text(a->suffixes, b->suffixes) && a->zones == b->zones &&
		a->clients == b->clients && a->pairs == b->pairs && a->names_octets == b->names_octets &&
		a->known_octets == b->known_octets && a->answers_octets == b->answers_octets &&
		a->flag_seconds == b->flag_seconds && a->flag_rate == b->flag_rate && a->flag_action == b->flag_action;
}

static bool same_guard(const struct guard_conf *a, const struct guard_conf *b)
{
	return a->msg_octets == b->msg_octets && a->rrset_octets == b->rrset_octets &&
		a->unique_per_client == b->unique_per_client && a->fail == b->fail &&
		a->answer_budget == b->answer_budget;
}

static bool same_target(const struct target_conf *a, const struct target_conf *b)
{
	return strcmp(a->name, b->name) == 0 && same_text(a->socket_path, b->socket_path) &&
		memcmp(&a->address, &b->address, sizeof(a->address)) == 0 && a->tls == b->tls &&
		same_text(a->tls_name, b->tls_name) && same_text(a->tls_ca_file, b->tls_ca_file) &&
		same_text(a->tls_certificate, b->tls_certificate) && same_text(a->tls_key, b->tls_key) &&
		same_text(a->file, b->file) && a->commit_interval == b->commit_interval &&
		a->rotate_octets == b->rotate_octets && a->rotate_interval == b->rotate_interval &&
		a->rotate_keep == b->rotate_keep;
}

static bool same_targets(const struct conf *a, const struct conf *b)
{
	if (a->target_count != b->target_count)
		return false;
	for (size_t i = 0; i < a->target_count; i++)
		if (!same_target(&a->targets[i], &b->targets[i]))
			return false;
	return true;
}

static bool same_dnstap(const struct dnstap_conf *a, const struct dnstap_conf *b)
{
	return same_text(a->socket_path, b->socket_path) && same_text(a->file, b->file) && a->frames == b->frames &&
		a->sample_rate == b->sample_rate && a->ring_octets == b->ring_octets &&
		a->spool_octets == b->spool_octets && a->memory_octets == b->memory_octets &&
		a->sync_interval == b->sync_interval && a->heartbeat_interval == b->heartbeat_interval &&
		a->compat_protocol == b->compat_protocol && a->prefix_ipv4 == b->prefix_ipv4 &&
		a->prefix_ipv6 == b->prefix_ipv6;
}

static bool same_denial_log(const struct live_conf *a, const struct live_conf *b)
{
	return same_text(a->denial_log, b->denial_log) && a->denial_log_rate == b->denial_log_rate;
}

void loader_pending(const struct conf *started, const struct conf *now, char *to, size_t cap)
{
	const struct {
		bool same;
		const char *what;
	} rows[] = {
		{ same_text(started->identity, now->identity), "identity" },
		{ same_text(started->state_directory, now->state_directory), "state-directory" },
		{ same_text(started->live.control_socket, now->live.control_socket), "control-socket" },
		{ same_users(&started->live, &now->live), "control-user" },
		{ same_denial_log(&started->live, &now->live), "denial-log and its rate" },
		{ same_guard(&started->guard, &now->guard), "the guarded cache and its bounds" },
		{ same_detection(&started->detection, &now->detection), "detection" },
		{ !now->detection.wanted || same_names(&started->live, &now->live), "protected names, to the detectors" },
		{ same_dnstap(&started->dnstap, &now->dnstap) && same_targets(started, now), "dnstap and its targets" },
	};
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int length;

		if (rows[i].same)
			continue;
		length = snprintf(to + used, cap - used, "%s%s", used > 0 ? ", " : "", rows[i].what);
		if (length < 0 || (size_t)length >= cap - used)
			return;
		used += (size_t)length;
	}
}
