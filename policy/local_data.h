/*
 * local_data.h: the records that a sinkhole or a local-data rule answers with.
 *
 * Immutable once it is part of a snapshot and borrowed from it; owners are not kept: every record belongs to the name
 * that is being answered.
 */
#ifndef POLICY_LOCAL_DATA_H
#define POLICY_LOCAL_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/name.h"

struct local_data;

struct local_record {
	uint16_t type;          /* host order */
	uint16_t rdata_length;
	uint32_t ttl;           /* seconds, bounded already */
	const uint8_t *rdata;   /* wire form, uncompressed; borrowed */
};

size_t local_data_count(const struct local_data *data);

/* The record at `index`, below local_data_count. */
struct local_record local_data_at(const struct local_data *data, size_t index);

/* How many records answer a question for `qtype`: those of that type, or the CNAME when there is one (type ANY takes
 * all). Their indices go to `found`, at most `cap`. 0: NODATA. */
size_t local_data_select(const struct local_data *data, uint16_t qtype, size_t *found, size_t cap);

/* The target of a CNAME record of `owner`: `*.garden.example` is the owner put in front of garden.example (BIND's
 * manual). False, and *target untouched: it would be over 255 octets. */
bool local_data_target(const struct local_record *record, const struct name *owner, struct name *target);

/* For the compiler of policies (policy/local_pool.h). */

#define LOCAL_RECORDS_MAX 64
#define LOCAL_OCTETS_MAX (64 * 1024)
#define LOCAL_TTL_MAX 86400     /* seconds */

/* How many of the records, from the first, fit into one local_data by the two limits above. */
size_t local_data_fitting(const struct local_record *records, size_t count);

/* Copies those that fit: each once, one CNAME, one TTL for each type and at most LOCAL_TTL_MAX. Returns the owned
 * object, NULL: no memory. */
struct local_data *local_data_create(const struct local_record *records, size_t count);
void local_data_destroy(struct local_data **data);

/* What lies at `at`, 8-aligned, as local_data_whole gave it: borrowed from there, with *octets it takes, padded to 8.
 * NULL: it is not sound, or longer than `cap`. */
const struct local_data *local_data_view(const void *at, size_t cap, size_t *octets);

/* All of it as it lies in memory, for local_data_view; borrowed. */
const void *local_data_whole(const struct local_data *data, size_t *octets);

/* All of its content as octets, equal for equal data only; borrowed. */
const uint8_t *local_data_octets(const struct local_data *data, size_t *octets);

#endif
