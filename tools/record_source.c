/* record_source.c: recordings, whatever their form. */
#include "tools/record_source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "dnstap/dnstap.pb-c.h"
#include "tools/frame_read.h"
#include "tools/question_read.h"

#define PORT_DNS 53
#define ETHERTYPE_IP 0x0800
#define ETHERTYPE_IP6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17

const char *const record_form_names[RECORD_FORMS] = { "text", "dnstap", "pcap" };
const char *const record_skip_names[SKIP_REASONS] = { "unreadable", "not-dns", "query", "fragment", "no-question", "note" };

struct record_source {
	FILE *from;
	char name[256];
	enum record_form form;
	bool queries;
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
	memcpy(to->group, question.group, sizeof(to->group));
	if (to->answered)
		recorded_add_text(to, question.answers, question.answers_octets);
	return 1;
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

static bool take_message(struct record_source *source, const Dnstap__Message *message, struct recorded *to)
{
	const ProtobufCBinaryData *wire = message->has_response_message ? &message->response_message
		: &message->query_message;

	if (message->type != (source->queries ? DNSTAP__MESSAGE__TYPE__CLIENT_QUERY
			: DNSTAP__MESSAGE__TYPE__CLIENT_RESPONSE)) {
		source->counts.skipped[message->type == DNSTAP__MESSAGE__TYPE__CLIENT_QUERY ? SKIP_QUERY : SKIP_NOTE]++;
		return false;
	}
	if ((!message->has_response_message && !message->has_query_message) ||
	    !recorded_take_message(to, wire->data, wire->len)) {
		source->counts.skipped[SKIP_NO_QUESTION]++;
		return false;
	}
	to->client = address_of(message->has_query_address, &message->query_address);
	to->client.port = (uint16_t)message->query_port;
	to->server = address_of(message->has_response_address, &message->response_address);
	to->server.port = (uint16_t)message->response_port;
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

struct packet {
	const uint8_t *at;
	size_t left;
};

static bool skip(struct packet *packet, size_t octets)
{
	if (octets > packet->left)
		return false;
	packet->at += octets;
	packet->left -= octets;
	return true;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static bool past_ethernet(struct packet *packet, size_t head)
{
	uint16_t type;

	do {
		if (packet->left < head)
			return false;
		type = get16(packet->at + head - 2);
		skip(packet, head);
		head = 4;
	} while (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ);
	return type == ETHERTYPE_IP || type == ETHERTYPE_IP6;
}

/* Behind the link's own header; false: it holds no IP. */
static bool past_link(struct packet *packet, int link)
{
	switch (link) {
	case DLT_EN10MB: return past_ethernet(packet, 14);
	case DLT_LINUX_SLL: return past_ethernet(packet, 16);
	case DLT_LINUX_SLL2:
		return packet->left >= 20 && (get16(packet->at) == ETHERTYPE_IP || get16(packet->at) == ETHERTYPE_IP6) &&
			skip(packet, 20);
	case DLT_NULL: case DLT_LOOP: return skip(packet, 4);
	case DLT_RAW: case DLT_IPV4: case DLT_IPV6: return true;
	default: return false;
	}
}

struct ends {
	struct address from, to;
	unsigned protocol;
};

static struct address address_at(const uint8_t *octets, enum address_family family)
{
	struct address address = { .family = family };

	memcpy(address.octets, octets, family == ADDRESS_INET ? 4 : 16);
	return address;
}

static enum record_skip past_ip4(struct packet *packet, struct ends *ends)
{
	const uint8_t *ip = packet->at;
	size_t head = packet->left < 20 ? 0 : (size_t)(ip[0] & 15u) * 4, total = packet->left < 20 ? 0 : get16(ip + 2);

	if (head < 20 || total < head || head > packet->left)
		return SKIP_UNREADABLE;
	if ((get16(ip + 6) & 0x3fffu) != 0)
		return SKIP_FRAGMENT;
	if (total < packet->left)
		packet->left = total;
	*ends = (struct ends){ address_at(ip + 12, ADDRESS_INET), address_at(ip + 16, ADDRESS_INET), ip[9] };
	skip(packet, head);
	return SKIP_REASONS;
}

static enum record_skip past_ip6(struct packet *packet, struct ends *ends)
{
	const uint8_t *ip = packet->at;

	if (packet->left < 40)
		return SKIP_UNREADABLE;
	*ends = (struct ends){ address_at(ip + 8, ADDRESS_INET6), address_at(ip + 24, ADDRESS_INET6), ip[6] };
	if ((size_t)get16(ip + 4) + 40 < packet->left)
		packet->left = (size_t)get16(ip + 4) + 40;
	skip(packet, 40);
	return ends->protocol == 44 ? SKIP_FRAGMENT : SKIP_REASONS;
}

/* Behind UDP's or TCP's header, and TCP's length of the message. */
static enum record_skip past_ports(struct packet *packet, struct ends *ends)
{
	const bool tcp = ends->protocol == PROTOCOL_TCP;
	size_t head;

	if (!tcp && ends->protocol != PROTOCOL_UDP)
		return SKIP_NOT_DNS;
	if (packet->left < (tcp ? 20u : 8u))
		return SKIP_UNREADABLE;
	ends->from.port = get16(packet->at);
	ends->to.port = get16(packet->at + 2);
	if (ends->from.port != PORT_DNS && ends->to.port != PORT_DNS)
		return SKIP_NOT_DNS;
	head = tcp ? (size_t)(packet->at[12] >> 4) * 4 : 8;
	if (!skip(packet, head))
		return SKIP_UNREADABLE;
	if (tcp && packet->left == 0)
		return SKIP_NOT_DNS;
	if (tcp && (packet->left < 2 || get16(packet->at) != packet->left - 2))
		return SKIP_FRAGMENT;
	if (tcp)
		skip(packet, 2);
	return SKIP_REASONS;
}

/* SKIP_REASONS: it was taken. */
static enum record_skip take_packet(const struct record_source *source, struct packet packet, struct recorded *to)
{
	struct ends ends;
	enum record_skip why;

	if (!past_link(&packet, pcap_datalink(source->pcap)))
		return SKIP_NOT_DNS;
	if (packet.left == 0)
		return SKIP_UNREADABLE;
	why = packet.at[0] >> 4 == 4 ? past_ip4(&packet, &ends) : packet.at[0] >> 4 == 6 ? past_ip6(&packet, &ends)
		: SKIP_NOT_DNS;
	if (why == SKIP_REASONS)
		why = past_ports(&packet, &ends);
	if (why != SKIP_REASONS)
		return why;
	if (!recorded_take_message(to, packet.at, packet.left))
		return SKIP_NO_QUESTION;
	to->client = to->answered ? ends.to : ends.from;
	to->server = to->answered ? ends.from : ends.to;
	return SKIP_REASONS;
}

static int next_packet(struct record_source *source, struct recorded *to, struct diag *diag)
{
	struct pcap_pkthdr *header;
	const uint8_t *octets;
	int got;

	while ((got = pcap_next_ex(source->pcap, &header, &octets)) == 1) {
		enum record_skip why = take_packet(source, (struct packet){ octets, header->caplen }, to);

		to->where = ++source->packets;
		if (why == SKIP_REASONS && to->answered == source->queries)
			why = source->queries ? SKIP_NOTE : SKIP_QUERY;
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

/* A control frame of Frame Streams begins with zeros, pcap and pcapng with magic numbers. */
static enum record_form form_of(FILE *from)
{
	static const int magics[][2] = { { 0xa1, 0xb2 }, { 0xd4, 0xc3 }, { 0x4d, 0x3c }, { '\n', '\r' } };
	int first = getc(from), second = first == EOF ? EOF : getc(from);

	/* Two octets back are more than C promises, and what glibc keeps. */
	if (second != EOF)
		ungetc(second, from);
	if (first != EOF)
		ungetc(first, from);
	if (first == 0)
		return RECORD_DNSTAP;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (first == magics[i][0] && second == magics[i][1])
			return RECORD_PCAP;
	return RECORD_TEXT;
}

static int open_form(struct record_source *source, struct diag *diag)
{
	char error[PCAP_ERRBUF_SIZE];

	switch (source->form) {
	case RECORD_TEXT:
		return question_reader_init(&source->questions, source->from) ? 0
			: diag_set(diag, source->name, 0, 0, "out of memory");
	case RECORD_DNSTAP:
		source->frames = frame_reader_create();
		return source->frames != NULL ? 0 : diag_set(diag, source->name, 0, 0, "out of memory");
	case RECORD_PCAP:
		source->pcap = pcap_fopen_offline(source->from, error);
		return source->pcap != NULL ? 0 : diag_set(diag, source->name, 0, 0, "%s", error);
	case RECORD_FORMS:
		break;
	}
	return -1;
}

struct record_source *record_source_open(FILE *from, const char *name, bool queries, struct diag *diag)
{
	struct record_source *source = calloc(1, sizeof(*source));

	if (source == NULL) {
		diag_set(diag, name, 0, 0, "out of memory");
		return NULL;
	}
	source->from = from;
	source->queries = queries;
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
	if ((*source)->pcap != NULL)
		pcap_close((*source)->pcap);   /* and its file */
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
}
