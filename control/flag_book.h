/*
 * flag_book.h: the flags in force: what detectors have found, about which zone and client, until when.
 *
 * A flag of `action: alert` is told of and changes nothing. One of `action: block` becomes an override that denies the
 * zone to that client alone (control/override_store.h), and to everybody only when FLAG_CLIENTS_EVERYBODY clients were
 * denied it and the zone is young or hardly used. A flood against a zone is another thing: nobody is denied anything for
 * his part in it, and when as many clients had one within FLAG_LIMIT_SECONDS, the zone is refused to everybody for as
 * long. The book says which overrides are due; who makes them says what came
 * of it. A flag lasts for `seconds`, of a denial from its beginning, of an alert from when it was last called for.
 *
 * Bounds: FLAGS_MAX flags, `per_minute` new ones a minute that alert and as many that deny; what is over is counted and
 * called for again. In a full book the oldest alert makes room for a denial.
 *
 * Threads: any; a mutex, never taken by a worker.
 */
#ifndef CONTROL_FLAG_BOOK_H
#define CONTROL_FLAG_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/flag.h"
#include "policy/conf.h"
#include "policy/override.h"

#define FLAGS_MAX 1024u
#define FLAG_CLIENTS_EVERYBODY 3u
#define FLAG_LIMIT_SECONDS 60
#define FLAG_SECONDS_MAX 2592000     /* whatever the clock does */

struct flag_limits {
	uint32_t seconds;                /* that a flag lasts */
	uint32_t per_minute;             /* new ones */
	enum action action;              /* what is answered where one denies */
};

struct flag_counts {
	uint64_t in_force, denied;       /* now */
	uint64_t raised, refused, held_back, full;   /* since the start: held back by the rate; no room */
};

struct flag_book;

/* Owned; NULL: no memory. */
struct flag_book *flag_book_create(void);
void flag_book_destroy(struct flag_book **book);

/* From now on, of flags that are due already or come back, too. Before the first call nothing is raised. */
void flag_book_limit(struct flag_book *book, const struct flag_limits *limits);

/* Takes in a call. Returns whether it says something new: a flag, or that one is to be a denial. */
bool flag_book_take(struct flag_book *book, const struct flag_call *call);

/* The next flag that is due, copied, with its override as it is to be made (without an id). False: there is none. */
bool flag_book_due(struct flag_book *book, struct flag *flag, struct override *override);

/* What came of it; `error` is for FLAG_REFUSED. Returns whether another one became due: the zone for everybody. */
bool flag_book_done(struct flag_book *book, uint64_t id, enum flag_state state, uint64_t override, const char *error);

/* The clock was put on by so many seconds, or back: flags last as long as they would have. */
void flag_book_shift(struct flag_book *book, int64_t by_s);

/* Forgets what has ended by `now`. */
void flag_book_turn(struct flag_book *book, int64_t now);

/* Forgets denials whose override is not in force any more. */
void flag_book_sync(struct flag_book *book, const struct override *overrides, size_t count);

/* Forgets all flags of what such an override lets through. */
void flag_book_release(struct flag_book *book, const struct override *allow);

/* A copy, oldest first. Returns the owned array (free); NULL: no memory. */
struct flag *flag_book_copy(struct flag_book *book, size_t *count);

/* Puts back what was copied in a former process; what has ended, or makes no sense, is left out. */
void flag_book_restore(struct flag_book *book, const struct flag *flags, size_t count, int64_t now);

void flag_book_counts(struct flag_book *book, struct flag_counts *counts);

#endif
