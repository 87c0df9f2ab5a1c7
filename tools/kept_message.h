/*
 * kept_message.h: the DNS message of an event, from a row of the store.
 *
 * Threads: a message belongs to its caller.
 */
#ifndef TOOLS_KEPT_MESSAGE_H
#define TOOLS_KEPT_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

struct kept_message {
	uint8_t *octets;                     /* owned */
	size_t used, cap;
	bool failed;
};

/* `values` are columns as in hunt_export.h; what was in *message, at first all 0, goes. False: no memory, or they are of
 * no message; *message stays usable. */
bool kept_message_make(struct kept_message *message, sqlite3_value **values);
void kept_message_fini(struct kept_message *message);

/* Octets of hexadecimal digits. False: they are none, or do not fit. */
bool kept_octets(const char *digits, size_t count, uint8_t *to, size_t cap, size_t *octets);

#endif
