/* rule_diff.c: walks over two sorted tables. */
#include "tools/rule_diff.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/rrtype.h"

const char *const change_names[CHANGE_COUNT] = { "added", "removed", "changed" };

/* The entries of one owner. */
struct run {
	const struct rule_table *table;
	size_t from, to;
};

/* --- what counts ------------------------------------------------------------------------------------------------ */

/* The first that covers it, local data last: it is collected over the whole list. */
static size_t winner(const struct run *run, unsigned covers)
{
	size_t local = RULE_NONE;

	for (size_t i = run->from; i < run->to; i++) {
		const struct rule_view view = rule_table_view(run->table, i);

		if ((view.covers & covers) == 0)
			continue;
		if (view.action != ACTION_LOCAL_DATA)
			return i;
		if (local == RULE_NONE)
			local = i;
	}
	return local;
}

static int by_content(const void *a, const void *b)
{
	const struct local_record *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->rdata_length != y->rdata_length)
		return x->rdata_length < y->rdata_length ? -1 : 1;
	return memcmp(x->rdata, y->rdata, x->rdata_length);
}

/* The records of the local data that begins with `index`: those of its owner that cover the same. */
static size_t collect_records(const struct rule_table *table, size_t index, struct local_record *records)
{
	const struct rule_view first = rule_table_view(table, index);
	size_t count = 0;

	for (size_t i = index; i < table->count && rule_table_compare(table, index, table, i) == 0; i++) {
		const struct rule_view view = rule_table_view(table, i);

		if (view.action == ACTION_LOCAL_DATA && view.covers == first.covers && count < LOCAL_RECORDS_MAX)
			records[count++] = view.record;
	}
	qsort(records, count, sizeof(*records), by_content);
	return count;
}

/* NULL: out of memory. */
static struct local_data *data_of(const struct rule_table *table, size_t index)
{
	struct local_record records[LOCAL_RECORDS_MAX];

	return local_data_create(records, collect_records(table, index, records));
}

static bool same_data(const struct rule_table *a, size_t i, const struct rule_table *b, size_t j)
{
	struct local_data *left = data_of(a, i), *right = data_of(b, j);
	size_t left_octets, right_octets;
	bool same = false;

	if (left != NULL && right != NULL) {
		const uint8_t *left_at = local_data_octets(left, &left_octets);
		const uint8_t *right_at = local_data_octets(right, &right_octets);

		same = left_octets == right_octets && memcmp(left_at, right_at, left_octets) == 0;
	}
	local_data_destroy(&left);
	local_data_destroy(&right);
	return same;
}

/* A list's own action is an option of the list, and a change of that is one there. */
static bool asks_same(const struct rule_table *a, size_t i, const struct rule_table *b, size_t j)
{
	const struct rule_view left = rule_table_view(a, i), right = rule_table_view(b, j);

	if (left.by_list && right.by_list)
		return true;
	if (left.action != right.action)
		return false;
	return left.action != ACTION_LOCAL_DATA || same_data(a, i, b, j);
}

/* --- one owner -------------------------------------------------------------------------------------------------- */

static bool add_change(struct rule_changes *changes, struct rule_change change)
{
	if (changes->count == changes->room) {
		const size_t room = changes->room == 0 ? 64 : changes->room + changes->room / 2;
		struct rule_change *more = reallocarray(changes->changes, room, sizeof(*more));

		if (more == NULL)
			return false;
		changes->changes = more;
		changes->room = room;
	}
	changes->changes[changes->count++] = change;
	changes->counts[change.kind]++;
	return true;
}

/* False: nothing changes for what `covers` says. */
static bool fate(const struct run *before, const struct run *after, unsigned covers, struct rule_change *change)
{
	*change = (struct rule_change){ .covers = covers, .before = winner(before, covers),
		.after = winner(after, covers) };
	if (change->before == RULE_NONE && change->after == RULE_NONE)
		return false;
	if (change->before == RULE_NONE)
		change->kind = CHANGE_ADDED;
	else if (change->after == RULE_NONE)
		change->kind = CHANGE_REMOVED;
	else if (asks_same(before->table, change->before, after->table, change->after))
		return false;
	else
		change->kind = CHANGE_CHANGED;
	return true;
}

static bool same_rule(const struct rule_table *table, size_t i, size_t j)
{
	return i == j || (i != RULE_NONE && j != RULE_NONE && asks_same(table, i, table, j));
}

static bool compare_runs(struct rule_changes *changes, const struct run *before, const struct run *after)
{
	struct rule_change exact, below;
	const bool one = fate(before, after, COVERS_EXACT, &exact), two = fate(before, after, COVERS_BELOW, &below);

	if (one && two && exact.kind == below.kind && same_rule(before->table, exact.before, below.before) &&
	    same_rule(after->table, exact.after, below.after)) {
		exact.covers = COVERS_BOTH;
		return add_change(changes, exact);
	}
	return (!one || add_change(changes, exact)) && (!two || add_change(changes, below));
}

/* --- whole tables ----------------------------------------------------------------------------------------------- */

static struct run run_at(const struct rule_table *table, size_t from)
{
	struct run run = { table, from, from };

	while (run.to < table->count && (run.to == from || rule_table_compare(table, from, table, run.to) == 0))
		run.to++;
	return run;
}

struct order {
	const struct rule_table *before, *after;
};

static size_t place_of(const struct order *order, const struct rule_change *change)
{
	return change->kind == CHANGE_REMOVED ? order->before->entries[change->before].at :
		order->after->entries[change->after].at;
}

static int by_place(const void *a, const void *b, void *arg)
{
	const struct rule_change *x = a, *y = b;
	size_t left, right;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	left = place_of(arg, x);
	right = place_of(arg, y);
	if (left != right)
		return left < right ? -1 : 1;
	return x->covers < y->covers ? -1 : 1;
}

bool rule_diff(const struct rule_table *before, const struct rule_table *after, struct rule_changes *changes)
{
	struct order order = { before, after };
	size_t i = 0, j = 0;

	*changes = (struct rule_changes){ .changes = NULL };
	while (i < before->count || j < after->count) {
		const int side = i == before->count ? 1 : j == after->count ? -1 : rule_table_compare(before, i, after, j);
		struct run old = { before, i, i }, new = { after, j, j };

		if (side <= 0)
			old = run_at(before, i);
		if (side >= 0)
			new = run_at(after, j);
		if (!compare_runs(changes, &old, &new)) {
			rule_changes_fini(changes);
			return false;
		}
		i = old.to;
		j = new.to;
	}
	if (changes->count > 1)
		qsort_r(changes->changes, changes->count, sizeof(*changes->changes), by_place, &order);
	return true;
}

void rule_changes_fini(struct rule_changes *changes)
{
	free(changes->changes);
	*changes = (struct rule_changes){ .changes = NULL };
}

/* --- words ------------------------------------------------------------------------------------------------------ */

static void print_record(const struct local_record *record, FILE *to)
{
	char text[NAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];
	struct name name;

	fprintf(to, " %s %u ", rrtype_to_text(record->type, type), record->ttl);
	if (record->type == RRTYPE_A && record->rdata_length == 4)
		fputs(inet_ntop(AF_INET, record->rdata, text, sizeof(text)), to);
	else if (record->type == RRTYPE_AAAA && record->rdata_length == 16)
		fputs(inet_ntop(AF_INET6, record->rdata, text, sizeof(text)), to);
	else if ((record->type == RRTYPE_CNAME || record->type == RRTYPE_NS || record->type == RRTYPE_PTR) &&
		 name_from_wire(&name, record->rdata, record->rdata_length))
		fputs(name_to_text(&name, text), to);
	else {
		fprintf(to, "\\# %u ", record->rdata_length);
		for (unsigned i = 0; i < record->rdata_length; i++)
			fprintf(to, "%02x", record->rdata[i]);
	}
}

char *rule_asks_text(const struct rule_table *table, size_t index, char *to, size_t cap)
{
	const struct rule_view view = rule_table_view(table, index);
	struct local_record records[LOCAL_RECORDS_MAX];
	size_t count, octets = 0;
	char *text = NULL;
	FILE *stream;

	snprintf(to, cap, "%s", action_table[view.action].name);
	if (view.action != ACTION_LOCAL_DATA || (stream = open_memstream(&text, &octets)) == NULL)
		return to;
	count = collect_records(table, index, records);
	fputs(action_table[view.action].name, stream);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			putc(';', stream);
		print_record(&records[i], stream);
	}
	if (fclose(stream) == 0 && octets < cap)
		memcpy(to, text, octets + 1);
	else if (text != NULL && cap > 4)
		snprintf(to, cap, "%.*s...", (int)cap - 4, text);
	free(text);
	return to;
}
