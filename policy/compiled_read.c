/* compiled_read.c: from the octets of a compiled file to a snapshot; believes nothing that they say. */
#include "policy/compiled.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "policy/compiled_parts.h"

int compiled_wrong_at(const struct compiled_reading *reading, uint64_t offset, const char *what)
{
	return diag_set(reading->diag, reading->order->path, 0, 0, "offset %" PRIu64 ": %s", offset, what);
}

int compiled_no_memory(const struct compiled_reading *reading)
{
	return diag_set(reading->diag, reading->order->path, 0, 0, "out of memory");
}

/* The next octets. */
static int take(struct compiled_reading *reading, void *to, size_t length)
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
			return compiled_wrong_at(reading, reading->at, "the file ends here, which it should not");
		at += got;
		left -= (size_t)got;
		reading->at += (uint64_t)got;
	}
	return 0;
}

int compiled_take_summed(struct compiled_reading *reading, void *to, size_t length)
{
	if (take(reading, to, length) != 0)
		return -1;
	XXH3_64bits_update(reading->sum, to, length);
	return 0;
}

/* The next `length` octets in memory of their own. */
int compiled_take_new(struct compiled_reading *reading, void **to, uint64_t length)
{
	*to = malloc((size_t)length + 1);
	return *to == NULL ? compiled_no_memory(reading) : compiled_take_summed(reading, *to, (size_t)length);
}

/* --- header ----------------------------------------------------------------------------------------------------- */

static int check_kind(const struct compiled_reading *reading)
{
	const struct compiled_header *header = &reading->header;

	if (memcmp(header->magic, COMPILED_MAGIC, sizeof(header->magic)) != 0)
		return compiled_wrong_at(reading, 0, "is no compiled policy");
	if (header->order != COMPILED_ORDER)
		return compiled_wrong_at(reading, HEADER_AT(order), "was made on a machine with another byte order");
	if (header->format != COMPILED_FORMAT)
		return compiled_wrong_at(reading, HEADER_AT(format), "has another format: compile it again");
	if (header->word_octets != sizeof(size_t) || header->list_octets != sizeof(struct compiled_list) ||
	    header->trigger_count != TRIGGER_COUNT)
		return compiled_wrong_at(reading, HEADER_AT(word_octets), "was made by another build: compile it again");
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

static int check_counts(struct compiled_reading *reading, uint64_t file_octets)
{
	const struct compiled_header *header = &reading->header;
	const char *wrong = set_form_wrong(&header->set);

	if (wrong != NULL)
		return compiled_wrong_at(reading, HEADER_AT(set), wrong);
	if (header->source_count > COMPILED_SOURCES_MAX)
		return compiled_wrong_at(reading, HEADER_AT(source_count), "too many files");
	if (header->list_count > CONF_LISTS_MAX)
		return compiled_wrong_at(reading, HEADER_AT(list_count), "too many lists");
	if (header->class_count == 0 || header->class_count > SET_CLASSES_MAX + 1)
		return compiled_wrong_at(reading, HEADER_AT(class_count), "an impossible number of classes");
	if (header->data_count > SET_CLASSES_MAX || header->data_octets > COMPILED_DATA_MAX ||
	    header->data_octets % 8 != 0)
		return compiled_wrong_at(reading, HEADER_AT(data_count), "an impossible amount of local data");
	if (!prefixes_possible(header))
		return compiled_wrong_at(reading, HEADER_AT(prefixes), "impossible prefix lengths");
	reading->places = compiled_places(header);
	if (header->octets != reading->places.end)
		return compiled_wrong_at(reading, HEADER_AT(octets), "the length is not what the counts make it");
	if (header->octets != file_octets)
		return diag_set(reading->diag, reading->order->path, 0, 0, "offset %zu: should have %" PRIu64
			" octets and has %" PRIu64, HEADER_AT(octets), header->octets, file_octets);
	return 0;
}

static int read_header(struct compiled_reading *reading)
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

static int check_sources(const struct compiled_reading *reading)
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

static int read_sources(struct compiled_reading *reading)
{
	void *sources;
	const int result = compiled_take_new(reading, &sources, reading->places.lists - reading->places.sources);

	reading->sources = sources;
	return result != 0 ? -1 : check_sources(reading);
}

/* --- lists ------------------------------------------------------------------------------------------------------ */

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
	       list->format < FORMAT_DETECT && list->triggers >> TRIGGER_COUNT == 0 && compiled_is_flag(list->detected) &&
	       compiled_is_flag(list->decides_clients) && compiled_is_flag(list->denies_clients) &&
	       compiled_is_flag(list->observes_clients);
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
static int check_age(const struct compiled_reading *reading, const struct list_conf *conf, struct list_report *report)
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

static int take_list(struct compiled_reading *reading, size_t index)
{
	const struct compiled_list *from = &reading->lists[index];
	const struct list_conf *conf = &reading->order->conf->lists[index];
	struct list_info *info = &reading->snapshot->lists[index];
	struct list_report *report = &reading->reports[index];

	if (!list_possible(from, conf))
		return compiled_wrong_at(reading, reading->places.lists + index * sizeof(*from),
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

static int read_lists(struct compiled_reading *reading)
{
	void *lists;
	const int result = compiled_take_new(reading, &lists, reading->places.classes - reading->places.lists);

	reading->lists = lists;
	if (result != 0)
		return -1;
	if (reading->header.list_count != reading->order->conf->list_count)
		return compiled_wrong_at(reading, HEADER_AT(list_count), "has other lists than the configuration");
	return 0;
}

static int create_snapshot(struct compiled_reading *reading)
{
	const struct compiled_header *header = &reading->header;
	const struct hash_key key = { .k0 = header->key[0], .k1 = header->key[1] };

	reading->snapshot = snapshot_create((size_t)header->list_count, &key);
	reading->reports = calloc((size_t)header->list_count + 1, sizeof(*reading->reports));
	if (reading->snapshot == NULL || reading->reports == NULL)
		return compiled_no_memory(reading);
	memcpy(reading->snapshot->server_depths.bits, header->server_depths, sizeof(header->server_depths));
	memcpy(reading->snapshot->prefixes, header->prefixes, sizeof(header->prefixes));
	if (snapshot_take_conf(reading->snapshot, reading->order->conf, reading->diag) != 0)
		return -1;
	for (size_t i = 0; i < header->list_count; i++)
		if (take_list(reading, i) != 0)
			return -1;
	return 0;
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static void reading_fini(struct compiled_reading *reading)
{
	XXH3_freeState(reading->sum);
	free(reading->sources);
	free(reading->lists);
	free(reading->classes);
	free(reading->data);
	free(reading->reports);
	snapshot_destroy(&reading->snapshot);
}

static int read_all(struct compiled_reading *reading)
{
	reading->sum = XXH3_createState();
	if (reading->sum == NULL || XXH3_64bits_reset(reading->sum) != XXH_OK)
		return compiled_no_memory(reading);
	if (read_header(reading) != 0 || read_sources(reading) != 0 || read_lists(reading) != 0)
		return -1;
	if (create_snapshot(reading) != 0 || compiled_read_classes(reading) != 0)
		return -1;
	return compiled_read_set(reading);
}

struct snapshot *compiled_read(const struct compiled_order *order, struct build_report *report, struct diag *diag)
{
	struct compiled_reading reading = { .order = order, .diag = diag };
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
