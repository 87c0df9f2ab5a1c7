/* compiled_read.c: from the octets of a compiled file to a snapshot; believes nothing that they say. */
#include "policy/compiled.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "policy/compiled_parts.h"
#include "policy/list_record.h"
#include "policy/place.h"

#define WIRE_HEAD 11          /* the root, type, class, TTL, length of the rdata */

struct reading {
	const struct compiled_order *order;
	struct compiled_header header;
	struct compiled_places places;
	XXH3_state_t *sum;                   /* owned */
	uint64_t at;                         /* octets read so far */
	struct compiled_source *sources;     /* owned, as are the next three */
	struct compiled_list *lists;
	struct compiled_class *classes;
	const struct local_data **data;      /* by number from 1; what they point to lies in snapshot->records */
	struct snapshot *snapshot;           /* owned */
	struct list_report *reports;         /* owned */
	struct diag *diag;
};

static int wrong_at(const struct reading *reading, uint64_t offset, const char *what)
{
	return diag_set(reading->diag, reading->order->path, 0, 0, "offset %" PRIu64 ": %s", offset, what);
}

static int no_memory(const struct reading *reading)
{
	return diag_set(reading->diag, reading->order->path, 0, 0, "out of memory");
}

/* The next octets. */
static int take(struct reading *reading, void *to, size_t length)
{
	char *at = to;
	size_t left = length;

	while (left > 0) {
		const ssize_t got = read(reading->order->fd, at, left);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return diag_set(reading->diag, reading->order->path, 0, 0, "offset %" PRIu64 ": %s", reading->at,
				strerror(errno));
		if (got == 0)
			return wrong_at(reading, reading->at, "the file ends here, which it should not");
		at += got;
		left -= (size_t)got;
		reading->at += (uint64_t)got;
	}
	return 0;
}

static int take_summed(struct reading *reading, void *to, size_t length)
{
	if (take(reading, to, length) != 0)
		return -1;
	XXH3_64bits_update(reading->sum, to, length);
	return 0;
}

/* The next `length` octets in memory of their own. */
static int take_new(struct reading *reading, void **to, uint64_t length)
{
	*to = malloc((size_t)length + 1);
	return *to == NULL ? no_memory(reading) : take_summed(reading, *to, (size_t)length);
}

/* --- header ----------------------------------------------------------------------------------------------------- */

#define HEADER_AT(field) offsetof(struct compiled_header, field)

static int check_kind(const struct reading *reading)
{
	const struct compiled_header *header = &reading->header;

	if (memcmp(header->magic, COMPILED_MAGIC, sizeof(header->magic)) != 0)
		return wrong_at(reading, 0, "is no compiled policy");
	if (header->order != COMPILED_ORDER)
		return wrong_at(reading, HEADER_AT(order), "was made on a machine with another byte order");
	if (header->format != COMPILED_FORMAT)
		return wrong_at(reading, HEADER_AT(format), "has another format: compile it again");
	if (header->word_octets != sizeof(size_t) || header->list_octets != sizeof(struct compiled_list) ||
	    header->trigger_count != TRIGGER_COUNT)
		return wrong_at(reading, HEADER_AT(word_octets), "was made by another build: compile it again");
	if (memchr(header->made_by, '\0', sizeof(header->made_by)) == NULL ||
	    strcmp(header->made_by, VERDICT_VERSION) != 0)
		return diag_set(reading->diag, reading->order->path, 0, 0, "offset %zu: was made by release %.31s, this is "
			VERDICT_VERSION ": compile it again", HEADER_AT(made_by), header->made_by);
	return 0;
}

/* IPv4 prefixes have up to 32 bits, IPv6 ones up to 128. */
static bool prefixes_possible(const struct compiled_header *header)
{
	for (unsigned trigger = 0; trigger < TRIGGER_COUNT; trigger++) {
		const uint64_t *inet = header->prefixes[trigger][0], *inet6 = header->prefixes[trigger][1];

		if (inet[0] >> 33 != 0 || inet[1] != 0 || inet[2] != 0 || inet6[2] >> 1 != 0)
			return false;
	}
	return true;
}

static int check_counts(struct reading *reading, uint64_t file_octets)
{
	const struct compiled_header *header = &reading->header;
	const char *wrong = set_form_wrong(&header->set);

	if (wrong != NULL)
		return wrong_at(reading, HEADER_AT(set), wrong);
	if (header->source_count > COMPILED_SOURCES_MAX)
		return wrong_at(reading, HEADER_AT(source_count), "too many files");
	if (header->list_count > CONF_LISTS_MAX)
		return wrong_at(reading, HEADER_AT(list_count), "too many lists");
	if (header->class_count == 0 || header->class_count > SET_CLASSES_MAX + 1)
		return wrong_at(reading, HEADER_AT(class_count), "an impossible number of classes");
	if (header->data_count > SET_CLASSES_MAX || header->data_octets > COMPILED_DATA_MAX ||
	    header->data_octets % 8 != 0)
		return wrong_at(reading, HEADER_AT(data_count), "an impossible amount of local data");
	if (!prefixes_possible(header))
		return wrong_at(reading, HEADER_AT(prefixes), "impossible prefix lengths");
	reading->places = compiled_places(header);
	if (header->octets != reading->places.end)
		return wrong_at(reading, HEADER_AT(octets), "the length is not what the counts make it");
	if (header->octets != file_octets)
		return diag_set(reading->diag, reading->order->path, 0, 0, "offset %zu: should have %" PRIu64
			" octets and has %" PRIu64, HEADER_AT(octets), header->octets, file_octets);
	return 0;
}

static int read_header(struct reading *reading)
{
	struct compiled_header summed;
	struct stat info;

	if (fstat(reading->order->fd, &info) != 0)
		return diag_set(reading->diag, reading->order->path, 0, 0, "%s", strerror(errno));
	if (take(reading, &reading->header, sizeof(reading->header)) != 0 || check_kind(reading) != 0 ||
	    check_counts(reading, (uint64_t)info.st_size) != 0)
		return -1;
	summed = reading->header;
	summed.checksum = 0;
	XXH3_64bits_update(reading->sum, &summed, sizeof(summed));
	return 0;
}

/* --- what it was made of ---------------------------------------------------------------------------------------- */

static int check_sources(const struct reading *reading)
{
	const struct compiled_sources *now = reading->order->sources;

	if (reading->header.source_count != now->count)
		return diag_set(reading->diag, reading->order->path, 0, 0, "was made of %" PRIu64 " files, now there are "
			"%zu: compile it again", reading->header.source_count, now->count);
	for (size_t i = 0; i < now->count; i++) {
		const char *path;

		if (memcmp(&reading->sources[i], &now->all[i], sizeof(now->all[i])) == 0)
			continue;
		path = now->path(now->arg, i);
		return diag_set(reading->diag, reading->order->path, 0, 0, "was made before %.200s changed: compile it "
			"again", path != NULL ? path : "a file");
	}
	return 0;
}

static int read_sources(struct reading *reading)
{
	void *sources;
	const int result = take_new(reading, &sources, reading->places.lists - reading->places.sources);

	reading->sources = sources;
	return result != 0 ? -1 : check_sources(reading);
}

/* --- lists ------------------------------------------------------------------------------------------------------ */

static bool is_flag(uint8_t octet)
{
	return octet <= 1;
}

static bool list_possible(const struct compiled_list *list, const struct list_conf *conf)
{
	uint64_t skipped = 0;

	for (size_t i = 0; i < SKIP_COUNT; i++) {
		if (memchr(list->skipped_text[i], '\0', SKIP_EXAMPLE_MAX) == NULL || list->skipped[i] > UINT32_MAX)
			return false;
		skipped += list->skipped[i];
	}
	return memchr(list->name, '\0', sizeof(list->name)) != NULL && strcmp(list->name, conf->name) == 0 &&
	       list->rules <= UINT32_MAX && list->withheld <= UINT32_MAX && skipped <= UINT32_MAX &&
	       list->format < FORMAT_DETECT && list->triggers >> TRIGGER_COUNT == 0 && is_flag(list->detected) &&
	       is_flag(list->decides_clients) && is_flag(list->denies_clients) && is_flag(list->observes_clients);
}

static void take_stats(const struct compiled_list *from, struct list_stats *to)
{
	*to = (struct list_stats){
		.format = (enum list_format)from->format,
		.detected = from->detected != 0,
		.lines = (size_t)from->lines,
		.rules = (size_t)from->rules,
		.octets = (size_t)from->octets,
		.file_octets = (size_t)from->file_octets,
		.modified = from->modified,
		.serial = from->serial,
		.expire = from->expire,
		.withheld = (size_t)from->withheld,
	};
	for (size_t i = 0; i < SKIP_COUNT; i++) {
		to->skipped[i] = (size_t)from->skipped[i];
		to->skipped_line[i] = from->skipped_line[i];
		memcpy(to->skipped_text[i], from->skipped_text[i], SKIP_EXAMPLE_MAX);
	}
}

/* What the text would say now: a zone that expired since has its rules in the file, and they are to be withdrawn. */
static int check_age(const struct reading *reading, const struct list_conf *conf, struct list_report *report)
{
	const int64_t now = reading->order->now;

	report->loaded_at = now;
	report->expires_at = list_expires_at(&report->stats);
	report->expired = report->expires_at != 0 && now >= report->expires_at;
	report->withdrawn = report->stats.withheld > 0;
	if (conf->expire != EXPIRE_WITHDRAW || report->stats.rules + report->stats.withheld == 0 ||
	    report->expired == report->withdrawn)
		return 0;
	return diag_set(reading->diag, reading->order->path, 0, 0, "policy-list %s %s", conf->name,
		report->expired ? "has expired since it was compiled" : "was compiled when it had expired");
}

static int take_list(struct reading *reading, size_t index)
{
	const struct compiled_list *from = &reading->lists[index];
	const struct list_conf *conf = &reading->order->conf->lists[index];
	struct list_info *info = &reading->snapshot->lists[index];
	struct list_report *report = &reading->reports[index];

	if (!list_possible(from, conf))
		return wrong_at(reading, reading->places.lists + index * sizeof(*from),
			"is not what the configuration has here, or no list at all");
	take_stats(from, &report->stats);
	report->duplicates = (size_t)from->duplicates;
	if (snapshot_describe(reading->snapshot, reading->order->conf, index, reading->diag) != 0 ||
	    check_age(reading, conf, report) != 0 ||
	    snapshot_check_feed(reading->order->before, conf, &report->stats, reading->diag) != 0)
		return -1;
	info->serial = from->serial;
	info->triggers = from->triggers;
	info->decides_clients = from->decides_clients != 0;
	info->denies_clients = from->denies_clients != 0;
	info->observes_clients = from->observes_clients != 0;
	snapshot_sum_list(reading->snapshot, index, (size_t)from->rules);
	return 0;
}

static int read_lists(struct reading *reading)
{
	void *lists;
	const int result = take_new(reading, &lists, reading->places.classes - reading->places.lists);

	reading->lists = lists;
	if (result != 0)
		return -1;
	if (reading->header.list_count != reading->order->conf->list_count)
		return wrong_at(reading, HEADER_AT(list_count), "has other lists than the configuration");
	return 0;
}

static int create_snapshot(struct reading *reading)
{
	const struct compiled_header *header = &reading->header;
	const struct hash_key key = { .k0 = header->key[0], .k1 = header->key[1] };

	reading->snapshot = snapshot_create((size_t)header->list_count, &key);
	reading->reports = calloc((size_t)header->list_count + 1, sizeof(*reading->reports));
	if (reading->snapshot == NULL || reading->reports == NULL)
		return no_memory(reading);
	memcpy(reading->snapshot->server_depths.bits, header->server_depths, sizeof(header->server_depths));
	memcpy(reading->snapshot->prefixes, header->prefixes, sizeof(header->prefixes));
	if (snapshot_take_conf(reading->snapshot, reading->order->conf, reading->diag) != 0)
		return -1;
	for (size_t i = 0; i < header->list_count; i++)
		if (take_list(reading, i) != 0)
			return -1;
	return 0;
}

/* --- local data ------------------------------------------------------------------------------------------------- */

/* Would the record be taken from a list? What libldns makes of it must be what it was: no compressed name in it. */
static bool record_possible(const struct local_record *record, uint8_t *wire, uint8_t *again)
{
	const uint16_t head[] = { htobe16(record->type), htobe16(1), 0, 0, htobe16(record->rdata_length) };
	ldns_rr *rr = NULL;
	size_t at = 0;
	bool same;

	wire[0] = 0;
	memcpy(wire + 1, head, sizeof(head));
	memcpy(wire + WIRE_HEAD, record->rdata, record->rdata_length);
	if (ldns_wire2rr(&rr, wire, WIRE_HEAD + (size_t)record->rdata_length, &at, LDNS_SECTION_ANSWER) !=
	    LDNS_STATUS_OK)
		return false;
	same = at == WIRE_HEAD + (size_t)record->rdata_length && record_rdata(rr, again) == record->rdata_length &&
	       memcmp(again, record->rdata, record->rdata_length) == 0;
	ldns_rr_free(rr);
	return same;
}

static bool records_possible(const struct local_data *data, uint8_t *wire, uint8_t *again)
{
	const size_t count = local_data_count(data);

	for (size_t i = 0; i < count; i++) {
		const struct local_record record = local_data_at(data, i);

		if (!record_possible(&record, wire, again))
			return false;
	}
	return true;
}

static int index_data(struct reading *reading)
{
	const struct compiled_header *header = &reading->header;
	uint8_t *wire = malloc(2 * (WIRE_HEAD + (size_t)UINT16_MAX));
	const uint8_t *at = reading->snapshot->records;
	uint64_t left = header->data_octets;
	int result = 0;

	reading->data = calloc((size_t)header->data_count + 1, sizeof(*reading->data));
	if (wire == NULL || reading->data == NULL)
		result = no_memory(reading);
	for (size_t i = 1; result == 0 && i <= header->data_count; i++) {
		size_t octets = 0;

		reading->data[i] = local_data_view(at, (size_t)left, &octets);
		if (reading->data[i] == NULL ||
		    !records_possible(reading->data[i], wire, wire + WIRE_HEAD + UINT16_MAX))
			result = wrong_at(reading, reading->places.lines - left, "these are no records");
		at += octets;
		left -= octets;
	}
	if (result == 0 && left != 0)
		result = wrong_at(reading, reading->places.lines - left, "behind the last records there is more");
	free(wire);
	return result;
}

/* --- classes ---------------------------------------------------------------------------------------------------- */

/* What another list says about the same name was there before, and is of an earlier list: no chain has an end that is
 * its beginning. */
static bool class_possible(const struct reading *reading, size_t number)
{
	const struct compiled_class *class = &reading->classes[number];
	const struct compiled_class *also = &reading->classes[class->also];

	return class->list < reading->header.list_count && class->also < number &&
	       (class->also == 0 || also->list < class->list) && class->action > ACTION_ALLOW &&
	       class->action < ACTION_COUNT && is_flag(class->exact) && is_flag(class->below) &&
	       class->data <= reading->header.data_count &&
	       (class->action == ACTION_LOCAL_DATA) == (class->data != 0);
}

static int take_classes(struct reading *reading)
{
	struct snapshot *snapshot = reading->snapshot;
	const size_t count = (size_t)reading->header.class_count;

	snapshot->classes = calloc(count, sizeof(*snapshot->classes));
	if (snapshot->classes == NULL)
		return no_memory(reading);
	snapshot->class_count = count;
	for (size_t i = 1; i < count; i++) {
		const struct compiled_class *from = &reading->classes[i];

		if (!class_possible(reading, i))
			return wrong_at(reading, reading->places.classes + i * sizeof(*from), "this is no class");
		snapshot->classes[i] = (struct class){
			.data = from->action == ACTION_SINKHOLE ? snapshot->lists[from->list].sinkhole :
				reading->data[from->data],
			.list = from->list,
			.exact = from->exact != 0,
			.below = from->below != 0,
			.also = from->also,
			.action = (enum action)from->action,
		};
	}
	return 0;
}

static int read_classes(struct reading *reading)
{
	const struct compiled_places *places = &reading->places;
	void *classes = NULL;
	int result = take_new(reading, &classes, places->data - places->classes);

	reading->classes = classes;
	if (result == 0)
		result = take_new(reading, &reading->snapshot->records, places->lines - places->data);
	if (result != 0)
		return -1;
	reading->snapshot->records_octets = (size_t)(places->lines - places->data);
	return index_data(reading) != 0 ? -1 : take_classes(reading);
}

/* --- the set ---------------------------------------------------------------------------------------------------- */

static int read_lines(struct reading *reading, struct set *set)
{
	const uint64_t octets = set_form_lines(&reading->header.set);
	struct set_check check = SET_CHECK_INITIALIZER;
	char *to = set_lines_room(set);
	uint64_t done = 0;

	do {
		const size_t piece = octets - done < COMPILED_CHUNK ? (size_t)(octets - done) : COMPILED_CHUNK;

		if (take_summed(reading, to + done, piece) != 0)
			return -1;
		done += piece;
		if (!set_check_lines(&check, set, (uint32_t)(done / 64), (uint32_t)reading->header.class_count))
			return wrong_at(reading, reading->places.lines + (uint64_t)check.line * 64,
				"this line of the table has a class that does not exist, or no search would end here");
	} while (done < octets);
	return 0;
}

static int read_filter(struct reading *reading, struct set *set)
{
	const uint64_t octets = set_form_filter(&reading->header.set);
	char *to = set_filter_room(set);

	for (uint64_t done = 0; done < octets; done += COMPILED_CHUNK)
		if (take_summed(reading, to + done,
				octets - done < COMPILED_CHUNK ? (size_t)(octets - done) : COMPILED_CHUNK) != 0)
			return -1;
	return 0;
}

static int read_set(struct reading *reading)
{
	reading->snapshot->set = set_create(&reading->header.set);
	if (reading->snapshot->set == NULL)
		return no_memory(reading);
	if (read_lines(reading, reading->snapshot->set) != 0 || read_filter(reading, reading->snapshot->set) != 0)
		return -1;
	if (XXH3_64bits_digest(reading->sum) != reading->header.checksum)
		return wrong_at(reading, HEADER_AT(checksum), "the checksum is wrong: the file is damaged");
	set_seal(reading->snapshot->set);
	return 0;
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static void reading_fini(struct reading *reading)
{
	XXH3_freeState(reading->sum);
	free(reading->sources);
	free(reading->lists);
	free(reading->classes);
	free(reading->data);
	free(reading->reports);
	snapshot_destroy(&reading->snapshot);
}

static int read_all(struct reading *reading)
{
	reading->sum = XXH3_createState();
	if (reading->sum == NULL || XXH3_64bits_reset(reading->sum) != XXH_OK)
		return no_memory(reading);
	if (read_header(reading) != 0 || read_sources(reading) != 0 || read_lists(reading) != 0)
		return -1;
	return create_snapshot(reading) != 0 || read_classes(reading) != 0 || read_set(reading) != 0 ? -1 : 0;
}

struct snapshot *compiled_read(const struct compiled_order *order, struct build_report *report, struct diag *diag)
{
	struct reading reading = { .order = order, .diag = diag };
	struct snapshot *snapshot = NULL;

	*report = (struct build_report){ .list_count = 0 };
	if (read_all(&reading) == 0) {
		snapshot = reading.snapshot;
		reading.snapshot = NULL;
		*report = (struct build_report){ .list_count = order->conf->list_count, .lists = reading.reports };
		reading.reports = NULL;
	}
	reading_fini(&reading);
	return snapshot;
}
