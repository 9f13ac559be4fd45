/* connect/decimal.h - money and quantities as decimal digits, never a double.
 *
 * A cn_decimal is a plain value: copy it, zero it (that is 0), compare it with
 * cn_decimal_compare.  It holds at most 38 digits and at most 38 of them behind
 * the point; what does not fit is an error, never a rounded value.  The scale
 * (digits behind the point) is part of the value's looks, not of its worth:
 * 1.50 prints as "1.50" and compares equal to 1.5.
 *
 * Functions that can fail return 0, -EINVAL (not a decimal), -EOVERFLOW (more
 * than 38 digits) or -ERANGE (digits would be lost), and leave the result
 * untouched.  A result may be the same struct as an argument.  Static library
 * connect_sdk.  [any thread] */
#ifndef CN_DECIMAL_H
#define CN_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <connect/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 38 digits are what databases and ERPs offer at most; a text is a sign, a
 * zero, a point, 38 digits and a NUL. */
enum { CN_DECIMAL_DIGITS_MAX = 38, CN_DECIMAL_TEXT_MAX = 48 };

/* Digits are 0 to 9, the highest first, and the first is not 0.  The scale may
 * exceed the count: 0.05 is the digit 5 with scale 2. */
typedef struct cn_decimal {
    uint8_t digits[CN_DECIMAL_DIGITS_MAX];
    uint8_t count;    /* digits in use; 0: the value is zero */
    uint8_t scale;    /* digits behind the point */
    uint8_t negative; /* 1 below zero; zero has no sign */
} cn_decimal;

/* Flags of cn_decimal_parse; 0 takes sign, digits, point, digits.  EXPONENT
 * takes 1.5e3.  MINUS_ZERO takes -0.00 as 0, which is refused otherwise because
 * it is the mark of a broken sender. */
enum { CN_DECIMAL_ALLOW_EXPONENT = 1, CN_DECIMAL_ALLOW_MINUS_ZERO = 2 };

/* What set_scale does with digits that have no room: EXACT gives -ERANGE unless
 * they are zeros; the others go to the nearer value, in the middle to the even
 * digit or away from zero. */
enum { CN_DECIMAL_EXACT, CN_DECIMAL_HALF_EVEN, CN_DECIMAL_HALF_UP };

/* "12", "-0.50", "+3", "007.10"; no spaces, no thousands separators, digits on
 * both sides of a point. */
int cn_decimal_parse(cn_str text, uint32_t flags, cn_decimal *ret_value);
int cn_decimal_parse_text(const char *text, cn_decimal *ret_value);
cn_decimal cn_decimal_from_integer(int64_t number);

/* Plain digits with exactly scale of them behind the point: "-0.50". */
void cn_decimal_print(const cn_decimal *value, char text[CN_DECIMAL_TEXT_MAX]);

bool cn_decimal_is_zero(const cn_decimal *value);
/* Below, equal to or above zero: the order of left and right by worth. */
int cn_decimal_compare(const cn_decimal *left, const cn_decimal *right);

/* The same worth without zeros at the end of the fraction. */
void cn_decimal_normalise(cn_decimal *value);
void cn_decimal_negate(cn_decimal *value);

/* The scale of a sum is the larger one, that of a product the sum of both;
 * where the result does not fit, zeros at its end are given up first. */
int cn_decimal_add(const cn_decimal *left, const cn_decimal *right,
                   cn_decimal *ret_sum);
int cn_decimal_subtract(const cn_decimal *left, const cn_decimal *right,
                        cn_decimal *ret_difference);
int cn_decimal_multiply(const cn_decimal *left, const cn_decimal *right,
                        cn_decimal *ret_product);

/* The value with that many digits behind the point, by one of the rules. */
int cn_decimal_set_scale(const cn_decimal *value, uint32_t scale, int rule,
                         cn_decimal *ret_value);

#ifdef __cplusplus
}
#endif
#endif
