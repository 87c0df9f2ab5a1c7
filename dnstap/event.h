/*
 * event.h: one answer with its verdict, as it travels from a worker to the I/O thread.
 *
 * The worker fills a struct event that borrows everything and encodes it into its ring in a flat, self-contained form:
 * numbers, addresses, the verdict's texts, and query and response in DNS wire form (dnstap/wire.h). The I/O thread turns
 * that into a dnstap frame (dnstap/frame.h): protobuf and JSON cost nothing on the query path.
 *
 * Frames are numbered by (boot, worker, counter). The counter runs for every answer, framed, dropped or left out by
 * the frames mode; so gaps can be proved. The number of a denied answer is its incident number: it stands in the EDE.
 *
 * Threads: functions here touch their arguments only.
 */
#ifndef DNSTAP_EVENT_H
#define DNSTAP_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "policy/behind.h"
#include "policy/detection.h"
#include "policy/facts.h"
#include "policy/verdict.h"

struct frame_number {
	uint64_t boot;       /* 48 bits: start time in seconds and 16 random bits */
	uint16_t worker;
	uint64_t counter;    /* from 1, for each worker */
};

/* Writes `boot.worker.counter`, boot as 12 hexadecimal digits; `to` holds FRAME_NUMBER_TEXT_MAX. Returns `to`. */
char *frame_number_text(const struct frame_number *number, char *to);

struct event {
	struct frame_number number;
	enum answer_path path;
	const struct facts *facts;         /* borrowed; the records are the response */
	const struct verdict *verdict;     /* borrowed */
	struct timespec query_time;        /* CLOCK_REALTIME; zero: not known */
	struct timespec response_time;
	uint16_t id;                       /* DNS message id */
	uint16_t query_flags;              /* header flags word of the query */
	uint16_t response_flags;           /* of the response, rcode included */
	bool edns;                         /* the query had an OPT record, so the response has one */
	bool edns_do;
	uint16_t udp_size;                 /* as the client said */
	int16_t ede;                       /* EDE sent, or EDE_NONE */
	const char *ede_text;              /* borrowed; NULL: none */
	const struct detections *detections;   /* borrowed; NULL: none */
	const struct behind *behind;       /* what they looked at beside; borrowed; NULL: nothing */
	uint64_t dropped;                  /* frames of this worker dropped so far */
	uint64_t left_out;                 /* answers of this worker of which no frame was wanted, so far */
	bool unsent;                       /* made, and then dropped: the client had waited for too long */
	enum privacy_mode privacy;         /* what is shown of the client */
	const struct address *shown;       /* the client as it is shown, when `privacy` is not PRIVACY_NONE; borrowed */
};

/* The most octets that event_encode writes. */
#define EVENT_OCTETS_MAX (80 * 1024)

/* Encodes into `to`. Returns the octets used; 0 when it does not fit in `cap`. */
size_t event_encode(const struct event *event, uint8_t *to, size_t cap);

#endif
