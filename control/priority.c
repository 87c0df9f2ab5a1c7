/* priority.c: lower priorities, where asking for them is harmless. */
#include "control/priority.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static bool is_unfiltered(void)
{
	char text[4096];
	int fd = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
	ssize_t octets;

	if (fd < 0)
		return false;
	octets = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (octets <= 0)
		return false;
	text[octets] = '\0';
	return strstr(text, "\nSeccomp:\t0\n") != NULL;
}

void priority_idle(void)
{
	const struct sched_param lowest = { 0 };

	if (is_unfiltered())
		(void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &lowest);
}

void priority_nicer(int steps)
{
	if (is_unfiltered())
		(void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + steps);
}
