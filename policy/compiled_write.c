/* compiled_write.c: from a snapshot to the octets of a compiled file. */
#include "policy/compiled.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "policy/compiled_parts.h"

struct writing {
	int fd;
	const struct snapshot *snapshot;
	const struct build_report *report;
	const struct compiled_sources *sources;
	const struct local_data **data;   /* owned; each once, by address */
	size_t data_count;
	XXH3_state_t *sum;                /* owned */
	int error;                        /* errno of the first write that failed */
};

static void put(struct writing *writing, const void *octets, size_t length)
{
	const char *at = octets;

	XXH3_64bits_update(writing->sum, octets, length);
	while (length > 0 && writing->error == 0) {
		const ssize_t wrote = write(writing->fd, at, length);

		if (wrote < 0 && errno != EINTR)
			writing->error = errno;
		if (wrote > 0) {
			at += wrote;
			length -= (size_t)wrote;
		}
	}
}

static void put_padding(struct writing *writing, uint64_t octets)
{
	static const char zeros[8];

	put(writing, zeros, (size_t)(compiled_padded(octets) - octets));
}

/* --- local data ------------------------------------------------------------------------------------------------- */

static int compare_data(const void *a, const void *b)
{
	const uintptr_t left = (uintptr_t)*(const struct local_data *const *)a;
	const uintptr_t right = (uintptr_t)*(const struct local_data *const *)b;

	return left < right ? -1 : left > right;
}

/* A sinkhole's records are the configuration's. */
static bool has_own_data(const struct class *class)
{
	return class->action == ACTION_LOCAL_DATA && class->data != NULL;
}

static bool gather_data(struct writing *writing)
{
	const struct snapshot *snapshot = writing->snapshot;
	size_t used = 0;
	size_t i;

	writing->data = calloc(snapshot->class_count + 1, sizeof(struct local_data *));
	if (writing->data == NULL)
		return false;
	for (i = 1; i < snapshot->class_count; i++)
		if (has_own_data(&snapshot->classes[i]))
			writing->data[used++] = snapshot->classes[i].data;
	if (used > 0)
		qsort(writing->data, used, sizeof(struct local_data *), compare_data);
	for (i = 0; i < used; i++)
		if (i == 0 || writing->data[i] != writing->data[i - 1])
			writing->data[writing->data_count++] = writing->data[i];
	return true;
}

static uint32_t number_of_data(const struct writing *writing, const struct class *class)
{
	const struct local_data *const *found;

	if (!has_own_data(class))
		return 0;
	found = bsearch(&class->data, writing->data, writing->data_count, sizeof(struct local_data *), compare_data);
	return (uint32_t)(found - (const struct local_data *const *)writing->data) + 1;
}

/* --- sections --------------------------------------------------------------------------------------------------- */

static uint64_t data_octets(const struct writing *writing)
{
	uint64_t sum = 0;
	size_t octets;

	for (size_t i = 0; i < writing->data_count; i++) {
		(void)local_data_whole(writing->data[i], &octets);
		sum += compiled_padded(octets);
	}
	return sum;
}

static void fill_header(struct compiled_header *header, const struct writing *writing)
{
	const struct snapshot *snapshot = writing->snapshot;

	memset(header, 0, sizeof(*header));
	memcpy(header->magic, COMPILED_MAGIC, sizeof(header->magic));
	header->order = COMPILED_ORDER;
	header->format = COMPILED_FORMAT;
	header->word_octets = sizeof(size_t);
	header->list_octets = sizeof(struct compiled_list);
	header->trigger_count = TRIGGER_COUNT;
	strncpy(header->made_by, VERDICT_VERSION, sizeof(header->made_by) - 1);
	header->source_count = writing->sources->count;
	header->list_count = snapshot->list_count;
	header->class_count = snapshot->class_count;
	header->data_count = writing->data_count;
	header->data_octets = data_octets(writing);
	header->key[0] = snapshot->key.k0;
	header->key[1] = snapshot->key.k1;
	memcpy(header->server_depths, snapshot->server_depths.bits, sizeof(header->server_depths));
	memcpy(header->prefixes, snapshot->prefixes, sizeof(header->prefixes));
	set_form_of(snapshot->set, &header->set);
	header->octets = compiled_places(header).end;
}

static void put_list(struct writing *writing, const struct list_info *info, const struct list_report *report)
{
	const struct list_stats *stats = &report->stats;
	struct compiled_list list;

	memset(&list, 0, sizeof(list));
	memcpy(list.name, info->name, sizeof(list.name));
	list.lines = stats->lines;
	list.rules = stats->rules;
	list.octets = stats->octets;
	list.file_octets = stats->file_octets;
	list.withheld = stats->withheld;
	list.duplicates = report->duplicates;
	list.modified = stats->modified;
	for (size_t i = 0; i < SKIP_COUNT; i++) {
		list.skipped[i] = stats->skipped[i];
		list.skipped_line[i] = stats->skipped_line[i];
		memcpy(list.skipped_text[i], stats->skipped_text[i], sizeof(list.skipped_text[i]));
	}
	list.serial = stats->serial;
	list.expire = stats->expire;
	list.triggers = info->triggers;
	list.format = stats->format;
	list.detected = stats->detected;
	list.decides_clients = info->decides_clients;
	list.denies_clients = info->denies_clients;
	list.observes_clients = info->observes_clients;
	put(writing, &list, sizeof(list));
}

static void put_classes(struct writing *writing)
{
	const struct snapshot *snapshot = writing->snapshot;

	for (size_t i = 0; i < snapshot->class_count; i++) {
		const struct class *from = &snapshot->classes[i];
		const struct compiled_class class = {
			.data = i == 0 ? 0 : number_of_data(writing, from),
			.list = from->list,
			.also = from->also,
			.action = (uint8_t)from->action,
			.exact = from->exact,
			.below = from->below,
		};

		put(writing, &class, sizeof(class));
	}
	put_padding(writing, snapshot->class_count * sizeof(struct compiled_class));
}

static void put_data(struct writing *writing)
{
	for (size_t i = 0; i < writing->data_count; i++) {
		size_t octets;
		const void *whole = local_data_whole(writing->data[i], &octets);

		put(writing, whole, octets);
		put_padding(writing, octets);
	}
}

static void put_all(struct writing *writing, struct compiled_header *header)
{
	const struct snapshot *snapshot = writing->snapshot;

	put(writing, header, sizeof(*header));
	put(writing, writing->sources->all, writing->sources->count * sizeof(*writing->sources->all));
	for (size_t i = 0; i < snapshot->list_count; i++)
		put_list(writing, &snapshot->lists[i], &writing->report->lists[i]);
	put_classes(writing);
	put_data(writing);
	put(writing, set_lines(snapshot->set), (size_t)set_form_lines(&header->set));
	put(writing, set_filter(snapshot->set), (size_t)set_form_filter(&header->set));
	header->checksum = XXH3_64bits_digest(writing->sum);
}

static void rewrite_header(struct writing *writing, const struct compiled_header *header)
{
	ssize_t wrote;

	if (writing->error != 0)
		return;
	wrote = pwrite(writing->fd, header, sizeof(*header), 0);
	if (wrote != (ssize_t)sizeof(*header))
		writing->error = wrote < 0 ? errno : ENOSPC;
}

int compiled_write(int fd, const char *path, const struct snapshot *snapshot, const struct build_report *report,
	const struct compiled_sources *sources, uint64_t *octets, struct diag *diag)
{
	struct writing writing = { .fd = fd, .snapshot = snapshot, .report = report, .sources = sources };
	struct compiled_header header;
	int result = 0;

	if (sources->count > COMPILED_SOURCES_MAX)
		return diag_set(diag, path, 0, 0, "%zu files; a compiled policy is made of at most %d",
			sources->count, COMPILED_SOURCES_MAX);
	writing.sum = XXH3_createState();
	if (writing.sum == NULL || XXH3_64bits_reset(writing.sum) != XXH_OK || !gather_data(&writing)) {
		result = diag_set(diag, path, 0, 0, "out of memory");
	} else {
		fill_header(&header, &writing);
		put_all(&writing, &header);
		rewrite_header(&writing, &header);
		if (writing.error != 0)
			result = diag_set(diag, path, 0, 0, "cannot be written: %s", strerror(writing.error));
		else
			*octets = header.octets;
	}
	XXH3_freeState(writing.sum);
	free(writing.data);
	return result;
}
