/* record_source.c: recordings, whatever their form. */
#include "tools/record_source.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "dnstap/dnstap.pb-c.h"
#include "tools/frame_order.h"
#include "tools/frame_read.h"
#include "tools/question_read.h"
#include "tools/record_dump.h"
#include "tools/record_frame.h"
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
	struct frame_order *order;    /* NULL: as they stand in the file */
	int got;                      /* in order: how reading goes, ahead of what is taken */
	struct diag diag;
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
	to->label_too_long = question.label_octets >= sizeof(to->label);
	if (question.label_octets > 0 && !to->label_too_long)
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

static void note_unreadable(struct record_source *source, uint64_t where)
{
	if (source->counts.skipped[SKIP_UNREADABLE]++ == 0)
		source->counts.first_unreadable = where;
}

/* NULL: it is no frame with a message. */
static Dnstap__Dnstap *unpack(struct record_source *source, const struct frame_view *frame, uint64_t where)
{
	Dnstap__Dnstap *dnstap = dnstap__dnstap__unpack(NULL, frame->length, frame->octets);

	if (dnstap == NULL) {
		note_unreadable(source, where);
	} else if (dnstap->message == NULL) {
		source->counts.skipped[SKIP_NOTE]++;
		dnstap__dnstap__free_unpacked(dnstap, NULL);
		dnstap = NULL;
	}
	return dnstap;
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

struct found {
	Dnstap__Dnstap *frame;       /* owned */
	size_t octets;
	uint64_t where;
};

/* The next of the file. */
static int read_frame(struct record_source *source, struct found *found, struct diag *diag)
{
	struct frame_view frame;

	for (;;) {
		const unsigned long long offset = frame_reader_offset(source->frames);

		switch (frame_reader_next(source->frames, &frame)) {
		case FRAME_DATA:
			*found = (struct found){ unpack(source, &frame, offset), frame.length, offset };
			if (found->frame != NULL)
				return 1;
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

/* The next by time. What is wrong with the file is said behind what stood before it. */
static int next_in_order(struct record_source *source, struct found *found, struct diag *diag)
{
	while (source->got == 1 && !frame_order_is_full(source->order)) {
		source->got = read_frame(source, found, &source->diag);
		if (source->got == 1 && !frame_order_push(source->order, found->frame, found->octets, found->where))
			dnstap__dnstap__free_unpacked(found->frame, NULL);
	}
	found->frame = frame_order_pop(source->order, &found->where);
	if (found->frame != NULL)
		return 1;
	if (source->got < 0)
		*diag = source->diag;
	return source->got;
}

static int next_frame(struct record_source *source, struct recorded *to, struct diag *diag)
{
	struct found found;
	enum record_skip why;
	int got;

	while ((got = source->order != NULL ? next_in_order(source, &found, diag) : read_frame(source, &found, diag)) == 1) {
		recorded_init(to);
		to->where = found.where;
		why = record_take_frame(found.frame, source->take, to);
		dnstap__dnstap__free_unpacked(found.frame, NULL);
		if (why == SKIP_REASONS)
			return 1;
		source->counts.skipped[why]++;
	}
	return got;
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
	frame_order_destroy(&(*source)->order);
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

bool record_source_order(struct record_source *source)
{
	if (source->form != RECORD_DNSTAP || source->order != NULL)
		return true;
	source->order = frame_order_create();
	source->got = 1;
	return source->order != NULL;
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
