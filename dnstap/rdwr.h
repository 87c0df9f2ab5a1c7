/*
 * rdwr.h: our own descriptors below libfstrm's writer: a unix socket, or a file.
 *
 * They do what libfstrm's own do not (doc/frames.md): a write never waits (what the kernel does not take is kept and
 * counted as unsent), short writes are continued where they ended, a read has a deadline, a file is never truncated.
 *
 * A struct rdwr outlives its connections: rdwr_for_writer wraps it for one fstrm_writer_init, and opening, closing and
 * destroying that writer opens and closes the descriptor in here.
 *
 * Threads: one thread at a time for each rdwr.
 */
#ifndef DNSTAP_RDWR_H
#define DNSTAP_RDWR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most octets that one write may bring, Frame Streams' lengths included. */
#define RDWR_WRITE_MAX (160 * 1024)

struct rdwr;
struct fstrm_rdwr;

/* Called every few milliseconds while a read waits; false: give up. */
typedef bool (*rdwr_wait)(void *arg);

/* A unix socket that connects to `path`. Owned; NULL with errno set: no memory, or `path` is too long for a socket. */
struct rdwr *rdwr_create_unix(const char *path, rdwr_wait wait, void *arg);

/* A file. Opening it moves an existing regular file to `path`.1 and begins a new one with mode 0640; anything else that
 * stands at `path` is refused. Owned; NULL with errno set. */
struct rdwr *rdwr_create_file(const char *path);

/* Frees and sets *rdwr to NULL; no writer may be using it. */
void rdwr_destroy(struct rdwr **rdwr);

/* Wraps it for fstrm_writer_init, which takes what this returns. NULL: no memory. */
struct fstrm_rdwr *rdwr_for_writer(struct rdwr *rdwr);

/* How long reads may wait from now on, all together. */
void rdwr_set_deadline(struct rdwr *rdwr, unsigned timeout_ms);

/* Sends what is unsent, as far as the kernel takes it. -1: the connection is broken. */
int rdwr_flush(struct rdwr *rdwr);

/* Octets of the last write that the kernel has not taken. Keeps its value after a break, until the next opening. */
size_t rdwr_unsent(const struct rdwr *rdwr);

/* Has the collector gone, or sent what it must not? -1: yes, with errno. Never waits. */
int rdwr_check(struct rdwr *rdwr);

/* Gives the connection up: everything after this fails at once. */
void rdwr_cut(struct rdwr *rdwr);

/* The descriptor, for poll; -1: closed, or a file. */
int rdwr_fd(const struct rdwr *rdwr);

/* errno of what last went wrong; 0: nothing since the last opening. */
int rdwr_error(const struct rdwr *rdwr);

#endif
