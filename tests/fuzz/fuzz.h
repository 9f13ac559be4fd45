/* fuzz.h - what the fuzz targets share: inputs of several parts, and saying
 * what is wrong.
 *
 * Parts are separated by a line of four equal signs, so that seeds can be read
 * and written by people.  Each part is a copy of its own of exactly its length,
 * so that the address sanitizer sees a read behind its end. */
#ifndef CONNECT_TESTS_FUZZ_H
#define CONNECT_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cjson/cJSON.h>

#include <connect/plugin.h>

enum { FUZZ_PARTS_MAX = 16 };

struct fuzz_input {
    cn_str parts[FUZZ_PARTS_MAX]; /* owned; what is missing is empty */
    size_t count;                 /* at least 1 */
};

/* Called by libFuzzer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *count, char ***arguments);

void fuzz_split(struct fuzz_input *input, const uint8_t *data, size_t size);
void fuzz_done(struct fuzz_input *input);
/* A part as a text with a NUL behind it; the caller frees it. */
char *fuzz_text(cn_str part);
/* A part read by the strict reader, or NULL; the caller deletes it. */
cJSON *fuzz_json(cn_str part);
/* What people are told: a sentence that is not empty, one line of UTF-8. */
void fuzz_sentence(const char *text);
/* A number from bytes; takes them from the front. */
uint32_t fuzz_number(const uint8_t **data, size_t *size, size_t bytes);
/* The bytes of a file, for what is mutated; aborts when there is none. */
char *fuzz_file(const char *path, size_t *ret_len);
/* A directory of this process; the same every time. */
const char *fuzz_directory(void);
void fuzz_write(const char *path, const void *bytes, size_t len);

/* What must hold for every input. */
#define FUZZ_MUST(condition)                                                   \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,  \
                    #condition);                                               \
            abort();                                                           \
        }                                                                      \
    } while (0)

#endif
