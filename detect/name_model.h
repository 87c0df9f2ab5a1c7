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
 * Boosted trees of which each asks for the length and for one feature add up to a table of that feature (Y. Lou, R. Caruana,
 * J. Gehrke, G. Hooker, "Accurate Intelligible Models with Pairwise Interactions", 2013): what each of its values adds for a
 * label of that length. The last length is that of all longer ones, the last value that of all larger ones; sums of
 * weights come in steps, from so much below none on.
 */
#define NAME_LENGTHS 31u
#define NAME_FEATURES 12u
#define NAME_VALUES 32u
#define NAME_SUM_LEAST 32u
#define NAME_SUM_STEP 4u
extern const int8_t name_terms[NAME_LENGTHS * NAME_FEATURES * NAME_VALUES];

/* From that sum on, a label has at least that score. */
struct name_knot {
	int16_t margin, score;
};

extern const struct name_knot name_knots[];
extern const unsigned name_knot_count;

#endif
