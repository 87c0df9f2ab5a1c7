/*
 * query_day.c: day files attached in turn to a workspace, while a collector writes to them and removes them.
 *
 * A file is read in one transaction. Who has opened it reads on when its name goes away; but its WAL is found by name,
 * later than the file itself, and can be another file's by then. So what lies there is looked at before and after: of a
 * file that is not what it was nothing is kept, and it is asked again.
 */
#include "store/query_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"

#define DAY_SECONDS 86400
#define URI_MAX (3 * SHELF_PATH_MAX + 32)
#define TRIES 40                                 /* two seconds */
#define PAUSE_NS 50000000

/* What has the name of a file. */
struct place {
	bool there, log;
	dev_t device;
	ino_t number;
};

enum outcome { OUTCOME_READ, OUTCOME_UNREADABLE, OUTCOME_FAILED };   /* unreadable: the file; failed: the workspace */

struct attempt {
	enum outcome outcome;
	int code;                                    /* SQLite's, if it failed */
	bool whole;                                  /* it is read as it lies, as nobody writes to it */
	char why[256];
};

static struct place look(const char *path)
{
	char log[SHELF_PATH_MAX + 8];
	struct stat status = { 0 };
	struct place place = { .there = stat(path, &status) == 0 || errno != ENOENT };

	snprintf(log, sizeof(log), "%s-wal", path);
	place.log = access(log, F_OK) == 0;
	place.device = status.st_dev;
	place.number = status.st_ino;
	return place;
}

static bool is_same_file(const struct place *a, const struct place *b)
{
	return a->there == b->there && a->device == b->device && a->number == b->number;
}

/* --- attaching ------------------------------------------------------------------------------------------------ */

static void write_uri(const char *path, const char *how, char *to)
{
	static const char digits[] = "0123456789abcdef";
	char *at = to + sprintf(to, "file:");

	for (; *path != '\0'; path++) {
		unsigned char octet = (unsigned char)*path;

		if (octet == '%' || octet == '?' || octet == '#' || octet < 0x21 || octet > 0x7e) {
			*at++ = '%';
			*at++ = digits[octet >> 4];
			*at++ = digits[octet & 15];
		} else {
			*at++ = (char)octet;
		}
	}
	strcpy(at, how);
}

static int attach_as(struct query *query, const char *path, const char *how)
{
	sqlite3_stmt *statement = NULL;
	char uri[URI_MAX];
	int code;

	write_uri(path, how, uri);
	code = sqlite3_prepare_v2(query->db, "ATTACH DATABASE ?1 AS day", -1, &statement, NULL);
	if (code != SQLITE_OK)
		return code;
	sqlite3_bind_text(statement, 1, uri, -1, SQLITE_STATIC);
	code = sqlite3_step(statement);
	sqlite3_finalize(statement);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* -1: SQLite cannot read it. */
static int64_t number_of(struct query *query, const char *text)
{
	sqlite3_stmt *statement = NULL;
	int64_t number = -1;

	if (sqlite3_prepare_v2(query->db, text, -1, &statement, NULL) == SQLITE_OK &&
			sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	return sqlite3_finalize(statement) == SQLITE_OK ? number : -1;
}

/* NULL: it is a day file of this release. */
static const char *check(struct query *query)
{
	int64_t application = number_of(query, "PRAGMA day.application_id");
	int64_t version = application < 0 ? -1 : number_of(query, "PRAGMA day.user_version");

	if (version < 0)
		return sqlite3_errmsg(query->db);
	if (application != STORE_APPLICATION)
		return "is no day file";
	if (version > STORE_VERSION)
		return "was made by a later release";
	return version < STORE_OLDEST ? "was made by an earlier release" : NULL;
}

/* A WAL is read by way of its -shm, which who may not write there cannot make. */
static bool lacks_shm(const char *path)
{
	char name[SHELF_PATH_MAX + 8];

	snprintf(name, sizeof(name), "%s-shm", path);
	return look(path).log && access(path, R_OK) == 0 && access(name, R_OK) != 0;
}

static void detach(struct query *query)
{
	sqlite3_exec(query->db, "DETACH DATABASE day", NULL, NULL, NULL);
}

/* Who may only read cannot make the files that WAL needs. Without a WAL of its own the file is whole as it lies, for as
 * long as no collector begins. */
static const char *attach(struct query *query, const char *path, struct attempt *attempt)
{
	const char *wrong;
	int code;

	if (!shelf_is_regular(path, true))
		return "is damaged: " SHELF_IRREGULAR;
	code = attach_as(query, path, "?mode=ro");
	/* Half of a change, which somebody left who was killed, is taken back by who may write. */
	if (code == SQLITE_READONLY_ROLLBACK && access(path, W_OK) == 0)
		code = attach_as(query, path, "?mode=rw");
	if (code != SQLITE_OK)
		return sqlite3_errmsg(query->db);
	wrong = check(query);
	if (wrong == NULL || (sqlite3_errcode(query->db) & 0xff) != SQLITE_CANTOPEN || look(path).log)
		return wrong;
	detach(query);
	attempt->whole = true;
	if (attach_as(query, path, "?mode=ro&immutable=1") != SQLITE_OK)
		return sqlite3_errmsg(query->db);
	return check(query);
}

/* --- asking --------------------------------------------------------------------------------------------------- */

/* Is it the file that SQLite cannot read, and not the workspace that cannot be written? */
static bool is_of_file(int code)
{
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_BUSY:
	case SQLITE_PROTOCOL:
	case SQLITE_READONLY:                        /* its WAL has to be put right by who may write */
	case SQLITE_ERROR:                           /* a table is not as it should be */
		return true;
	}
	return false;
}

static void take_back(struct query *query, int code, struct attempt *attempt)
{
	attempt->outcome = is_of_file(code) ? OUTCOME_UNREADABLE : OUTCOME_FAILED;
	attempt->code = code;
	snprintf(attempt->why, sizeof(attempt->why), "%s", sqlite3_errmsg(query->db));
	sqlite3_exec(query->db, "ROLLBACK", NULL, NULL, NULL);
}

static void ask_attached(struct query *query, const char *path, const char *statements, struct attempt *attempt)
{
	int code = sqlite3_exec(query->db, "BEGIN", NULL, NULL, NULL);

	if (code == SQLITE_OK)
		code = query_step(query, statements);
	if (code == SQLITE_OK && attempt->whole && look(path).log)
		code = SQLITE_CANTOPEN;              /* a collector has begun: its pages are not all of one moment */
	if (code == SQLITE_OK)
		code = sqlite3_exec(query->db, "COMMIT", NULL, NULL, NULL);
	attempt->outcome = OUTCOME_READ;
	if (code != SQLITE_OK)
		take_back(query, code, attempt);
}

/* True: it is to be asked again. */
static bool try_file(struct query *query, const char *path, const char *statements, struct attempt *attempt)
{
	struct place before = look(path), after;
	const char *wrong;
	bool same;

	*attempt = (struct attempt){ .outcome = OUTCOME_UNREADABLE };
	wrong = attach(query, path, attempt);
	snprintf(attempt->why, sizeof(attempt->why), "%s", wrong != NULL ? wrong : "changes while it is asked");
	attempt->code = wrong != NULL ? sqlite3_errcode(query->db) : SQLITE_OK;
	after = look(path);
	same = is_same_file(&before, &after);
	if (wrong == NULL && same)
		ask_attached(query, path, statements, attempt);
	detach(query);
	if (attempt->outcome != OUTCOME_UNREADABLE || !look(path).there)
		return false;
	/* A collector that begins or ends makes and removes files that SQLite reads by. */
	return !same || before.log != look(path).log || (attempt->code & 0xff) == SQLITE_CANTOPEN ||
		(attempt->code & 0xff) == SQLITE_READONLY;
}

static void tell(struct query *query, const char *path, const char *text, const char *why)
{
	char line[sizeof(struct diag) + 32];
	struct diag diag;

	diag_set(&diag, path, 0, 0, "%s%s", text, why);
	if (query->tell != NULL)
		query->tell(query->arg, diag_format(&diag, line, sizeof(line)));
}

static void leave_out(struct query *query, struct query_file *listed, const char *why)
{
	bool gone = !look(listed->file.path).there;

	listed->left_out = true;
	query->gone += gone;
	query->passed_over += !gone;
	if (gone)
		tell(query, listed->file.path, "was removed while it was asked: its day is not, or only in part, in the answer", "");
	else
		tell(query, listed->file.path, "is passed over: ", why);
}

static const char *why_unreadable(const char *path, const struct attempt *attempt)
{
	if (attempt->code == SQLITE_READONLY_ROLLBACK)
		return "half of a change is in it, which only who may write there can take back: ask as the collector's user";
	if ((attempt->code & 0xff) == SQLITE_CANTOPEN && lacks_shm(path))
		return "its -wal cannot be read without its -shm, which only who may write in this directory can make: ask as the"
			" collector's user, or restart the collector";
	return attempt->why;
}

static int gather_file(struct query *query, struct query_file *listed, const char *statements, struct diag *diag)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	const struct shelf_file *file = &listed->file;
	struct attempt attempt;

	if (listed->left_out)
		return 0;
	query->day_ms = file->day_s * 1000;
	query->class = file->class;
	for (unsigned i = 1; try_file(query, file->path, statements, &attempt) && i < TRIES; i++)
		nanosleep(&pause, NULL);
	switch (attempt.outcome) {
	case OUTCOME_READ:
		return 0;
	case OUTCOME_UNREADABLE:
		leave_out(query, listed, why_unreadable(file->path, &attempt));
		return 0;
	case OUTCOME_FAILED:
		break;
	}
	return diag_set(diag, file->path, 0, 0, "%s", attempt.why);
}

/* --- files ---------------------------------------------------------------------------------------------------- */

/* Once: an answer is of the same files, however many steps lead to it. */
static int list(struct query *query, struct diag *diag)
{
	struct shelf_file *files;
	unsigned count;

	if (query->is_listed)
		return 0;
	if (shelf_list(query->directory, QUERY_BEGIN / 1000, QUERY_END / 1000, &files, &count, diag) != 0)
		return -1;
	query->listed = calloc(count + 1, sizeof(*query->listed));
	for (unsigned i = 0; query->listed != NULL && i < count; i++)
		query->listed[i].file = files[i];
	free(files);
	if (query->listed == NULL)
		return diag_set(diag, query->directory, 0, 0, "no memory");
	query->listed_count = count;
	query->is_listed = true;
	return 0;
}

static bool is_of_days(const struct query_file *listed, int64_t from_ms, int64_t to_ms)
{
	return listed->file.day_s <= to_ms / 1000 && listed->file.day_s > from_ms / 1000 - DAY_SECONDS;
}

static int gather(struct query *query, unsigned classes, int64_t from_ms, int64_t to_ms, const char *statements,
	struct diag *diag)
{
	unsigned count = 0, done = 0;
	int result = list(query, diag);

	for (unsigned i = 0; i < query->listed_count; i++)
		count += is_of_days(&query->listed[i], from_ms, to_ms);
	for (unsigned i = 0; result == 0 && i < query->listed_count; i++) {
		if (!is_of_days(&query->listed[i], from_ms, to_ms))
			continue;
		if (query->progress != NULL)
			query->progress(query->arg, done, count);
		done++;
		if ((classes >> query->listed[i].file.class & 1) != 0)
			result = gather_file(query, &query->listed[i], statements, diag);
	}
	query->files = count;
	return result;
}

int query_gather(struct query *query, unsigned classes, const char *statements, struct diag *diag)
{
	return gather(query, classes, query->from_ms, query->to_ms, statements, diag);
}

int query_gather_settled(struct query *query, unsigned classes, const char *statements, struct diag *diag)
{
	store_settle(query->directory);
	return query_gather(query, classes, statements, diag);
}

int query_gather_before(struct query *query, unsigned classes, const char *statements, struct diag *diag)
{
	unsigned files = query->files;
	int result = gather(query, classes, QUERY_BEGIN, query->from_ms - DAY_SECONDS * 1000, statements, diag);

	query->files = files;
	return result;
}
