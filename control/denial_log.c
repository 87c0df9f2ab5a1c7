/* denial_log.c: rings of the workers, and the thread that writes their records as lines. */
#include "control/denial_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "control/denial_line.h"
#include "control/thread.h"
#include "dnstap/ring.h"

#define FILE_MODE 0640
#define LOOK_MS 200
#define BATCH_OCTETS (64 * 1024)
#define LEAST_RECORD sizeof(struct denial_record)

struct denial_log {
	char *path;                                       /* owned; NULL: syslog */
	uint32_t rate;
	struct ring *_Atomic rings[DENIAL_WORKERS_MAX];   /* stored with release by its worker, once */
	_Atomic uint64_t no_ring;                         /* denials lost for lack of memory, or by a log before */
	pthread_t thread;
	int wake;                                         /* eventfd */
	_Atomic bool stopping, reopen;
	_Atomic uint64_t written, suppressed, failed;
	_Atomic int last_errno;
	/* The thread's own. */
	int fd;                                           /* -1: none */
	bool torn;                                        /* the file ends inside a line */
	int64_t second;                                   /* of the window */
	uint32_t lines;                                   /* in it */
	uint64_t said_suppressed, said_lost;
	size_t used, batched;                             /* octets and lines in the batch */
	char batch[BATCH_OCTETS];
};

static void count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* --- a worker's side --------------------------------------------------------------------------------------- */

static struct ring *worker_ring(struct denial_log *log, unsigned worker)
{
	struct ring *ring;

	if (worker >= DENIAL_WORKERS_MAX)
		return NULL;
	ring = atomic_load_explicit(&log->rings[worker], memory_order_relaxed);
	if (ring == NULL) {
		ring = ring_create(DENIAL_RING_OCTETS);
		atomic_store_explicit(&log->rings[worker], ring, memory_order_release);
	}
	return ring;
}

void denial_log_note(struct denial_log *log, unsigned worker, const struct event *event)
{
	struct denial_record *record;
	struct ring *ring;

	if (log == NULL || !action_table[event->verdict->action].denies)
		return;
	ring = worker_ring(log, worker);
	if (ring == NULL) {
		count(&log->no_ring, 1);
		return;
	}
	/* Records of a ring begin at multiples of eight. */
	record = (void *)ring_reserve(ring, sizeof(*record), true);
	if (record == NULL)
		return;
	denial_record_fill(record, event);
	ring_commit(ring, sizeof(*record));
}

/* --- the file ---------------------------------------------------------------------------------------------- */

static void close_file(struct denial_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

/* Without O_NONBLOCK a FIFO would wait for its reader. */
static void open_file(struct denial_log *log)
{
	if (log->path == NULL || log->fd >= 0)
		return;
	log->torn = false;
	log->fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, FILE_MODE);
	if (log->fd < 0)
		atomic_store_explicit(&log->last_errno, errno, memory_order_relaxed);
}

static void close_moved(struct denial_log *log)
{
	struct stat there, open;

	if (log->fd >= 0 && (stat(log->path, &there) != 0 || fstat(log->fd, &open) != 0 || there.st_ino != open.st_ino ||
			there.st_dev != open.st_dev))
		close_file(log);
}

static bool write_batch(struct denial_log *log)
{
	ssize_t written;

	open_file(log);
	if (log->fd < 0)
		return false;
	if (log->torn && write(log->fd, "\n", 1) == 1)
		log->torn = false;
	written = log->torn ? -1 : write(log->fd, log->batch, log->used);
	if (written == (ssize_t)log->used)
		return true;
	atomic_store_explicit(&log->last_errno, written < 0 ? errno : ENOSPC, memory_order_relaxed);
	log->torn = log->torn || written > 0;
	return false;
}

static void flush(struct denial_log *log)
{
	if (log->batched > 0)
		count(write_batch(log) ? &log->written : &log->failed, log->batched);
	log->used = log->batched = 0;
}

static void put_line(struct denial_log *log, const char *line, size_t length)
{
	if (log->path == NULL) {
		syslog(LOG_DAEMON | LOG_NOTICE, "verdict: %s", line);
		count(&log->written, 1);
		return;
	}
	if (length + 1 > sizeof(log->batch) - log->used)
		flush(log);
	memcpy(log->batch + log->used, line, length);
	log->used += length;
	log->batch[log->used++] = '\n';
	log->batched++;
}

/* --- the rate ---------------------------------------------------------------------------------------------- */

static uint64_t lost(struct denial_log *log)
{
	uint64_t sum = atomic_load_explicit(&log->no_ring, memory_order_relaxed);

	for (unsigned i = 0; i < DENIAL_WORKERS_MAX; i++) {
		const struct ring *ring = atomic_load_explicit(&log->rings[i], memory_order_acquire);

		if (ring != NULL)
			sum += ring_dropped(ring);
	}
	return sum;
}

/* What had no line since that was said last. */
static void say_missing(struct denial_log *log)
{
	const uint64_t suppressed = atomic_load_explicit(&log->suppressed, memory_order_relaxed), gone = lost(log);
	char line[DENIAL_LINE_MAX], number[32];
	struct timespec now;
	size_t used;

	if (suppressed == log->said_suppressed && gone == log->said_lost)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	used = denial_line_begin(line, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)(suppressed - log->said_suppressed));
	used = denial_line_add(line, used, "suppressed", number);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)(gone - log->said_lost));
	used = denial_line_add(line, used, "lost", number);
	put_line(log, line, used);
	log->said_suppressed = suppressed;
	log->said_lost = gone;
}

static void begin_second(struct denial_log *log, int64_t second)
{
	if (second == log->second)
		return;
	say_missing(log);
	log->second = second;
	log->lines = 0;
	if (log->path != NULL)
		close_moved(log);
}

static int64_t steady_second(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec;
}

/* --- the thread -------------------------------------------------------------------------------------------- */

static void take(struct denial_log *log, const uint8_t *octets)
{
	struct denial_record record;
	char line[DENIAL_LINE_MAX];

	begin_second(log, steady_second());
	if (log->rate > 0 && log->lines >= log->rate) {
		count(&log->suppressed, 1);
		return;
	}
	log->lines++;
	memcpy(&record, octets, sizeof(record));
	put_line(log, line, denial_line(&record, line));
}

static void drain(struct denial_log *log)
{
	for (unsigned i = 0; i < DENIAL_WORKERS_MAX; i++) {
		struct ring *ring = atomic_load_explicit(&log->rings[i], memory_order_acquire);
		const uint8_t *octets;
		size_t length;
		/* A worker that denies faster than lines are written must not keep the others waiting. */
		size_t turn = DENIAL_RING_OCTETS / LEAST_RECORD;

		while (ring != NULL && turn-- > 0 && (octets = ring_next(ring, &length)) != NULL) {
			take(log, octets);
			ring_release(ring);
		}
	}
	begin_second(log, steady_second());
	flush(log);
}

static void *run(void *arg)
{
	struct denial_log *log = arg;
	struct pollfd wake = { .fd = log->wake, .events = POLLIN };

	while (!atomic_load(&log->stopping)) {
		uint64_t value;

		if (poll(&wake, 1, LOOK_MS) > 0 && read(log->wake, &value, sizeof(value)) < 0)
			continue;
		if (atomic_exchange(&log->reopen, false))
			close_file(log);
		drain(log);
	}
	drain(log);
	say_missing(log);
	flush(log);
	close_file(log);
	return NULL;
}

static void poke(struct denial_log *log)
{
	const uint64_t one = 1;
	ssize_t written = write(log->wake, &one, sizeof(one));

	(void)written;   /* full: it is awake anyway */
}

/* --- start and end ----------------------------------------------------------------------------------------- */

static void log_free(struct denial_log *log)
{
	for (unsigned i = 0; i < DENIAL_WORKERS_MAX; i++) {
		struct ring *ring = atomic_load_explicit(&log->rings[i], memory_order_relaxed);

		ring_destroy(&ring);
	}
	if (log->wake >= 0)
		close(log->wake);
	free(log->path);
	free(log);
}

static void go_on_from(struct denial_log *log, const struct denial_log_counts *before)
{
	atomic_init(&log->written, before->written);
	atomic_init(&log->suppressed, before->suppressed);
	atomic_init(&log->failed, before->failed);
	atomic_init(&log->no_ring, before->lost);
	log->said_suppressed = before->suppressed;
	log->said_lost = before->lost;
}

static int start(struct denial_log *log, const struct denial_log_options *options)
{
	const bool to_syslog = strcmp(options->to, "syslog") == 0;

	log->path = to_syslog ? NULL : strdup(options->to);
	if (log->path == NULL && !to_syslog)
		return ENOMEM;
	if (log->wake < 0)
		return errno;
	open_file(log);
	return thread_start(&log->thread, "verdict-log", run, log);
}

struct denial_log *denial_log_create(const struct denial_log_options *options)
{
	struct denial_log *log = calloc(1, sizeof(*log));
	int failed;

	if (log == NULL)
		return NULL;
	log->rate = options->rate;
	log->fd = -1;
	log->second = steady_second();
	if (options->before != NULL)
		go_on_from(log, options->before);
	log->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	failed = start(log, options);
	if (failed == 0)
		return log;
	close_file(log);
	log_free(log);
	errno = failed;
	return NULL;
}

void denial_log_destroy(struct denial_log **log, unsigned timeout_ms, struct denial_log_counts *last)
{
	struct denial_log *gone = *log;
	bool ended;

	*log = NULL;
	if (gone == NULL)
		return;
	atomic_store(&gone->stopping, true);
	poke(gone);
	ended = thread_join(gone->thread, timeout_ms);
	if (last != NULL)
		denial_log_counts(gone, last);
	if (ended)
		log_free(gone);
}

void denial_log_reopen(struct denial_log *log)
{
	atomic_store(&log->reopen, true);
	poke(log);
}

void denial_log_counts(struct denial_log *log, struct denial_log_counts *to)
{
	to->written = atomic_load_explicit(&log->written, memory_order_relaxed);
	to->suppressed = atomic_load_explicit(&log->suppressed, memory_order_relaxed);
	to->failed = atomic_load_explicit(&log->failed, memory_order_relaxed);
	to->last_errno = atomic_load_explicit(&log->last_errno, memory_order_relaxed);
	to->lost = lost(log);
}
