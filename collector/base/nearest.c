/* The restricted Damerau-Levenshtein distance, three rows at a time. */
#include "collector/base/nearest.h"

#include <ctype.h>

#define WORD_MAX 63

/* Restricted: a swapped pair is not edited again, which is enough for slips of the finger and needs only
 * the two rows before. */
static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;
	return ab < c ? ab : c;
}

/* ASCII letters only, as all names that are compared here. */
static bool
same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* row[i % 3] is the row of letter i of a; row[...][j] is the distance between its first i letters and the
 * first j of b. No allocation: it runs while a wrong configuration is being reported. */
unsigned
word_distance(const char *a, const char *b)
{
	unsigned row[3][WORD_MAX + 1];
	unsigned la = (unsigned)strnlen(a, WORD_MAX), lb = (unsigned)strnlen(b, WORD_MAX);

	for (unsigned j = 0; j <= lb; j++)
		row[0][j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];
		now[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			bool eq = same(a[i - 1], b[j - 1]);
			now[j] = least(before[j] + 1, now[j - 1] + 1, before[j - 1] + !eq);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				now[j] = least(now[j], earlier[j - 2] + 1, now[j]);
		}
	}
	return row[la % 3][lb];
}

/* One slip in a short word, one more every four letters: further away, a guess only confuses. */
bool
word_near(const char *wrong, unsigned distance)
{
	return distance <= 1 + strlen(wrong) / 4;
}
