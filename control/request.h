/*
 * request.h: one line from a client of the control socket, checked and typed.
 *
 * A command is one row of request_commands, a member one row of the table in request.c. Unknown commands and members,
 * members of another type or out of range, and members that are missing are errors that say what would be right.
 *
 * Threads: no shared state.
 */
#ifndef CONTROL_REQUEST_H
#define CONTROL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/conf.h"
#include "policy/name.h"
#include "policy/override.h"

enum request_command {
	REQUEST_STATUS, REQUEST_STATS, REQUEST_METRICS, REQUEST_OVERRIDES, REQUEST_EXPLAIN, REQUEST_RECENT,
	REQUEST_FLAGGED,
	REQUEST_RELOAD, REQUEST_ALLOW, REQUEST_DENY, REQUEST_REVOKE, REQUEST_FLUSH, REQUEST_LOG_REOPEN,
	REQUEST_COUNT
};

enum request_member {
	MEMBER_NAME = 1,
	MEMBER_TYPE = 1 << 1,      /* of a question */
	MEMBER_SECONDS = 1 << 2,
	MEMBER_WHY = 1 << 3,
	MEMBER_CLIENT = 1 << 4,    /* an address, or a network as ADDRESS/BITS */
	MEMBER_ID = 1 << 5,        /* of an override */
	MEMBER_TO = 1 << 6,        /* a policy's number */
	MEMBER_PREVIOUS = 1 << 7,
	MEMBER_FORCE = 1 << 8,
	MEMBER_BELOW = 1 << 9,
	MEMBER_AS = 1 << 10,       /* for whom root acts, for the audit; believed of root only */
	MEMBER_INTERFACE = 1 << 11 /* where a query comes in, as ADDRESS@PORT or ADDRESS */
};

/* Who does it: the server thread, or one of its hands. */
enum request_place { PLACE_SERVER, PLACE_CHANGES, PLACE_LOADS, PLACE_LOOKS };

struct request_row {
	const char *name;
	bool changes;              /* not for everybody who can connect */
	enum request_place place;
	unsigned needed;           /* members, of enum request_member */
	unsigned allowed;          /* besides those */
};

extern const struct request_row request_commands[REQUEST_COUNT];

#define REQUEST_WRONG_MAX 256

struct request {
	enum request_command command;
	unsigned given;            /* members */
	struct name name;
	uint16_t type;             /* 0: not given */
	uint32_t seconds;
	char why[OVERRIDE_WHY_MAX];
	struct network client;     /* family ADDRESS_NONE: not given */
	struct address interface;  /* likewise */
	uint64_t id, to;
	bool previous, force, below;
	char as[OVERRIDE_WHO_MAX / 2];
};

/* Reads `octets` of JSON. 0; -1: *request is undefined, and `wrong` of REQUEST_WRONG_MAX octets says what is wrong
 * and what would be right, in printable ASCII. */
int request_parse(struct request *request, const char *line, size_t octets, char *wrong);

/* An address, or a network as ADDRESS/BITS; bits behind the prefix must be 0. False: *network is undefined. */
bool request_network(struct network *network, const char *text);

/* ADDRESS, or ADDRESS@PORT; else the port is 53. False: *interface is undefined. */
bool request_interface(struct address *interface, const char *text);

#endif
