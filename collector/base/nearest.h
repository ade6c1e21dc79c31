/* "Did you mean": how far apart two words are. */
#ifndef FLOWRIB_BASE_NEAREST_H
#define FLOWRIB_BASE_NEAREST_H

#include <stdbool.h>

/* How many letters have to be put in, taken out, exchanged or swapped with their neighbour to make b from a,
 * regardless of case. Words longer than 63 letters are compared by their first 63. */
unsigned word_distance(const char *a, const char *b);

/* Whether a word that differs from a wrong one by distance is worth naming: about a third of its letters. */
bool word_near(const char *wrong, unsigned distance);

#endif
