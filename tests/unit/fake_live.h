/*
 * fake_live.h: a loader and a host for tests of the control socket: they do nothing, but remember and can be slow.
 *
 * It takes the place of control/loader.c. With a configuration its policy is built once and is what `explain` judges
 * by.
 */
#ifndef TESTS_UNIT_FAKE_LIVE_H
#define TESTS_UNIT_FAKE_LIVE_H

#include <pthread.h>
#include <stdatomic.h>

#include "control/host.h"
#include "control/loader.h"

#define FAKE_PROTECTED "bank.example"   /* no override may deny it */

/* An opaque struct elsewhere. */
struct loader {
	pthread_mutex_t lock;
	struct conf *conf;
	struct build_report build;
	struct snapshot *snapshot;
	struct load_report good, last_load, loads[4];
	size_t load_count;
	_Atomic unsigned slow_ms;        /* what a load, a flush and a publish take */
	_Atomic bool held;               /* loads stand still until it is false, */
	_Atomic unsigned standing;       /* as so many do */
	_Atomic bool fails;              /* loads are refused */
	_Atomic unsigned requests, publishes, flushes, logged;
	_Atomic size_t overrides;        /* in force */
	struct load_request last;        /* under lock */
	char log[1024];                  /* the last line; under lock */
};

/* `conf_path` NULL: no policy. Ends the program when the configuration is wrong. */
void fake_live_init(struct loader *loader, const char *conf_path);
void fake_live_fini(struct loader *loader);

/* A host whose functions work on that loader. */
struct control_host fake_live_host(struct loader *loader);

#endif
