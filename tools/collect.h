/*
 * collect.h: a collector for resolvers: frames from many connections into one store, confirmed when they are on disk.
 *
 * A sender's STOP is answered with FINISH after a commit that came later (doc/frames.md, "Confirmation"), so what was
 * confirmed survives a kill and a loss of power. Where something cannot be written, nothing is confirmed: connections
 * are closed, senders keep their frames and come again, and what came already is known by its number. While the disk
 * has less than `free_octets` left, nothing is taken: that is the state "stopped", which status.json in the directory
 * and the messages tell.
 *
 * A frame that is no dnstap message is counted and let go: waiting for it to become better would keep all behind it.
 * A frame whose identity the sender's certificate does not stand for is refused: the connection is closed without
 * confirmation, so that a wrong table costs no frames.
 *
 * Threads: one.
 */
#ifndef TOOLS_COLLECT_H
#define TOOLS_COLLECT_H

#include <stdbool.h>
#include <stdint.h>

#include "dnstap/privacy.h"
#include "store/store.h"
#include "tools/collect_clock.h"
#include "tools/collect_identity.h"
#include "tools/collect_pair.h"
#include "tools/frame_event.h"
#include "tools/tap_socket.h"

#define COLLECT_DIRECTORY "/var/lib/verdict-collect"
#define COLLECT_PLACES_MAX 16

struct collect_options {
	const char *directory;
	struct tap_place places[COLLECT_PLACES_MAX];
	unsigned place_count;
	struct store_limits limits;
	uint64_t free_octets;            /* that the disk keeps */
	unsigned idle_s;                 /* a connection may be silent; past 0 */
	enum privacy_mode privacy;
};

struct collect_counts {
	uint64_t frames, other, undecodable, refused, connections;
	uint64_t paired;                 /* questions that are kept as their answers */
};

struct collector {
	const struct collect_options *options;
	struct store *store;             /* owned */
	struct identities *identities;   /* owned */
	struct privacy *privacy;         /* owned; NULL: clients are kept as they are */
	struct pairing *pairing;         /* owned */
	struct collect_counts counts;
	struct frame_event_clock clock;
	struct frame_event_reading reading;
	char stopped[600];               /* why nothing is taken; "": it is */
	int64_t stopped_s;               /* since when */
	struct collect_clock day_clock;  /* says which days are too old */
	int64_t stayed_s;                /* it was said that a day cannot be removed */
	int status_fd;
	int64_t said_s;                  /* messages of this second */
	unsigned said, withheld;
};

enum collect_result { COLLECT_TAKEN, COLLECT_REFUSED, COLLECT_STOPPED };

/* Opens everything but sockets. 0 or -1: *diag. */
int collector_init(struct collector *collector, const struct collect_options *options, struct diag *diag);
void collector_fini(struct collector *collector);

/* Takes a frame that came from whoever `peer` names. COLLECT_STOPPED: it could not be written, and all that was not
 * committed is gone. */
enum collect_result collector_take(struct collector *collector, struct peer *peer, const uint8_t *octets,
	size_t length);

/* Keeps the questions from connection `from` (0: all) that still wait for their answers, for what was said to be
 * taken must not be only here. False: they could not be written. */
bool collector_release(struct collector *collector, unsigned from);

/* True: everything that was taken and released is on disk. */
bool collector_commit(struct collector *collector);

/* Once in a second or so: old days, the disk, requests to forget, and the status file. True: frames may be taken. */
bool collector_tend(struct collector *collector, int64_t now_s, unsigned connections);

/* Says something to the operator, on standard error; of more than a few in a second only how many. */
void collector_say(struct collector *collector, const char *text);

/* False: they stay as they were, and it was said why. */
bool collector_read_identities(struct collector *collector);

/* Listens at all places until SIGINT or SIGTERM; SIGHUP reads identities and what is revoked again, or ends it at a
 * terminal. Returns an exit
 * code. */
int collect_listen(struct collector *collector);

/* Prints what the status file of a directory says. Returns an exit code. */
int collect_status_print(const char *directory, bool json);
int collect_status_open(const char *directory, struct diag *diag);
void collect_status_write(struct collector *collector, int64_t now_s, unsigned connections);

/* Forgets a client in a directory, by its collector if one runs. Returns an exit code. */
int collect_forget(const char *directory, const char *client, bool json);
/* What others asked a running collector to forget. False: it could not be written. */
bool collect_forget_asked(struct collector *collector);

#endif
