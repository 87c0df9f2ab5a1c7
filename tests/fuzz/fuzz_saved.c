/*
 * fuzz_saved.c: what detectors remember, as a file of theirs may be that passed its checksum.
 *
 * The input stands behind a header that fits. Laws: reading ends; detectors that took it in judge answers and can be
 * saved again.
 */
#include "detect/saved.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/rrtype.h"

#define INPUT_MAX ((size_t)1 << 20)
#define ANSWERS 20u
#define NOW 1700000000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct detect_sizes tiny = { 64, 64, 64, 1024, 1024, 1024 };
static const struct hash_key key = { 1, 2 };
static char suffixes[] = "/tmp/verdict-fuzz-saved-XXXXXX";
static uint8_t header[SAVED_HEADER_OCTETS];

static void check(bool holds)
{
	if (!holds)
		abort();
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

static void clean_up(void)
{
	(void)unlink(suffixes);
}

static void begin(void)
{
	const int fd = mkstemp(suffixes);
	struct detect *detect;
	size_t kept = 0;

	check(fd >= 0 && dprintf(fd, "// ===BEGIN ICANN DOMAINS===\ncom\n") > 0);
	for (unsigned i = 0; i < 100; i++)
		check(dprintf(fd, "tld%u\n", i) > 0);
	close(fd);
	atexit(clean_up);
	detect = make();
	check(detect_save(detect, NULL, 0, keep_header, &kept) && kept == sizeof(header));
	detect_destroy(&detect);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct detector_conf conf[DETECTOR_COUNT];
	static uint8_t image[SAVED_HEADER_OCTETS + INPUT_MAX];
	struct detect *detect;
	const uint8_t *more;
	struct hash_key found;
	size_t length;

	if (header[0] == 0)
		begin();
	if (size > INPUT_MAX)
		return 0;
	(void)saved_check(data, size, &found);
	detector_conf_defaults(conf);
	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		conf[i].reaction = REACTION_BLOCK;
	memcpy(image, header, sizeof(header));
	memcpy(image + sizeof(header), data, size);
	detect = make();
	if (detect_restore(detect, image, sizeof(header) + size, &more, &length) == NULL) {
		check(more >= image && length <= size);
		for (unsigned i = 0; i < ANSWERS; i++)
			ask(detect, conf, i);
		check(detect_save(detect, more, length, ignore, NULL));
	}
	detect_destroy(&detect);
	return 0;
}
