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
#define NAME_TRIGRAM_OCTETS ((NAME_CLASSES * NAME_CLASSES * NAME_CLASSES + 1) / 2)
#define NAME_FOURS_OCTETS 20480u
#define NAME_FIVES_OCTETS 16384u
#define NAME_MODEL_OCTETS_MAX 65536u

/* How surprising a letter is behind another, 255 for 14 bits. */
extern const uint8_t name_pairs[NAME_LETTERS * NAME_LETTERS];

/* The same of a class behind two others: four bits each, the lower ones first; 15 for 12 bits. */
extern const uint8_t name_trigrams[NAME_TRIGRAM_OCTETS];

/* Bloom filters of the runs of four and five letters that are frequent. */
extern const uint8_t name_fours[NAME_FOURS_OCTETS], name_fives[NAME_FIVES_OCTETS];

/* Goes to the left where the feature is `most` at most. A child of -1 - n is leaf n. */
struct name_node {
	uint8_t feature;
	uint8_t most;
	int8_t left, right;
};

/* Where its nodes and leaves begin. */
struct name_tree {
	uint16_t nodes, leaves;
};

/* From that sum of leaves on, a label has at least that score. */
struct name_knot {
	int16_t margin, score;
};

extern const struct name_node name_nodes[];
extern const int16_t name_leaves[];
extern const struct name_tree name_trees[];
extern const struct name_knot name_knots[];
extern const unsigned name_tree_count, name_knot_count;

#endif
