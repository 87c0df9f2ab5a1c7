/* hunt_whole.c: does the window cut a day? */
#include "tools/hunt.h"

/* Every event has a decision. */
static const char find[] =
	"INSERT INTO cut SELECT :day, :class, has_slices() FROM (SELECT min(first) AS first, max(last) AS last FROM day.verdict_sum)"
	" WHERE first < :from OR last > :to;";

int64_t hunt_number(struct hunt *hunt, const char *select)
{
	sqlite3_stmt *row = query_ask(hunt->query, select, &hunt->diag);
	int64_t number = 0;
	int code;

	if (row == NULL)
		return -1;
	code = sqlite3_step(row);
	if (code == SQLITE_ROW)
		number = sqlite3_column_int64(row, 0);
	else if (code != SQLITE_DONE)
		number = diag_set(&hunt->diag, "hunt", 0, 0, "%s", sqlite3_errmsg(query_workspace(hunt->query)));
	sqlite3_finalize(row);
	return number;
}

int hunt_is_whole(struct hunt *hunt)
{
	int64_t cut;

	if (query_run(hunt->query, "CREATE TABLE cut (day, class, sliced)", &hunt->diag) != 0 ||
			query_gather(hunt->query, QUERY_ALL, find, &hunt->diag) != 0)
		return -1;
	cut = hunt_number(hunt, "SELECT count(*) FROM cut");
	return cut < 0 ? -1 : cut == 0;
}
