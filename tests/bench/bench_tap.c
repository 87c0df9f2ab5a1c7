/*
 * bench_tap.c: what a frame costs: the worker in tap_emit, the I/O thread until the octets are with the kernel, and how
 * many frames pass in a second, to a file and to a unix socket that a thread here reads.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "dnstap/tap.h"
#include "tests/e2e/tap_records.h"

#define RING_OCTETS ((size_t)64 * 1024 * 1024)
#define BURST 50000u
#define ROUNDS 8u

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

struct load {
	struct facts facts;
	struct verdict verdict;
	struct event event;
};

static void load_init(struct load *load, bool refused)
{
	memset(load, 0, sizeof(*load));
	verdict_init(&load->verdict);
	if (refused) {
		load->verdict.action = load->verdict.rule.action = ACTION_REFUSE;
		load->verdict.rule.trigger = TRIGGER_QNAME;
		load->verdict.rule.wildcard = true;
		strcpy(load->verdict.rule.list, "malware");
		name_from_text(&load->verdict.rule.rule_name, "example.com", strlen("example.com"));
	}
	name_from_text(&load->facts.qname, "www.example.com", strlen("www.example.com"));
	load->facts.client = (struct address){ ADDRESS_INET, 40000, { 127, 0, 0, 2 } };
	load->facts.server = (struct address){ ADDRESS_INET, 53, { 127, 0, 0, 1 } };
	load->facts.transport = TRANSPORT_UDP;
	load->facts.qtype = load->facts.qclass = 1;
	load->facts.records = show_records;
	load->event = (struct event){ .number = { 1, 0, 0 }, .facts = &load->facts, .verdict = &load->verdict,
		.query_flags = 0x100, .response_flags = 0x8180, .edns = true, .udp_size = 1232, .ede = EDE_NONE,
		.query_time = { 1700000000, 1 }, .response_time = { 1700000000, 2 } };
}

static uint64_t done(const struct tap *tap)
{
	struct tap_counts counts;

	tap_counts(tap, &counts);
	return counts.targets[0].counts.written + counts.targets[0].counts.lost + counts.dropped_ring
		+ counts.dropped_spool;
}

/* Emits bursts that the ring can hold, and lets each drain. Prints under names that begin with `name`. */
static void measure(const char *name, struct tap *tap, bool refused)
{
	int64_t emit_ns = 0, total_ns = 0, emit_cpu = 0, total_cpu = 0;
	struct tap_counts counts;
	struct load load;
	unsigned round, i;

	load_init(&load, refused);
	for (round = 0; round < ROUNDS; round++) {
		uint64_t until = done(tap) + BURST;
		int64_t start = clock_ns(CLOCK_MONOTONIC), cpu = cpu_ns();
		int64_t mine = clock_ns(CLOCK_THREAD_CPUTIME_ID), mine_emit;

		for (i = 0; i < BURST; i++) {
			load.event.number.counter++;
			tap_emit(tap, 0, &load.event);
		}
		mine_emit = clock_ns(CLOCK_THREAD_CPUTIME_ID) - mine;
		while (done(tap) < until)
			nanosleep(&(struct timespec){ 0, 200000 }, NULL);
		if (round == 0)
			continue;   /* page faults of the ring */
		emit_ns += mine_emit;
		emit_cpu += clock_ns(CLOCK_THREAD_CPUTIME_ID) - mine;
		total_ns += clock_ns(CLOCK_MONOTONIC) - start;
		total_cpu += cpu_ns() - cpu;
	}
	tap_counts(tap, &counts);
	if (counts.dropped_ring + counts.dropped_spool > 0)
		fprintf(stderr, "bench_tap: frames were dropped; the figures are of the others\n");
	printf("bench tap_%s_emit_ns %.0f ns\n", name, (double)emit_ns / BURST / (ROUNDS - 1));
	printf("bench tap_%s_io_cpu_us %.2f us\n", name, (double)(total_cpu - emit_cpu) / 1e3 / BURST / (ROUNDS - 1));
	printf("bench tap_%s_frames_per_s %.0f /s\n", name, 1e9 * BURST * (ROUNDS - 1) / (double)total_ns);
}

static struct tap *start(const char *file, const char *socket_path)
{
	const struct tap_target_options where = { .name = "bench", .file = file, .link = { .socket_path = socket_path },
		.commit_interval_ms = 10000 };
	struct tap_options options = { .identity = "bench", .version = "unbound-verdict", .targets = &where,
		.target_count = 1, .ring_octets = RING_OCTETS, .workers = 1, .memory_octets = (size_t)256 << 20 };
	struct tap *tap = tap_create(&options, NULL);

	if (!tap) {
		perror("bench_tap");
		exit(1);
	}
	return tap;
}

static void put_control(int fd, uint32_t type)
{
	static const char content[] = TAP_CONTENT_TYPE;
	struct { uint32_t escape, length, type, field, octets; char content[sizeof(content) - 1]; } frame = {
		0, htonl(type == 1 ? 12 + sizeof(content) - 1 : 4), htonl(type), htonl(1), htonl(sizeof(content) - 1), { 0 } };

	memcpy(frame.content, content, sizeof(content) - 1);
	if (write(fd, &frame, type == 1 ? 20 + sizeof(content) - 1 : 12) < 0)
		perror("bench_tap: write");
}

/* A collector that shakes hands and throws away what it reads. Its CPU is not the tap's: it runs as a process. */
static pid_t collect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd;
	static char octets[256 * 1024];
	pid_t child;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 1) != 0)
		return -1;
	child = fork();
	if (child != 0) {
		close(listener);
		return child;
	}
	fd = accept(listener, NULL, NULL);
	if (read(fd, octets, sizeof(octets)) > 0)
		put_control(fd, 1);
	for (;;) {
		ssize_t got = read(fd, octets, sizeof(octets));

		if (got <= 0)
			_exit(0);
		if (got >= 12 && memcmp(octets + got - 12, "\0\0\0\0\0\0\0\4\0\0\0\3", 12) == 0)
			put_control(fd, 5);
	}
}

int main(void)
{
	char directory[] = "/tmp/verdict-bench-XXXXXX", file[64], old[64], socket_path[64];
	struct tap *tap;

	if (!mkdtemp(directory))
		return 1;
	snprintf(file, sizeof(file), "%s/frames", directory);
	snprintf(old, sizeof(old), "%s/frames.1", directory);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
	tap = start(file, NULL);
	measure("file", tap, false);
	tap_destroy(&tap, 2000, NULL);
	tap = start(file, NULL);
	measure("file_refused", tap, true);
	tap_destroy(&tap, 2000, NULL);
	if (collect(socket_path) > 0) {
		tap = start(NULL, socket_path);
		measure("socket", tap, false);
		tap_destroy(&tap, 2000, NULL);
	}
	unlink(file);
	unlink(old);
	unlink(socket_path);
	return rmdir(directory);
}
