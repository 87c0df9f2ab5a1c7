/*
 * frame_json.h: what the JSON formats share: members from the fields of a frame. What a frame does not have is
 * left out.
 *
 * Threads: a line belongs to its caller.
 */
#ifndef TOOLS_FRAME_JSON_H
#define TOOLS_FRAME_JSON_H

#include "tools/frame_format.h"

/* Which data a line takes from answers. */
enum frame_data { DATA_ALL, DATA_ADDRESSES, DATA_NAMES };

/* Begins an object in the printer's line, which is emptied; ends it, and prints the line. */
struct json_line *frame_json_begin(struct frame_printer *printer);
bool frame_json_end(struct frame_printer *printer);

void frame_put_octets(struct json_line *line, const char *key, const ProtobufCBinaryData *octets, bool present);
void frame_put_time(struct json_line *line, const char *key, uint64_t seconds, uint32_t ns, bool present);
void frame_put_address(struct json_line *line, const char *key, const ProtobufCBinaryData *address, bool present);
void frame_put_enum(struct json_line *line, const char *key, const ProtobufCMessage *message, const char *field,
	int value);

/* A value of `extra`, as it is. */
void frame_put_value(struct json_line *line, const char *key, struct json_value value);

/* The same as text, whatever it is: ECS has no numbers there. */
void frame_put_value_text(struct json_line *line, const char *key, struct json_value value);

/* boot.worker.counter */
void frame_put_number(struct json_line *line, const char *key, const struct frame_fields *fields);

/* `list:rule`, as one text. */
void frame_put_rule(struct json_line *line, const char *key, const struct frame_decision *decision);

/* The header's flags as an array of names. */
void frame_put_flags(struct json_line *line, const char *key, const struct dns_view *dns, bool capitals);

/* Members of one record, names of its data absolute when `dots`; `class` may be left out. */
void frame_put_record(struct json_line *line, const struct dns_view *dns, const struct dns_record *record, bool dots,
	bool class, const char *data_key);

/* A member: the data of one record. */
void frame_put_rdata(struct json_line *line, const char *key, const struct dns_view *dns,
	const struct dns_record *record);

/* Elements of an array: the data of all answers of that kind. */
void frame_put_data(struct json_line *line, const struct dns_view *dns, enum frame_data kind);

/* Is there an answer of that kind? */
bool frame_has_data(const struct dns_view *dns, enum frame_data kind);

#endif
