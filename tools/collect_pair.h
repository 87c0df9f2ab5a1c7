/*
 * collect_pair.h: questions and answers that come as frames of their own, put together.
 *
 * A resolver that sends CLIENT_QUERY frames (Unbound's own dnstap) says each answered question twice, in an order
 * that nobody promises where the answers come by another way. A question waits here for its answer; both are one when
 * identity, client, its port, the message's id, name and type agree and no more than PAIR_WAIT_S lies between their
 * times. What gets no answer in that time is given back, to be kept as a question. Answers are remembered only once a
 * question has come: who sends none pays nothing.
 *
 * Memory: 65536 places and the frames of questions that wait, up to PAIR_OCTETS_MAX; who finds no place pushes the oldest
 * out, and what finds no room is kept as a question at once.
 *
 * Threads: belongs to its caller.
 */
#ifndef TOOLS_COLLECT_PAIR_H
#define TOOLS_COLLECT_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAIR_WAIT_S 30
#define PAIR_OCTETS_MAX ((size_t)64 << 20)

struct pairing;
struct frame_event_reading;

/* Takes back a question without an answer. False: it could not be kept, and stays. */
typedef bool (*pairing_keep)(void *arg, const uint8_t *octets, size_t length);

/* Owned; NULL: no memory. */
struct pairing *pairing_create(pairing_keep keep, void *arg);
void pairing_destroy(struct pairing **pairing);

/* What a frame is known by. False: it has too little to say. */
struct pair_key {
	uint64_t low, high;
};
bool pairing_key(const struct pairing *pairing, const struct frame_event_reading *reading, struct pair_key *key);

/* An answer. True: its question waited, since *asked_us. */
bool pairing_answer(struct pairing *pairing, const struct pair_key *key, uint64_t time_us, uint64_t *asked_us);

/* A question that came from connection `from` at now_s; the frame is copied. */
enum pair_result { PAIR_WAITS, PAIR_ANSWERED, PAIR_FAILED };
enum pair_result pairing_question(struct pairing *pairing, const struct pair_key *key, uint64_t time_us,
	const uint8_t *octets, size_t length, unsigned from, int64_t now_s);

/* Gives back what came by `from` (0: any) at or before `until_s`. False: something could not be kept. */
bool pairing_release(struct pairing *pairing, unsigned from, int64_t until_s);

#endif
