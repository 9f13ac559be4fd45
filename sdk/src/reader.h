/* reader.h - the strict reader behind cn_json_read and cn_json_locate. */
#ifndef CN_SDK_READER_H
#define CN_SDK_READER_H

#include <connect/json.h>

/* As cn_json_read.  With wanted (a JSON Pointer) it only looks for that value:
 * 0 and its offset, or -ENOENT; ret_value is not used then. */
int cn_reader_read(cn_str text, const cn_json_limits *limits,
                   const char *wanted, cJSON **ret_value, size_t *ret_offset,
                   cn_json_error *ret_error);

/* Length of the UTF-8 character at bytes, or 0 when it is none. */
size_t cn_reader_character(const unsigned char *bytes, size_t len);
/* Length of the JSON number at bytes, or 0 when there is none. */
size_t cn_reader_number(const unsigned char *bytes, size_t len);
/* Line and column, from 1, of an offset. */
void cn_reader_position(cn_str text, size_t offset, size_t *ret_line,
                        size_t *ret_column);
/* Put item at the end of the children of container. */
void cn_reader_attach(cJSON *container, cJSON *item);

#endif
