/* collect_identity.c: a table, walked. */
#include "tools/collect_identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/tap_socket.h"

#define ROWS_MAX 10000u
#define BLANKS " \t\r\n"

struct identity_row {
	char *certificate, *identity;    /* owned */
};

#define OCTETS_MAX 1024              /* of a line */

/* What a table was made of, to make it again. */
struct identity_source {
	char *text;                      /* owned: a path, or a row */
	bool file;
};

struct identities {
	unsigned count, source_count;
	struct identity_row *rows;
	struct identity_source *sources;
	char *known_path;                /* owned; NULL: nothing is remembered */
	unsigned generation;             /* what was allowed under another one is looked at again */
};

struct identities *identities_create(void)
{
	return calloc(1, sizeof(struct identities));
}

void identities_destroy(struct identities **identities)
{
	if (*identities == NULL)
		return;
	for (unsigned i = 0; i < (*identities)->count; i++) {
		free((*identities)->rows[i].certificate);
		free((*identities)->rows[i].identity);
	}
	for (unsigned i = 0; i < (*identities)->source_count; i++)
		free((*identities)->sources[i].text);
	free((*identities)->sources);
	free((*identities)->known_path);
	free((*identities)->rows);
	free(*identities);
	*identities = NULL;
}

static const char *add(struct identities *identities, const char *certificate, size_t octets, const char *identity)
{
	struct identity_row *rows;
	struct identity_row row;

	if (octets == 0 || *identity == '\0')
		return "it takes CERTIFICATE=IDENTITY";
	if (identities->count == ROWS_MAX)
		return "there are too many";
	rows = realloc(identities->rows, (identities->count + 1) * sizeof(*rows));
	if (rows == NULL)
		return "no memory";
	identities->rows = rows;
	row.certificate = strndup(certificate, octets);
	row.identity = strdup(identity);
	if (row.certificate != NULL && row.identity != NULL) {
		rows[identities->count++] = row;
		return NULL;
	}
	free(row.certificate);
	free(row.identity);
	return "no memory";
}

static bool note_source(struct identities *identities, const char *text, bool file)
{
	struct identity_source *sources = realloc(identities->sources, (identities->source_count + 1) * sizeof(*sources));
	char *copy = strdup(text);

	if (sources != NULL)
		identities->sources = sources;
	if (sources == NULL || copy == NULL) {
		free(copy);
		return false;
	}
	sources[identities->source_count++] = (struct identity_source){ copy, file };
	return true;
}

const char *identities_add(struct identities *identities, const char *text)
{
	const char *sign = strchr(text, '=');

	if (sign == NULL)
		return "it takes CERTIFICATE=IDENTITY";
	return note_source(identities, text, false) ? add(identities, text, (size_t)(sign - text), sign + 1) : "no memory";
}

static const char *take_line(struct identities *identities, char *line)
{
	char *rest, *certificate, *identity;

	line[strcspn(line, "#")] = '\0';
	certificate = strtok_r(line, BLANKS, &rest);
	identity = certificate == NULL ? NULL : strtok_r(NULL, BLANKS, &rest);
	if (certificate == NULL)
		return NULL;
	if (identity == NULL || strtok_r(NULL, BLANKS, &rest) != NULL)
		return "a line is a certificate's name, a blank and an identity";
	return add(identities, certificate, strlen(certificate), identity);
}

int identities_load(struct identities *identities, const char *path, struct diag *diag)
{
	FILE *file = fopen(path, "re");
	const char *wrong = NULL;
	unsigned number = 0;
	char line[OCTETS_MAX];

	if (file == NULL)
		return diag_set(diag, path, 0, 0, "cannot open it: %s", strerror(errno));
	if (!note_source(identities, path, true))
		wrong = "no memory";
	while (wrong == NULL && fgets(line, sizeof(line), file) != NULL) {
		number++;
		wrong = strlen(line) == sizeof(line) - 1 ? "the line is too long" : take_line(identities, line);
	}
	if (wrong != NULL)
		diag_set(diag, path, number, 0, "%s", wrong);
	else if (ferror(file))
		wrong = "unreadable", diag_set(diag, path, 0, 0, "cannot be read");
	fclose(file);
	return wrong == NULL ? 0 : -1;
}

/* --- identities that came with their own certificate ---------------------------------------------------------- */

static bool is_bound(const struct identities *identities, const char *identity)
{
	for (unsigned i = 0; i < identities->count; i++)
		if (strcasecmp(identities->rows[i].identity, identity) == 0)
			return true;
	return false;
}

/* One that cannot be written is bound until the end of this process. */
static void bind_known(struct identities *identities, const char *identity)
{
	FILE *file;

	if (identities->known_path == NULL || is_bound(identities, identity) ||
			add(identities, identity, strlen(identity), identity) != NULL)
		return;
	identities->generation++;
	file = strpbrk(identity, BLANKS "#") == NULL ? fopen(identities->known_path, "ae") : NULL;
	if (file == NULL)
		return;
	fprintf(file, "%s\n", identity);
	fclose(file);
}

int identities_remember(struct identities *identities, const char *path, struct diag *diag)
{
	FILE *file = fopen(path, "re");
	char line[OCTETS_MAX], *copy = strdup(path);

	if (copy == NULL || (file == NULL && errno != ENOENT)) {
		diag_set(diag, path, 0, 0, "%s", copy == NULL ? "no memory" : strerror(errno));
		free(copy);
		return -1;
	}
	free(identities->known_path);
	identities->known_path = copy;
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, BLANKS "#")] = '\0';
		if (line[0] != '\0' && !is_bound(identities, line))
			add(identities, line, strlen(line), line);
	}
	if (file != NULL)
		fclose(file);
	return 0;
}

int identities_read_again(struct identities **identities, struct diag *diag)
{
	struct identities *fresh = identities_create();
	const char *wrong = fresh == NULL ? "no memory" : NULL;
	int result = 0;

	for (unsigned i = 0; result == 0 && wrong == NULL && i < (*identities)->source_count; i++) {
		const struct identity_source *source = &(*identities)->sources[i];

		if (source->file)
			result = identities_load(fresh, source->text, diag);
		else
			wrong = identities_add(fresh, source->text);
	}
	if (wrong != NULL)
		result = diag_set(diag, "identities", 0, 0, "%s", wrong);
	else if (result == 0 && (*identities)->known_path != NULL)
		result = identities_remember(fresh, (*identities)->known_path, diag);
	if (result != 0) {
		identities_destroy(&fresh);
		return -1;
	}
	fresh->generation = (*identities)->generation + 1;
	identities_destroy(identities);
	*identities = fresh;
	return 0;
}

static bool take_name(void *arg, const char *name)
{
	struct peer *peer = arg;

	if (strlen(name) < PEER_NAME_OCTETS)
		strcpy(peer->names[peer->count++], name);
	return peer->count < PEER_NAMES_MAX;
}

void peer_init(struct peer *peer, unsigned number, const struct tap_link *link)
{
	peer->number = number;
	peer->count = 0;
	peer->allowed[0] = '\0';
	peer->names[0][0] = '\0';
	/* One without a name that we know of stands for nobody, and is not the same as none. */
	peer->certified = tap_link_is_certified(link);
	tap_link_names(link, take_name, peer);
}

/* Certificates' names are host names: the case of letters says nothing. */
static bool has_name(const struct peer *peer, const char *name)
{
	for (unsigned i = 0; i < peer->count; i++)
		if (strcasecmp(peer->names[i], name) == 0)
			return true;
	return false;
}

static bool is_allowed(struct identities *identities, const struct peer *peer, const char *identity)
{
	if (peer->certified && has_name(peer, identity)) {
		bind_known(identities, identity);
		return true;
	}
	for (unsigned i = 0; peer->certified && i < identities->count; i++)
		if (strcmp(identities->rows[i].identity, identity) == 0 && has_name(peer, identities->rows[i].certificate))
			return true;
	return !peer->certified && !is_bound(identities, identity);
}

/* A connection nearly always brings the frames of one resolver. */
bool identities_allow(struct identities *identities, struct peer *peer, const char *identity)
{
	if (peer->generation == identities->generation && peer->allowed[0] != '\0' && strcmp(peer->allowed, identity) == 0)
		return true;
	if (!is_allowed(identities, peer, identity))
		return false;
	snprintf(peer->allowed, sizeof(peer->allowed), "%s", identity);
	peer->generation = identities->generation;
	return true;
}
