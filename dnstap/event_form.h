/*
 * event_form.h: the flat form of an event, shared by the two files that write and read it.
 *
 * One struct event_form in host byte order (the form never leaves the machine), then the parts in the order of enum
 * event_part, each as long as `lengths` says. The magic number tells another byte order, the version another layout.
 */
#ifndef DNSTAP_EVENT_FORM_H
#define DNSTAP_EVENT_FORM_H

#include <stddef.h>
#include <stdint.h>

#include "policy/detection.h"

#define EVENT_FORM_MAGIC 0x56455631u
#define EVENT_FORM_VERSION 3     /* 2 had neither servers nor what stands behind `lengths` */

enum event_part {
	PART_LIST, PART_RULE, PART_CATEGORY, PART_ATTACK,                              /* of what decided */
	PART_SHADOW_LIST, PART_SHADOW_RULE, PART_SHADOW_CATEGORY, PART_SHADOW_ATTACK,  /* of what would have */
	PART_VALUE,      /* what matched: a name in wire form when it is not the question's, or 4 or 16 octets of address */
	PART_QUERY,      /* DNS messages in wire form */
	PART_RESPONSE,   /* empty: nothing was sent */
	PART_GROUP,      /* the client's */
	PART_DETECTIONS, /* struct event_form_detection each */
	PART_SERVERS,    /* as policy/behind.h has them */
	PART_COUNT
};

struct event_form_rule {
	uint32_t serial;
	uint8_t trigger;
	uint8_t action;
	uint8_t chain;
	uint8_t unused;
};

struct event_form_address {
	uint8_t octets[16];
	uint16_t port;
	uint8_t family;
	uint8_t unused;
};

struct event_form_detection {
	uint8_t detector, tier, reaction, feature_count;
	uint32_t value, threshold, repeated;
	uint8_t features[DETECTION_FEATURES_MAX];
	uint32_t values[DETECTION_FEATURES_MAX];
};

/* Ordered so that there is no padding: every octet is set. */
struct event_form {
	uint32_t magic;
	uint16_t version;
	uint16_t worker;
	uint64_t boot;
	uint64_t counter;
	uint64_t dropped;
	uint64_t left_out;
	int64_t query_sec;
	int64_t response_sec;
	uint32_t query_nsec;
	uint32_t response_nsec;
	struct event_form_rule rule;
	struct event_form_rule shadow;
	struct event_form_address client;
	struct event_form_address server;
	int16_t ede;
	uint8_t path;
	uint8_t transport;
	uint8_t action;
	uint8_t privacy;
	uint16_t lengths[PART_COUNT];
	uint8_t security;            /* enum security */
	uint8_t has_servers;         /* somebody asked for them; there may be none */
	uint8_t unsent;
	uint8_t unused[3];
};

_Static_assert(sizeof(struct event_form) == 160, "struct event_form has no padding");

/* A ring may hold what a former release has written. */
#define EVENT_FORM_VERSION_2 2
#define EVENT_FORM_OCTETS_2 152u

_Static_assert(offsetof(struct event_form, lengths) + PART_SERVERS * sizeof(uint16_t) <= EVENT_FORM_OCTETS_2,
	"version 2 ends where its lengths do");

#endif
