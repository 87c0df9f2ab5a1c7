/*
 * fuzz_saved.c: what detectors remember, as a file of theirs may be that passed its checksum.
 *
 * The input stands behind a header that fits. Laws: reading ends; detectors that took it in judge answers and can be
 * saved again; of the flags behind it, those that make sense can be told, denied, ended and saved, whatever the clock
 * does, and none lasts longer than a flag may.
 */
#include "detect/saved.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "control/behaviour_file.h"
#include "control/override_store.h"
#include "policy/rrtype.h"

#define INPUT_MAX ((size_t)1 << 20)
#define ANSWERS 20u
#define NOW 1700000000000
#define YEAR 31536000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct detect_sizes tiny = { 64, 64, 64, 1024, 1024, 1024 };
static const struct hash_key key = { 1, 2 };
static char suffixes[32];            /* a file in memory: libFuzzer ends without a word */
static uint8_t header[SAVED_HEADER_OCTETS];
static unsigned taken;               /* inputs */

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Of a corpus of another format none is, and nothing is tested. */
static void check_taken(void)
{
	check(taken > 0);
}

static bool keep_header(void *arg, const void *octets, size_t length)
{
	size_t *kept = arg;
	const size_t part = length < sizeof(header) - *kept ? length : sizeof(header) - *kept;

	memcpy(header + *kept, octets, part);
	*kept += part;
	return true;
}

static bool ignore(void *arg, const void *octets, size_t length)
{
	(void)arg;
	(void)octets;
	(void)length;
	return true;
}

static struct detect *make(void)
{
	struct diag diag = { 0 };
	struct detect *detect = detect_create(&tiny, suffixes, &key, NOW, &diag);

	check(detect != NULL);
	return detect;
}

static void begin(void)
{
	const int fd = memfd_create("suffixes", 0);
	struct detect *detect;
	size_t kept = 0;

	check(fd >= 0 && dprintf(fd, "// ===BEGIN ICANN DOMAINS===\ncom\n") > 0);
	for (unsigned i = 0; i < 100; i++)
		check(dprintf(fd, "tld%u\n", i) > 0);
	snprintf(suffixes, sizeof(suffixes), "/proc/self/fd/%d", fd);
	detect = make();
	check(detect_save(detect, NULL, 0, keep_header, &kept) && kept == sizeof(header));
	detect_destroy(&detect);
#ifdef FUZZ_TARGET
	atexit(check_taken);
#else
	(void)check_taken;
#endif
}

static void ask(struct detect *detect, const struct detector_conf *conf, unsigned number)
{
	struct facts facts = { .qtype = number % 2 == 0 ? RRTYPE_A : RRTYPE_TXT, .qclass = 1, .rcode = number % 3 == 0 ? 3 : 0 };
	const struct sight sight = { .facts = &facts, .path = PATH_RESOLVED, .now_ms = NOW + number };
	struct detections detections;
	char text[64];

	snprintf(text, sizeof(text), "n%ux%u.z%u.com", number * 2654435761u, number, number % 4);
	check(name_from_text(&facts.qname, text, strlen(text)) == NULL);
	facts.client.family = ADDRESS_INET;
	detect_answer(detect, conf, &sight, &detections);
	check(detections.count <= DETECTIONS_MAX);
	check(detections.call.reaction == REACTION_OFF || detections.call.lead.tier < TIER_COUNT);
}

static void tell(const struct flag *flag, int64_t now)
{
	char why[OVERRIDE_WHY_MAX], zone[NAME_TEXT_MAX];
	const struct network client = flag_client(flag);

	check(strlen(flag_why(flag, why)) < OVERRIDE_WHY_MAX && strlen(name_to_text(&flag->call.zone, zone)) > 0);
	check(client.prefix_length == 0 || client.prefix_length == 32 || client.prefix_length == 64 ||
		client.prefix_length == 128);
	check(strlen(flag->error) < sizeof(flag->error));
	check(flag->until > now && flag->until - now <= FLAG_SECONDS_MAX);
}

static void deny_all(struct flag_book *book)
{
	struct override override;
	struct flag flag;

	for (unsigned i = 0; flag_book_due(book, &flag, &override); i++) {
		check(i < 2 * FLAGS_MAX && strlen(override.who) < sizeof(override.who));
		flag_book_done(book, flag.id, i % 5 == 0 ? FLAG_REFUSED : FLAG_DENIED, i + 1, "no");
	}
}

/* Flags and detectors as one file has them. False: it is not taken. */
static bool restore(const uint8_t *octets, size_t size, struct detect *detect, struct flag_book *book)
{
	const struct file_text file = { .octets = (char *)(uintptr_t)octets, .length = size };

	return behaviour_file_restore(&file, detect, book, NOW / 1000) == NULL;
}

static void live_on(struct detect *detect, struct flag_book *book)
{
	static const int64_t clocks[] = { NOW / 1000, NOW / 1000 + YEAR, NOW / 1000, NOW / 1000 - YEAR, NOW / 1000 };
	struct flag *flags;
	size_t count;

	for (unsigned i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		flag_book_turn(book, clocks[i]);
		detect_turn(detect, clocks[i] * 1000);
		flags = flag_book_copy(book, &count);
		check(flags != NULL && count <= FLAGS_MAX);
		for (size_t at = 0; at < count; at++)
			tell(&flags[at], clocks[i]);
		deny_all(book);
		check(detect_save(detect, flags, count * sizeof(*flags), ignore, NULL));
		free(flags);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct detector_conf conf[DETECTOR_COUNT];
	static uint8_t image[SAVED_HEADER_OCTETS + INPUT_MAX];
	struct flag_book *book = flag_book_create();
	struct detect *detect;
	struct hash_key found;

	check(book != NULL);
	if (header[0] == 0)
		begin();
	size = size < INPUT_MAX ? size : INPUT_MAX;
	(void)saved_check(data, size, &found);
	detector_conf_defaults(conf);
	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		conf[i].reaction = REACTION_BLOCK;
	memcpy(image, header, sizeof(header));
	memcpy(image + sizeof(header), data, size);
	detect = make();
	if (restore(image, sizeof(header) + size, detect, book)) {
		taken++;
		for (unsigned i = 0; i < ANSWERS; i++)
			ask(detect, conf, i);
		live_on(detect, book);
	}
	detect_destroy(&detect);
	flag_book_destroy(&book);
	return 0;
}
