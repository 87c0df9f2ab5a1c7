/* collect.c: what a collector does with a frame, and with its disk. */
#include "tools/collect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "store/shelf.h"
#include "tools/term.h"

#define OLDEST_S (31 * 86400)        /* behind, and */
#define NEWEST_S 86400               /* ahead of our clock: a frame's own day */
#define DAY_SECONDS 86400
#define AGAIN_S 5                    /* after a failure */
#define STAYED_S 3600                /* until it is said again that a day cannot be removed */
#define SAID_MAX 8                   /* messages in a second */
#define MASK_IPV4 24
#define MASK_IPV6 56

void collector_say(struct collector *collector, const char *text)
{
	char safe[1024];
	int64_t now_s = (int64_t)time(NULL);

	if (now_s != collector->said_s) {
		if (collector->withheld > 0)
			fprintf(stderr, "verdictctl: %u more messages\n", collector->withheld);
		collector->said_s = now_s;
		collector->said = collector->withheld = 0;
	}
	if (++collector->said > SAID_MAX) {
		collector->withheld++;
		return;
	}
	term_escape(safe, sizeof(safe), text, strlen(text));
	fprintf(stderr, "verdictctl: %s\n", safe);
}

static void tell(void *arg, const char *text)
{
	collector_say(arg, text);
}

/* --- frames ------------------------------------------------------------------------------------------------- */

static void stop(struct collector *collector, const char *why)
{
	char text[sizeof(collector->stopped) + 64];

	if (collector->stopped[0] == '\0')
		collector->stopped_s = (int64_t)time(NULL);
	else if (strcmp(collector->stopped, why) == 0)
		return;
	snprintf(collector->stopped, sizeof(collector->stopped), "%s", why);
	snprintf(text, sizeof(text), "nothing is taken: %s", collector->stopped);
	collector_say(collector, text);
}

static enum collect_result stop_by(struct collector *collector, const struct diag *diag)
{
	char text[sizeof(struct diag) + 32];

	stop(collector, diag_format(diag, text, sizeof(text)));
	return COLLECT_STOPPED;
}

static void refuse(struct collector *collector, const struct peer *peer, const char *identity)
{
	char text[2 * PEER_NAME_OCTETS + 128];

	collector->counts.refused++;
	snprintf(text, sizeof(text), "a frame of \"%s\" is refused: %s%s%s", identity,
		peer->certified ? "the certificate of \"" : "it comes without the certificate that it is bound to",
		peer->certified ? peer->names[0] : "", peer->certified ? "\" does not stand for it" : "");
	collector_say(collector, text);
}

/* What a resolver has hidden already stays as it is. A rule about a client would tell it. */
static void hide(struct collector *collector, struct store_event *event)
{
	if (collector->privacy == NULL || event->client.family == ADDRESS_NONE || event->verdict.privacy[0] != '\0')
		return;
	privacy_hide(collector->privacy, 0, collector->options->privacy, &event->client);
	event->verdict.privacy = collector->options->privacy == PRIVACY_MASK ? "mask" : "pseudonym";
	if (strcmp(event->verdict.trigger, "CLIENT-IP") == 0)
		event->verdict.rule = "(private)";
	/* Of a shadow rule the trigger is not told: a prefix can be the client's. */
	if (strchr(event->verdict.shadow_rule, '/') != NULL)
		event->verdict.shadow_rule = "(private)";
}

static int keep(struct collector *collector, enum frame_event_kind kind, struct diag *diag)
{
	bool again;

	if (kind == FRAME_EVENT_SERVERS)
		return store_servers(collector->store, &collector->reading.event, diag);
	if (kind == FRAME_EVENT_NOTE)
		return store_note(collector->store, &collector->reading.note, &again, diag);
	hide(collector, &collector->reading.event);
	return store_put(collector->store, &collector->reading.event, &again, diag);
}

static enum collect_result keep_or_stop(struct collector *collector, enum frame_event_kind kind)
{
	struct diag diag;

	return keep(collector, kind, &diag) == 0 ? COLLECT_TAKEN : stop_by(collector, &diag);
}

/* A question whose answer did not come. */
static bool keep_question(void *arg, const uint8_t *octets, size_t length)
{
	struct collector *collector = arg;
	enum frame_event_kind kind = frame_event_read(&collector->reading, octets, length, &collector->clock);
	bool kept;

	if (kind == FRAME_EVENT_BAD)
		return true;
	kept = keep_or_stop(collector, kind) == COLLECT_TAKEN;
	frame_event_fini(&collector->reading);
	return kept;
}

static enum collect_result take_answer(struct collector *collector, const struct pair_key *key)
{
	struct store_event *event = &collector->reading.event;
	uint64_t asked_us;

	if (pairing_answer(collector->pairing, key, event->time_us, &asked_us)) {
		collector->counts.paired++;
		if (event->latency_us == UINT32_MAX && event->time_us >= asked_us)
			event->latency_us = (uint32_t)(event->time_us - asked_us);
	}
	return keep_or_stop(collector, FRAME_EVENT_ANSWER);
}

static enum collect_result take_question(struct collector *collector, const struct pair_key *key,
	const struct peer *peer, const uint8_t *octets, size_t length)
{
	enum pair_result result;

	/* One that is pushed out is read into the same place. */
	frame_event_fini(&collector->reading);
	result = pairing_question(collector->pairing, key, collector->reading.event.time_us, octets, length, peer->number,
		collector->clock.now_s);
	collector->counts.paired += result == PAIR_ANSWERED;
	return result == PAIR_FAILED ? COLLECT_STOPPED : COLLECT_TAKEN;
}

enum collect_result collector_take(struct collector *collector, struct peer *peer, const uint8_t *octets,
	size_t length)
{
	enum frame_event_kind kind = frame_event_read(&collector->reading, octets, length, &collector->clock);
	enum collect_result result = COLLECT_TAKEN;
	struct pair_key key;

	collector->counts.frames++;
	if (kind == FRAME_EVENT_BAD) {
		collector->counts.undecodable++;
		return COLLECT_TAKEN;
	}
	collector->counts.other += kind == FRAME_EVENT_OTHER || kind == FRAME_EVENT_SERVERS;
	if (kind == FRAME_EVENT_OTHER) {
		frame_event_fini(&collector->reading);
		return COLLECT_TAKEN;
	}
	if (!identities_allow(collector->identities, peer, collector->reading.identity)) {
		refuse(collector, peer, collector->reading.identity);
		result = COLLECT_REFUSED;
	} else if (kind != FRAME_EVENT_ANSWER || !pairing_key(collector->pairing, &collector->reading, &key)) {
		result = keep_or_stop(collector, kind);
	} else if (collector->reading.fields.is_response) {
		result = take_answer(collector, &key);
	} else {
		result = take_question(collector, &key, peer, octets, length);
	}
	frame_event_fini(&collector->reading);
	return result;
}

bool collector_read_identities(struct collector *collector)
{
	char text[sizeof(struct diag) + 64], why[sizeof(struct diag) + 32];
	struct diag diag;
	bool fine = identities_read_again(&collector->identities, &diag) == 0;

	snprintf(text, sizeof(text), "%s%s", fine ? "" : diag_format(&diag, why, sizeof(why)),
		fine ? "identities were read again" : "; identities stay as they are");
	collector_say(collector, text);
	return fine;
}

bool collector_release(struct collector *collector, unsigned from)
{
	return pairing_release(collector->pairing, from, INT64_MAX);
}

bool collector_commit(struct collector *collector)
{
	struct diag diag;

	if (store_commit(collector->store, &diag) == 0)
		return true;
	stop_by(collector, &diag);
	return false;
}

/* --- beginning and end -------------------------------------------------------------------------------------- */

static int make_privacy(struct collector *collector, struct diag *diag)
{
	const struct collect_options *options = collector->options;
	uint8_t key[PRIVACY_KEY_OCTETS] = { 0 };
	int result = options->privacy == PRIVACY_PSEUDONYM ? privacy_key_load(options->directory, key, diag) : 0;

	if (options->privacy == PRIVACY_NONE)
		return 0;
	if (result < 0)
		return -1;
	if (result > 0)
		return diag_set(diag, options->directory, 0, 0, "cannot keep the key of pseudonyms there");
	collector->privacy = privacy_create(key, MASK_IPV4, MASK_IPV6, 1);
	return collector->privacy != NULL ? 0 : diag_set(diag, options->directory, 0, 0, "no memory");
}

static int look_at_days(struct collector *collector, struct diag *diag)
{
	struct shelf_file *files;
	unsigned count;

	if (shelf_list_all(collector->options->directory, &files, &count, diag) != 0)
		return -1;
	collect_clock_init(&collector->day_clock, collect_clock_newest(files, count, (int64_t)time(NULL)));
	free(files);
	return 0;
}

/* What a certificate stood for once is not taken from who has none: not after a restart, either. */
static int remember_identities(struct collector *collector, struct diag *diag)
{
	const struct collect_options *options = collector->options;
	char path[4096];
	bool checked = false;

	for (unsigned i = 0; i < options->place_count; i++)
		checked = checked || options->places[i].client_ca != NULL;
	snprintf(path, sizeof(path), "%s/certified", options->directory);
	return checked ? identities_remember(collector->identities, path, diag) : 0;
}

int collector_init(struct collector *collector, const struct collect_options *options, struct diag *diag)
{
	const struct store_options store_options = { .directory = options->directory, .tell = tell, .arg = collector };

	collector->options = options;
	collector->status_fd = -1;
	if (collector->identities == NULL && (collector->identities = identities_create()) == NULL)
		return diag_set(diag, options->directory, 0, 0, "no memory");
	collector->pairing = pairing_create(keep_question, collector);
	if (collector->pairing == NULL)
		return diag_set(diag, options->directory, 0, 0, "no memory");
	collector->store = store_open(&store_options, diag);
	if (collector->store == NULL || make_privacy(collector, diag) != 0 || remember_identities(collector, diag) != 0 ||
			look_at_days(collector, diag) != 0)
		return -1;
	collector->status_fd = collect_status_open(options->directory, diag);
	return collector->status_fd < 0 ? -1 : 0;
}

void collector_fini(struct collector *collector)
{
	store_close(&collector->store);
	pairing_destroy(&collector->pairing);
	identities_destroy(&collector->identities);
	privacy_destroy(&collector->privacy);
	if (collector->status_fd >= 0)
		close(collector->status_fd);
	collector->status_fd = -1;
}

/* --- once in a second --------------------------------------------------------------------------------------- */

/* What may be removed: by a clock that leaps nothing for its age. */
static struct store_limits limits_at(struct collector *collector, int64_t now_s)
{
	struct store_limits limits = collector->options->limits;
	struct timespec running = { 0 };
	bool leapt;

	clock_gettime(CLOCK_BOOTTIME, &running);
	if (collect_clock_is_trusted(&collector->day_clock, now_s, (int64_t)running.tv_sec, &leapt))
		return limits;
	for (unsigned i = 0; i < STORE_CLASSES; i++)
		limits.keep_s[i] = 0;
	if (leapt)
		collector_say(collector, "the clock is far ahead of the newest day: for an hour no day is removed for its age");
	return limits;
}

static void keep_days(struct collector *collector, int64_t now_s)
{
	struct store_limits limits = limits_at(collector, now_s);
	char text[64], why[sizeof(struct diag) + 32];
	struct diag diag;
	unsigned removed;

	int result = store_keep(collector->store, &limits, now_s, &removed, &diag);

	if (result < 0)
		stop_by(collector, &diag);
	if (result > 0 && (now_s < collector->stayed_s || now_s >= collector->stayed_s + STAYED_S)) {
		collector_say(collector, diag_format(&diag, why, sizeof(why)));
		collector->stayed_s = now_s;
	}
	if (removed == 0)
		return;
	snprintf(text, sizeof(text), "%u day files were removed", removed);
	collector_say(collector, text);
}

/* False: the disk has too little left. */
static bool has_room(const struct collector *collector)
{
	struct statvfs disk;

	return collector->options->free_octets == 0 || statvfs(collector->options->directory, &disk) != 0 ||
		(uint64_t)disk.f_bavail * disk.f_frsize >= collector->options->free_octets;
}

static void try_again(struct collector *collector, int64_t now_s)
{
	if (now_s - collector->stopped_s < AGAIN_S && now_s >= collector->stopped_s)
		return;
	if (!has_room(collector))
		return;
	collector->stopped[0] = '\0';
	collector_say(collector, "frames are taken again");
}

bool collector_tend(struct collector *collector, int64_t now_s, unsigned connections)
{
	char text[128];

	collector->clock = (struct frame_event_clock){ now_s, now_s - OLDEST_S, now_s + NEWEST_S };
	if (collector->stopped[0] == '\0' && !has_room(collector) && collector_commit(collector)) {
		snprintf(text, sizeof(text), "the disk has less than %" PRIu64 " MiB left",
			collector->options->free_octets >> 20);
		stop(collector, text);
	}
	keep_days(collector, now_s);
	if (collector->stopped[0] == '\0')
		pairing_release(collector->pairing, 0, now_s - PAIR_WAIT_S - 1);
	collect_forget_asked(collector);
	if (collector->stopped[0] != '\0')
		try_again(collector, now_s);
	collect_status_write(collector, now_s, connections);
	return collector->stopped[0] == '\0';
}
