/* nearest.c: how far two words are apart. */
#include "control/nearest.h"

#include <stddef.h>
#include <string.h>

/* Optimal string alignment distance: insert, delete, replace, swap neighbours; words over the limit are far. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[3][NEAREST_WORD_MAX + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > NEAREST_WORD_MAX || m > NEAREST_WORD_MAX)
		return NEAREST_FAR;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = row[i % 3], *above = row[(i - 1) % 3], *before = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);

			best = above[j] + 1 < best ? above[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[n % 3][m];
}

bool nearest_is(const char *word, const char *candidate, unsigned *best)
{
	size_t length = strlen(word);
	unsigned far = distance(word, candidate);

	if (length >= 2 && strncmp(word, candidate, length) == 0)
		far = 0;
	if (far >= *best || far > (length + 2) / 3)
		return false;
	*best = far;
	return true;
}
