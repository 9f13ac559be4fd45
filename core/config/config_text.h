/* config_text.h - files that people write: read, parsed, and the line a place
 * stands on.  Included by config.h; flow files and record types use it too.
 * [any thread] */
#ifndef CONNECT_CONFIG_CONFIG_TEXT_H
#define CONNECT_CONFIG_CONFIG_TEXT_H

#include <stddef.h>
#include <cjson/cJSON.h>

#include "base/error.h"

enum { CONFIG_FILE_MAX = 4 * 1024 * 1024 }; /* bytes of one file we read */

/* A text of JSON with comments to a value by the strict reader; name is that of
 * the file, for the error "connect.json:12: ...". */
int config_parse(const char *name, const char *text, size_t len,
                 cJSON **ret_value, struct error *err) MUST_USE;
/* The line on which the value of a JSON Pointer stands, 0 if there is none. */
unsigned config_line(const char *text, size_t len, const char *pointer);
/* Read a whole regular file of at most bytes_max; the caller frees it.  There
 * is a NUL behind the text. */
int config_file(const char *path, size_t bytes_max, char **ret_text,
                size_t *ret_len, struct error *err) MUST_USE;

struct schema;
/* A file of JSON with comments that keeps to a schema (NULL: not looked at):
 * the three above in one; the error names file, line, path and what was
 * expected.  ret_text may be NULL; the caller frees text and value.  Defaults
 * are not filled in. */
int config_load(const char *path, const struct schema *schema, char **ret_text,
                size_t *ret_len, cJSON **ret_value, struct error *err) MUST_USE;

#endif
