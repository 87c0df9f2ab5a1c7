/*
 * name_score.h: does a label look as if a machine had made it?
 *
 * Features of the label (what its letters are, and how much each run of three and of four of them speaks for a machine by
 * a logistic regression) are looked up in tables, by the label's length, that boosted trees have been added up to. Whole
 * numbers only, and always the same for the same label. The model is learned by tests/eval/train_names.py.
 *
 * A score of S thousandths is reached by one in 10000 / (1000 - S) of the popular names that the model never saw: 900
 * by one in a hundred, 990 by one in a thousand.
 *
 * Threads: no state.
 */
#ifndef DETECT_NAME_SCORE_H
#define DETECT_NAME_SCORE_H

#include <stddef.h>
#include <stdint.h>

#define NAME_SCORE_NONE (-2)

/* Of one label in lower case: 0 to 1000, or NAME_SCORE_NONE where it holds other octets than letters, digits and
 * hyphens, is none, or is written in punycode (RFC 5891 section 4.2.3.1). */
int name_score(const uint8_t *label, size_t octets);

#endif
