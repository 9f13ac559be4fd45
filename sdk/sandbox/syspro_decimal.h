/* syspro_decimal.h - the numbers of the SYSPRO simulator.
 *
 * A number is a count of millionths: 12 digits before the point and 6 behind
 * it, the widest SYSPRO takes (12.6), fit into 64 bits. */
#ifndef CONNECT_SANDBOX_SYSPRO_DECIMAL_H
#define CONNECT_SANDBOX_SYSPRO_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

enum { SYSPRO_DECIMAL_TEXT_MAX = 40 };

/* Read a plain decimal: digits, at most one point, a minus before or behind,
 * blanks around.  -EINVAL when it is not one, -ERANGE when it has more digits
 * before or behind the point than given (at most 12 and 6). */
int syspro_decimal_read(const char *text, int integers, int decimals,
                        int64_t *ret_millionths);
/* Write with that many decimals, a trailing minus, blanks on the left up to
 * width.  What does not fit the decimals is cut off, not rounded. */
void syspro_decimal_write(int64_t millionths, int decimals, int width,
                          char out[SYSPRO_DECIMAL_TEXT_MAX]);
/* As above with commas between the thousands and no padding, as in the
 * Edited_ fields. */
void syspro_decimal_write_edited(int64_t millionths, int decimals,
                                 char out[SYSPRO_DECIMAL_TEXT_MAX]);
/* a times b, in millionths; held at the largest number when it is larger. */
int64_t syspro_decimal_multiply(int64_t a, int64_t b);

#endif
