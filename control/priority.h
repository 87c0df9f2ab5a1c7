/*
 * priority.h: threads of ours that give way to the resolver's.
 *
 * A service's system call filter (seccomp; systemd's SystemCallFilter=~@resources) may end the process that changes a
 * priority, so nothing is changed where a filter is in force, or where /proc does not say that there is none.
 *
 * Threads: about the calling thread alone.
 */
#ifndef CONTROL_PRIORITY_H
#define CONTROL_PRIORITY_H

/* It runs when nobody else wants to (SCHED_IDLE). */
void priority_idle(void);

/* It is `steps` nicer (setpriority(2)). */
void priority_nicer(int steps);

#endif
