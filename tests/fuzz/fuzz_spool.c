/*
 * fuzz_spool.c: a spool's directory as a crash or somebody else may have left it: two segments and where a reader stood.
 *
 * The input is an octet of flags, two lengths of two octets, the reader's file, a segment of verdicts and a segment of
 * plain allows. By the flags a segment gets the right START, and the reader's file its right sum, which nobody guesses.
 * Laws: reading ends and gives whole frames only; frames that are appended then come, each once, now and for the next
 * process; nobody is told of more frames than there are.
 */
#include "dnstap/spool.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnstap/spool_segment.h"

#define TYPE "protobuf:dnstap.Dnstap"
#define FRESH 3u   /* frames that are appended */

enum { WITH_START_VERDICT = 1, WITH_START_PLAIN = 2, WITH_SUM = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/tmp/verdict-fuzz-spool-XXXXXX";
static int directory = -1;
static struct segment_ends ends;
static const uint8_t fresh[] = "a frame that no input has: \x93\x51\xfe\x02";

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void empty_directory(void)
{
	DIR *entries = opendir(path);
	struct dirent *entry;

	while (entries && (entry = readdir(entries)) != NULL)
		(void)unlinkat(directory, entry->d_name, 0);
	if (entries)
		closedir(entries);
}

static void clean_up(void)
{
	empty_directory();
	(void)rmdir(path);
}

static void make_file(const char *name, bool with_start, const uint8_t *octets, size_t count, const char *end)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(fd >= 0);
	if (with_start)
		check(write(fd, ends.start, ends.start_octets) == (ssize_t)ends.start_octets);
	check(write(fd, octets, count) == (ssize_t)count);
	check(write(fd, end, strlen(end)) == (ssize_t)strlen(end));
	close(fd);
}

static void make_stand(bool with_sum, const uint8_t *octets, size_t count)
{
	uint64_t sum = 14695981039346656037u;
	char end[32] = "";
	size_t i;

	for (i = 0; i < count; i++)
		sum = (sum ^ octets[i]) * 1099511628211u;
	if (with_sum)
		snprintf(end, sizeof(end), "check %016" PRIx64 "\n", sum);
	make_file("reader-a", false, octets, count, end);
}

/* Reads all there is; returns how many of ours were among them. */
static unsigned read_all(struct spool_reader *reader)
{
	static uint8_t buffer[SPOOL_READ_MIN];
	unsigned frames, ours = 0;
	size_t octets, at;

	while ((octets = spool_read(reader, buffer, sizeof(buffer), &frames)) > 0) {
		check(octets <= sizeof(buffer) && frames > 0);
		for (at = 0; at < octets; frames--) {
			uint32_t length;

			check(octets - at >= sizeof(length));
			memcpy(&length, buffer + at, sizeof(length));
			length = ntohl(length);
			check(length > 0 && length <= octets - at - sizeof(length));
			ours += length == sizeof(fresh) && memcmp(buffer + at + sizeof(length), fresh, length) == 0;
			at += sizeof(length) + length;
		}
		check(frames == 0);
	}
	check(spool_unread(reader) == 0);
	return ours;
}

static struct spool *open_spool(void)
{
	const struct spool_options options = { .content_type = TYPE, .directory = directory, .directory_name = "fuzz",
		.file_octets_max = 8 << 20, .memory_octets_max = 4 << 20, .segment_octets = 1 << 20 };
	struct diag diag;
	struct spool *spool = spool_open(&options, 1, 1, &diag);

	check(spool != NULL);
	return spool;
}

static void use(void)
{
	struct spool *spool = open_spool();
	struct spool_reader *reader = spool_reader_add(spool, "a");
	unsigned i;

	check(reader != NULL);
	for (i = 0; i < FRESH; i++)
		check(spool_append(spool, i % 2 ? LANE_PLAIN : LANE_VERDICT, fresh, sizeof(fresh), 1));
	spool_flush(spool, 1);
	check(read_all(reader) == FRESH);
	spool_commit(reader);
	spool_rewind(reader);
	check(read_all(reader) == FRESH);
	spool_close(&spool, 1);

	spool = open_spool();
	reader = spool_reader_add(spool, "a");
	check(reader && read_all(reader) == FRESH);
	check(spool_lost(reader) >> 53 == 0 && spool_unsure(reader) >> 53 == 0);
	spool_close(&spool, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t stand, verdict;
	uint8_t flags;

	if (directory < 0) {
		check(mkdtemp(path) != NULL && segment_make_ends(&ends, TYPE));
		directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		atexit(clean_up);
	}
	if (size < 5)
		return 0;
	flags = data[0];
	stand = (size_t)data[1] << 8 | data[2];
	verdict = (size_t)data[3] << 8 | data[4];
	data += 5;
	size -= 5;
	stand = stand < size ? stand : size;
	verdict = verdict < size - stand ? verdict : size - stand;
	empty_directory();
	make_stand(flags & WITH_SUM, data, stand);
	make_file("verdict-000000000004.fstrm", flags & WITH_START_VERDICT, data + stand, verdict, "");
	make_file("plain-000000000002.fstrm", flags & WITH_START_PLAIN, data + stand + verdict, size - stand - verdict, "");
	use();
	return 0;
}
