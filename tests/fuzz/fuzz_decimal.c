/* fuzz_decimal.c - decimals: what is printed reads back, sums can be undone.
 *
 * Parts 1 and 2 are decimals; the first byte of part 3 chooses flags, scale and
 * rule. */
#include <errno.h>
#include <string.h>

#include <connect/decimal.h>

#include "fuzz.h"

static void looks(const cn_decimal *value)
{
    char text[CN_DECIMAL_TEXT_MAX], again[CN_DECIMAL_TEXT_MAX];
    cn_decimal read, short_one = *value;

    FUZZ_MUST(value->count <= CN_DECIMAL_DIGITS_MAX);
    FUZZ_MUST(value->scale <= CN_DECIMAL_DIGITS_MAX);
    FUZZ_MUST(!value->count || value->digits[0]);
    FUZZ_MUST(value->count || !value->negative);
    cn_decimal_print(value, text);
    FUZZ_MUST(!cn_decimal_parse_text(text, &read));
    FUZZ_MUST(!cn_decimal_compare(value, &read));
    cn_decimal_print(&read, again);
    FUZZ_MUST(!strcmp(text, again));
    cn_decimal_normalise(&short_one);
    FUZZ_MUST(!cn_decimal_compare(value, &short_one));
    FUZZ_MUST(cn_decimal_is_zero(value) == !value->count);
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void together(const cn_decimal *left, const cn_decimal *right)
{
    cn_decimal sum, back, product, other;
    int order = sign(cn_decimal_compare(left, right));

    FUZZ_MUST(sign(cn_decimal_compare(right, left)) == -order);
    if (!cn_decimal_add(left, right, &sum)) {
        looks(&sum);
        FUZZ_MUST(!cn_decimal_add(right, left, &other));
        FUZZ_MUST(!cn_decimal_compare(&sum, &other));
        if (!cn_decimal_subtract(&sum, right, &back))
            FUZZ_MUST(!cn_decimal_compare(&back, left));
    }
    if (!cn_decimal_subtract(left, right, &back)) {
        looks(&back);
        FUZZ_MUST(cn_decimal_is_zero(&back) == !order);
        FUZZ_MUST(cn_decimal_is_zero(&back) || back.negative == (order < 0));
    }
    if (!cn_decimal_multiply(left, right, &product)) {
        looks(&product);
        FUZZ_MUST(!cn_decimal_multiply(right, left, &other));
        FUZZ_MUST(!cn_decimal_compare(&product, &other));
    }
}

static void rounded(const cn_decimal *value, uint32_t scale, int rule)
{
    cn_decimal result, again;
    int status = cn_decimal_set_scale(value, scale, rule, &result);

    FUZZ_MUST(status == 0 || status == -ERANGE || status == -EOVERFLOW ||
              status == -EINVAL);
    if (status)
        return;
    looks(&result);
    FUZZ_MUST(result.scale == scale);
    if (rule == CN_DECIMAL_EXACT)
        FUZZ_MUST(!cn_decimal_compare(value, &result));
    FUZZ_MUST(!cn_decimal_set_scale(&result, scale, CN_DECIMAL_EXACT, &again));
    FUZZ_MUST(!cn_decimal_compare(&again, &result));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    cn_decimal left, right;
    unsigned choice;

    fuzz_split(&input, data, size);
    choice = input.parts[2].len ? (unsigned char)input.parts[2].ptr[0] : 0;
    if (!cn_decimal_parse(input.parts[0], choice & 3, &left)) {
        looks(&left);
        rounded(&left, choice >> 2, (int)(choice % 3));
        if (!cn_decimal_parse(input.parts[1], choice & 3, &right))
            together(&left, &right);
    }
    fuzz_done(&input);
    return 0;
}
