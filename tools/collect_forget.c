/*
 * collect_forget.c: a client out of all days. A running collector has the directory, so it is asked by a file,
 * forget.request, and answers by another, forget.result; without one it is done here.
 */
#include "tools/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "policy/conf.h"
#include "policy/conf_value.h"
#include "store/shelf.h"
#include "tools/json_out.h"
#include "tools/pseudonym.h"
#include "tools/term.h"
#include "tools/verdictctl.h"

#define REQUEST_OCTETS 64
#define PATH_OCTETS 4096
#define RESULT_OCTETS (sizeof(struct diag) + 64)
#define LOOK_NS 100000000

static void path_of(const char *directory, const char *name, char *path)
{
	snprintf(path, PATH_OCTETS, "%s/%s", directory, name);
}

static int read_network(const char *text, struct network *network, char *wrong)
{
	const struct conf_limits limits = { 0, 0, "" };

	return conf_value_parse(TYPE_NETWORK, &limits, text, network, wrong);
}

static int forget(struct store *store, const struct network *network, uint64_t *events, struct diag *diag)
{
	return store_forget(store, &network->address, network->prefix_length, events, diag);
}

static int fail(const char *text)
{
	char safe[700];

	term_escape(safe, sizeof(safe), text, strlen(text));
	fprintf(stderr, "verdictctl: %s\n", safe);
	return EXIT_UNREADABLE;
}

/* What was set aside cannot be written to, and may hold the client. */
static json_t *find_aside(const char *directory)
{
	json_t *names = json_array();
	struct shelf_file *files;
	struct diag diag;
	unsigned count;

	if (shelf_list_all(directory, &files, &count, &diag) != 0)
		return names;
	for (unsigned i = 0; i < count; i++)
		if (files[i].aside)
			json_array_append_new(names, json_string(strrchr(files[i].path, '/') + 1));
	free(files);
	return names;
}

/* `why`: what kept it from a file; NULL: nothing. */
static int print_result(const char *directory, const char *client, uint64_t events, const char *why, bool json)
{
	json_t *aside = find_aside(directory), *name;
	int code = json_array_size(aside) == 0 && why == NULL ? EXIT_FINE : EXIT_UNREADABLE;
	char text[512];
	size_t i;

	if (why != NULL)
		fail(why);
	json_array_foreach(aside, i, name) {
		snprintf(text, sizeof(text), "%s: is damaged and may still tell of it; remove it", json_string_value(name));
		fail(text);
	}
	if (json)
		json_print_line(json_pack("{s:I, s:o}", "events", (json_int_t)events, "damaged", aside), stdout, false);
	else
		printf("%" PRIu64 " events were removed%s\n", events, why != NULL ? " from the other files" : "");
	if (!json)
		json_decref(aside);
	if (events == 0 && why == NULL)
		pseudonym_tell(directory, client);
	return code;
}

/* --- the collector's side ----------------------------------------------------------------------------------- */

/* What root makes the collector and its user have to open. */
static bool give_to_owner(const char *directory, int fd)
{
	struct stat owner;

	return geteuid() != 0 || (stat(directory, &owner) == 0 && fchown(fd, owner.st_uid, owner.st_gid) == 0);
}

/* Whole or not at all: a reader finds the old file or the new one. */
static bool write_file(const char *directory, const char *path, const char *text)
{
	char made[PATH_OCTETS + 8];
	int fd;
	bool done;

	snprintf(made, sizeof(made), "%s.new", path);
	unlink(made);
	fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
	if (fd < 0)
		return false;
	done = give_to_owner(directory, fd) && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	done = close(fd) == 0 && done && rename(made, path) == 0;
	if (!done)
		unlink(made);
	return done;
}

static bool read_file(const char *path, char *text, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t got = fd < 0 ? -1 : read(fd, text, cap - 1);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	text[got > 0 ? got : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return got >= 0;
}

bool collect_forget_asked(struct collector *collector)
{
	char request[PATH_OCTETS], result[PATH_OCTETS], text[REQUEST_OCTETS], wrong[CONF_WRONG_MAX], said[RESULT_OCTETS],
		why[sizeof(struct diag) + 32];
	struct network network;
	struct diag diag;
	uint64_t events = 0;
	bool failed;

	path_of(collector->options->directory, "forget.request", request);
	path_of(collector->options->directory, "forget.result", result);
	if (!read_file(request, text, sizeof(text)) && errno == ENOENT)
		return true;
	if (read_network(text, &network, wrong) != 0) {
		snprintf(said, sizeof(said), "error %s", wrong);
	} else {
		diag_set(&diag, collector->options->directory, 0, 0, "cannot be written to");
		/* What cannot be written stops the collector: its senders must not be confirmed. */
		failed = !collector_release(collector, 0) || !collector_commit(collector) ||
			forget(collector->store, &network, &events, &diag) != 0;
		if (failed)
			snprintf(said, sizeof(said), "partly %" PRIu64 " %s", events, diag_format(&diag, why, sizeof(why)));
		else
			snprintf(said, sizeof(said), "events %" PRIu64, events);
	}
	if (!write_file(collector->options->directory, result, said))
		return false;
	return unlink(request) == 0;
}

/* --- who asks ----------------------------------------------------------------------------------------------- */

/* One at a time asks in a directory, until its lock is closed. -1: errno. */
static int take_turn(const char *directory)
{
	char path[PATH_OCTETS];
	int fd;

	path_of(directory, "forget.lock", path);
	fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0660);
	if (fd >= 0 && give_to_owner(directory, fd) && flock(fd, LOCK_EX) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* False: nobody is there to take it. */
static bool wait_taken(const char *directory, const char *request)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };

	while (access(request, F_OK) == 0) {
		if (!store_is_taken(directory))
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* -1: the collector has ended, or is one that reads files and is done. */
static int ask(const char *directory, const char *client, bool json)
{
	char request[PATH_OCTETS], result[PATH_OCTETS], said[RESULT_OCTETS], *why;
	uint64_t events;

	path_of(directory, "forget.request", request);
	path_of(directory, "forget.result", result);
	/* Of somebody who has gone. */
	if (!wait_taken(directory, request))
		return -1;
	if ((unlink(result) != 0 && errno != ENOENT) || !write_file(directory, request, client))
		return fail("the collector cannot be asked: its directory is not ours to write to");
	if (!wait_taken(directory, request) && unlink(request) == 0)
		return -1;
	if (!read_file(result, said, sizeof(said)))
		return fail("the collector did not answer");
	if (strncmp(said, "events ", 7) != 0 && strncmp(said, "partly ", 7) != 0)
		return fail(said);
	events = strtoull(said + 7, &why, 10);
	return print_result(directory, client, events, *why == ' ' ? why + 1 : NULL, json);
}

static int ask_or_do(const char *directory, const char *client, const struct network *network, bool json)
{
	const struct store_options options = { .directory = directory };
	char why[sizeof(struct diag) + 32];
	struct store *store;
	struct diag diag;
	uint64_t events;
	int result;

	if (store_is_taken(directory) && (result = ask(directory, client, json)) >= 0)
		return result;
	store = store_open(&options, &diag);
	if (store == NULL)
		return command_fail(EXIT_UNREADABLE, &diag);
	result = forget(store, network, &events, &diag);
	store_close(&store);
	return print_result(directory, client, events, result == 0 ? NULL : diag_format(&diag, why, sizeof(why)), json);
}

int collect_forget(const char *directory, const char *client, bool json)
{
	char wrong[CONF_WRONG_MAX];
	struct network network;
	int turn, result;

	if (read_network(client, &network, wrong) != 0) {
		fail(wrong);
		return EXIT_USAGE;
	}
	if (access(directory, F_OK) != 0)
		return fail("there is no such directory");
	turn = take_turn(directory);
	if (turn < 0)
		return fail("forget.lock cannot be had: the directory is not ours to write to");
	result = ask_or_do(directory, client, &network, json);
	close(turn);
	return result;
}
