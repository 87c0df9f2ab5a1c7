/*
 * dns_view.h: a DNS message (RFC 1035) where it lies, without a copy.
 *
 * libldns was measured: it allocates for each label and field, 6 us for a message of three records. So the walk
 * over a message, names, addresses and texts are done here; the data of every other type are still printed by
 * libldns.
 *
 * Hostile input: a pointer of compression must lead backwards, a name has 255 octets at most, and lengths end at the
 * message. What is wrong in the records shows as `error`; header and question before it stay readable.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_DNS_VIEW_H
#define TOOLS_DNS_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_MAX 1024       /* of a name's text: 255 octets, four for each, and NUL */
#define DNS_TYPE_MAX 16         /* of a type's, class's or code's name */

#define DNS_QR 0x8000u
#define DNS_AA 0x0400u
#define DNS_TC 0x0200u
#define DNS_RD 0x0100u
#define DNS_RA 0x0080u
#define DNS_AD 0x0020u
#define DNS_CD 0x0010u

struct dns_view {
	const uint8_t *octets;      /* borrowed; NULL: no message, or not even a header */
	size_t length;
	const char *error;          /* NULL: fine */
	uint16_t id, flags;
	uint16_t answers;           /* how many the header promises, and */
	uint16_t authorities;       /* behind them */
	unsigned rcode;             /* 0 to 4095, with EDNS's bits */
	bool has_question;
	uint16_t qtype, qclass;
	size_t answers_at;
	const uint8_t *edns;        /* options; NULL: none */
	size_t edns_octets;
	char qname[DNS_NAME_MAX];   /* "" without a question */
	size_t qname_octets;
};

struct dns_record {
	size_t at;                  /* of its owner's name */
	uint16_t type, class;
	uint32_t ttl;
	size_t data_at;
	uint16_t octets;
};

/* A cursor over the records of a section. */
struct dns_cursor {
	size_t at;
	unsigned left;
};

void dns_view_init(struct dns_view *view, const uint8_t *octets, size_t length);

/* Records of a message without error. False: no more. */
struct dns_cursor dns_answers(const struct dns_view *view);
/* Those behind the section that a cursor has come to the end of. */
struct dns_cursor dns_authorities(const struct dns_view *view, const struct dns_cursor *answers);
bool dns_next(const struct dns_view *view, struct dns_cursor *cursor, struct dns_record *record);

/* A name without its last dot ("." for the root), \DDD for all but printable ASCII, as in a zone file. `to` holds
 * DNS_NAME_MAX. Returns its octets; 0: no name. */
size_t dns_name(const struct dns_view *view, size_t at, char *to);

/* A record's data as in a zone file, names absolute when `dots`. Owned, or `small`, which holds DNS_NAME_MAX + 8;
 * NULL: cannot be read, or no memory. */
char *dns_data(const struct dns_view *view, const struct dns_record *record, bool dots, char *small, size_t *octets);

/* Names, TYPE12 and so on for what has none. `to` holds DNS_TYPE_MAX; returned is it, or a constant. */
const char *dns_type_name(unsigned type, char *to);
const char *dns_class_name(unsigned class, char *to);
const char *dns_rcode_name(unsigned rcode, char *to);
const char *dns_opcode_name(const struct dns_view *view, char *to);

/* The next Extended DNS Error (RFC 8914); *at is 0 first. False: no more. */
bool dns_next_ede(const struct dns_view *view, size_t *at, unsigned *code, const uint8_t **text, size_t *octets);

#endif
