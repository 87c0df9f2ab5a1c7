/*
 * learn.h: what days of recorded traffic say about an allow list and about thresholds.
 *
 * The resolver's own detectors run over the recordings, as configured, with every detector allowed to go as far as it
 * may: what would be flagged then is an alarm. Zones about which detectors speak are proposed for `enrich: approved`
 * where they are plainly in common use; thresholds are proposed from what was measured.
 *
 * The traffic may hold an attack, and an attacker may know that somebody learns (doc/detectors.md): a zone is never
 * proposed that a list of the policy knows, that few clients ask for, that was seen on few days, below which anybody
 * can rent names, that a detector would have denied, or about which a detector spoke that ordinary use does not wake.
 * A threshold about zones never goes up; one about clients becomes no more than LEARN_CAP times what it was, by what
 * many have in common.
 *
 * The same recordings give the same octets. Bounded: what is too much is counted. Threads: one belongs to one thread.
 */
#ifndef TOOLS_LEARN_H
#define TOOLS_LEARN_H

#include <stdio.h>

#include <jansson.h>

#include "policy/conf.h"
#include "policy/diag.h"
#include "policy/snapshot.h"
#include "tools/recorded.h"

#define LEARN_CAP 2u                 /* times a threshold */
#define LEARN_WITNESS_ZONES 10u      /* whoever asks for fewer zones does not count as a client */

struct learn;

struct learn_options {
	const struct conf *conf;             /* borrowed, as the next */
	const struct snapshot *snapshot;
	uint32_t days;                       /* of observation, else everything stays a comment */
	uint32_t clients;                    /* that ask for a zone */
};

/* Owned; NULL with *diag set. */
struct learn *learn_create(const struct learn_options *options, struct diag *diag);
void learn_destroy(struct learn **learn);

void learn_take(struct learn *learn, const struct recorded *recorded);

/* Makes proposals of what was taken. Nothing may be taken afterwards but for learn_again. 0; -1: no memory. */
int learn_conclude(struct learn *learn);

/* From here on learn_take counts what alarms are left with the proposals in force. 0; -1 with *diag set. */
int learn_again(struct learn *learn, struct diag *diag);

/* Owned; NULL: no memory. Needs learn_conclude. */
json_t *learn_report(struct learn *learn);

/* The report as a configuration that names `list`, NULL: there is none, and its names are comments; and that list. */
void learn_print(const json_t *report, const char *list, FILE *to);
void learn_print_list(const json_t *report, FILE *to);

#endif
