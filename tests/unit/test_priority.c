/* Threads give way, and a system call filter that forbids it ends nobody. */
#include "control/priority.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { GAVE_WAY = 10, STAYED = 11, NO_FILTER = 12 };

static int forbid(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_sched_setscheduler, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_setpriority, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = sizeof(steps) / sizeof(steps[0]), .filter = steps };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ? -1 : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* The exit code of a child that lowers both, or -1: it was killed. */
static int lower_in_child(int filtered)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (filtered && forbid() != 0)
			_exit(NO_FILTER);
		priority_nicer(3);
		priority_idle();
		_exit(sched_getscheduler(0) == SCHED_IDLE && getpriority(PRIO_PROCESS, 0) >= 3 ? GAVE_WAY : STAYED);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void gives_way(void **state)
{
	(void)state;
	if (access("/proc/thread-self/status", R_OK) != 0 || prctl(PR_GET_SECCOMP) != 0)
		skip();
	assert_int_equal(lower_in_child(0), GAVE_WAY);
}

static void a_filter_ends_nobody(void **state)
{
	int code = lower_in_child(1);

	(void)state;
	if (code == NO_FILTER)
		skip();
	assert_int_equal(code, STAYED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_way),
		cmocka_unit_test(a_filter_ends_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
