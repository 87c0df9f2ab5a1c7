/* live_host.c: puts policies into force in a running Unbound. */
#include "module/live_host.h"

#include <pthread.h>
#include <string.h>

#include "module/guarded.h"
#include "module/state.h"
#include "module/sweep.h"
#include "module/wakeup.h"
#include "policy/hot.h"

/* Workers are in the middle of an evaluation for microseconds, and come round within milliseconds: who takes longer is
 * in trouble, and the policy matters more than one answer of that worker. */
#define QUIET_MS 2000u
#define ROUND_MS 2000u
#define SWEEP_MS 60000u
#define STOP_MS 2000u

static struct {
	pthread_mutex_t change;         /* publish, sweep and flush, one at a time */
	bool running;                   /* workers are, or may be any time; under `change` */
	struct live *live;              /* made once; main thread, and workers read it */
} own = { .change = PTHREAD_MUTEX_INITIALIZER };

/* --- what control/ asks ----------------------------------------------------------------------------------------- */

/* Nobody can be told or kept waiting: live_host_ready sweeps. */
static struct snapshot *publish_alone(struct snapshot *next, struct sweep_report *report)
{
	*report = (struct sweep_report){ .complete = true };
	return state_replace(next, QUIET_MS);
}

/* At the moment of state_replace nothing is cached that `next` denies to somebody, and what was judged without knowing
 * `next` has been stored already, so it was swept, or never will be. */
static struct snapshot *publish_running(struct snapshot *next, struct sweep_report *report)
{
	const struct sweep_goal goal = { .snapshot = next };
	const bool known = state_announce(next, QUIET_MS);
	const bool round = wakeup_barrier(ROUND_MS);

	sweep_request(&goal, SWEEP_MS, report);
	report->complete = report->complete && known && round;
	return state_replace(next, QUIET_MS);
}

static void publish(void *arg, struct snapshot *next, struct sweep_report *report)
{
	struct snapshot *old;

	(void)arg;
	pthread_mutex_lock(&own.change);
	old = own.running ? publish_running(next, report) : publish_alone(next, report);
	pthread_mutex_unlock(&own.change);
	snapshot_destroy(&old);
}

/* The policy in force, which stays so as long as own.change is held. */
static const struct snapshot *in_force(void)
{
	const struct snapshot *snapshot = state_pin();

	state_unpin();
	return snapshot;
}

static void sweep(void *arg, struct sweep_report *report)
{
	struct sweep_goal goal = { .name = NULL };

	(void)arg;
	pthread_mutex_lock(&own.change);
	goal.snapshot = in_force();
	if (own.running)
		sweep_request(&goal, SWEEP_MS, report);
	else
		*report = (struct sweep_report){ .complete = true };
	pthread_mutex_unlock(&own.change);
}

static void flush(void *arg, const struct name *name, bool below, struct sweep_report *report)
{
	struct sweep_goal goal = { .name = name, .below = below };

	(void)arg;
	pthread_mutex_lock(&own.change);
	goal.snapshot = in_force();
	sweep_request(&goal, SWEEP_MS, report);
	pthread_mutex_unlock(&own.change);
}

static const struct snapshot *pin(void *arg)
{
	(void)arg;
	return state_pin();
}

static void unpin(void *arg)
{
	(void)arg;
	state_unpin();
}

static void count(void *arg, struct host_counters *to)
{
	size_t messages = 0, octets = 0;

	(void)arg;
	state_count(to);
	guarded_count(&messages, &octets);
	to->guarded_messages = messages;
	to->guarded_octets = octets;
}

static bool reopen(void *arg)
{
	(void)arg;
	return state_reopen();
}

/* Unbound's log has a lock of its own. */
static void say(void *arg, bool error, const char *text)
{
	(void)arg;
	if (error)
		log_err("unbound-verdict: %s", text);
	else
		log_info("unbound-verdict: %s", text);
}

static const struct control_host host = {
	.publish = publish,
	.sweep = sweep,
	.flush = flush,
	.pin = pin,
	.unpin = unpin,
	.counters = count,
	.reopen = reopen,
	.log = say,
};

/* --- main thread ------------------------------------------------------------------------------------------------ */

int live_host_start(const char *conf_path, const char *chroot, struct diag *diag)
{
	const struct live_options options = { .conf_path = conf_path, .chroot = chroot != NULL ? chroot : "",
		.host = &host };

	wakeup_start();
	return live_start(&own.live, &options, diag);
}

void live_host_ready(struct module_env *env)
{
	struct sweep_goal goal = { .name = NULL };
	struct sweep_report report;

	pthread_mutex_lock(&own.change);
	goal.snapshot = in_force();
	sweep_all(env, &goal, &report);
	own.running = true;
	pthread_mutex_unlock(&own.change);
	if (report.messages + report.rrsets > 0)
		log_info("unbound-verdict: swept %llu of %llu entries of the caches that were kept",
			(unsigned long long)(report.messages_removed + report.rrsets_removed),
			(unsigned long long)(report.messages + report.rrsets));
}

void live_host_stop(void)
{
	/* First: who waits for workers waits no longer. */
	wakeup_stop();
	live_stop(own.live, STOP_MS);
	pthread_mutex_lock(&own.change);
	own.running = false;
	pthread_mutex_unlock(&own.change);
}

HOT struct live *live_host_live(void)
{
	return own.live;
}

const struct conf *live_host_conf(void)
{
	return live_conf(own.live);
}
