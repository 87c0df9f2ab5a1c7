/* override_file.c: overrides as JSON and back, and to disk. */
#include "control/override_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "control/json.h"
#include "control/request.h"

#define FILE_MODE 0640
#define TIME_MAX ((int64_t)1 << 48)
#define NEXT_MAX ((int64_t)1 << 62)   /* counting on from there never ends */

const char *override_verb(const struct override *override)
{
	if (override->action == ACTION_REFUSE)
		return "refuse";
	return override->action == ACTION_PASS ? "allow" : "deny";
}

char *override_client_text(const struct network *client, char *to)
{
	const struct address *address = &client->address;
	const int family = address->family == ADDRESS_INET ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];

	*to = '\0';
	if (address->family != ADDRESS_NONE && inet_ntop(family, address->octets, text, sizeof(text)) != NULL)
		snprintf(to, OVERRIDE_CLIENT_MAX, "%s/%u", text, client->prefix_length);
	return to;
}

/* --- reading ----------------------------------------------------------------------------------------------- */

/* A text of 1 to cap - 1 octets. */
static bool take_text(const json_t *object, const char *key, char *to, size_t cap)
{
	const json_t *value = json_object_get(object, key);
	size_t octets = json_string_length(value);

	if (!json_is_string(value) || octets == 0 || octets >= cap)
		return false;
	memcpy(to, json_string_value(value), octets + 1);
	return true;
}

static bool take_number(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *to)
{
	const json_t *value = json_object_get(object, key);

	*to = json_integer_value(value);
	return json_is_integer(value) && *to >= min && *to <= max;
}

static bool take_client(const json_t *object, struct network *client)
{
	const json_t *value = json_object_get(object, "client");

	return value == NULL || (json_is_string(value) && request_network(client, json_string_value(value)));
}

static bool take_name(const json_t *object, struct name *name)
{
	const json_t *value = json_object_get(object, "name");

	if (!json_is_string(value))
		return false;
	return name_from_text(name, json_string_value(value), json_string_length(value)) == NULL && name->labels > 0;
}

static bool take_action(const json_t *object, enum action *action)
{
	const char *verb = json_get_text(object, "action");

	if (strcmp(verb, "allow") == 0)
		*action = ACTION_PASS;
	else
		*action = strcmp(verb, "refuse") == 0 ? ACTION_REFUSE : ACTION_NXDOMAIN;
	return *action != ACTION_NXDOMAIN || strcmp(verb, "deny") == 0;
}

/* NULL, or the member that is wrong. */
static const char *take_override(struct override *to, const json_t *object, uint64_t next)
{
	int64_t id;

	memset(to, 0, sizeof(*to));
	if (!take_number(object, "id", 1, (int64_t)next - 1, &id))
		return "id";
	to->id = (uint64_t)id;
	if (!take_name(object, &to->name))
		return "name";
	if (!take_action(object, &to->action))
		return "action";
	if (!take_client(object, &to->client))
		return "client";
	if (!take_number(object, "made", 0, TIME_MAX, &to->made))
		return "made";
	if (!take_number(object, "until", to->made, TIME_MAX, &to->until))
		return "until";
	if (!take_text(object, "why", to->why, sizeof(to->why)))
		return "why";
	return take_text(object, "who", to->who, sizeof(to->who)) ? NULL : "who";
}

static int take_overrides(struct override_file *file, const json_t *array, const char *name, struct diag *diag)
{
	const size_t count = json_array_size(array);

	if (!json_is_array(array) || count > OVERRIDES_MAX)
		return diag_set(diag, name, 0, 0, "overrides: it is to be a list of at most %d", OVERRIDES_MAX);
	file->overrides = calloc(count > 0 ? count : 1, sizeof(*file->overrides));
	if (file->overrides == NULL)
		return diag_set(diag, name, 0, 0, "out of memory");
	for (file->count = 0; file->count < count; file->count++) {
		struct override *to = &file->overrides[file->count];
		const char *wrong = take_override(to, json_array_get(array, file->count), file->next);

		if (wrong != NULL)
			return diag_set(diag, name, 0, 0, "overrides[%zu]: '%s' is missing or wrong", file->count, wrong);
	}
	return 0;
}

static int take_file(struct override_file *file, const json_t *object, const char *name, struct diag *diag)
{
	int64_t version, next;

	if (!take_number(object, "version", 0, INT64_MAX, &version) || version != OVERRIDE_FILE_VERSION)
		return diag_set(diag, name, 0, 0, "it has no version %d", OVERRIDE_FILE_VERSION);
	if (!take_number(object, "next", 1, NEXT_MAX, &next))
		return diag_set(diag, name, 0, 0, "next: it is to be a number from 1");
	file->next = (uint64_t)next;
	return take_overrides(file, json_object_get(object, "overrides"), name, diag);
}

int override_file_parse(struct override_file *file, const char *text, size_t octets, const char *name,
	struct diag *diag)
{
	struct override_file read = { 0 };
	json_error_t error;
	json_t *object = json_loadb(text, octets, JSON_REJECT_DUPLICATES, &error);
	int result;

	if (object == NULL)
		return diag_set(diag, name, error.line > 0 ? (unsigned)error.line : 0, 0, "no JSON: %s", error.text);
	result = take_file(&read, object, name, diag);
	json_decref(object);
	if (result == 0)
		*file = read;
	else
		free(read.overrides);
	return result;
}

/* --- writing ----------------------------------------------------------------------------------------------- */

/* What did not fit into memory must not look like nothing: without its client an override would be for everybody. */
static json_t *whole(json_t *object, size_t members)
{
	if (json_object_size(object) == members)
		return object;
	json_decref(object);
	return NULL;
}

json_t *override_json(const struct override *override)
{
	json_t *object = json_object();
	char name[NAME_TEXT_MAX], client[OVERRIDE_CLIENT_MAX];
	const bool for_some = *override_client_text(&override->client, client) != '\0';

	json_set_number(object, "id", override->id);
	json_set_text(object, "name", name_to_text(&override->name, name));
	json_set_text(object, "action", override_verb(override));
	if (for_some)
		json_set_text(object, "client", client);
	json_set_number(object, "made", (uint64_t)override->made);
	json_set_number(object, "until", (uint64_t)override->until);
	json_set_text(object, "why", override->why);
	json_set_text(object, "who", override->who);
	return whole(object, for_some ? 8 : 7);
}

static json_t *overrides_json(const struct override_file *file)
{
	json_t *array = json_array();

	for (size_t i = 0; i < file->count; i++) {
		if (json_array_append_new(array, override_json(&file->overrides[i])) == 0)
			continue;
		json_decref(array);
		return NULL;
	}
	return array;
}

/* libjansson 2.14 can leave out a piece of the text when memory is scarce, and say nothing. */
static bool reads_back(const char *text, const json_t *object)
{
	json_t *read = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const bool same = read != NULL && json_equal(read, object);

	json_decref(read);
	return same;
}

char *override_file_format(const struct override_file *file)
{
	json_t *object = json_object();
	char *text;

	json_set_number(object, "version", OVERRIDE_FILE_VERSION);
	json_set_number(object, "next", file->next);
	json_object_set_new(object, "overrides", overrides_json(file));
	object = whole(object, 3);
	text = object != NULL ? json_dumps(object, JSON_INDENT(1) | JSON_ENSURE_ASCII) : NULL;
	if (text != NULL && !reads_back(text, object)) {
		free(text);
		text = NULL;
	}
	json_decref(object);
	return text;
}

/* --- to disk ----------------------------------------------------------------------------------------------- */

static int write_all(int fd, const char *text, size_t octets)
{
	while (octets > 0) {
		ssize_t written = write(fd, text, octets);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return -1;
		text += written;
		octets -= (size_t)written;
	}
	return 0;
}

static void sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* 0, or errno. */
static int write_fresh(int fd, const char *text)
{
	const int failed = write_all(fd, text, strlen(text)) != 0 || fsync(fd) != 0 ? errno : 0;

	close(fd);
	return failed;
}

static int replace(const char *text, const char *directory, const char *path, const char *fresh, struct diag *diag)
{
	int fd, failed;

	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return diag_set(diag, fresh, 0, 0, "overrides cannot be kept: %m");
	failed = write_fresh(fd, text);
	if (failed == 0 && rename(fresh, path) != 0)
		failed = errno;
	if (failed == 0) {
		sync_directory(directory);
		return 0;
	}
	unlink(fresh);
	return diag_set(diag, path, 0, 0, "overrides cannot be kept: %s", strerror(failed));
}

int override_file_write(const struct override_file *file, const char *directory, const char *path, const char *fresh,
	struct diag *diag)
{
	char *text = override_file_format(file);
	int result;

	if (text == NULL)
		return diag_set(diag, path, 0, 0, "out of memory");
	result = replace(text, directory, path, fresh, diag);
	free(text);
	return result;
}
