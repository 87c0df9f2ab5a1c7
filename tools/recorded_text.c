/* recorded_text.c: recorded answers, out of texts. */
#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>

#include "policy/rdata.h"
#include "policy/rrtype.h"
#include "tools/recorded_parts.h"

#define FIELD_MAX 4096

struct field {
	const char *at;
	size_t octets;
};

static struct field next_word(struct field *rest)
{
	struct field word;

	while (rest->octets > 0 && *rest->at == ' ') {
		rest->at++;
		rest->octets--;
	}
	word = *rest;
	for (word.octets = 0; word.octets < rest->octets && word.at[word.octets] != ' ';)
		word.octets++;
	rest->at += word.octets;
	rest->octets -= word.octets;
	return word;
}

static bool number_of(struct field word, uint32_t *value)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < word.octets; i++) {
		if (word.at[i] < '0' || word.at[i] > '9' || sum > UINT32_MAX)
			return false;
		sum = sum * 10 + (uint64_t)(word.at[i] - '0');
	}
	*value = (uint32_t)sum;
	return word.octets > 0 && sum <= UINT32_MAX;
}

/* The forms that make up nearly all of a recording. Returns the octets of data; 0: another form, or no good one. */
static size_t simple_data(uint16_t type, struct field data, uint8_t *to, struct name *target)
{
	char text[INET6_ADDRSTRLEN];
	const bool four = type == RRTYPE_A, six = type == RRTYPE_AAAA;

	if (four || six) {
		if (data.octets >= sizeof(text))
			return 0;
		memcpy(text, data.at, data.octets);
		text[data.octets] = '\0';
		return inet_pton(four ? AF_INET : AF_INET6, text, to) == 1 ? (four ? 4 : 16) : 0;
	}
	if (type != LDNS_RR_TYPE_CNAME && type != LDNS_RR_TYPE_NS && type != LDNS_RR_TYPE_PTR && type != LDNS_RR_TYPE_DNAME)
		return 0;
	if (name_from_text(target, data.at, data.octets) != NULL)
		return 0;
	memcpy(to, target->octets, target->length);
	return target->length;
}

/* Whatever else there is, by libldns. */
static size_t any_data(struct field type, struct field data, uint8_t *to, size_t cap)
{
	char text[FIELD_MAX];
	ldns_rr *rr = NULL;
	size_t used = 0;

	if (memchr(data.at, '\0', data.octets) != NULL ||
	    snprintf(text, sizeof(text), ". 0 IN %.*s %.*s", (int)type.octets, type.at, (int)data.octets, data.at)
		>= (int)sizeof(text) || ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL) != LDNS_STATUS_OK)
		return 0;
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);

		if (ldns_rdf_size(rdf) > cap - used) {
			used = 0;
			break;
		}
		memcpy(to + used, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
		used += ldns_rdf_size(rdf);
	}
	ldns_rr_free(rr);
	return used;
}

/* `#74`: so many octets, which the recording does not have. */
static size_t unknown_data(struct field data, uint8_t *to, size_t cap)
{
	uint32_t octets;

	if (data.octets < 2 || *data.at != '#' || !number_of((struct field){ data.at + 1, data.octets - 1 }, &octets))
		return 0;
	octets = octets < cap ? octets : (uint32_t)cap;
	memset(to, 0, octets);
	return octets;
}

/* Of the others a policy asks no more than whether they are there, and detectors how much there is. */
static bool data_matters(uint16_t type)
{
	switch (type) {
	case LDNS_RR_TYPE_A: case LDNS_RR_TYPE_AAAA: case LDNS_RR_TYPE_CNAME: case LDNS_RR_TYPE_DNAME:
		return true;
	default:
		return rdata_has_target(type);
	}
}

static void add_field(struct recorded *recorded, struct field field, struct name *owner)
{
	struct record record = { .section = SECTION_ANSWER, .class = CLASS_IN };
	uint8_t data[FIELD_MAX];
	struct field type = next_word(&field), ttl = next_word(&field);
	struct name target;
	size_t octets = 0;

	while (field.octets > 0 && *field.at == ' ') {
		field.at++;
		field.octets--;
	}
	if (type.octets == 0)
		return;
	if (rrtype_from_text(&record.type, type.at, type.octets) && number_of(ttl, &record.ttl))
		octets = simple_data(record.type, field, data, &target);
	if (octets == 0 && !data_matters(record.type))
		octets = unknown_data(field, data, sizeof(data));
	if (octets == 0)
		octets = any_data(type, field, data, sizeof(data));
	if (record.type == 0 || (octets == 0 && data_matters(record.type))) {
		recorded->left_out++;
		return;
	}
	recorded_put(recorded, owner, record, data, octets);
	if (record.type == LDNS_RR_TYPE_CNAME && name_from_wire(&target, data, octets))
		*owner = target;
}

/* Where the record ends: at a semicolon that neither quotes nor a backslash take for text (RFC 1035 section 5.1). */
static const char *record_end(const char *at, const char *end)
{
	bool quoted = false;

	for (; at < end && (quoted || *at != ';'); at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (*at == '\\' && at + 1 < end)
			at++;
	}
	return at;
}

static bool begins_authority(struct field field)
{
	static const char mark[] = "auth:";
	const struct field word = next_word(&field);

	return word.octets >= sizeof(mark) - 1 && memcmp(word.at, mark, sizeof(mark) - 1) == 0;
}

void recorded_add_text(struct recorded *recorded, const char *text, size_t octets)
{
	struct name owner = recorded->qname;
	const char *const end = text + octets;
	const char *stop = text;

	for (; text < end; text = stop < end ? stop + 1 : end) {
		stop = record_end(text, end);
		const struct field field = { text, (size_t)(stop - text) };

		if (begins_authority(field))
			return;
		add_field(recorded, field, &owner);
	}
}
