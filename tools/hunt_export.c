/* hunt_export.c: `hunt export FORMAT`: the table of formats, and rows on their way to standard output. */
#include "tools/hunt_export.h"

#include <stdio.h>
#include <string.h>

#include "tools/hunt_remote.h"
#include "tools/verdictctl.h"

#define STATEMENT_MAX 4096

const char export_events[] =
	"SELECT :day / 86400000, :class, e.at + :day * 1000, x.identity, s.boot, s.worker, e.seq, iif(s.boot = '', e.id, 0),"
	" lower(hex(coalesce(c.address, x''))), coalesce(n.key, ''), coalesce(d.key, ''), r.type, r.class, r.flags, r.rcode,"
	" e.path, e.transport, e.latency, r.upstream, iif(r.records = '', '', (SELECT group_concat(o.key || ' ' || rr.type ||"
	"  ' ' || rr.ttl || ' ' || lower(hex(rr.data)), ',') FROM json_each(r.records) AS j CROSS JOIN day.rr AS rr"
	"  ON rr.id = j.value CROSS JOIN day.name AS o ON o.id = rr.owner)),"
	" v.verdict, v.list, v.rule, v.trigger, v.category, v.techniques, v.chain, v.serial, v.ede, v.grp, v.privacy,"
	" v.shadow_list, v.shadow_rule, v.shadow_action, v.shadow_category, v.detectors, e.score, coalesce(t.detections, '')"
	" FROM day.event AS e CROSS JOIN day.reply AS r ON r.id = e.reply CROSS JOIN day.verdict AS v ON v.id = r.verdict"
	" CROSS JOIN day.source AS s ON s.id = e.source CROSS JOIN day.sensor AS x ON x.id = s.sensor"
	" LEFT JOIN day.client AS c ON c.id = e.client LEFT JOIN day.name AS n ON n.id = r.name"
	" LEFT JOIN day.name AS d ON d.id = n.domain AND n.domain <> 0 LEFT JOIN day.detail AS t ON t.event = e.id"
	" WHERE e.at >= :from_us AND e.at <= :to_us ORDER BY e.at, x.identity, s.boot, s.worker, e.seq, e.id";

const char *export_text(sqlite3_value *value, size_t *octets)
{
	const char *text = (const char *)sqlite3_value_text(value);

	*octets = text != NULL ? (size_t)sqlite3_value_bytes(value) : 0;
	return text != NULL ? text : "";
}

/* A function of SQL: what it is called for is that a row is written. */
static void export_row(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct exporting *exporting = sqlite3_user_data(context);

	if (exporting->broken)
		return;
	json_line_reset(&exporting->line);
	exporting->broken = !exporting->format->put(exporting, values, (unsigned)count) || exporting->line.failed ||
		(exporting->line.used > 0 && fwrite(exporting->line.octets, 1, exporting->line.used, stdout) !=
			exporting->line.used);
	if (exporting->broken)
		sqlite3_interrupt(sqlite3_context_db_handle(context));
}

/* `LIMIT -1`: rows leave the sorter before the function sees them. */
static int run_local(struct hunt *hunt, const struct export_format *format)
{
	static char statement[STATEMENT_MAX];
	size_t columns = strlen(format->types);
	int used = snprintf(statement, sizeof(statement), "WITH o (");

	for (size_t i = 0; i < columns; i++)
		used += snprintf(statement + used, sizeof(statement) - (size_t)used, "%sc%zu", i > 0 ? ", " : "", i);
	used += snprintf(statement + used, sizeof(statement) - (size_t)used, ") AS (%s LIMIT -1) SELECT export_row(",
		format->select);
	for (size_t i = 0; i < columns && used < STATEMENT_MAX - 64; i++)
		used += snprintf(statement + used, sizeof(statement) - (size_t)used, "%sc%zu", i > 0 ? ", " : "", i);
	if (used >= STATEMENT_MAX - 64)
		return diag_set(&hunt->diag, "hunt", 0, 0, "the statement is too long");
	strcpy(statement + used, ") FROM o;");
	return query_gather(hunt->query, QUERY_ALL, statement, &hunt->diag);
}

static int run_remote(struct hunt *hunt, const struct export_format *format)
{
	char statement[STATEMENT_MAX] = "SELECT export_row(";
	size_t used = strlen(statement), columns = strlen(format->types);
	const struct hunt_fetch fetch = { format->fetch, format->types, statement };

	for (size_t i = 0; i < columns; i++)
		used += (size_t)snprintf(statement + used, sizeof(statement) - used, "%s?%zu", i > 0 ? ", " : "", i + 1);
	strcpy(statement + used, ")");
	return hunt_fetch_numbers(hunt, &fetch, NULL);
}

int hunt_export_run(struct hunt *hunt, const struct export_format *format)
{
	struct exporting exporting = { .hunt = hunt, .format = format };
	sqlite3 *db = query_workspace(hunt->query);
	int result;

	if (sqlite3_create_function(db, "export_row", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, &exporting, export_row, NULL,
			NULL) != SQLITE_OK)
		return diag_set(&hunt->diag, "hunt", 0, 0, "%s", sqlite3_errmsg(db));
	if (format->begin != NULL && !format->begin(&exporting))
		return diag_set(&hunt->diag, "hunt", 0, 0, "no memory");
	result = hunt->remote != NULL ? run_remote(hunt, format) : run_local(hunt, format);
	if (format->end != NULL)
		format->end(&exporting);
	if (exporting.broken)
		result = ferror(stdout) != 0 ? 0 : diag_set(&hunt->diag, "hunt", 0, 0, "no memory");
	json_line_fini(&exporting.line);
	return result;
}

static const struct export_format *find(const char *name)
{
	static const struct export_format *const formats[] = { &export_ecs, &export_ocsf, &export_csv };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	for (const struct export_format *format = export_rows; format->name != NULL; format++)
		if (strcmp(format->name, name) == 0)
			return format;
	return NULL;
}

int hunt_export(struct hunt *hunt)
{
	const struct export_format *format = find(hunt->asked);

	hunt->raw = true;
	if (strcmp(hunt->asked, "cof") == 0)
		return hunt_export_cof(hunt);
	if (format == NULL)
		return command_misuse(hunt->command, "the formats of export are cof, ecs, ocsf, csv, and for ClickHouse"
			" clickhouse-event, -record, -source, -seen, -note");
	if (hunt->remote != NULL && format->fetch == NULL)
		return command_misuse(hunt->command, "rows for ClickHouse come from day files");
	return hunt_export_run(hunt, format);
}
