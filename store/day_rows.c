/* day_rows.c: names, clients, verdicts and sources, found in memory, else in the file, else made. */
#include "store/day_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpsl.h>

#include "store/name_key.h"

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

uint32_t day_made(struct day *day, enum day_statement add, struct diag *diag)
{
	if (day_run(day, add, diag) != 0)
		return 0;
	return (uint32_t)sqlite3_last_insert_rowid(day->db);
}

/* --- names -------------------------------------------------------------------------------------------------- */

/* How many octets of the name its registrable domain is; 0: it has none. */
static size_t domain_octets(const struct day *day, const uint8_t *name, size_t octets)
{
	char text[NAME_TEXT_MAX];
	const char *domain;
	size_t at = 0;

	if (day->shared->suffixes == NULL || octets < 2)
		return 0;
	name_wire_to_text(name, octets, text);
	domain = psl_registrable_domain(day->shared->suffixes, text);
	if (domain == NULL)
		return 0;
	for (const char *dot = text; dot < domain; dot++)
		at += *dot == '.' ? name[at] + 1u : 0;
	return octets - at;
}

static uint32_t find_name(struct day *day, const char *key, size_t octets, struct diag *diag, bool *failed)
{
	int64_t found;

	sqlite3_bind_text(day->statements[DAY_FIND_NAME], 1, key, (int)octets, SQLITE_STATIC);
	found = day_look(day, DAY_FIND_NAME, diag);
	*failed = found < 0;
	return found < 0 ? 0 : (uint32_t)found;
}

static uint32_t add_name(struct day *day, const uint8_t *name, size_t octets, const char *key, size_t key_octets,
	struct diag *diag)
{
	size_t domain = domain_octets(day, name, octets);
	uint32_t domain_id = 0, id;

	if (domain != 0 && domain != octets && (domain_id = day_name(day, name + (octets - domain), domain, diag)) == 0)
		return 0;
	sqlite3_bind_text(day->statements[DAY_ADD_NAME], 1, key, (int)key_octets, SQLITE_STATIC);
	sqlite3_bind_int64(day->statements[DAY_ADD_NAME], 2, domain_id);
	id = day_made(day, DAY_ADD_NAME, diag);
	if (id == 0 || domain != octets)
		return id;
	sqlite3_bind_int64(day->statements[DAY_SET_DOMAIN], 1, id);
	return day_run(day, DAY_SET_DOMAIN, diag) == 0 ? id : 0;
}

uint32_t day_name(struct day *day, const uint8_t *name, size_t octets, struct diag *diag)
{
	struct dict_key hash = dict_key_of(&day->shared->secret, name, octets);
	struct dict_row *row = dict_find(day->names, hash);
	char key[NAME_KEY_MAX];
	size_t key_octets;
	bool failed;
	uint32_t id;

	if (row != NULL)
		return row->id;
	key_octets = name_key_write(name, octets, key);
	id = find_name(day, key, key_octets, diag, &failed);
	if (id == 0 && !failed)
		id = add_name(day, name, octets, key, key_octets, diag);
	if (id != 0)
		dict_put(day->names, hash, id, 0);
	return id;
}

/* --- clients, verdicts -------------------------------------------------------------------------------------- */

uint32_t day_client(struct day *day, const struct address *client, struct diag *diag)
{
	int octets = client->family == ADDRESS_INET ? 4 : 16;
	struct dict_key hash = dict_key_of(&day->shared->secret, client->octets, (size_t)octets);
	struct dict_row *row = dict_find(day->clients, hash);
	int64_t id;

	if (row != NULL)
		return row->id;
	sqlite3_bind_blob(day->statements[DAY_FIND_CLIENT], 1, client->octets, octets, SQLITE_STATIC);
	sqlite3_bind_blob(day->statements[DAY_ADD_CLIENT], 1, client->octets, octets, SQLITE_STATIC);
	id = day_look(day, DAY_FIND_CLIENT, diag);
	if (id == 0)
		id = day_made(day, DAY_ADD_CLIENT, diag);
	if (id <= 0)
		return 0;
	dict_put(day->clients, hash, (uint32_t)id, 0);
	return (uint32_t)id;
}

#define VERDICT_TEXTS 13

static void verdict_texts(const struct store_verdict *verdict, const char *texts[VERDICT_TEXTS])
{
	const char *const all[VERDICT_TEXTS] = { verdict->list, verdict->rule, verdict->verdict, verdict->trigger,
		verdict->category, verdict->techniques, verdict->group, verdict->privacy, verdict->shadow_list,
		verdict->shadow_rule, verdict->shadow_action, verdict->shadow_category, verdict->detectors };

	memcpy(texts, all, sizeof(all));
}

static void bind_verdict(sqlite3_stmt *statement, const struct store_verdict *verdict)
{
	const char *texts[VERDICT_TEXTS];

	verdict_texts(verdict, texts);
	for (int i = 0; i < VERDICT_TEXTS; i++)
		bind_text(statement, i + 1, texts[i]);
	sqlite3_bind_int64(statement, VERDICT_TEXTS + 1, verdict->chain);
	sqlite3_bind_int64(statement, VERDICT_TEXTS + 2, verdict->serial);
	sqlite3_bind_int64(statement, VERDICT_TEXTS + 3, verdict->ede);
}

/* Texts with their NULs, then the numbers: no two verdicts give the same octets. Returns 0 when they are too many:
 * the verdict is looked for in the file then. */
static size_t verdict_octets(const struct store_verdict *verdict, char *to, size_t cap)
{
	const uint32_t numbers[] = { verdict->chain, verdict->serial, verdict->ede };
	const char *texts[VERDICT_TEXTS];
	size_t used = 0;

	verdict_texts(verdict, texts);
	for (int i = 0; i < VERDICT_TEXTS; i++) {
		size_t octets = strlen(texts[i]) + 1;

		if (octets > cap - used)
			return 0;
		memcpy(to + used, texts[i], octets);
		used += octets;
	}
	if (sizeof(numbers) > cap - used)
		return 0;
	memcpy(to + used, numbers, sizeof(numbers));
	return used + sizeof(numbers);
}

uint32_t day_verdict(struct day *day, const struct store_verdict *verdict, struct diag *diag)
{
	char octets[4096];
	size_t used = verdict_octets(verdict, octets, sizeof(octets));
	struct dict_key hash = dict_key_of(&day->shared->secret, octets, used);
	struct dict_row *row = used > 0 ? dict_find(day->verdicts, hash) : NULL;
	int64_t id;

	if (row != NULL)
		return row->id;
	bind_verdict(day->statements[DAY_FIND_VERDICT], verdict);
	id = day_look(day, DAY_FIND_VERDICT, diag);
	if (id == 0) {
		bind_verdict(day->statements[DAY_ADD_VERDICT], verdict);
		id = day_made(day, DAY_ADD_VERDICT, diag);
	}
	if (id > 0 && used > 0)
		dict_put(day->verdicts, hash, (uint32_t)id, 0);
	return id < 0 ? 0 : (uint32_t)id;
}

/* --- sources ------------------------------------------------------------------------------------------------ */

uint32_t day_sensor(struct day *day, const char *identity, struct diag *diag)
{
	int64_t id;

	bind_text(day->statements[DAY_FIND_SENSOR], 1, identity);
	bind_text(day->statements[DAY_ADD_SENSOR], 1, identity);
	id = day_look(day, DAY_FIND_SENSOR, diag);
	if (id == 0)
		id = day_made(day, DAY_ADD_SENSOR, diag);
	return id < 0 ? 0 : (uint32_t)id;
}

int day_source_write(struct day *day, struct day_source *source, struct diag *diag)
{
	sqlite3_stmt *statement = day->statements[DAY_COUNT_SOURCE];

	if (source->frames == 0 && source->duplicates == 0)
		return 0;
	sqlite3_bind_int64(statement, 1, source->id);
	sqlite3_bind_int64(statement, 2, source->first_ms);
	sqlite3_bind_int64(statement, 3, source->last_ms);
	sqlite3_bind_int64(statement, 4, (int64_t)source->frames);
	sqlite3_bind_int64(statement, 5, (int64_t)source->duplicates);
	sqlite3_bind_int64(statement, 6, (int64_t)source->dropped);
	sqlite3_bind_int64(statement, 7, (int64_t)source->left_out);
	sqlite3_bind_int64(statement, 8, (int64_t)source->seq);
	source->frames = source->duplicates = 0;
	return day_run(day, DAY_COUNT_SOURCE, diag);
}

static int64_t look_source(struct day *day, const struct store_source *source, int64_t sensor, bool make,
	struct diag *diag)
{
	const enum day_statement both[] = { DAY_FIND_SOURCE, DAY_ADD_SOURCE };
	char boot[16] = "";
	int64_t id;

	if (source->boot != 0)
		snprintf(boot, sizeof(boot), "%012" PRIx64, source->boot & 0xffffffffffffu);
	for (unsigned i = 0; i < 2; i++) {
		sqlite3_bind_int64(day->statements[both[i]], 1, sensor);
		bind_text(day->statements[both[i]], 2, boot);
		sqlite3_bind_int64(day->statements[both[i]], 3, source->worker);
	}
	id = day_look(day, DAY_FIND_SOURCE, diag);
	if (id == 0 && make && (id = day_made(day, DAY_ADD_SOURCE, diag)) == 0)
		id = -1;
	/* `boot` ends here. */
	sqlite3_clear_bindings(day->statements[DAY_FIND_SOURCE]);
	sqlite3_clear_bindings(day->statements[DAY_ADD_SOURCE]);
	return id;
}

int64_t day_source_look(struct day *day, const struct store_source *source, struct diag *diag)
{
	int64_t sensor;

	bind_text(day->statements[DAY_FIND_SENSOR], 1, source->identity);
	sensor = day_look(day, DAY_FIND_SENSOR, diag);
	return sensor <= 0 ? sensor : look_source(day, source, sensor, false, diag);
}

static bool is_source(const struct day_source *at, const struct store_source *source)
{
	return at->source.boot == source->boot && at->source.worker == source->worker &&
		strcmp(at->identity, source->identity) == 0;
}

struct day_source *day_source(struct day *day, const struct store_source *source, struct diag *diag)
{
	struct day_source *at = &day->sources[day->latest];
	uint32_t sensor;
	int64_t id;

	if (day->source_count > 0 && is_source(at, source))
		return at;
	for (unsigned i = 0; i < day->source_count; i++)
		if (is_source(&day->sources[i], source)) {
			day->latest = i;
			return &day->sources[i];
		}
	sensor = day_sensor(day, source->identity, diag);
	id = sensor == 0 ? -1 : look_source(day, source, sensor, true, diag);
	if (id < 0)
		return NULL;
	if (day->source_count < DAY_SOURCES) {
		day->latest = day->source_count++;
	} else {
		day->latest = day->oldest++ % DAY_SOURCES;
		if (day_source_write(day, &day->sources[day->latest], diag) != 0)
			return NULL;
	}
	at = &day->sources[day->latest];
	*at = (struct day_source){ .source = *source, .id = (uint32_t)id, .sensor = sensor };
	snprintf(at->identity, sizeof(at->identity), "%s", source->identity);
	at->source.identity = at->identity;
	return at;
}
