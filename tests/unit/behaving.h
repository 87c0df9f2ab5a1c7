/*
 * behaving.h: the detectors of a process, and one life of them after the other.
 */
#ifndef TESTS_UNIT_BEHAVING_H
#define TESTS_UNIT_BEHAVING_H

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/behaviour.h"
#include "control/behaviour_file.h"
#include "control/server.h"
#include "policy/rrtype.h"
#include "tests/unit/fake_live.h"
#include "tests/unit/suffix_list.h"
#include "tests/unit/temp_file.h"

#define STOP_MS 20000u
#define PATIENCE_MS 60000u

static char folder[TEMP_PATH_MAX], other[TEMP_PATH_MAX], conf_path[TEMP_PATH_MAX], suffixes[TEMP_PATH_MAX];
static char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static struct loader loader;
static struct control_host host;
static struct override_store *store;
static struct tally *tally;
static struct control_server *server;
static struct behaviour *behaviour;
static inline void make_conf(void)
{
	char text[2048];
	const int length = snprintf(text, sizeof(text), "verdict:\n mode: enforce\n state-directory: \"%s\"\ndetection:\n"
		" public-suffix-list: \"%s\"\n zones: 1024\n clients: 1024\n pairs: 1024\n names-size: 1m\n"
		" known-size: 1m\n answers-size: 1m\n flag-rate: 10000\ndetector:\n name: tunnel\n action: block\n"
		"detector:\n name: recon\n action: alert\n", folder, suffixes);

	temp_file(conf_path, text, (size_t)length);
}

static inline int begin(void **state)
{
	(void)state;
	temp_folder(folder);
	temp_folder(other);
	suffix_list(suffixes, "com\n");
	make_conf();
	snprintf(socket_path, sizeof(socket_path), "%.80s/control.sock", folder);
	fake_live_init(&loader, conf_path);
	host = fake_live_host(&loader);
	store = override_store_open(folder, &host, time(NULL));
	tally = tally_create();
	return store == NULL || tally == NULL;
}

static inline void remove_from(const char *directory, const char *name)
{
	char path[2 * TEMP_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	unlink(path);
}

/* What a process that ends leaves to the next one is in files. */
static inline void forget(void)
{
	const struct conf none = { .detection = { .wanted = false } };
	struct diag diag;

	behaviour_start(&behaviour, &none, &host, &diag);
	assert_null(behaviour);
}

static inline int end(void **state)
{
	(void)state;
	forget();
	override_store_close(&store);
	tally_destroy(&tally);
	fake_live_fini(&loader);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const names[] = { "overrides", "audit.log", "detectors", "detectors.damaged" };

		remove_from(folder, names[i]);
		remove_from(other, names[i]);
	}
	unlink(conf_path);
	unlink(suffixes);
	return rmdir(folder) | rmdir(other);
}

/* --- one life ----------------------------------------------------------------------------------------------------- */

static inline void make_them(void *arg)
{
	server_take_flags(arg);
}

static inline void start(void)
{
	const struct server_options options = { .path = socket_path, .backend = { .host = &host, .loader = &loader,
		.overrides = store, .tally = tally } };
	struct server_options with = options;
	struct diag diag = { 0 };

	if (behaviour_start(&behaviour, loader.conf, &host, &diag) != 0)
		fail_msg("%s", diag.text);
	with.backend.behaviour = behaviour;
	server = server_create(&with, &diag);
	assert_non_null(server);
	behaviour_act_by(behaviour, make_them, server);
}

static inline void save_to(const char *directory)
{
	struct diag diag = { 0 };

	if (behaviour_file_write(directory, (struct detect *)(uintptr_t)behaviour_detect(behaviour),
		behaviour_book(behaviour), PATIENCE_MS, false, &diag) != 0)
		fail_msg("%s", diag.text);
}

/* The thread's last file may come too late for it on a busy machine. */
static inline void stop(void)
{
	behaviour_act_by(behaviour, NULL, NULL);
	assert_true(server_destroy(&server, STOP_MS));
	assert_true(behaviour_stop(behaviour, STOP_MS));
	save_to(folder);
}
#define WITH_DETECTORS(claim) cmocka_unit_test_setup_teardown(claim, begin, end)

#endif
