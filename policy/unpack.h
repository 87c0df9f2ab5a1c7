/*
 * unpack.h: gzip (RFC 1952) and xz files, decompressed in memory.
 *
 * Bounded against bombs: by the octets that the caller allows, by the ratio of what comes out to what went in once
 * that is much, and xz by the memory of its dictionary. Several members behind each other are one text, as gzip and
 * xz have it.
 *
 * Threads: no shared state.
 */
#ifndef POLICY_UNPACK_H
#define POLICY_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/file.h"

/* Does a file that begins so hold something compressed? */
bool unpack_knows(const char *octets, size_t length);

/* Replaces *text, when it is compressed, by what is inside: at most `octets_max`. NULL: done, or it was not
 * compressed. Else a constant text that says what is wrong, for people, and *text is untouched. */
const char *unpack(struct file_text *text, size_t octets_max);

#endif
