/* day_sums.c: what a batch adds to names, domains, clients and verdicts, so that a question about a whole day reads
 * one row of each and not all pairs. */
#include "store/day_parts.h"

#include <stdlib.h>

static struct day_sum sum_of(uint32_t id, uint32_t index)
{
	return (struct day_sum){ .id = id, .first = index, .last = index };
}

/* Events are in the order of time: the least index is the first. */
static void add(struct day_sum *sum, uint32_t first, uint32_t last, uint32_t count, uint32_t names)
{
	sum->first = first < sum->first ? first : sum->first;
	sum->last = last > sum->last ? last : sum->last;
	sum->count += count;
	sum->names += names;
}

static void bind_sum(const struct day *day, enum day_statement which, const struct day_sum *sum)
{
	sqlite3_stmt *statement = day->statements[which];

	sqlite3_bind_int64(statement, 1, sum->id);
	sqlite3_bind_int64(statement, 2, day_milliseconds(day->events[sum->first].at));
	sqlite3_bind_int64(statement, 3, day_milliseconds(day->events[sum->last].at));
	sqlite3_bind_int64(statement, 4, sum->count);
}

/* --- rows --------------------------------------------------------------------------------------------------- */

/* `first` of a row that there is; *found false: there is none. */
static int look_at(struct day *day, enum day_statement which, uint32_t id, int64_t values[3], bool *found,
	struct diag *diag)
{
	sqlite3_stmt *statement = day->statements[which];
	int code;

	sqlite3_bind_int64(statement, 1, id);
	code = sqlite3_step(statement);
	*found = code == SQLITE_ROW;
	for (int i = 0; *found && i < sqlite3_column_count(statement); i++)
		values[i] = sqlite3_column_int64(statement, i);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		day_fail(day, diag);
	sqlite3_reset(statement);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -1;
}

/* `clients` more, the first of which is `client`. Sets *domain. */
static int write_name(struct day *day, const struct day_sum *sum, uint32_t clients, uint32_t client, uint32_t *domain,
	struct diag *diag)
{
	int64_t row[3] = { 0 };              /* domain, clients, first */
	enum day_statement which = DAY_COUNT_NAME_SUM;
	bool found;

	if (look_at(day, DAY_FIND_NAME_SUM, sum->id, row, &found, diag) != 0)
		return -1;
	if (!found) {
		which = DAY_ADD_NAME_SUM;
		sqlite3_bind_int64(day->statements[DAY_FIND_DOMAIN_OF], 1, sum->id);
		row[0] = day_look(day, DAY_FIND_DOMAIN_OF, diag);
		if (row[0] < 0)
			return -1;
		sqlite3_bind_int64(day->statements[which], 7, row[0]);
	} else if (clients > 0 || day_milliseconds(day->events[sum->first].at) < row[2]) {
		which = DAY_CHANGE_NAME_SUM;
	}
	*domain = (uint32_t)row[0];
	bind_sum(day, which, sum);
	if (which != DAY_COUNT_NAME_SUM) {
		sqlite3_bind_int64(day->statements[which], 5, clients);
		sqlite3_bind_int64(day->statements[which], 6, client);
	}
	return day_run(day, which, diag);
}

static int write_domain(struct day *day, const struct day_sum *sum, struct diag *diag)
{
	enum day_statement which;
	int64_t first[3];
	bool found;

	if (look_at(day, DAY_FIND_DOMAIN_SUM, sum->id, first, &found, diag) != 0)
		return -1;
	which = !found ? DAY_ADD_DOMAIN_SUM : day_milliseconds(day->events[sum->first].at) < first[0] ? DAY_CHANGE_DOMAIN_SUM :
		DAY_COUNT_DOMAIN_SUM;
	bind_sum(day, which, sum);
	return day_run(day, which, diag);
}

static int write_client(struct day *day, const struct day_sum *sum, struct diag *diag)
{
	bind_sum(day, DAY_COUNT_CLIENT, sum);
	sqlite3_bind_int64(day->statements[DAY_COUNT_CLIENT], 5, sum->names);
	return day_run(day, DAY_COUNT_CLIENT, diag);
}

static int write_verdict(struct day *day, const struct day_sum *sum, struct diag *diag)
{
	bind_sum(day, DAY_COUNT_VERDICT, sum);
	return day_run(day, DAY_COUNT_VERDICT, diag);
}

/* --- adding up ---------------------------------------------------------------------------------------------- */

static int compare_sums(const void *one, const void *other)
{
	const struct day_sum *a = one, *b = other;

	return a->id < b->id ? -1 : a->id > b->id;
}

/* Writes the first `count` of day->sums, those of equal ids as one. 0 is no id. */
static int write_sums(struct day *day, unsigned count, int (*write)(struct day *, const struct day_sum *, struct diag *),
	struct diag *diag)
{
	unsigned begin = 0;

	qsort(day->sums, count, sizeof(*day->sums), compare_sums);
	while (begin < count) {
		struct day_sum sum = day->sums[begin];
		unsigned end = begin + 1;

		for (; end < count && day->sums[end].id == sum.id; end++)
			add(&sum, day->sums[end].first, day->sums[end].last, day->sums[end].count, day->sums[end].names);
		if (sum.id != 0 && write(day, &sum, diag) != 0)
			return -1;
		begin = end;
	}
	return 0;
}

static int write_clients(struct day *day, struct diag *diag)
{
	const struct day_pair *pairs = day->pairs;
	unsigned count = 0;

	for (unsigned begin = 0, end; begin < day->event_count; begin = end) {
		struct day_sum sum = sum_of(pairs[begin].client, pairs[begin].index);

		for (end = begin; end < day->event_count && pairs[end].name == pairs[begin].name &&
				pairs[end].client == pairs[begin].client; end++)
			add(&sum, pairs[end].index, pairs[end].index, 1, 0);
		sum.names = pairs[begin].fresh;
		day->sums[count++] = sum;
	}
	return write_sums(day, count, write_client, diag);
}

static int write_names(struct day *day, struct diag *diag)
{
	const struct day_pair *pairs = day->pairs;
	unsigned count = 0;

	for (unsigned begin = 0, end; begin < day->event_count; begin = end) {
		struct day_sum sum = sum_of(pairs[begin].name, pairs[begin].index);
		uint32_t clients = 0, client = 0;

		for (end = begin; end < day->event_count && pairs[end].name == sum.id; end++) {
			bool known = pairs[end].client != 0 && (end == begin || pairs[end].client != pairs[end - 1].client);

			add(&sum, pairs[end].index, pairs[end].index, 1, 0);
			if (!known || !pairs[end].fresh)
				continue;
			client = clients++ == 0 ? pairs[end].client : client;
		}
		if (sum.id == 0)
			continue;
		day->sums[count] = sum;
		if (write_name(day, &sum, clients, client, &day->sums[count].id, diag) != 0)
			return -1;
		for (unsigned i = begin; i < end; i++)
			day->events[pairs[i].index].domain = day->sums[count].id;
		count++;
	}
	return write_sums(day, count, write_domain, diag);
}

static int write_verdicts(struct day *day, struct diag *diag)
{
	unsigned count = 0;

	for (unsigned i = 0; i < day->event_count; i++) {
		uint32_t id = day->events[i].verdict;

		if (count == 0 || day->sums[count - 1].id != id)
			day->sums[count++] = sum_of(id, i);
		add(&day->sums[count - 1], i, i, 1, 0);
	}
	return write_sums(day, count, write_verdict, diag);
}

int day_sums(struct day *day, struct diag *diag)
{
	return write_clients(day, diag) != 0 || write_names(day, diag) != 0 ? -1 : write_verdicts(day, diag);
}
