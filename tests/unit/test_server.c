/* test_server.c: the control socket with clients of every kind. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "control/server.h"
#include "tests/unit/fake_live.h"
#include "tests/unit/own_clock.h"
#include "tests/unit/temp_file.h"

#define NOBODY 65534
#define STOP_MS 60000
#define TRIES 6000   /* of 10 ms */

static char folder[TEMP_PATH_MAX], path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static struct loader loader;
static struct control_host host;
static struct override_store *store;
static struct tally *tally;
static struct control_server *server;

static struct server_options options(void)
{
	return (struct server_options){ .path = path, .backend = { .host = &host, .loader = &loader, .overrides = store,
		.tally = tally } };
}

static int begin(void **state)
{
	struct server_options with;
	struct diag diag;

	(void)state;
	/* No client is slow because the machine is. */
	own_clock_stop();
	own_clock_put_on(0);
	temp_folder(folder);
	snprintf(path, sizeof(path), "%.80s/control.sock", folder);
	fake_live_init(&loader, NULL);
	host = fake_live_host(&loader);
	store = override_store_open(folder, &host, time(NULL));
	tally = tally_create();
	with = options();
	server = server_create(&with, &diag);
	return server == NULL;
}

static void remove_file(const char *name)
{
	char file[2 * TEMP_PATH_MAX];

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	unlink(file);
}

static int end(void **state)
{
	(void)state;
	assert_true(server_destroy(&server, STOP_MS));
	assert_null(server);
	assert_int_not_equal(access(path, F_OK), 0);
	override_store_close(&store);
	tally_destroy(&tally);
	fake_live_fini(&loader);
	remove_file("overrides");
	remove_file("audit.log");
	return rmdir(folder);
}

/* --- clients ----------------------------------------------------------------------------------------------- */

static int client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = 60 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void say(int fd, const char *text, size_t octets)
{
	assert_int_equal(send(fd, text, octets, MSG_NOSIGNAL), octets);
}

/* Closes the socket. NULL: closed without an answer. */
static json_t *hear(int fd)
{
	static char text[1 << 20];
	size_t used = 0;
	ssize_t got;

	/* With a timeout it is interrupted where the process is stopped and goes on (signal(7)). */
	while ((got = recv(fd, text + used, sizeof(text) - used, 0)) > 0 || (got < 0 && errno == EINTR))
		used += got > 0 ? (size_t)got : 0;
	assert_true(got == 0);
	close(fd);
	if (used == 0)
		return NULL;
	assert_int_equal(text[used - 1], '\n');
	return json_loadb(text, used, 0, NULL);
}

static json_t *ask(const char *line)
{
	int fd = client();

	say(fd, line, strlen(line));
	return hear(fd);
}

static bool is_ok(json_t *answer)
{
	bool ok = json_is_true(json_object_get(answer, "ok"));

	json_decref(answer);
	return ok;
}

static void assert_error(json_t *answer, const char *kind, const char *says)
{
	assert_non_null(answer);
	assert_true(json_is_false(json_object_get(answer, "ok")));
	assert_string_equal(json_string_value(json_object_get(answer, "kind")), kind);
	if (strstr(json_string_value(json_object_get(answer, "error")), says) == NULL)
		fail_msg("%s", json_string_value(json_object_get(answer, "error")));
	json_decref(answer);
}

static bool comes_true(bool (*is)(void))
{
	for (unsigned i = 0; i < TRIES && !is(); i++)
		usleep(10000);
	return is();
}

static bool has_none(void)
{
	return loader.overrides == 0;
}

static bool stands(void)
{
	return loader.standing > 0;
}

/* --- commands ---------------------------------------------------------------------------------------------- */

static void answers_what_it_is_asked(void **state)
{
	json_t *answer = ask("{\"command\":\"status\"}\n");

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(json_object_get(answer, "policy"), "policy")), 7);
	assert_int_equal(json_array_size(json_object_get(answer, "loads")), 1);
	json_decref(answer);
	answer = ask("{\"command\":\"stats\"}\n{\"command\":\"reload\"}\n");
	assert_true(json_integer_value(json_object_get(json_object_get(answer, "answers"), "cached")) == 12345678901);
	json_decref(answer);
	assert_int_equal(loader.requests, 0);
	answer = ask("{\"command\":\"metrics\"}\n");
	assert_non_null(strstr(json_string_value(json_object_get(answer, "text")),
		"\nunbound_verdict_answers_total{path=\"cached\"} 12345678901\n"));
	json_decref(answer);
	assert_true(is_ok(ask("{\"command\":\"flush\",\"name\":\"a.example\"}\n")));
	assert_int_equal(loader.flushes, 1);
	assert_error(ask("{\"command\":\"log-reopen\"}\n"), "failed", "denial-log: is not set");
	assert_error(ask("{\"command\":\"explain\",\"name\":\"a\"}\n"), "failed", "there is no policy");
}

static void hands_loads_to_the_loader(void **state)
{
	json_t *answer = ask("{\"command\":\"reload\"}\n");

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(json_object_get(answer, "load"), "policy")), 7);
	json_decref(answer);
	assert_int_equal(loader.last.cause, CAUSE_COMMAND);
	assert_true(is_ok(ask("{\"command\":\"reload\",\"to\":3,\"force\":true}\n")));
	assert_int_equal(loader.last.cause, CAUSE_ROLLBACK);
	assert_int_equal(loader.last.to, 3);
	assert_true(loader.last.force);
	assert_true(is_ok(ask("{\"command\":\"reload\",\"previous\":true}\n")));
	assert_int_equal(loader.last.cause, CAUSE_ROLLBACK);
	assert_int_equal(loader.last.to, 0);
	loader.fails = true;
	assert_error(ask("{\"command\":\"reload\"}\n"), "refused", "newly deny 60 %");
}

static void puts_overrides_into_force_and_keeps_them(void **state)
{
	json_t *answer = ask("{\"command\":\"allow\",\"name\":\"a.example\",\"seconds\":60,\"why\":\"x\",\"as\":\"alice\"}\n");
	struct override *all;
	size_t count;

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(json_object_get(answer, "override"), "id")), 1);
	json_decref(answer);
	assert_int_equal(loader.overrides, 1);
	all = override_store_copy(store, &count);
	assert_int_equal(count, 1);
	if (geteuid() == 0)
		assert_string_equal(all[0].who, "root (as alice)");
	free(all);
	assert_error(ask("{\"command\":\"deny\",\"name\":\"example\",\"seconds\":60,\"why\":\"x\"}\n"), "refused",
		"bank.example is protected");
	free(override_store_copy(store, &count));
	assert_int_equal(count, 1);
	assert_error(ask("{\"command\":\"revoke\",\"id\":2}\n"), "refused", "no such override");
	assert_true(is_ok(ask("{\"command\":\"revoke\",\"name\":\"A.example\"}\n")));
	assert_int_equal(loader.overrides, 0);
}

static void ends_overrides_when_their_time_has_come(void **state)
{
	(void)state;
	assert_true(is_ok(ask("{\"command\":\"deny\",\"name\":\"a.example\",\"seconds\":3600,\"why\":\"x\"}\n")));
	assert_int_equal(loader.overrides, 1);
	own_clock_put_on(3599);
	server_look_again(server);
	assert_true(comes_true(has_none));
}

/* --- bad clients ------------------------------------------------------------------------------------------- */

static void refuses_what_is_no_request(void **state)
{
	char large[SERVER_REQUEST_MAX + 1];
	int fd = client();

	(void)state;
	assert_error(ask("\n"), "request", "no JSON");
	assert_error(ask("{\"command\":\"relaod\"}\n"), "request", "did you mean 'reload'?");
	memset(large, ' ', sizeof(large));
	say(fd, large, SERVER_REQUEST_MAX - 1);
	say(fd, large, 1);
	assert_error(hear(fd), "request", "at most 4096 octets");
	fd = client();
	say(fd, "\0\0\0\n", 4);
	assert_error(hear(fd), "request", "no JSON");
	fd = client();
	shutdown(fd, SHUT_WR);
	assert_null(hear(fd));
}

static void takes_a_request_octet_by_octet(void **state)
{
	static const char line[] = "{\"command\":\"overrides\"}\n";
	int fd = client();

	(void)state;
	for (size_t i = 0; i < sizeof(line) - 1; i++) {
		say(fd, line + i, 1);
		usleep(500);
	}
	assert_true(is_ok(hear(fd)));
}

/* Waits until the server has read all that was said. */
static bool is_read(int fd)
{
	int left = 1;

	for (unsigned i = 0; i < TRIES && ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0; i++)
		usleep(10000);
	return left == 0;
}

static bool answers_soon(int fd)
{
	struct pollfd answer = { .fd = fd, .events = POLLIN };

	return poll(&answer, 1, 100) != 0;
}

static void ends_slow_clients_and_serves_the_next(void **state)
{
	int slow[SERVER_CLIENTS_MAX], fd;

	(void)state;
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
		slow[i] = client();
		say(slow[i], "{\"command\"", 10);
	}
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
		assert_true(is_read(slow[i]));
	fd = client();
	say(fd, "{\"command\":\"status\"}\n", 21);
	own_clock_move(SERVER_DEADLINE_MS - 1);
	server_look_again(server);
	assert_false(answers_soon(fd));
	own_clock_move(1);
	server_look_again(server);
	assert_true(is_ok(hear(fd)));
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
		assert_error(hear(slow[i]), "request", "no whole line");
}

static void waits_for_nobody_while_a_load_runs(void **state)
{
	int fd = client(), gone = client();

	(void)state;
	loader.held = true;
	say(fd, "{\"command\":\"reload\"}\n", 21);
	assert_true(comes_true(stands));
	say(gone, "{\"command\":\"reload\"}\n", 21);
	assert_true(is_read(gone));
	close(gone);
	assert_true(is_ok(ask("{\"command\":\"status\"}\n")));
	assert_error(ask("{\"command\":\"explain\",\"name\":\"a\"}\n"), "failed", "no policy");
	assert_true(is_ok(ask("{\"command\":\"deny\",\"name\":\"a.example\",\"seconds\":60,\"why\":\"x\"}\n")));
	assert_int_equal(loader.requests, 1);
	assert_int_equal(loader.standing, 1);
	loader.held = false;
	assert_true(is_ok(hear(fd)));
	/* Loads go in order: that of the client that went away, then this one. */
	assert_true(is_ok(ask("{\"command\":\"reload\"}\n")));
	assert_int_equal(loader.requests, 3);
}

/* SO_PEERCRED tells who it was that connected. */
static int client_of_nobody(void)
{
	int fd;

	chmod(folder, 0755);
	chmod(path, 0666);
	assert_int_equal(seteuid(NOBODY), 0);
	fd = client();
	assert_int_equal(seteuid(0), 0);
	return fd;
}

static void lets_others_read_only(void **state)
{
	int fd, many[SERVER_CLIENTS_MAX];

	(void)state;
	if (geteuid() != 0)
		skip();
	fd = client_of_nobody();
	say(fd, "{\"command\":\"status\"}\n", 21);
	assert_true(is_ok(hear(fd)));
	fd = client_of_nobody();
	say(fd, "{\"command\":\"reload\"}\n", 21);
	assert_error(hear(fd), "permission", "reload is for root");
	assert_int_equal(loader.requests, 0);
	/* And they leave room for those who must act. */
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
		many[i] = client_of_nobody();
	assert_error(hear(many[SERVER_CLIENTS_MAX - 1]), "busy", "too many connections");
	assert_true(is_ok(ask("{\"command\":\"reload\"}\n")));
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX - 1; i++)
		close(many[i]);
}

static void lets_named_users_change_things(void **state)
{
	char *users[] = { (char[]){ "nosuchuser" }, (char[]){ "65534" } };
	struct server_options with;
	struct diag diag;
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_true(server_destroy(&server, STOP_MS));
	with = options();
	with.users = users;
	with.user_count = 2;
	server = server_create(&with, &diag);
	assert_non_null(server);
	assert_non_null(strstr(loader.log, "there is no user 'nosuchuser'"));
	fd = client_of_nobody();
	say(fd, "{\"command\":\"reload\"}\n", 21);
	assert_true(is_ok(hear(fd)));
}

/* A user database of our own. */
int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t octets, struct passwd **found)
{
	(void)uid;
	snprintf(buffer, octets, "j\303\266rg.m\303\274ller.the.third.of.many.m\303\274llers@m\303\274nchen.example.com");
	memset(entry, 0, sizeof(*entry));
	entry->pw_name = buffer;
	*found = entry;
	return 0;
}

static void keeps_overrides_of_a_user_with_any_name(void **state)
{
	char *users[] = { (char[]){ "65534" } };
	struct server_options with;
	struct override *all;
	struct diag diag;
	size_t count;
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_true(server_destroy(&server, STOP_MS));
	with = options();
	with.users = users;
	with.user_count = 1;
	server = server_create(&with, &diag);
	fd = client_of_nobody();
	say(fd, "{\"command\":\"deny\",\"name\":\"a\",\"seconds\":60,\"why\":\"x\"}\n", 53);
	assert_true(is_ok(hear(fd)));
	assert_true(server_destroy(&server, STOP_MS));   /* it looks at the store whenever it wakes */
	override_store_close(&store);
	store = override_store_open(folder, &host, time(NULL));
	all = override_store_copy(store, &count);
	assert_int_equal(count, 1);
	assert_int_equal(memcmp(all[0].who, "j\\195\\182rg.m\\195\\188ller.", 26), 0);
	free(all);
	with = options();
	server = server_create(&with, &diag);
}

/* --- the file ---------------------------------------------------------------------------------------------- */

static void takes_only_an_abandoned_socket_s_place(void **state)
{
	const struct server_options with = options();
	struct control_server *other;
	struct stat found;
	struct diag diag;
	int fd;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0660);
	other = server_create(&with, &diag);
	assert_non_null(strstr(diag.text, "another process listens"));
	assert_true(server_destroy(&other, STOP_MS));
	assert_true(is_ok(ask("{\"command\":\"status\"}\n")));
	assert_true(server_destroy(&server, STOP_MS));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	other = server_create(&with, &diag);
	assert_non_null(other);
	assert_true(is_ok(ask("{\"command\":\"status\"}\n")));
	assert_true(server_destroy(&other, STOP_MS));
	fd = creat(path, 0600);
	close(fd);
	other = server_create(&with, &diag);
	assert_non_null(strstr(diag.text, "no socket"));
	assert_true(server_destroy(&other, STOP_MS));
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	server = server_create(&with, &diag);
	assert_non_null(server);
}

static bool is_there(void)
{
	return access(path, F_OK) == 0;
}

static void ends_overrides_without_a_socket_and_leaves_the_file_alone(void **state)
{
	struct server_options with = options();
	struct stat before, after;
	struct diag diag;
	char file[2 * TEMP_PATH_MAX];

	(void)state;
	assert_true(is_ok(ask("{\"command\":\"allow\",\"name\":\"a.example\",\"seconds\":3600,\"why\":\"x\"}\n")));
	assert_true(server_destroy(&server, STOP_MS));
	snprintf(file, sizeof(file), "%s/overrides", folder);
	assert_int_equal(stat(file, &before), 0);
	with.path = "/nowhere/at/all.sock";
	server = server_create(&with, &diag);
	assert_non_null(server);
	assert_non_null(strstr(diag.text, "cannot be made"));
	assert_int_equal(loader.overrides, 1);
	own_clock_put_on(3599);
	server_look_again(server);
	assert_true(comes_true(has_none));
	assert_int_equal(override_store_next_end(store), INT64_MAX);
	assert_int_equal(stat(file, &after), 0);
	assert_true(before.st_ino == after.st_ino);
}

static void makes_the_socket_again_when_its_file_is_removed(void **state)
{
	(void)state;
	assert_int_equal(unlink(path), 0);
	/* It looks now and then. */
	own_clock_move(5000);
	server_look_again(server);
	assert_true(comes_true(is_there));
	assert_true(is_ok(ask("{\"command\":\"status\"}\n")));
}

/* Last: its thread stays. */
static void is_given_up_when_a_load_never_ends(void **state)
{
	struct control_server *stuck;
	const struct server_options with = options();
	struct diag diag;
	int fd;

	(void)state;
	assert_true(server_destroy(&server, STOP_MS));
	stuck = server_create(&with, &diag);
	loader.held = true;
	fd = client();
	say(fd, "{\"command\":\"reload\"}\n", 21);
	assert_true(comes_true(stands));
	assert_false(server_destroy(&stuck, 300));
	assert_int_equal(loader.standing, 1);
	assert_null(stuck);
	server = server_create(&with, &diag);
	assert_non_null(server);
	assert_true(is_ok(ask("{\"command\":\"status\"}\n")));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_what_it_is_asked, begin, end),
		cmocka_unit_test_setup_teardown(hands_loads_to_the_loader, begin, end),
		cmocka_unit_test_setup_teardown(puts_overrides_into_force_and_keeps_them, begin, end),
		cmocka_unit_test_setup_teardown(ends_overrides_when_their_time_has_come, begin, end),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_request, begin, end),
		cmocka_unit_test_setup_teardown(takes_a_request_octet_by_octet, begin, end),
		cmocka_unit_test_setup_teardown(ends_slow_clients_and_serves_the_next, begin, end),
		cmocka_unit_test_setup_teardown(waits_for_nobody_while_a_load_runs, begin, end),
		cmocka_unit_test_setup_teardown(lets_others_read_only, begin, end),
		cmocka_unit_test_setup_teardown(lets_named_users_change_things, begin, end),
		cmocka_unit_test_setup_teardown(keeps_overrides_of_a_user_with_any_name, begin, end),
		cmocka_unit_test_setup_teardown(takes_only_an_abandoned_socket_s_place, begin, end),
		cmocka_unit_test_setup_teardown(ends_overrides_without_a_socket_and_leaves_the_file_alone, begin, end),
		cmocka_unit_test_setup_teardown(makes_the_socket_again_when_its_file_is_removed, begin, end),
		cmocka_unit_test_setup_teardown(is_given_up_when_a_load_never_ends, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
