/* wakeup.c: an eventfd in each worker's event loop, and the two things that it is for. */
#include "module/wakeup.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "module/state.h"

/* Unbound's own event loop and its glue to libev take callbacks from a fixed set of their own only. */
#if defined(USE_MINI_EVENT) || defined(HAVE_EV_LOOP) || defined(HAVE_EV_DEFAULT_LOOP)
#define EVENTS_ARE_FREE 0
#else
#define EVENTS_ARE_FREE 1
#endif

#define LOOK_AGAIN_MS 100   /* should a signal of a worker have been lost */

enum job { JOB_NONE, JOB_READY, JOB_RUNS };

struct worker {
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
	struct worker workers[STATE_SLOTS_MAX];
} wakeup;

static _Thread_local struct {
	unsigned claimed;        /* the generation of `worker` */
	unsigned listening;      /* likewise, when it has an event */
	struct worker *worker;   /* NULL: more threads than places */
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

static void answer_barrier(struct worker *worker, struct module_env *env)
{
	uint64_t asked = atomic_load_explicit(&wakeup.barrier, memory_order_acquire);

	if (atomic_load_explicit(&worker->round, memory_order_relaxed) == asked)
		return;
	keep_out_of_caches(env);
	/* Pairs with the load in has_come_round. */
	atomic_store_explicit(&worker->round, asked, memory_order_release);
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

static bool come_round(struct worker *worker)
{
	struct module_env *env = atomic_load_explicit(&worker->env, memory_order_relaxed);

	answer_barrier(worker, env);
	return run_slice(env);
}

static void on_ring(int fd, short bits, void *arg)
{
	struct worker *worker = arg;

	(void)bits;
	calm(fd);
	/* Left readable until the work is done; the loop sees to its other events in between. */
	if (come_round(worker))
		ring(fd);
}

/* NULL: none can be made. */
static struct ub_event *listen_to(struct worker *worker, struct module_env *env)
{
	struct ub_event *event;

	if (!EVENTS_ARE_FREE || env->worker_base == NULL)
		return NULL;
	if (worker->fd <= 0)
		worker->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (worker->fd <= 0)
		return NULL;
	event = ub_event_new(comm_base_internal(env->worker_base), worker->fd, UB_EV_READ | UB_EV_PERSIST, on_ring,
			     worker);
	if (event != NULL && ub_event_add(event, NULL) != 0) {
		ub_event_free(event);
		event = NULL;
	}
	return event;
}

static void claim(struct module_env *env, unsigned generation)
{
	unsigned index = atomic_fetch_add_explicit(&wakeup.claimed, 1, memory_order_relaxed);

	mine.claimed = generation;
	mine.worker = index < STATE_SLOTS_MAX ? &wakeup.workers[index] : NULL;
	if (mine.worker == NULL)
		return;
	mine.worker->event = listen_to(mine.worker, env);
	if (mine.worker->event != NULL)
		mine.listening = generation;
	/* It has judged nothing yet. */
	atomic_store_explicit(&mine.worker->round, atomic_load_explicit(&wakeup.barrier, memory_order_seq_cst),
			      memory_order_relaxed);
	/* Who asks for a barrier and does not see this store has announced its policy before this worker looks for one:
	 * both sides use this order. */
	atomic_store_explicit(&mine.worker->env, env, memory_order_seq_cst);
	ring(mine.worker->fd);
}

void wakeup_register(struct module_env *env)
{
	unsigned generation = atomic_load_explicit(&wakeup.generation, memory_order_relaxed);

	if (mine.listening == generation)
		return;
	if (mine.claimed != generation)
		claim(env, generation);
	else if (mine.worker != NULL)
		come_round(mine.worker);
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
	atomic_store_explicit(&wakeup.running, false, memory_order_release);
	for (unsigned i = 0; i < STATE_SLOTS_MAX; i++) {
		struct worker *worker = &wakeup.workers[i];

		atomic_store_explicit(&worker->env, NULL, memory_order_seq_cst);
		ub_event_free(worker->event);
		worker->event = NULL;
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
		struct worker *worker = &wakeup.workers[i];

		if (atomic_load_explicit(&worker->env, memory_order_seq_cst) == NULL)
			continue;
		ring(worker->fd);
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

static bool job_is_done(void)
{
	return atomic_load_explicit(&wakeup.job, memory_order_acquire) == JOB_NONE;
}

/* False: it is done after all. */
static bool withdraw_job(void)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 };

	for (;;) {
		enum job ready = JOB_READY;

		if (atomic_compare_exchange_strong_explicit(&wakeup.job, &ready, JOB_NONE, memory_order_acquire,
							    memory_order_acquire))
			return true;
		if (ready == JOB_NONE)
			return false;
		nanosleep(&pause, NULL);
	}
}

bool wakeup_run(bool (*slice)(void *arg, struct module_env *env), void *arg, unsigned timeout_ms)
{
	uint64_t deadline_ms = now_ms() + timeout_ms;

	if (!is_running())
		return false;
	wakeup.slice = slice;
	wakeup.arg = arg;
	atomic_store_explicit(&wakeup.job, JOB_READY, memory_order_seq_cst);
	if (ring_all() > 0 && wait_until(job_is_done, deadline_ms))
		return true;
	return !withdraw_job();
}

static bool has_come_round(void)
{
	uint64_t asked = atomic_load_explicit(&wakeup.barrier, memory_order_relaxed);

	for (unsigned i = 0; i < STATE_SLOTS_MAX; i++) {
		struct worker *worker = &wakeup.workers[i];

		if (atomic_load_explicit(&worker->env, memory_order_seq_cst) != NULL &&
		    atomic_load_explicit(&worker->round, memory_order_acquire) != asked)
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
