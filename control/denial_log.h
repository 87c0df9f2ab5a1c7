/*
 * denial_log.h: a plain line for each denied answer, for sites without a collector.
 *
 *     time=2026-11-21T00:40:44.123Z client=192.0.2.7 name=www.evil.example type=A action=nxdomain list=malware
 *     rule=evil.example trigger=QNAME ede=15 incident=... group=branch            (on one line)
 *
 * Values are written as control/quote.h says. A worker puts a flat record into a ring of its own; a thread with all
 * signals blocked writes the lines, at most `rate` a second, and says every second in which there were more how many
 * were left out: `time=... suppressed=N lost=M` (lost: the ring was full).
 *
 * A file is appended to, and opened again when it was moved or denial_log_reopen asked; "syslog" is syslog(3) with
 * daemon.notice, under the resolver's name. What cannot be written is counted.
 *
 *   who         | calls                                 | needs outside synchronisation with
 *   worker w    | denial_log_note(w)                    | nobody
 *   any thread  | denial_log_reopen, denial_log_counts  | denial_log_destroy
 *   main thread | denial_log_create, denial_log_destroy | all others
 */
#ifndef CONTROL_DENIAL_LOG_H
#define CONTROL_DENIAL_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "dnstap/event.h"
#include "dnstap/tap.h"

#define DENIAL_WORKERS_MAX TAP_WORKERS_MAX
#define DENIAL_RING_OCTETS (256 * 1024)   /* of one worker, made at its first denial */

struct denial_log;

struct denial_log_counts {
	uint64_t written;         /* lines */
	uint64_t suppressed;      /* over the rate */
	uint64_t lost;            /* no room in the ring */
	uint64_t failed;          /* could not be written */
	int last_errno;           /* of the last that could not; 0: none */
};

struct denial_log_options {
	const char *to;           /* a file as this process sees it, or "syslog"; copied */
	uint32_t rate;            /* lines a second; 0: no limit */
	const struct denial_log_counts *before;   /* to go on from; NULL: from 0; copied */
};

/* Starts the thread. A file that cannot be opened is counted and tried again. NULL with errno set: no memory or
 * thread. */
struct denial_log *denial_log_create(const struct denial_log_options *options);

/* Writes what is there and ends the thread, within about `timeout_ms`; a thread that does not end in time is left
 * alone with what it holds. Sets *log to NULL; fills *last unless that or the log is NULL. */
void denial_log_destroy(struct denial_log **log, unsigned timeout_ms, struct denial_log_counts *last);

/* Logs it if the verdict denies. Never blocks, allocates at a worker's first denial only. */
void denial_log_note(struct denial_log *log, unsigned worker, const struct event *event);

void denial_log_reopen(struct denial_log *log);
void denial_log_counts(struct denial_log *log, struct denial_log_counts *to);

#endif
