/* wakeup.c: an eventfd in each worker's event loop, and the two things that it is for. */
#include "module/wakeup.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "module/state.h"
#include "policy/hot.h"

/* Unbound's own event loop and its glue to libev take callbacks from a fixed set of their own only. */
#if defined(USE_MINI_EVENT) || defined(HAVE_EV_LOOP) || defined(HAVE_EV_DEFAULT_LOOP)
#define EVENTS_ARE_FREE 0
#else
#define EVENTS_ARE_FREE 1
#endif

#define LOOK_AGAIN_MS 100   /* should a signal of a worker have been lost */

enum job {
	JOB_NONE,       /* or done */
	JOB_READY,
	JOB_RUNS,
	JOB_LOST        /* with the workers that had begun it */
};

struct listener {
	/* NULL: not registered. Set by the worker, cleared by the main thread when that has ended. */
	_Alignas(64) struct module_env *_Atomic env;
	_Atomic uint64_t round;     /* the last barrier that it has come round for */
	struct ub_event *event;     /* the worker's; main thread after it. NULL: it comes round in operate() only */
	int fd;                     /* published by `env`; made once and never closed: see wakeup_stop. 0: none yet */
};

static struct {
	_Atomic unsigned generation;     /* one more at each load; from 1 */
	_Atomic unsigned claimed;
	_Atomic bool running;
	_Atomic uint64_t barrier;        /* the number of the last one that was asked for */
	_Atomic enum job job;            /* guards what follows: READY publishes it, RUNS owns it */
	bool (*slice)(void *arg, struct module_env *env);
	void *arg;
	int done;                        /* eventfd, for the thread that waits; 0: none. Made once and never closed */
	struct listener listeners[STATE_SLOTS_MAX];
} wakeup;

static WORKER_LOCAL struct {
	unsigned claimed;        /* the generation of `listener` */
	unsigned listening;      /* likewise, when it has an event */
	struct listener *listener;   /* NULL: more threads than places */
} mine;

/* A full counter is readable, and that is all that it has to be. */
static void ring(int fd)
{
	const uint64_t one = 1;
	ssize_t ignored;

	if (fd <= 0)
		return;
	ignored = write(fd, &one, sizeof(one));
	(void)ignored;
}

static void calm(int fd)
{
	uint64_t count;
	ssize_t ignored;

	if (fd <= 0)
		return;
	ignored = read(fd, &count, sizeof(count));
	(void)ignored;
}

/* --- on a worker ------------------------------------------------------------------------------------------------ */

/* What waits for an answer has been judged in part by what was in force before, and would be stored later. */
static void keep_out_of_caches(struct module_env *env)
{
	struct mesh_state *state;

	if (env->mesh == NULL)
		return;
	RBTREE_FOR(state, struct mesh_state *, &env->mesh->all)
		state->s.no_cache_store = 1;
}

static void answer_barrier(struct listener *listener, struct module_env *env)
{
	uint64_t asked = atomic_load_explicit(&wakeup.barrier, memory_order_acquire);

	if (atomic_load_explicit(&listener->round, memory_order_relaxed) == asked)
		return;
	keep_out_of_caches(env);
	/* Pairs with the load in has_come_round. */
	atomic_store_explicit(&listener->round, asked, memory_order_release);
	ring(wakeup.done);
}

/* True: there is more to do, soon. */
static bool run_slice(struct module_env *env)
{
	enum job ready = JOB_READY;
	bool done;

	/* Whoever has it already goes on with it. */
	if (!atomic_compare_exchange_strong_explicit(&wakeup.job, &ready, JOB_RUNS, memory_order_acquire,
						     memory_order_relaxed))
		return false;
	done = wakeup.slice(wakeup.arg, env);
	atomic_store_explicit(&wakeup.job, done ? JOB_NONE : JOB_READY, memory_order_release);
	if (done)
		ring(wakeup.done);
	return !done;
}

static RARE bool come_round(struct listener *listener)
{
	struct module_env *env = atomic_load_explicit(&listener->env, memory_order_relaxed);

	answer_barrier(listener, env);
	return run_slice(env);
}

static void on_ring(int fd, short bits, void *arg)
{
	struct listener *listener = arg;

	(void)bits;
	calm(fd);
	/* Left readable until the work is done; the loop sees to its other events in between. */
	if (come_round(listener))
		ring(fd);
}

/* NULL: none can be made. */
static struct ub_event *listen_to(struct listener *listener, struct module_env *env)
{
	struct ub_event *event;

	if (!EVENTS_ARE_FREE || env->worker_base == NULL)
		return NULL;
	if (listener->fd <= 0)
		listener->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (listener->fd <= 0)
		return NULL;
	event = ub_event_new(comm_base_internal(env->worker_base), listener->fd, UB_EV_READ | UB_EV_PERSIST, on_ring,
			     listener);
	if (event != NULL && ub_event_add(event, NULL) != 0) {
		ub_event_free(event);
		event = NULL;
	}
	return event;
}

static RARE void claim(struct module_env *env, unsigned generation)
{
	unsigned index = atomic_fetch_add_explicit(&wakeup.claimed, 1, memory_order_relaxed);

	mine.claimed = generation;
	mine.listener = index < STATE_SLOTS_MAX ? &wakeup.listeners[index] : NULL;
	if (mine.listener == NULL)
		return;
	mine.listener->event = listen_to(mine.listener, env);
	if (mine.listener->event != NULL)
		mine.listening = generation;
	/* It has judged nothing yet. */
	atomic_store_explicit(&mine.listener->round, atomic_load_explicit(&wakeup.barrier, memory_order_seq_cst),
			      memory_order_relaxed);
	/* Who asks for a barrier and does not see this store has announced its policy before this worker looks for one:
	 * both sides use this order. */
	atomic_store_explicit(&mine.listener->env, env, memory_order_seq_cst);
	ring(mine.listener->fd);
}

HOT void wakeup_register(struct module_env *env)
{
	unsigned generation = atomic_load_explicit(&wakeup.generation, memory_order_relaxed);

	if (mine.listening == generation)
		return;
	if (mine.claimed != generation)
		claim(env, generation);
	else if (mine.listener != NULL)
		come_round(mine.listener);
}

/* Only the daemon's own listeners have a worker behind them. */
static struct module_env *env_behind(const struct comm_reply *repinfo)
{
	const struct comm_point *point = repinfo != NULL ? repinfo->c : NULL;

	if (point == NULL || point->callback != worker_handle_request || point->cb_arg == NULL)
		return NULL;
	return &((struct worker *)point->cb_arg)->env;
}

HOT void wakeup_register_client(const struct comm_reply *repinfo)
{
	unsigned generation = atomic_load_explicit(&wakeup.generation, memory_order_relaxed);
	struct module_env *env;

	if (mine.claimed == generation)
		return;
	env = env_behind(repinfo);
	if (env != NULL)
		claim(env, generation);
}

/* --- main thread ------------------------------------------------------------------------------------------------ */

bool wakeup_start(void)
{
	if (wakeup.done <= 0)
		wakeup.done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	atomic_store_explicit(&wakeup.claimed, 0, memory_order_relaxed);
	atomic_fetch_add_explicit(&wakeup.generation, 1, memory_order_relaxed);
	atomic_store_explicit(&wakeup.running, true, memory_order_release);
	return wakeup.done > 0;
}

/* The event bases took the events out when they were freed; only their memory is left. The descriptors stay for the
 * next load: a thread of ours that is late then never writes to what has become another file. */
void wakeup_stop(void)
{
	enum job ready = JOB_READY;

	atomic_store_explicit(&wakeup.running, false, memory_order_release);
	/* The caches of the next load are others, and nobody must go on there in the middle. */
	atomic_compare_exchange_strong_explicit(&wakeup.job, &ready, JOB_LOST, memory_order_acq_rel,
						memory_order_relaxed);
	for (unsigned i = 0; i < STATE_SLOTS_MAX; i++) {
		struct listener *listener = &wakeup.listeners[i];

		atomic_store_explicit(&listener->env, NULL, memory_order_seq_cst);
		ub_event_free(listener->event);
		listener->event = NULL;
	}
	ring(wakeup.done);
}

/* --- own threads ------------------------------------------------------------------------------------------------ */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_running(void)
{
	return atomic_load_explicit(&wakeup.running, memory_order_acquire);
}

/* How many workers were told. */
static unsigned ring_all(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < STATE_SLOTS_MAX; i++) {
		struct listener *listener = &wakeup.listeners[i];

		if (atomic_load_explicit(&listener->env, memory_order_seq_cst) == NULL)
			continue;
		ring(listener->fd);
		count++;
	}
	return count;
}

/* Until `is_done` says so. False: not before the deadline, or the workers are ending. */
static bool wait_until(bool (*is_done)(void), uint64_t deadline_ms)
{
	struct pollfd done = { .fd = wakeup.done > 0 ? wakeup.done : -1, .events = POLLIN };

	while (!is_done()) {
		uint64_t now = now_ms();
		uint64_t left = deadline_ms > now ? deadline_ms - now : 0;

		if (left == 0 || !is_running())
			return false;
		/* Without a descriptor this is a sleep: then look often. */
		poll(&done, 1, (int)(done.fd < 0 ? 1 : left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS));
		calm(wakeup.done);
	}
	return true;
}

static enum job job_now(void)
{
	return atomic_load_explicit(&wakeup.job, memory_order_acquire);
}

static bool job_has_ended(void)
{
	return job_now() == JOB_NONE || job_now() == JOB_LOST;
}

/* No call is running or comes any more then. False: it is done after all. */
static bool withdraw_job(void)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 };
	enum job was = JOB_READY;

	while (!atomic_compare_exchange_strong_explicit(&wakeup.job, &was, JOB_NONE, memory_order_acquire,
							memory_order_acquire)) {
		if (was == JOB_NONE)
			return false;
		if (was == JOB_RUNS) {
			nanosleep(&pause, NULL);
			was = JOB_READY;
		}
	}
	return true;
}

bool wakeup_run(bool (*slice)(void *arg, struct module_env *env), void *arg, unsigned timeout_ms)
{
	uint64_t deadline_ms = now_ms() + timeout_ms;

	if (!is_running())
		return false;
	wakeup.slice = slice;
	wakeup.arg = arg;
	atomic_store_explicit(&wakeup.job, JOB_READY, memory_order_seq_cst);
	if (ring_all() > 0)
		wait_until(job_has_ended, deadline_ms);
	return !withdraw_job();
}

static bool has_come_round(void)
{
	uint64_t asked = atomic_load_explicit(&wakeup.barrier, memory_order_relaxed);

	for (unsigned i = 0; i < STATE_SLOTS_MAX; i++) {
		struct listener *listener = &wakeup.listeners[i];

		if (atomic_load_explicit(&listener->env, memory_order_seq_cst) != NULL &&
		    atomic_load_explicit(&listener->round, memory_order_acquire) != asked)
			return false;
	}
	return true;
}

bool wakeup_barrier(unsigned timeout_ms)
{
	uint64_t deadline_ms = now_ms() + timeout_ms;

	atomic_fetch_add_explicit(&wakeup.barrier, 1, memory_order_seq_cst);
	ring_all();
	return wait_until(has_come_round, deadline_ms);
}
