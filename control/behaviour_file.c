/* behaviour_file.c: the detectors' file. */
#include "control/behaviour_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "detect/saved.h"

#define FILE_MODE 0600
#define PATH_MAX_OCTETS 4200

static int64_t steady_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

struct writing {
	int fd;
	int failed;                  /* errno; 0: nothing */
	int64_t until_ms;
};

static bool write_on(void *arg, const void *octets, size_t length)
{
	struct writing *writing = arg;
	const uint8_t *from = octets;

	while (length > 0) {
		const ssize_t written = steady_ms() < writing->until_ms ? write(writing->fd, from, length) : -1;

		if (steady_ms() >= writing->until_ms) {
			writing->failed = ETIMEDOUT;
			return false;
		}
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			writing->failed = written < 0 ? errno : EIO;
			return false;
		}
		from += written;
		length -= (size_t)written;
	}
	return true;
}

static int write_to(const char *path, struct detect *detect, struct flag_book *book, unsigned timeout_ms, bool sync)
{
	struct writing writing = { .until_ms = steady_ms() + timeout_ms };
	size_t count;
	struct flag *flags = flag_book_copy(book, &count);

	unlink(path);
	writing.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (writing.fd < 0)
		writing.failed = errno;
	else if (!detect_save(detect, flags, flags != NULL ? count * sizeof(*flags) : 0, write_on, &writing) &&
		 writing.failed == 0)
		writing.failed = ENOMEM;
	if (writing.failed == 0 && sync && fsync(writing.fd) != 0)
		writing.failed = errno;
	if (writing.fd >= 0)
		close(writing.fd);
	free(flags);
	return writing.failed;
}

int behaviour_file_write(const char *directory, struct detect *detect, struct flag_book *book, unsigned timeout_ms,
	bool sync, struct diag *diag)
{
	char path[PATH_MAX_OCTETS], fresh[PATH_MAX_OCTETS];
	int failed;

	snprintf(path, sizeof(path), "%s/detectors", directory);
	snprintf(fresh, sizeof(fresh), "%s/detectors.new", directory);
	failed = write_to(fresh, detect, book, timeout_ms, sync);
	if (failed == 0 && rename(fresh, path) != 0)
		failed = errno;
	if (failed == 0)
		return 0;
	unlink(fresh);
	return diag_set(diag, path, 0, 0, "what detectors remember cannot be kept: %s", strerror(failed));
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void set_aside(const char *path, const char *wrong, struct diag *diag)
{
	char damaged[PATH_MAX_OCTETS + 16];

	snprintf(damaged, sizeof(damaged), "%s.damaged", path);
	if (rename(path, damaged) == 0)
		diag_set(diag, path, 0, 0, "%s; it is now %s, and detectors begin anew", wrong, damaged);
	else
		diag_set(diag, path, 0, 0, "%s, and it cannot be moved aside: %m; detectors begin anew", wrong);
}

bool behaviour_file_read(const char *directory, const struct detect_sizes *sizes, struct file_text *file,
	struct hash_key *key, struct diag *diag)
{
	char path[PATH_MAX_OCTETS];
	const char *wrong;

	diag->text[0] = '\0';
	snprintf(path, sizeof(path), "%s/detectors", directory);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return false;
	wrong = file_load(file, path, detect_saved_max(sizes, FLAGS_MAX * sizeof(struct flag)));
	if (wrong == file_too_large) {
		diag_set(diag, path, 0, 0, "it is of other sizes; detectors begin anew");
		return false;
	}
	if (wrong == NULL) {
		wrong = saved_check((const uint8_t *)file->octets, file->length, key);
		if (wrong == NULL)
			return true;
		file_release(file);
	}
	set_aside(path, wrong, diag);
	return false;
}

static bool is_whole_name(const struct name *name)
{
	struct name read;

	return name_from_wire(&read, name->octets, sizeof(name->octets)) && name_equal(&read, name) &&
		read.labels == name->labels;
}

/* Seconds that a clock may have shown. */
static bool is_time(int64_t seconds)
{
	return seconds >= 0 && seconds <= UINT32_MAX;
}

static bool is_sound(const struct flag *flag)
{
	const struct flag_call *call = &flag->call;
	const struct detection *lead = &call->lead;

	if (lead->detector >= DETECTOR_COUNT || lead->tier >= TIER_COUNT || lead->reaction >= REACTION_COUNT ||
	    lead->feature_count > DETECTION_FEATURES_MAX)
		return false;
	for (unsigned i = 0; i < lead->feature_count; i++)
		if (lead->features[i].name >= FEATURE_COUNT)
			return false;
	return is_time(flag->since) && is_time(flag->last) && is_time(flag->until) && is_time(call->at) &&
		(unsigned)flag->state < FLAG_STATE_COUNT && (unsigned)call->reaction < REACTION_COUNT &&
		(call->client.family == ADDRESS_NONE || call->client.family == ADDRESS_INET ||
		 call->client.family == ADDRESS_INET6) &&
		is_whole_name(&call->zone) && (call->zone.labels > 0 || flag->state == FLAG_ALERT) &&
		memchr(flag->error, '\0', sizeof(flag->error)) != NULL;
}

struct flag *flags_read(const uint8_t *octets, size_t length, size_t *count)
{
	struct flag *flags = calloc(FLAGS_MAX, sizeof(*flags));

	*count = 0;
	if (flags == NULL || length % sizeof(*flags) != 0)
		return flags;
	for (; length > 0 && *count < FLAGS_MAX; octets += sizeof(*flags), length -= sizeof(*flags)) {
		/* Read as what they are not, flags would be undefined. */
		uint8_t said = octets[offsetof(struct flag, would_deny_said)];

		memcpy(&flags[*count], octets, sizeof(*flags));
		memset(&flags[*count].would_deny_said, said != 0, sizeof(said));
		*count += is_sound(&flags[*count]);
	}
	return flags;
}

const char *behaviour_file_restore(const struct file_text *file, struct detect *detect, struct flag_book *book,
	int64_t now)
{
	const uint8_t *more;
	size_t length, count;
	const char *wrong = detect_restore(detect, (const uint8_t *)file->octets, file->length, &more, &length);
	struct flag *flags;

	if (wrong != NULL)
		return wrong;
	flags = flags_read(more, length, &count);
	if (flags != NULL)
		flag_book_restore(book, flags, count, now);
	free(flags);
	return NULL;
}
