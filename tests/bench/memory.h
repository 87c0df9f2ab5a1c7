/*
 * memory.h: what this process has in memory.
 */
#ifndef TESTS_BENCH_MEMORY_H
#define TESTS_BENCH_MEMORY_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A figure of the kernel's by its key (`VmHWM:`) in MiB, or 0. */
static inline double status_mib(const char *key)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	double kib = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtod(line + strlen(key), NULL);
	if (file != NULL)
		fclose(file);
	return kib / 1024;
}

/* Makes VmHWM begin again from what is resident now. */
static inline bool reset_peak(void)
{
	FILE *file = fopen("/proc/self/clear_refs", "we");
	bool reset = file != NULL && fputs("5", file) >= 0;

	if (file != NULL)
		reset = fclose(file) == 0 && reset;
	return reset;
}

#endif
