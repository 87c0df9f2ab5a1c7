/*
 * list_reader.h: what the readers of the list formats share. For policy/list*.c alone.
 *
 * A reader walks over the whole file in memory, hands rules to list_emit and what it cannot use to list_skip; list.c
 * opens the file before and judges the counts afterwards.
 *
 * Threads: one reader is used by one thread.
 */
#ifndef POLICY_LIST_READER_H
#define POLICY_LIST_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/diag.h"
#include "policy/file.h"
#include "policy/list.h"
#include "policy/name.h"

#define LIST_LINE_MAX 65535      /* octets of one line, or of one RPZ record over several lines */
#define LIST_RECORD_LINES_MAX 4096

struct list_reader {
	const struct list_conf *conf;   /* borrowed, as is all but `stats` */
	const char *at;                 /* what is left of the file; ends before `end` */
	const char *end;
	const char *filled;             /* up to there it was read */
	struct file_stream *stream;     /* where the rest comes from; NULL: all is there */
	const char *wrong;              /* what is, with the stream; NULL: nothing */
	bool forgets;                   /* what was read is not read again */
	rule_visit visit;
	void *arg;
	struct list_stats stats;        /* stats.format: the format that is read */
	enum trigger trigger;           /* of the rules of formats that do not say it themselves */
	bool below;                     /* a plain name covers what is below it */
	int64_t now;                    /* as in list_load */
	bool has_soa;                   /* of the zone: a transfer as text ends with it again */
	bool withdrawn;                 /* the zone has expired: its rules are counted and not handed on */
	struct diag *diag;
	size_t bad;                     /* entries that show that the file is not in this format */
	size_t good;
	const char *bad_text;           /* the first of them: up to the end of its line */
	unsigned bad_line;
	enum skip_reason bad_reason;
	bool no_fast_path;              /* RPZ: read every record by libldns, for the test that compares both */
};

/* One physical line, cut out of the file. */
struct list_line {
	const char *text;       /* not NUL-terminated */
	const char *end;        /* behind the last octet, LF and CR not included */
	unsigned number;        /* from 1 */
};

/* The next line; false at the end of the file, or when it cannot be read on. */
bool list_next_line(struct list_reader *reader, struct list_line *line);

/* The next line that is not too long; those that are get counted. */
bool list_next_entry(struct list_reader *reader, struct list_line *line);

/* A copy to look ahead with: what it reads stays for the reader itself, and what it counts is lost with it. */
struct list_reader list_reader_ahead(const struct list_reader *reader);

/* Hands a rule to the visitor; one that is too wide is skipped instead. 0, or -1 when it is out of memory, with the
 * diag set. */
int list_emit(struct list_reader *reader, const struct rule *rule);

/* Takes what an SOA says of the whole zone. 0, or -1 with the diag set: the order of the records forbids it. */
int list_take_soa(struct list_reader *reader, uint32_t serial, uint32_t expire, unsigned line);

/* Counts something that cannot be used; `text` is where it stands in the file. */
void list_skip(struct list_reader *reader, enum skip_reason reason, unsigned line, const char *text);

/*
 * Reads a name of letters, digits, '-' and '_' from the front of `text`, up to the first other octet, and returns
 * where that is. *reason is SKIP_COUNT when *name is good; else it says why it is not, and *name is undefined.
 * The root comes as a name without labels. This is name_from_text for the plain names that fill lists, several times
 * as fast.
 */
const char *list_scan_name(struct name *name, const char *text, const char *end, enum skip_reason *reason);

/* The readers: 0, or -1 with the diag set. */
int list_read_text(struct list_reader *reader);
int list_read_rpz(struct list_reader *reader);
int list_read_adblock(struct list_reader *reader);
int list_read_dnsmasq(struct list_reader *reader);
int list_read_unbound(struct list_reader *reader);
int list_read_cidr(struct list_reader *reader);
int list_read_csv(struct list_reader *reader);

/* One line as the format `as`, domains or hosts: lists of other formats may hold such lines too. */
int list_read_text_line(struct list_reader *reader, const struct list_line *line, struct rule *rule,
	enum list_format as);

/* Sets *format by the content. -1 with the diag set: it could be several or none. */
int list_detect(const struct list_reader *reader, enum list_format *format);

/* Refuse what cannot be a list, before it is read by its front, and afterwards by what came out: 0, or -1 with the diag
 * set. list_judge.c. */
int list_refuse_sniffed(struct list_reader *reader, const char *text, size_t octets);
int list_refuse_unusable(struct list_reader *reader);

/* What the line at `text` most likely belongs to, as two constant texts: "a hosts file" and what to do about it;
 * *known is false when nothing gives it away. */
const char *list_guess(const char *text, const char *end, const char **remedy, bool *known);

/* Reads a whole list from memory, or from what reader->stream has room for: what list_load does behind the file.
 * `octets` may be anything. */
int list_read(struct list_reader *reader, const char *octets, size_t length);

#endif
