/*
 * import_pihole_read.c: finds the database and the text files of a Pi-hole, in a folder or in a Teleporter archive.
 *
 * An archive is read member by member into memory, nothing is unpacked onto the disk, and names in it are only
 * compared, so they lead nowhere.
 */
#include "tools/import_pihole.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_OCTETS_MAX ((size_t)64 << 20)
#define MEMBERS_MAX 4096u
#define HEAD_OCTETS 264
#define PIECE_OCTETS ((size_t)64 << 10)

static const char sqlite_magic[] = "SQLite format 3";   /* with its NUL */

/* --- one file --------------------------------------------------------------------------------------------------- */

static const struct pihole_table *table_of(const char *name)
{
	for (unsigned i = 0; i < PIHOLE_TABLES; i++)
		for (unsigned j = 0; j < 4 && pihole_tables[i].members[j] != NULL; j++)
			if (strcmp(pihole_tables[i].members[j], name) == 0)
				return &pihole_tables[i];
	return NULL;
}

static int read_member(struct pihole *pihole, const char *path, char *octets, size_t length)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	const struct pihole_table *table = table_of(name);

	if (strcmp(name, "gravity.db") == 0)
		return pihole_read_database_octets(pihole, path, octets, length);
	if (table != NULL)
		return pihole_read_json(pihole, table, path, octets, length);
	return pihole_read_text(pihole, path, octets, length);
}

static int read_text_at(struct pihole *pihole, const char *path, bool needed)
{
	struct file_text text;
	const char *wrong;
	int code;

	if (!needed && access(path, F_OK) != 0 && errno == ENOENT)
		return 0;
	wrong = file_load(&text, path, TEXT_OCTETS_MAX);
	if (wrong != NULL)
		return diag_set(pihole->diag, path, 0, 0, "%s", wrong);
	code = pihole_read_text(pihole, path, text.octets, text.length);
	file_release(&text);
	return code;
}

/* --- archives --------------------------------------------------------------------------------------------------- */

static bool is_wanted(const char *path)
{
	static const char *const names[] = { "gravity.db", "custom.list", "adlists.list", "05-pihole-custom-cname.conf",
		"pihole-FTL.conf", "pihole.toml" };
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return table_of(name) != NULL;
}

/* The octets of the member at hand, with a NUL behind them; owned. */
static char *load_member(struct archive *archive, size_t *length)
{
	size_t room = PIECE_OCTETS;
	char *octets = malloc(room + 1), *grown;
	la_ssize_t got = -1;

	*length = 0;
	while (octets != NULL && (got = archive_read_data(archive, octets + *length, room - *length)) > 0) {
		*length += (size_t)got;
		if (*length < room)
			continue;
		room *= 2;
		grown = room <= PIHOLE_MEMBER_MAX ? realloc(octets, room + 1) : NULL;
		got = -1;
		if (grown == NULL)
			break;
		octets = grown;
	}
	if (got != 0) {
		free(octets);
		return NULL;
	}
	octets[*length] = '\0';
	return octets;
}

static int read_entry(struct pihole *pihole, struct archive *archive, struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);
	size_t length;
	char *octets;
	int code;

	if (archive_entry_size(entry) > (la_int64_t)PIHOLE_MEMBER_MAX)
		return diag_set(pihole->diag, pihole->path, 0, 0, "%.100s in it is too large", path != NULL ? path : "a file");
	if (path == NULL || archive_entry_filetype(entry) != AE_IFREG || !is_wanted(path))
		return 0;
	octets = load_member(archive, &length);
	if (octets == NULL)
		return diag_set(pihole->diag, pihole->path, 0, 0, "%.100s in it is damaged or too large: %.200s", path,
			archive_error_string(archive) != NULL ? archive_error_string(archive) : "no memory");
	code = read_member(pihole, path, octets, length);
	free(octets);
	return code;
}

static int read_entries(struct pihole *pihole, struct archive *archive)
{
	struct archive_entry *entry;
	int code;

	for (unsigned i = 0; (code = archive_read_next_header(archive, &entry)) == ARCHIVE_OK || code == ARCHIVE_WARN; i++) {
		if (i == MEMBERS_MAX)
			return diag_set(pihole->diag, pihole->path, 0, 0, "has over %u files", MEMBERS_MAX);
		if (read_entry(pihole, archive, entry) != 0)
			return -1;
	}
	return code == ARCHIVE_EOF ? 0 : diag_set(pihole->diag, pihole->path, 0, 0, "is damaged: %.200s",
		archive_error_string(archive) != NULL ? archive_error_string(archive) : "no memory");
}

static int read_archive(struct pihole *pihole)
{
	struct archive *archive = archive_read_new();
	int code = -1;

	if (archive == NULL)
		return diag_set(pihole->diag, pihole->path, 0, 0, "out of memory");
	archive_read_support_filter_gzip(archive);
	archive_read_support_format_tar(archive);
	archive_read_support_format_zip(archive);
	if (archive_read_open_filename(archive, pihole->path, PIECE_OCTETS) == ARCHIVE_OK)
		code = read_entries(pihole, archive);
	else
		diag_set(pihole->diag, pihole->path, 0, 0, "cannot be opened: %.200s", archive_error_string(archive) != NULL ?
			archive_error_string(archive) : "no memory");
	archive_read_free(archive);
	return code;
}

/* --- folders ---------------------------------------------------------------------------------------------------- */

/* The database first: what of the text files is older than that is not read then. */
static int read_folder(struct pihole *pihole)
{
	static const char *const names[] = { "gravity.db", "pihole.toml", "pihole-FTL.conf", "custom.list", "adlists.list",
		"../dnsmasq.d/05-pihole-custom-cname.conf" };
	int code = 0;

	for (size_t i = 0; code == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = NULL;

		if (asprintf(&path, "%s/%s", pihole->path, names[i]) < 0)
			return diag_set(pihole->diag, pihole->path, 0, 0, "out of memory");
		if (i > 0)
			code = read_text_at(pihole, path, false);
		else if (access(path, F_OK) == 0)
			code = pihole_read_database(pihole, path);
		free(path);
	}
	return code;
}

/* --- which it is ------------------------------------------------------------------------------------------------ */

static int read_file(struct pihole *pihole, int fd)
{
	char head[HEAD_OCTETS] = "";
	const ssize_t got = pread(fd, head, sizeof(head), 0);

	if (got >= (ssize_t)sizeof(sqlite_magic) && memcmp(head, sqlite_magic, sizeof(sqlite_magic)) == 0)
		return pihole_read_database(pihole, pihole->path);
	if (memcmp(head, "\x1f\x8b", 2) == 0 || memcmp(head, "PK", 2) == 0 || memcmp(head + 257, "ustar", 5) == 0)
		return read_archive(pihole);
	return read_text_at(pihole, pihole->path, true);
}

int pihole_read(struct pihole *pihole)
{
	const int fd = open(pihole->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat info;
	int code;

	if (fd < 0 || fstat(fd, &info) != 0)
		code = diag_set(pihole->diag, pihole->path, 0, 0, "cannot be read: %s", strerror(errno));
	else if (S_ISDIR(info.st_mode))
		code = read_folder(pihole);
	else if (S_ISREG(info.st_mode))
		code = read_file(pihole, fd);
	else
		code = diag_set(pihole->diag, pihole->path, 0, 0, "is neither a file nor a folder");
	if (fd >= 0)
		close(fd);
	if (code == 0 && pihole->files == 0)
		code = diag_set(pihole->diag, pihole->path, 0, 0,
			"is none of Pi-hole's: give gravity.db, the folder of it, or a Teleporter archive");
	return code;
}
