/* fake_host.c: a resolver made of one pointer. */
#include "tests/unit/fake_host.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/evaluate.h"

static void publish(void *arg, struct snapshot *next, struct sweep_report *report)
{
	struct fake_host *fake = arg;
	struct snapshot *old;

	pthread_mutex_lock(&fake->lock);
	while (fake->hangs) {
		fake->is_hanging = true;
		pthread_mutex_unlock(&fake->lock);
		usleep(1000);
		pthread_mutex_lock(&fake->lock);
	}
	fake->is_hanging = false;
	old = fake->snapshot;
	fake->snapshot = next;
	fake->publishes++;
	*report = (struct sweep_report){ .messages = 10, .rrsets = 20, .microseconds = 5,
		.complete = !fake->incomplete };
	snapshot_destroy(&old);
	pthread_mutex_unlock(&fake->lock);
}

static void sweep(void *arg, struct sweep_report *report)
{
	struct fake_host *fake = arg;

	pthread_mutex_lock(&fake->lock);
	fake->sweeps++;
	*report = (struct sweep_report){ .complete = !fake->incomplete };
	pthread_mutex_unlock(&fake->lock);
}

static void flush(void *arg, const struct name *name, bool below, struct sweep_report *report)
{
	(void)name;
	(void)below;
	sweep(arg, report);
}

static const struct snapshot *pin(void *arg)
{
	struct fake_host *fake = arg;

	pthread_mutex_lock(&fake->lock);
	return fake->snapshot;
}

static void unpin(void *arg)
{
	struct fake_host *fake = arg;

	pthread_mutex_unlock(&fake->lock);
}

static void counters(void *arg, struct host_counters *to)
{
	(void)arg;
	*to = (struct host_counters){ .failed = 0 };
}

static void say(void *arg, bool error, const char *text)
{
	struct fake_host *fake = arg;
	size_t used;

	pthread_mutex_lock(&fake->lock);
	used = strlen(fake->log);
	snprintf(fake->log + used, sizeof(fake->log) - used, "%s%s\n", error ? "error: " : "", text);
	pthread_mutex_unlock(&fake->lock);
}

struct fake_host *fake_host_create(void)
{
	struct fake_host *fake = calloc(1, sizeof(*fake));

	if (fake == NULL)
		abort();
	pthread_mutex_init(&fake->lock, NULL);
	fake->host = (struct control_host){ .arg = fake, .publish = publish, .sweep = sweep, .flush = flush, .pin = pin,
		.unpin = unpin, .counters = counters, .log = say };
	return fake;
}

void fake_host_destroy(struct fake_host **fake)
{
	snapshot_destroy(&(*fake)->snapshot);
	pthread_mutex_destroy(&(*fake)->lock);
	free(*fake);
	*fake = NULL;
}

enum action fake_host_asks_for(struct fake_host *fake, const char *name, const char *client)
{
	struct facts facts = { .transport = TRANSPORT_UDP, .qtype = 1, .qclass = 1, .recursion_desired = true };
	struct verdict verdict;

	if (name_from_text(&facts.qname, name, strlen(name)) != NULL)
		abort();
	if (client != NULL) {
		facts.client.family = ADDRESS_INET;
		inet_pton(AF_INET, client, facts.client.octets);
	}
	pthread_mutex_lock(&fake->lock);
	evaluate_question(fake->snapshot, &facts, &verdict);
	pthread_mutex_unlock(&fake->lock);
	return verdict.action;
}

enum action fake_host_asks(struct fake_host *fake, const char *name)
{
	return fake_host_asks_for(fake, name, NULL);
}

bool fake_host_said(struct fake_host *fake, const char *text)
{
	bool said;

	pthread_mutex_lock(&fake->lock);
	said = strstr(fake->log, text) != NULL;
	pthread_mutex_unlock(&fake->lock);
	return said;
}

unsigned fake_host_publishes(struct fake_host *fake)
{
	unsigned publishes;

	pthread_mutex_lock(&fake->lock);
	publishes = fake->publishes;
	pthread_mutex_unlock(&fake->lock);
	return publishes;
}

void fake_host_set_hangs(struct fake_host *fake, bool hangs)
{
	pthread_mutex_lock(&fake->lock);
	fake->hangs = hangs;
	pthread_mutex_unlock(&fake->lock);
}

static bool is_hanging(struct fake_host *fake)
{
	bool hanging;

	pthread_mutex_lock(&fake->lock);
	hanging = fake->is_hanging;
	pthread_mutex_unlock(&fake->lock);
	return hanging;
}

bool fake_host_comes_to_hang(struct fake_host *fake, unsigned patience_ms)
{
	for (unsigned ms = 0; ms < patience_ms && !is_hanging(fake); ms++)
		usleep(1000);
	return is_hanging(fake);
}
