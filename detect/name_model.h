/*
 * name_model.h: the tables of detect/name_model.c, for detect/name_score.c alone.
 *
 * Letters are numbered 1 to 37: a to z, 0 to 9, the hyphen; 0 is what stands before and behind a label. Classes are the
 * same with all digits as one. Everything together is held below 64 kB.
 */
#ifndef DETECT_NAME_MODEL_H
#define DETECT_NAME_MODEL_H

#include <stdint.h>

#define NAME_LETTERS 38u
#define NAME_CLASSES 29u
#define NAME_THREES_OCTETS ((NAME_CLASSES * NAME_CLASSES * NAME_CLASSES + 1) / 2)
#define NAME_FOUR_BITS 16u
#define NAME_FOURS_OCTETS ((1u << NAME_FOUR_BITS) / 2)
#define NAME_MODEL_OCTETS_MAX 65536u

/* How much more a run of three classes, or of four letters (by a hash), speaks for a machine than for a person: four bits
 * each, the lower ones first; 8 speaks for neither. */
#define NAME_WEIGHT_ZERO 8u
extern const uint8_t name_threes[NAME_THREES_OCTETS], name_fours[NAME_FOURS_OCTETS];

/*
 * The trees, all at once and feature by feature (Lucchese, Nardini, Orlando, Perego, Tonellotto, Venturini, "QuickScorer: a
 * Fast Algorithm to Rank Documents with Additive Ensembles of Regression Trees", 2015). Leaves of a tree are in the order
 * of a walk that turns at each node to where a usual label goes first. A node at which a label goes the other way strikes
 * the leaves that it passes by; the first leaf that is left is the one where the label ends.
 */
#define NAME_TREES 100u
#define NAME_TREE_LEAVES 12u
#define NAME_FEATURES 23u

struct name_node {
	uint8_t most;
	uint8_t tree;
	uint16_t keep;               /* bits: leaves that are not struck */
};

/* From that sum of leaves on, a label has at least that score. */
struct name_knot {
	int16_t margin, score;
};

/* Of feature f name_starts[2 * f] on those that strike where it is over `most`, in ascending order; from
 * name_starts[2 * f + 1] on, and up to the next feature, those that strike where it is not, in descending order. */
extern const struct name_node name_nodes[];
extern const uint16_t name_starts[2 * NAME_FEATURES + 1];
extern const int16_t name_leaves[NAME_TREES * NAME_TREE_LEAVES];
extern const struct name_knot name_knots[];
extern const unsigned name_knot_count;

#endif
