/*
 * tap_source.c: a check program that sends frames as a resolver would, without one.
 *
 *     tap_source [--socket PATH] [--file PATH] [--count N] [--rate PER_SECOND] [--workers N] [--ring OCTETS]
 *                [--half FILE] [--until written|error] [--stop MS]
 *                [--spool DIRECTORY] [--commit MS] [--heartbeat MS] [--boot N]
 *
 * Emits N events from each worker, at the rate (0: as fast as it goes), waits for what --until says and at most a minute
 * (all that was not dropped is in the file or, without one, sent; with `error`, the socket has failed, too), stops the tap and prints the
 * counters one by line, with the longest tap_emit that slept and the time that the stop took. With --half it stops in the
 * middle until the socket took something or failed, makes FILE, and goes on when FILE is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "dnstap/tap.h"
#include "tests/e2e/tap_records.h"

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, 's' }, { "file", required_argument, NULL, 'f' },
	{ "count", required_argument, NULL, 'c' }, { "rate", required_argument, NULL, 'r' },
	{ "workers", required_argument, NULL, 'w' }, { "ring", required_argument, NULL, 'o' },
	{ "half", required_argument, NULL, 'h' },
	{ "until", required_argument, NULL, 'u' }, { "stop", required_argument, NULL, 't' },
	{ "spool", required_argument, NULL, 'd' }, { "commit", required_argument, NULL, 'i' },
	{ "heartbeat", required_argument, NULL, 'b' }, { "boot", required_argument, NULL, 'n' },
	{ NULL, 0, NULL, 0 },
};

struct source {
	struct tap *tap;
	unsigned worker;
	unsigned long count;
	unsigned long rate;
	const char *half;
	int64_t longest_ns;   /* of those that slept: who is kept from the processor did not wait for anything of ours */
};

#define BOOT 0x6560abcd1234u

static uint64_t boot;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void set_verdict(struct verdict *verdict, unsigned long number)
{
	verdict_init(verdict);
	if (number % 10 != 0)
		return;
	verdict->action = number % 20 ? ACTION_NXDOMAIN : ACTION_REFUSE;
	verdict->rule.trigger = TRIGGER_QNAME;
	verdict->rule.action = verdict->action;
	verdict->rule.wildcard = true;
	verdict->rule.serial = 7;
	strcpy(verdict->rule.list, "mal\"ware");
	strcpy(verdict->rule.category, "c2");
	strcpy(verdict->rule.attack, "T1071.004 T1568");
	name_from_text(&verdict->rule.rule_name, "example.com", 11);
}

static void set_facts(struct facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->client = (struct address){ ADDRESS_INET, 40000, { 127, 0, 0, 9 } };
	facts->server = (struct address){ ADDRESS_INET, 53, { 127, 0, 0, 1 } };
	facts->transport = TRANSPORT_UDP;
	name_from_text(&facts->qname, "www.example.com", 15);
	facts->qtype = facts->qclass = 1;
	facts->records = show_records;
}

static void pace(int64_t start, unsigned long done, unsigned long rate)
{
	int64_t ahead = rate ? start + (int64_t)(done * 1000000000.0 / (double)rate) - now_ns() : 0;
	struct timespec pause = { ahead / 1000000000, ahead % 1000000000 };

	if (ahead > 1000000)
		nanosleep(&pause, NULL);
}

static long sleeps(void)
{
	struct rusage used;

	getrusage(RUSAGE_THREAD, &used);
	return used.ru_nvcsw;
}

static void rest(void)
{
	nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
}

/* All zero when there is no such target. */
static const struct target_counts *of(const struct tap_counts *counts, const char *name)
{
	static const struct target_counts none;
	unsigned i;

	for (i = 0; i < counts->target_count; i++)
		if (strcmp(counts->targets[i].name, name) == 0)
			return &counts->targets[i].counts;
	return &none;
}

static uint64_t errors_of(const struct tap_counts *counts)
{
	return of(counts, "socket")->errors + of(counts, "file")->errors;
}

static void wait_at_half(const struct source *source)
{
	struct tap_counts counts;
	int fd;

	do {
		rest();
		tap_counts(source->tap, &counts);
	} while (errors_of(&counts) == 0 && of(&counts, "socket")->written == 0);
	fd = open(source->half, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	while (access(source->half, F_OK) == 0)
		rest();
}

static void *emit_all(void *arg)
{
	struct source *source = arg;
	struct verdict verdict;
	struct facts facts;
	struct event event = { .facts = &facts, .verdict = &verdict, .query_flags = 0x0100, .response_flags = 0x8180,
		.edns = true, .udp_size = 1232, .number = { boot, (uint16_t)source->worker, 0 } };
	int64_t start = now_ns();
	unsigned long i;

	set_facts(&facts);
	for (i = 1; i <= source->count; i++) {
		int64_t before, took;
		long slept;

		set_verdict(&verdict, i);
		event.ede = verdict.action == ACTION_ALLOW ? EDE_NONE : EDE_BLOCKED;
		event.ede_text = "blocked by a list";
		event.number.counter = i;
		event.id = (uint16_t)i;
		clock_gettime(CLOCK_REALTIME, &event.response_time);
		event.query_time = event.response_time;
		slept = sleeps();
		before = now_ns();
		tap_emit(source->tap, source->worker, &event);
		took = now_ns() - before;
		if (sleeps() == slept)
			took = 0;
		source->longest_ns = took > source->longest_ns ? took : source->longest_ns;
		if (source->half != NULL && i == source->count / 2)
			wait_at_half(source);
		pace(start, i, source->rate);
	}
	return NULL;
}

static void print_counts(const struct tap *tap)
{
	struct tap_counts counts;

	tap_counts(tap, &counts);

	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "emitted", counts.emitted }, { "dropped_ring", counts.dropped_ring },
		{ "dropped_spool", counts.dropped_spool }, { "recovered", counts.recovered + counts.spool.recovered },
		{ "durable", counts.durable }, { "errors", errors_of(&counts) },
		{ "written_socket", of(&counts, "socket")->written }, { "lost_socket", of(&counts, "socket")->lost },
		{ "unsure_socket", of(&counts, "socket")->unsure }, { "connects", of(&counts, "socket")->connects },
		{ "commits", of(&counts, "socket")->commits }, { "unread_socket", of(&counts, "socket")->unread },
		{ "written_file", of(&counts, "file")->written }, { "lost_file", of(&counts, "file")->lost },
		{ "spool_errors", counts.spool.errors },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		printf("%s %llu\n", rows[i].name, (unsigned long long)rows[i].value);
}

static int64_t run_sources(struct tap *tap, unsigned workers, unsigned long count, unsigned long rate,
	const char *half)
{
	static struct source sources[TAP_WORKERS_MAX];
	static pthread_t threads[TAP_WORKERS_MAX];
	int64_t longest = 0;
	unsigned i;

	for (i = 0; i < workers; i++) {
		sources[i] = (struct source){ .tap = tap, .worker = i, .count = count, .rate = rate,
			.half = half };
		if (pthread_create(&threads[i], NULL, emit_all, &sources[i]) != 0)
			exit(1);
	}
	for (i = 0; i < workers; i++) {
		pthread_join(threads[i], NULL);
		longest = sources[i].longest_ns > longest ? sources[i].longest_ns : longest;
	}
	return longest;
}

static bool is_there(const struct tap *tap, const char *what, bool file)
{
	struct tap_counts counts;
	const struct target_counts *target;

	tap_counts(tap, &counts);
	target = of(&counts, file ? "file" : "socket");
	if (strcmp(what, "error") == 0 && errors_of(&counts) == 0)
		return false;
	if (strcmp(what, "error") == 0 && !file)
		return true;
	/* Repeated ones are written, too: so all have to be in the spool, and none unread. */
	return target->unread == 0
		&& counts.spool.frames + counts.dropped_ring + counts.dropped_spool >= counts.emitted + counts.recovered
		&& target->written + target->lost + counts.dropped_ring + counts.dropped_spool
			>= counts.emitted + counts.recovered + counts.spool.recovered;
}

static void wait_until(const struct tap *tap, const char *what, bool file)
{
	const int64_t until = now_ns() + (int64_t)60 * 1000000000;

	while (!is_there(tap, what, file) && now_ns() < until)
		rest();
}

int main(int argc, char **argv)
{
	struct tap_target_options targets[2] = { { .name = "socket", .commit_interval_ms = 10000 }, { .name = "file" } };
	struct tap_options options = { .identity = "tap-source", .version = "test", .ring_octets = 1 << 20, .workers = 1,
		.boot = BOOT, .spool_octets = 256 << 20, .memory_octets = 64 << 20, .targets = targets };
	struct tap_counts last;
	struct diag diag;
	const char *half = NULL, *until = NULL;
	unsigned long count = 1000, rate = 0, stop_ms = 2000;
	int64_t longest, before;
	struct tap *tap;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 's': targets[0].link.socket_path = optarg; break;
		case 'f': targets[1].file = optarg; break;
		case 'd': options.directory = optarg; break;
		case 'i': targets[0].commit_interval_ms = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'b': options.heartbeat_ms = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'n': options.boot = strtoul(optarg, NULL, 10); break;
		case 'c': count = strtoul(optarg, NULL, 10); break;
		case 'r': rate = strtoul(optarg, NULL, 10); break;
		case 'w': options.workers = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'o': options.ring_octets = strtoul(optarg, NULL, 10); break;
		case 'h': half = optarg; break;
		case 'u': until = optarg; break;
		case 't': stop_ms = strtoul(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	options.threads = options.workers;
	options.target_count = (targets[0].link.socket_path != NULL) + (targets[1].file != NULL);
	if (!targets[0].link.socket_path)
		options.targets = &targets[1];
	boot = options.boot;
	tap = tap_create(&options, &diag);
	if (!tap) {
		fprintf(stderr, "tap_create: %s\n", diag.text);
		return 1;
	}
	longest = run_sources(tap, options.workers, count, rate, half);
	if (until != NULL)
		wait_until(tap, until, targets[1].file != NULL);
	print_counts(tap);
	before = now_ns();
	tap_destroy(&tap, (unsigned)stop_ms, &last);
	printf("stop_ms %lld\nlongest_emit_us %lld\ngiven_up %llu\n", (long long)(now_ns() - before) / 1000000,
		(long long)longest / 1000, (unsigned long long)(last.dropped_ring + last.dropped_spool
		+ of(&last, "socket")->lost));
	return 0;
}
