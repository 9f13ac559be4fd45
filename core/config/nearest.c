/* nearest.c - edit distance between short words, without regard to case.
 *
 * A word is near when at most a third of its letters and one more, three at
 * most, have to be added, removed, changed or swapped with their neighbour.
 * Long words are not compared: nobody mistypes them, and the cost grows with
 * the product of the lengths.  Called by schema.c and schema_check.c on any
 * thread. */
#include "config/nearest.h"

#include <ctype.h>
#include <string.h>

enum {
    WORD_MAX = 48,   /* bytes; a longer word gets no suggestion */
    DISTANCE_MAX = 4 /* from here on nothing is near */
};

void nearest_init(struct nearest *nearest, const char *word)
{
    nearest->word = word;
    nearest->found = NULL;
    nearest->distance = strlen(word) < 2 ? 1 : strlen(word) / 3 + 2;
    if (nearest->distance > DISTANCE_MAX)
        nearest->distance = DISTANCE_MAX;
}

static size_t smaller(size_t one, size_t other)
{
    return one < other ? one : other;
}

static int same(char one, char other)
{
    return tolower((unsigned char)one) == tolower((unsigned char)other);
}

/* Restricted edit distance, three rows at a time. */
static size_t distance(const char *one, size_t one_len, const char *other,
                       size_t other_len)
{
    size_t rows[3][WORD_MAX + 1];

    for (size_t column = 0; column <= other_len; column++)
        rows[0][column] = column;
    for (size_t line = 1; line <= one_len; line++) {
        size_t *now = rows[line % 3], *before = rows[(line + 2) % 3];
        const size_t *two_before = rows[(line + 1) % 3];

        now[0] = line;
        for (size_t column = 1; column <= other_len; column++) {
            char left = one[line - 1], right = other[column - 1];
            size_t best = before[column - 1] + (same(left, right) ? 0 : 1);

            best = smaller(best, before[column] + 1);
            best = smaller(best, now[column - 1] + 1);
            if (line > 1 && column > 1 && same(left, other[column - 2]) &&
                same(one[line - 2], right))
                best = smaller(best, two_before[column - 2] + 1);
            now[column] = best;
        }
    }
    return rows[one_len % 3][other_len];
}

void nearest_offer(struct nearest *nearest, const char *known)
{
    size_t word_len = strlen(nearest->word), known_len = strlen(known);
    size_t found;

    if (word_len > WORD_MAX || known_len > WORD_MAX)
        return;
    found = distance(nearest->word, word_len, known, known_len);
    if (found < nearest->distance) {
        nearest->distance = found;
        nearest->found = known;
    }
}
