/*
 * verdictctl.h: what the subcommands of verdictctl share.
 *
 * A subcommand is one row of the table in verdictctl.c and one file cmd_NAME.c. It gets argv with its own name at 0,
 * prints results to standard output and complaints to standard error, and returns an exit code.
 */
#ifndef TOOLS_VERDICTCTL_H
#define TOOLS_VERDICTCTL_H

#include <getopt.h>
#include <stdbool.h>

struct diag;

/* Documented in verdictctl(1); scripts rest on them. */
enum exit_code {
	EXIT_FINE = 0,
	EXIT_WRONG = 1,       /* what was checked is wrong, the name would be denied, or the resolver refuses */
	EXIT_USAGE = 2,
	EXIT_UNREADABLE = 3,  /* cannot read, write, listen or connect; damaged input */
	EXIT_UNTRIED = 4      /* files fit, but a trial that was asked for could not be had */
};

struct command {
	const char *name;
	const char *summary;   /* half a line, for the list of commands */
	const char *help;      /* examples first, then options */
	int (*run)(const struct command *command, int argc, char **argv);
};

/* getopt_long with complaints of our own, which name the nearest option. Returns what getopt_long does: -1 at the
 * end, and '?' after a complaint (return EXIT_USAGE then). `--help` prints the command's help and returns 'h' (return
 * EXIT_FINE then): every options table has it. */
int command_option(const struct command *command, int argc, char **argv, const char *letters,
	const struct option *options);

/* Complains with a line that leads to the command's help. Returns EXIT_USAGE. */
int command_misuse(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Complains as `verdictctl: FILE:LINE:COLUMN: text`. Returns `code`. */
int command_fail(int code, const struct diag *diag);

/* --config, else $UNBOUND_VERDICT_CONF, else the compiled-in place. Borrowed. */
const char *command_config(const char *given);

/* What a failure to load it means: EXIT_WRONG, or EXIT_UNREADABLE when the file itself cannot be read. */
int command_config_code(const char *given);

/* Flushes standard output. EXIT_UNREADABLE, with a complaint, when something could not be written; a reader that went
 * away (`| head`) is no error. Else `code`. */
int command_end(int code);

int cmd_check(const struct command *command, int argc, char **argv);
int cmd_compile(const struct command *command, int argc, char **argv);
int cmd_explain(const struct command *command, int argc, char **argv);
int cmd_replay(const struct command *command, int argc, char **argv);
int cmd_learn(const struct command *command, int argc, char **argv);
int cmd_inventory(const struct command *command, int argc, char **argv);
int cmd_diff(const struct command *command, int argc, char **argv);
int cmd_status(const struct command *command, int argc, char **argv);
int cmd_stats(const struct command *command, int argc, char **argv);
int cmd_metrics(const struct command *command, int argc, char **argv);
int cmd_reload(const struct command *command, int argc, char **argv);
int cmd_override(const struct command *command, int argc, char **argv);   /* allow and deny */
int cmd_revoke(const struct command *command, int argc, char **argv);
int cmd_overrides(const struct command *command, int argc, char **argv);
int cmd_flagged(const struct command *command, int argc, char **argv);
int cmd_flush(const struct command *command, int argc, char **argv);
int cmd_log_reopen(const struct command *command, int argc, char **argv);
int cmd_recent(const struct command *command, int argc, char **argv);
int cmd_tap(const struct command *command, int argc, char **argv);
int cmd_collect(const struct command *command, int argc, char **argv);
int cmd_forget(const struct command *command, int argc, char **argv);
int cmd_hunt(const struct command *command, int argc, char **argv);
int cmd_report(const struct command *command, int argc, char **argv);
int cmd_import(const struct command *command, int argc, char **argv);

extern const char help_status[], help_stats[], help_metrics[], help_reload[], help_allow[], help_deny[];
extern const char help_revoke[], help_overrides[], help_flagged[], help_flush[], help_log_reopen[];
extern const char help_check[], help_compile[], help_explain[], help_tap[], help_collect[], help_import[], help_diff[];
extern const char help_recent[], help_replay[], help_inventory[], help_learn[], help_forget[], help_hunt[], help_report[];

#endif
