/* record_source.c: recordings, whatever their form. */
#include "tools/record_source.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "dnstap/dnstap.pb-c.h"
#include "tools/frame_read.h"
#include "tools/question_read.h"
#include "tools/record_dump.h"
#include "tools/record_packet.h"

const char *const record_form_names[RECORD_FORMS] = { "text", "dnstap", "pcap", "cache dump" };
const char *const record_skip_names[SKIP_REASONS] = { "unreadable", "not-dns", "query", "fragment", "no-question", "note" };

struct record_source {
	FILE *from;
	char name[256];
	enum record_form form;
	enum record_take take;
	struct dump_reader dump;
	struct question_reader questions;
	struct frame_reader *frames;
	pcap_t *pcap;
	uint64_t packets;
	struct record_counts counts;
};

/* --- texts -------------------------------------------------------------------------------------------------------- */

static int next_text(struct record_source *source, struct recorded *to, struct diag *diag)
{
	struct question question;

	if (!question_next(&source->questions, &question))
		return ferror(source->from) ? diag_set(diag, source->name, 0, 0, "%m") : 0;
	to->qname = question.qname;
	to->qtype = question.qtype;
	to->rcode = question.rcode;
	to->client = question.client;
	to->count = question.count;
	to->where = source->questions.number;
	to->answered = question.answers_octets > 0;
	to->time_ms = question.time_ms;
	if (question.label_octets > 0 && question.label_octets < sizeof(to->label))
		memcpy(to->label, question.label, question.label_octets);
	memcpy(to->group, question.group, sizeof(to->group));
	if (to->answered)
		recorded_add_text(to, question.answers, question.answers_octets);
	return 1;
}

static int next_dump(struct record_source *source, struct recorded *to, struct diag *diag)
{
	return dump_next(&source->dump, to) ? 1 : ferror(source->from) ? diag_set(diag, source->name, 0, 0, "%m") : 0;
}

/* --- dnstap ------------------------------------------------------------------------------------------------------- */

static struct address address_of(protobuf_c_boolean has, const ProtobufCBinaryData *octets)
{
	struct address address = { .family = ADDRESS_NONE };

	if (!has || (octets->len != 4 && octets->len != 16))
		return address;
	address.family = octets->len == 4 ? ADDRESS_INET : ADDRESS_INET6;
	memcpy(address.octets, octets->data, octets->len);
	return address;
}

/* A time beyond the year 5138 is none. */
static int64_t time_of(uint64_t seconds, uint32_t nanoseconds)
{
	return seconds < UINT64_C(100000000000) ? (int64_t)(seconds * 1000 + nanoseconds % 1000000000 / 1000000) : 0;
}

static bool is_wanted(const struct record_source *source, Dnstap__Message__Type type)
{
	switch (source->take) {
	case RECORD_RESPONSES: return type == DNSTAP__MESSAGE__TYPE__CLIENT_RESPONSE;
	case RECORD_QUERIES: return type == DNSTAP__MESSAGE__TYPE__CLIENT_QUERY;
	case RECORD_SERVERS: return type == DNSTAP__MESSAGE__TYPE__CLIENT_RESPONSE ||
		type == DNSTAP__MESSAGE__TYPE__RESOLVER_RESPONSE;
	}
	return false;
}

/* What a name server said to the resolver is about the zone that it was asked as a server of, and what is below. */
static unsigned zone_asked(const Dnstap__Message *message)
{
	struct name zone;

	if (message->type != DNSTAP__MESSAGE__TYPE__RESOLVER_RESPONSE || !message->has_query_zone ||
	    !name_from_wire(&zone, message->query_zone.data, message->query_zone.len))
		return 0;
	return zone.labels;
}

static bool take_message(struct record_source *source, const Dnstap__Message *message, struct recorded *to)
{
	const ProtobufCBinaryData *wire = message->has_response_message ? &message->response_message
		: &message->query_message;

	if (!is_wanted(source, message->type)) {
		source->counts.skipped[message->type == DNSTAP__MESSAGE__TYPE__CLIENT_QUERY ? SKIP_QUERY : SKIP_NOTE]++;
		return false;
	}
	to->zone_min = zone_asked(message);
	if ((!message->has_response_message && !message->has_query_message) ||
	    !recorded_take_message(to, wire->data, wire->len)) {
		source->counts.skipped[SKIP_NO_QUESTION]++;
		return false;
	}
	to->client = address_of(message->has_query_address, &message->query_address);
	to->client.port = (uint16_t)message->query_port;
	to->server = address_of(message->has_response_address, &message->response_address);
	to->server.port = (uint16_t)message->response_port;
	recorded_add_responder(to, &to->server, to->zone_min);
	to->time_ms = message->has_response_time_sec ? time_of(message->response_time_sec, message->response_time_nsec)
		: message->has_query_time_sec ? time_of(message->query_time_sec, message->query_time_nsec) : 0;
	return true;
}

static void note_unreadable(struct record_source *source, uint64_t where)
{
	if (source->counts.skipped[SKIP_UNREADABLE]++ == 0)
		source->counts.first_unreadable = where;
}

static bool take_frame(struct record_source *source, const struct frame_view *frame, struct recorded *to)
{
	Dnstap__Dnstap *dnstap = dnstap__dnstap__unpack(NULL, frame->length, frame->octets);
	bool taken;

	if (dnstap == NULL) {
		note_unreadable(source, to->where);
		return false;
	}
	taken = dnstap->message != NULL && take_message(source, dnstap->message, to);
	if (dnstap->message == NULL)
		source->counts.skipped[SKIP_NOTE]++;
	dnstap__dnstap__free_unpacked(dnstap, NULL);
	return taken;
}

/* False: no more. */
static bool fill(struct record_source *source)
{
	size_t room, got;
	uint8_t *to = frame_reader_space(source->frames, &room);

	if (to == NULL)
		return false;
	got = fread(to, 1, room, source->from);
	frame_reader_filled(source->frames, got);
	return got > 0;
}

static int next_frame(struct record_source *source, struct recorded *to, struct diag *diag)
{
	struct frame_view frame;

	for (;;) {
		const unsigned long long offset = frame_reader_offset(source->frames);

		to->where = offset;
		switch (frame_reader_next(source->frames, &frame)) {
		case FRAME_DATA:
			if (take_frame(source, &frame, to))
				return 1;
			recorded_init(to);
			break;
		case FRAME_BAD:
			return diag_set(diag, source->name, 0, 0, "at octet %llu: %s", offset, frame_reader_error(source->frames));
		case FRAME_MORE:
			if (fill(source))
				break;
			if (ferror(source->from))
				return diag_set(diag, source->name, 0, 0, "%m");
			/* A file that is being written, or whose writer was killed, ends without STOP. */
			if (!frame_reader_is_whole(source->frames))
				note_unreadable(source, offset);
			return 0;
		case FRAME_READY: case FRAME_START: case FRAME_STOP:
			break;
		}
	}
}

/* --- pcap --------------------------------------------------------------------------------------------------------- */

static int next_packet(struct record_source *source, struct recorded *to, struct diag *diag)
{
	struct pcap_pkthdr *header;
	const uint8_t *octets;
	int got;

	while ((got = pcap_next_ex(source->pcap, &header, &octets)) == 1) {
		enum record_skip why = record_take_packet(pcap_datalink(source->pcap), octets, header->caplen, to);

		to->where = ++source->packets;
		to->time_ms = (int64_t)header->ts.tv_sec * 1000 + header->ts.tv_usec / 1000;
		if (why == SKIP_REASONS && to->answered == (source->take == RECORD_QUERIES))
			why = to->answered ? SKIP_NOTE : SKIP_QUERY;
		if (why == SKIP_REASONS && source->take == RECORD_SERVERS)
			recorded_add_responder(to, &to->server, recorded_apex(to));
		if (why == SKIP_REASONS)
			return 1;
		if (why == SKIP_UNREADABLE)
			note_unreadable(source, source->packets);
		else
			source->counts.skipped[why]++;
		recorded_init(to);
	}
	if (got != PCAP_ERROR_BREAK)
		return diag_set(diag, source->name, 0, 0, "behind packet %llu: %s", (unsigned long long)source->packets,
			pcap_geterr(source->pcap));
	return 0;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

/* Puts back what it reads, which lies in the buffer still: glibc takes all of it. */
static bool begins_dump(FILE *from)
{
	const size_t wanted = strlen(dump_begins);
	char line[64];
	size_t got = 0;
	int octet;

	while (got < wanted && (octet = getc(from)) != EOF) {
		line[got++] = (char)octet;
		if (octet != (unsigned char)dump_begins[got - 1])
			break;
	}
	octet = got == wanted && memcmp(line, dump_begins, wanted) == 0;
	for (size_t i = got; i > 0; i--)
		ungetc((unsigned char)line[i - 1], from);
	return octet != 0;
}

/* A control frame of Frame Streams begins with zeros, pcap and pcapng with magic numbers, as do gzip, xz and zstd:
 * RECORD_FORMS. */
static enum record_form form_of(FILE *from)
{
	static const struct { int first, second; enum record_form form; } magics[] = {
		{ 0xa1, 0xb2, RECORD_PCAP }, { 0xd4, 0xc3, RECORD_PCAP }, { 0x4d, 0x3c, RECORD_PCAP },
		{ '\n', '\r', RECORD_PCAP }, { 0x1f, 0x8b, RECORD_FORMS }, { 0xfd, '7', RECORD_FORMS },
		{ 0x28, 0xb5, RECORD_FORMS },
	};
	int first = getc(from), second = first == EOF ? EOF : getc(from);

	/* Two octets back are more than C promises, and what glibc keeps. */
	if (second != EOF)
		ungetc(second, from);
	if (first != EOF)
		ungetc(first, from);
	if (first == 0)
		return RECORD_DNSTAP;
	if (first == dump_begins[0] && second == dump_begins[1] && begins_dump(from))
		return RECORD_DUMP;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (first == magics[i].first && second == magics[i].second)
			return magics[i].form;
	return RECORD_TEXT;
}

static int open_pcap(struct record_source *source, struct diag *diag)
{
	char error[PCAP_ERRBUF_SIZE];
	const char *link;

	source->pcap = pcap_fopen_offline(source->from, error);
	if (source->pcap == NULL)
		return diag_set(diag, source->name, 0, 0, "%s", error);
	if (record_reads_link(pcap_datalink(source->pcap)))
		return 0;
	link = pcap_datalink_val_to_name(pcap_datalink(source->pcap));
	return diag_set(diag, source->name, 0, 0, "packets of link type %d (%s) are not read", pcap_datalink(source->pcap),
		link != NULL ? link : "unknown");
}

static int open_form(struct record_source *source, struct diag *diag)
{
	switch (source->form) {
	case RECORD_TEXT:
		return question_reader_init(&source->questions, source->from) ? 0
			: diag_set(diag, source->name, 0, 0, "out of memory");
	case RECORD_DNSTAP:
		source->frames = frame_reader_create();
		return source->frames != NULL ? 0 : diag_set(diag, source->name, 0, 0, "out of memory");
	case RECORD_PCAP:
		return open_pcap(source, diag);
	case RECORD_DUMP:
		dump_reader_init(&source->dump, source->from);
		return 0;
	case RECORD_FORMS:
		break;
	}
	return diag_set(diag, source->name, 0, 0, "is compressed: let zcat, xzcat or zstdcat unpack it into a "
		"pipe, and read -");
}

struct record_source *record_source_open(FILE *from, const char *name, enum record_take take,
	struct diag *diag)
{
	struct record_source *source = calloc(1, sizeof(*source));

	if (source == NULL) {
		fclose(from);
		diag_set(diag, name, 0, 0, "out of memory");
		return NULL;
	}
	source->from = from;
	source->take = take;
	snprintf(source->name, sizeof(source->name), "%s", name);
	source->form = form_of(from);
	if (open_form(source, diag) != 0)
		record_source_close(&source);
	return source;
}

void record_source_close(struct record_source **source)
{
	if (*source == NULL)
		return;
	question_reader_fini(&(*source)->questions);
	frame_reader_destroy(&(*source)->frames);
	/* libpcap closes the file with what it has made of it. */
	if ((*source)->pcap != NULL)
		pcap_close((*source)->pcap);
	else
		fclose((*source)->from);
	free(*source);
	*source = NULL;
}

enum record_form record_source_form(const struct record_source *source)
{
	return source->form;
}

int record_source_next(struct record_source *source, struct recorded *to, struct diag *diag)
{
	recorded_init(to);
	switch (source->form) {
	case RECORD_TEXT: return next_text(source, to, diag);
	case RECORD_DNSTAP: return next_frame(source, to, diag);
	case RECORD_PCAP: return next_packet(source, to, diag);
	case RECORD_DUMP: return next_dump(source, to, diag);
	case RECORD_FORMS: break;
	}
	return 0;
}

void record_source_counts(const struct record_source *source, struct record_counts *counts)
{
	*counts = source->counts;
	if (source->form == RECORD_TEXT) {
		counts->skipped[SKIP_UNREADABLE] = source->questions.unreadable;
		counts->first_unreadable = source->questions.unreadable_line;
	}
	if (source->form == RECORD_DUMP) {
		counts->skipped[SKIP_UNREADABLE] = source->dump.unreadable;
		counts->first_unreadable = source->dump.unreadable_line;
	}
}
