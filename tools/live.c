/* live.c: one request to the resolver's control socket, and words around it. */
#include "tools/live.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "control/json.h"
#include "control/override_store.h"
#include "policy/conf.h"
#include "policy/list.h"
#include "policy/list_entry.h"
#include "tools/json_out.h"
#include "tools/term.h"

#define ANSWER_OCTETS_MAX ((size_t)64 << 20)
#define CONNECT_MS 5000
#define CONNECT_STEP_MS 50
#define AS_MAX 31

/* --- the socket -------------------------------------------------------------------------------------------- */

/* A full backlog is no end: somebody is being served. */
static int connect_patiently(int fd, const struct sockaddr_un *address)
{
	for (int waited = 0; ; waited += CONNECT_STEP_MS) {
		if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
			return 0;
		if (errno != EAGAIN || waited >= CONNECT_MS)
			return -1;
		poll(NULL, 0, CONNECT_STEP_MS);
	}
}

static int open_socket(const char *path, struct diag *diag)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return diag_set(diag, path, 0, 0, "a socket's path has at most %zu octets", sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect_patiently(fd, &address) == 0)
		return fd;
	diag_set(diag, path, 0, 0, errno == ENOENT || errno == ECONNREFUSED ?
		"no resolver answers there (%m); does it run, with the module loaded and this configuration?" :
		errno == EACCES ? "you may not connect (%m): be root, the resolver's user or in its group" : "%m");
	if (fd >= 0)
		close(fd);
	return -1;
}

static int send_all(int fd, const char *text, size_t octets)
{
	while (octets > 0) {
		struct pollfd out = { .fd = fd, .events = POLLOUT };
		ssize_t sent = send(fd, text, octets, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN && poll(&out, 1, CONNECT_MS) > 0)
			continue;
		if (sent <= 0)
			return -1;
		text += sent;
		octets -= (size_t)sent;
	}
	return 0;
}

/* To the end. NULL with errno set. */
static char *receive_all(int fd, size_t *octets)
{
	size_t cap = 64 * 1024, used = 0;
	char *text = malloc(cap);

	while (text != NULL) {
		struct pollfd in = { .fd = fd, .events = POLLIN };
		ssize_t got = recv(fd, text + used, cap - used, 0);

		/* A server that is full answers and closes without reading: then a reset follows the answer. */
		if (got == 0 || (got < 0 && errno == ECONNRESET))
			break;
		if (got < 0 && (errno == EAGAIN || errno == EINTR) && (poll(&in, 1, -1) >= 0 || errno == EINTR))
			continue;
		used += got > 0 ? (size_t)got : 0;
		if (got < 0 || (used == cap && cap >= ANSWER_OCTETS_MAX)) {
			errno = got < 0 ? errno : EMSGSIZE;
			free(text);
			return NULL;
		}
		if (used == cap) {
			char *more = realloc(text, cap *= 2);

			if (more == NULL)
				free(text);
			text = more;
		}
	}
	*octets = used;
	return text;
}

static json_t *exchange(int fd, const char *path, const char *line, size_t length, struct diag *diag)
{
	json_t *answer = NULL;
	size_t octets = 0;
	char *text = send_all(fd, line, length) == 0 || errno == EPIPE ? receive_all(fd, &octets) : NULL;

	if (text == NULL)
		diag_set(diag, path, 0, 0, "the resolver broke off: %m");
	else
		answer = json_loadb(text, octets, JSON_ALLOW_NUL, NULL);
	if (text != NULL && !json_is_object(answer)) {
		json_decref(answer);
		answer = NULL;
		diag_set(diag, path, 0, 0, octets == 0 ? "the resolver closed without an answer; is it stopping?" :
			"what answers there is no verdict module");
	}
	free(text);
	return answer;
}

json_t *live_call(const char *path, json_t *request, struct diag *diag)
{
	char *line = json_dumps(request, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_t *answer = NULL;
	size_t octets = line != NULL ? strlen(line) : 0;
	int fd;

	json_decref(request);
	if (line == NULL) {
		diag_set(diag, path, 0, 0, "out of memory, or a text that is no UTF-8");
		return NULL;
	}
	fd = open_socket(path, diag);
	if (fd >= 0) {
		line[octets++] = '\n';   /* in the NUL's place */
		answer = exchange(fd, path, line, octets, diag);
		close(fd);
	}
	free(line);
	return answer;
}

/* --- for commands ------------------------------------------------------------------------------------------ */

bool live_option(struct live_options *options, int option)
{
	switch (option) {
	case 'c':
		options->config = optarg;
		return true;
	case 's':
		options->socket = optarg;
		return true;
	case 'j':
		options->json = true;
		return true;
	}
	return false;
}

bool live_options_alone(const struct command *command, int argc, char **argv, struct live_options *options, int *code)
{
	static const struct option known[] = { LIVE_OPTIONS, { NULL, 0, NULL, 0 } };
	int option;

	while ((option = command_option(command, argc, argv, LIVE_LETTERS, known)) != -1)
		if (!live_option(options, option)) {
			*code = option == 'h' ? EXIT_FINE : EXIT_USAGE;
			return false;
		}
	if (optind < argc)
		*code = command_misuse(command, "it takes no argument");
	return optind >= argc;
}

int live_socket(const struct live_options *options, char **path)
{
	struct diag diag = { 0 };
	struct conf *conf;

	*path = NULL;
	if (options->socket != NULL) {
		*path = strdup(options->socket);
		return *path != NULL ? EXIT_FINE : EXIT_UNREADABLE;
	}
	conf = conf_load(command_config(options->config), &diag);
	if (conf == NULL)
		return command_fail(command_config_code(options->config), &diag);
	if (conf->live.control_socket != NULL)
		*path = strdup(conf->live.control_socket);
	else if (asprintf(path, "%s/control.sock", conf->state_directory) < 0)
		*path = NULL;
	conf_destroy(&conf);
	return *path != NULL ? EXIT_FINE : EXIT_UNREADABLE;
}

json_t *live_request(const char *command)
{
	json_t *request = json_object();

	json_set_text(request, "command", command);
	return request;
}

json_t *live_change_request(const char *command)
{
	json_t *request = live_request(command);
	const char *as = getenv("SUDO_USER");

	if (as != NULL && *as != '\0' && strlen(as) <= AS_MAX && geteuid() == 0)
		json_set_text(request, "as", as);
	return request;
}

static int refuse(const struct live_options *options, json_t *answer)
{
	const int code = strcmp(json_get_text(answer, "kind"), "request") == 0 ? EXIT_USAGE : EXIT_WRONG;
	const char *error = json_get_text(answer, "error");
	char safe[2048];

	term_escape(safe, sizeof(safe), error, strlen(error));
	fprintf(stderr, "verdictctl: %s\n", safe);
	if (options->json)
		json_print_line(answer, stdout, false);
	else
		json_decref(answer);
	return code;
}

int live_ask(const struct live_options *options, json_t *request, json_t **answer)
{
	struct diag diag = { 0 };
	json_t *got;
	char *path;
	int code = live_socket(options, &path);

	*answer = NULL;
	if (code != EXIT_FINE) {
		json_decref(request);
		return code;
	}
	got = live_call(path, request, &diag);
	free(path);
	if (got == NULL)
		return command_fail(EXIT_UNREADABLE, &diag);
	if (!json_get_flag(got, "ok"))
		return refuse(options, got);
	*answer = got;
	return EXIT_FINE;
}

int live_end(const struct live_options *options, json_t *answer, int code)
{
	const char *warning = json_get_text(answer, "warning");
	char safe[1024];

	term_escape(safe, sizeof(safe), warning, strlen(warning));
	if (*warning != '\0')
		fprintf(stderr, "verdictctl: warning: %s\n", safe);
	if (!options->json)
		json_decref(answer);
	else if (!json_print_line(answer, stdout, false))
		code = EXIT_UNREADABLE;
	return code;
}

/* --- words ------------------------------------------------------------------------------------------------- */

bool live_duration(const char *text, uint32_t *seconds)
{
	static const struct { char unit; unsigned long seconds; } units[] = {
		{ '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 },
	};
	const size_t digits = strspn(text, "0123456789");
	unsigned long number;

	if (digits == 0 || digits > 9 || (text[digits] != '\0' && text[digits + 1] != '\0'))
		return false;
	number = strtoul(text, NULL, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit != text[digits])
			continue;
		if (number == 0 || number > OVERRIDE_SECONDS_MAX / units[i].seconds)
			return false;
		*seconds = (uint32_t)(number * units[i].seconds);
		return true;
	}
	return false;
}

char *live_span(int64_t seconds, char *to)
{
	if (seconds < 0)
		snprintf(to, LIVE_TEXT_MAX, "in the future");
	else if (seconds < 120)
		snprintf(to, LIVE_TEXT_MAX, "%lld s", (long long)seconds);
	else if (seconds < 120 * 60)
		snprintf(to, LIVE_TEXT_MAX, "%lld min", (long long)seconds / 60);
	else if (seconds < 48 * 3600)
		snprintf(to, LIVE_TEXT_MAX, "%lld h", (long long)seconds / 3600);
	else
		snprintf(to, LIVE_TEXT_MAX, "%lld d", (long long)seconds / 86400);
	return to;
}

char *live_time(int64_t seconds, char *to)
{
	const time_t when = (time_t)seconds;
	struct tm broken;

	if (localtime_r(&when, &broken) == NULL || strftime(to, LIVE_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &broken) == 0)
		snprintf(to, LIVE_TEXT_MAX, "%lld", (long long)seconds);
	return to;
}

char *live_octets(int64_t octets, char *to)
{
	if (octets < 10 * 1024)
		snprintf(to, LIVE_TEXT_MAX, "%lld octets", (long long)octets);
	else if (octets < 10 * 1024 * 1024)
		snprintf(to, LIVE_TEXT_MAX, "%.1f KiB", (double)octets / 1024);
	else
		snprintf(to, LIVE_TEXT_MAX, "%.1f MiB", (double)octets / (1 << 20));
	return to;
}

/* The host of a URL, which is what people have at hand. False: it is none, or its host does not fit. */
static bool take_host(const char *text, char *host, size_t cap)
{
	const char *from = strstr(text, "://"), *user;
	size_t length;

	if (from == NULL)
		return false;
	from += strlen("://");
	length = strcspn(from, "/?#");
	user = memrchr(from, '@', length);
	length -= user != NULL ? (size_t)(user + 1 - from) : 0;
	from = user != NULL ? user + 1 : from;
	if (*from != '[' && memchr(from, ':', length) != NULL)
		length = (size_t)((const char *)memchr(from, ':', length) - from);
	if (length >= cap)
		return false;
	memcpy(host, from, length);
	host[length] = '\0';
	return true;
}

/* NULL, or why nobody means a name by it: as one it would be asked for, allowed or denied in vain. */
static const char *no_name(const char *text)
{
	const size_t length = strlen(text);
	uint8_t octets[16];

	if (inet_pton(AF_INET, text, octets) == 1 || inet_pton(AF_INET6, text, octets) == 1 || *text == '[')
		return "it is an address (`explain NAME --answer` and --client try those)";
	/* 0/25.2.0.192.in-addr.arpa is one (RFC 2317). */
	if (strpbrk(text, "/:@") != NULL && (length < 5 || strncasecmp(text + length - 5, ".arpa", 5) != 0))
		return "leave out port, path and user (in a name that has them, write \\058, \\047, \\064)";
	return NULL;
}

int live_name(const struct command *command, const char *text, struct name *name)
{
	char host[NAME_TEXT_MAX], safe[256];
	const char *wrong, *is_none;
	enum skip_reason reason = SKIP_COUNT;

	text = take_host(text, host, sizeof(host)) ? host : text;
	is_none = no_name(text);
	wrong = is_none != NULL ? is_none : name_from_text(name, text, strlen(text));
	/* A name in Unicode is what lists make of it. */
	if (wrong != NULL && is_none == NULL)
		reason = list_read_idn(name, text, text + strlen(text));
	if (is_none == NULL && reason == SKIP_COUNT)
		return EXIT_FINE;
	if (is_none == NULL && reason != SKIP_NAME)
		wrong = skip_texts[reason];
	term_escape(safe, sizeof(safe), text, strlen(text));
	return command_misuse(command, "'%s' is no domain name: %s", safe, wrong);
}
