/*
 * saved.h: all that the detectors remember, as one run of octets, and back.
 *
 * In the machine's own order and sizes: it is for the same program on the same machine, and anything else is told from
 * it. Header (what it is, key, when), tables (a 1 before each record, a 0 behind the last), Bloom filters (pieces that
 * are not empty), what the caller adds, and a checksum over all of it. Records are made safe when they come back: what
 * is kept must not be trusted more than what comes in.
 *
 * Threads: detect_save as table_read; the others while nobody uses the detectors.
 */
#ifndef DETECT_SAVED_H
#define DETECT_SAVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detect/detect.h"

#define SAVED_HEADER_OCTETS 120u

/* Takes the next octets. False: no more are wanted. */
typedef bool (*saved_write)(void *arg, const void *octets, size_t length);

/* `more` is kept with it. False: `write` or memory said no. */
bool detect_save(struct detect *detect, const void *more, size_t more_length, saved_write write, void *arg);

/* The most that it can take, with `more_length` octets of the caller's. */
size_t detect_saved_max(const struct detect_sizes *sizes, size_t more_length);

/* NULL when it is whole and of this version: *key is what the detectors must be created with. Else what is wrong. */
const char *saved_check(const uint8_t *octets, size_t length, struct hash_key *key);

/* Puts back what saved_check found whole, into detectors that begin now (detect_create): what cannot have passed since it
 * was saved is put down to the clock, by detect_shift. NULL, with *more (points into `octets`); else why it cannot be
 * used, and the detectors have to be created anew. */
const char *detect_restore(struct detect *detect, const uint8_t *octets, size_t length, const uint8_t **more,
	size_t *more_length);

#endif
