/*
 * bench_store.c: how many frames the store takes in a second of one core, parsing, indexes, answers and commits
 * included, and how many octets an event is on disk.
 *
 *     bench_store [EVENTS [KEEP-DIRECTORY]]
 *
 * The traffic is made up after what was seen of offices: each client has a set of names of its own that it asks for
 * again and again, and now and then one that everybody asks for; four answers of five come from the cache; a third
 * of names lead through a CNAME to a CDN, some of which turn their addresses; two of a hundred answers are denied,
 * and detectors say something of one of a thousand, with techniques of ATT&CK. Events are spread over one day, so a
 * commit holds what came in a second at that rate, and a batch more.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dnstap/event.h"
#include "dnstap/event_read.h"
#include "dnstap/frame.h"
#include "store/shelf.h"
#include "store/store.h"
#include "tools/frame_event.h"

#define NAMES 400000u
#define CLIENTS 3000u
#define OWN_NAMES 250u
#define WORKERS 4u
#define BATCH 20000u
#define COMMIT_EVERY 60000u
#define DAY 1795219200
#define ROOM ((size_t)BATCH * 1400)

static uint64_t state = 0x2545f4914f6cdd1du;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * below >> 32);
}

/* Skewed towards 0, as popularity is: the logarithm of a rank is about even. */
static uint32_t draw_popular(uint32_t below)
{
	double x = (double)draw(1u << 30) / (double)(1u << 30);
	double rank = 1;

	for (double span = below; x > 0 && span > 1.0; x -= 1.0 / 20, span /= 2)
		rank *= x >= 1.0 / 20 ? 2 : 1 + x * 20;
	return (uint32_t)rank % below;
}

static uint32_t mix(uint32_t value)
{
	value = (value ^ value >> 16) * 0x45d9f3bu;
	value = (value ^ value >> 16) * 0x45d9f3bu;
	return value ^ value >> 16;
}

static void name_of(uint32_t number, struct name *name)
{
	static const char *const hosts[] = { "www.", "", "api.", "cdn.", "img.", "mail.", "static.", "login." };
	static const char *const zones[] = { "com", "net", "org", "de", "co.uk", "com", "io", "com" };
	char text[80], word[20];
	uint32_t domain = mix(number / 2);
	unsigned letters = 5 + domain % 9;

	for (unsigned i = 0; i < letters; i++)
		word[i] = (char)('a' + mix(domain + i) % 26);
	word[letters] = '\0';
	snprintf(text, sizeof(text), "%s%s.%s", hosts[mix(number) % 8], word, zones[domain >> 8 & 7]);
	name_from_text(name, text, strlen(text));
}

struct answer {
	uint32_t number, turn;
	uint16_t type;
	bool empty, alias;
	struct name owner, target;
};

static size_t show(const void *source, record_visit visit, void *arg)
{
	const struct answer *answer = source;
	const struct name *owner = &answer->owner;
	uint8_t data[16] = { 0 };
	uint32_t ttl = 30 + draw(270);
	struct record record = { SECTION_ANSWER, owner->octets, owner->length, 5, 1, ttl, answer->target.octets,
		answer->target.length };

	if (answer->empty)
		return 0;
	if (answer->alias) {
		visit(arg, &record);
		owner = &answer->target;
	}
	for (unsigned i = 0; i <= mix(answer->number) % 3; i++) {
		uint32_t address = mix(answer->number * 8 + answer->turn * 4 + i);

		memcpy(data, &address, sizeof(address));
		record = (struct record){ SECTION_ANSWER, owner->octets, owner->length, answer->type, 1, ttl, data,
			answer->type == 1 ? 4 : 16 };
		visit(arg, &record);
	}
	return 0;
}

static void choose(struct answer *answer, uint32_t client)
{
	bool own = draw(100) < 75;

	answer->number = own ? mix(client * 1000 + draw_popular(OWN_NAMES)) % NAMES : draw_popular(NAMES);
	answer->type = draw(10) < 7 ? 1 : 28;
	answer->empty = answer->type == 28 ? mix(answer->number) % 3 != 0 : mix(answer->number) % 16 == 0;
	answer->alias = mix(answer->number) % 3 == 0;
	answer->turn = mix(answer->number) % 25 == 0 ? draw(8) : 0;
	name_of(answer->number, &answer->owner);
	if (answer->alias) {
		char text[64];

		snprintf(text, sizeof(text), "d%x.cdn%u.net", mix(answer->number), mix(answer->number) % 40);
		name_from_text(&answer->target, text, strlen(text));
	}
}

/* Half of them a tunnel's. */
static void detect(uint64_t number, struct detections *detections)
{
	static const enum detector of[] = { DETECTOR_TUNNEL, DETECTOR_TUNNEL, DETECTOR_GENERATED_NAME, DETECTOR_FAST_FLUX };

	memset(detections, 0, sizeof(*detections));
	if (mix((uint32_t)number + 3) % 1000 != 0)
		return;
	detections->count = 1;
	detections->items[0] = (struct detection){ .detector = of[mix((uint32_t)number) % 4], .tier = TIER_ALERT,
		.reaction = REACTION_OBSERVE, .value = 2000 + (uint32_t)number % 1000, .threshold = 2000 };
}

static uint64_t counters[WORKERS];

static size_t make(uint64_t number, uint64_t of, uint8_t *to, size_t cap)
{
	static uint8_t octets[EVENT_OCTETS_MAX];
	static const struct frame_origin origin = { .identity = "resolver-1", .version = "unbound-verdict" };
	uint64_t ns = (uint64_t)(86400e9 * (double)number / (double)of);
	uint32_t client = draw_popular(CLIENTS);
	uint16_t worker = (uint16_t)draw(WORKERS);
	struct detections detections;
	struct verdict verdict;
	struct answer answer;
	struct facts facts;
	struct event event;
	struct event_view view;
	size_t used;

	memset(&facts, 0, sizeof(facts));
	choose(&answer, client);
	detect(number, &detections);
	verdict_init(&verdict);
	facts.qname = answer.owner;
	facts.client = (struct address){ ADDRESS_INET, 40000, { 10, 1, (uint8_t)(client >> 8), (uint8_t)client } };
	facts.server = (struct address){ ADDRESS_INET, 53, { 10, 0, 0, 53 } };
	facts.transport = TRANSPORT_UDP;
	facts.qtype = answer.type;
	facts.qclass = 1;
	facts.records = show;
	facts.source = &answer;
	if (mix(answer.number + 7) % 50 == 0) {
		verdict.action = verdict.rule.action = ACTION_NXDOMAIN;
		verdict.rule.trigger = TRIGGER_QNAME;
		strcpy(verdict.rule.list, "malware");
		verdict.rule.rule_name = answer.owner;
		answer.empty = true;
	}
	event = (struct event){ .number = { 0x6560abcd1234, worker, ++counters[worker] }, .facts = &facts,
		.path = draw(5) == 0 ? PATH_RESOLVED : PATH_CACHED, .verdict = &verdict,
		.query_flags = 0x100, .response_flags = answer.empty ? 0x8183 : 0x8180, .edns = true, .udp_size = 1232,
		.ede = EDE_NONE, .detections = &detections };
	event.query_time = (struct timespec){ (time_t)(DAY + ns / 1000000000), (long)(ns % 1000000000) };
	event.response_time = event.query_time;
	event.response_time.tv_nsec += event.path == PATH_CACHED ? 30000 : 999999;
	if (event.response_time.tv_nsec > 999999999)
		event.response_time.tv_nsec = 999999999;
	used = event_encode(&event, octets, sizeof(octets));
	return used > 0 && event_read(&view, octets, used) ? frame_encode(&view, &origin, to, cap) : 0;
}

static double cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct frame_event_reading reading;

static void check(int result, const struct diag *diag)
{
	char text[1024];

	if (result == 0)
		return;
	fprintf(stderr, "bench_store: %s\n", diag_format(diag, text, sizeof(text)));
	exit(1);
}

static void ingest(struct store *store, const uint8_t *frame, size_t octets)
{
	const struct frame_event_clock clock = { .now_s = DAY, .newest_s = INT64_MAX };
	struct diag diag = { .text = "a frame cannot be read" };
	bool again;

	if (frame_event_read(&reading, frame, octets, &clock) != FRAME_EVENT_ANSWER)
		check(-1, &diag);
	check(store_put(store, &reading.event, &again, &diag), &diag);
	frame_event_fini(&reading);
}

static double run(struct store *store, uint64_t events, uint8_t *room)
{
	static uint32_t lengths[BATCH];
	struct diag diag;
	double total = 0;
	uint64_t waiting = 0;

	for (uint64_t done = 0; done < events; done += BATCH) {
		size_t used = 0;
		double begin;

		for (unsigned i = 0; i < BATCH; i++)
			used += lengths[i] = (uint32_t)make(done + i, events, room + used, ROOM - used);
		begin = cpu_s();
		used = 0;
		for (unsigned i = 0; i < BATCH; used += lengths[i++])
			ingest(store, room + used, lengths[i]);
		waiting += BATCH;
		if (waiting >= COMMIT_EVERY) {
			check(store_commit(store, &diag), &diag);
			waiting = 0;
		}
		total += cpu_s() - begin;
	}
	return total;
}

int main(int argc, char **argv)
{
	char made[] = "/tmp/verdict-bench-XXXXXX";
	const char *directory = argc > 2 ? argv[2] : mkdtemp(made);
	const struct store_options options = { .directory = directory };
	uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000, octets = 0;
	uint8_t *room = malloc(ROOM);
	struct shelf_file *files;
	struct rusage usage;
	struct store *store;
	struct diag diag;
	unsigned count;
	double begin, seconds;

	events -= events % BATCH;
	store = directory == NULL || room == NULL ? NULL : store_open(&options, &diag);
	if (store == NULL || events == 0)
		return 1;
	seconds = run(store, events, room);
	begin = cpu_s();
	check(store_commit(store, &diag), &diag);
	store_close(&store);
	seconds += cpu_s() - begin;
	check(shelf_list(directory, 0, INT64_MAX / 2, &files, &count, &diag), &diag);
	for (unsigned i = 0; i < count; i++) {
		octets += files[i].octets;
		if (argc <= 2)
			check(shelf_remove(files[i].path, &diag), &diag);
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("bench hunt_ingest_events_per_s %.0f /s\n", (double)events / seconds);
	printf("bench hunt_octets_per_event %.1f octets\n", (double)octets / (double)events);
	printf("bench hunt_ingest_memory_mib %.0f MiB\n", (double)usage.ru_maxrss / 1024);
	free(files);
	free(room);
	return 0;
}
