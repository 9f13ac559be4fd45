/* decimal.c - decimal digits, added and multiplied as on paper.
 *
 * All work is done in `struct wide`, digits lowest first with room for the
 * product of two values and for values shifted to a common scale; only the
 * step back into a cn_decimal checks that 38 digits are enough.  On paper
 * means slow and plainly right: an order has some dozens of amounts.
 *
 * No state.  [any thread] */
#include <connect/decimal.h>

#include <errno.h>
#include <string.h>

/* Enough for 38 digits shifted by 38 and for a product, and one to carry. */
enum { WIDE_DIGITS_MAX = 2 * CN_DECIMAL_DIGITS_MAX + 1 };

struct wide {
    uint8_t digits[WIDE_DIGITS_MAX]; /* lowest first, zeros above count */
    int count;                       /* without zeros at the top */
    int scale;
    bool negative;
};

static void trim(struct wide *wide)
{
    while (wide->count && !wide->digits[wide->count - 1])
        wide->count--;
    if (!wide->count)
        wide->negative = false;
}

static void widen(const cn_decimal *value, struct wide *ret_wide)
{
    memset(ret_wide, 0, sizeof(*ret_wide));
    ret_wide->count = value->count;
    ret_wide->scale = value->scale;
    ret_wide->negative = value->negative;
    for (int index = 0; index < value->count; index++)
        ret_wide->digits[value->count - 1 - index] = value->digits[index];
}

/* Drop the lowest digit. */
static void shift_down(struct wide *wide)
{
    memmove(wide->digits, wide->digits + 1, WIDE_DIGITS_MAX - 1);
    wide->digits[WIDE_DIGITS_MAX - 1] = 0;
    wide->scale--;
    if (wide->count)
        wide->count--;
}

/* Put zeros below until the scale is this one; the value fits, because both
 * count and scale are 38 at most. */
static void shift_up(struct wide *wide, int scale)
{
    int zeros = scale - wide->scale;

    if (zeros <= 0)
        return;
    wide->scale = scale;
    if (!wide->count)
        return;
    memmove(wide->digits + zeros, wide->digits,
            (size_t)(WIDE_DIGITS_MAX - zeros));
    memset(wide->digits, 0, (size_t)zeros);
    wide->count += zeros;
}

static int narrow(struct wide *wide, cn_decimal *ret_value)
{
    cn_decimal value = {.negative = wide->negative};

    trim(wide);
    while ((wide->count > CN_DECIMAL_DIGITS_MAX ||
            wide->scale > CN_DECIMAL_DIGITS_MAX) &&
           wide->scale > 0 && !wide->digits[0])
        shift_down(wide);
    if (wide->count > CN_DECIMAL_DIGITS_MAX ||
        wide->scale > CN_DECIMAL_DIGITS_MAX)
        return -EOVERFLOW;
    value.negative = wide->negative;
    value.count = (uint8_t)wide->count;
    value.scale = (uint8_t)wide->scale;
    for (int index = 0; index < wide->count; index++)
        value.digits[index] = wide->digits[wide->count - 1 - index];
    *ret_value = value;
    return 0;
}

/* ---- Text --------------------------------------------------------------- */

struct cursor {
    const char *at, *end;
};

static bool is_digit(const struct cursor *cursor)
{
    return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
}

static bool take(struct cursor *cursor, char letter)
{
    if (cursor->at >= cursor->end || *cursor->at != letter)
        return false;
    cursor->at++;
    return true;
}

/* Digits at the cursor into value; behind counts them as fraction.  -EINVAL
 * without any. */
static int take_digits(struct cursor *cursor, cn_decimal *value, bool behind,
                       long *scale)
{
    int status = -EINVAL;

    for (; is_digit(cursor); cursor->at++) {
        if (status == -EINVAL)
            status = 0;
        if (behind)
            (*scale)++;
        if (!value->count && *cursor->at == '0')
            continue;
        if (value->count == CN_DECIMAL_DIGITS_MAX)
            status = -EOVERFLOW;
        else
            value->digits[value->count++] = (uint8_t)(*cursor->at - '0');
    }
    return status;
}

static int take_exponent(struct cursor *cursor, long *ret_exponent)
{
    bool negative = take(cursor, '-');
    long exponent = 0;

    if (!negative)
        take(cursor, '+');
    if (!is_digit(cursor))
        return -EINVAL;
    for (; is_digit(cursor); cursor->at++) {
        if (exponent < 100000) /* far outside anyway */
            exponent = exponent * 10 + (*cursor->at - '0');
    }
    *ret_exponent = negative ? -exponent : exponent;
    return 0;
}

/* Give value the scale, which an exponent may have put below zero. */
static int place_point(cn_decimal *value, long scale)
{
    if (!value->count && (scale < 0 || scale > CN_DECIMAL_DIGITS_MAX))
        scale = scale < 0 ? 0 : CN_DECIMAL_DIGITS_MAX;
    for (; scale < 0; scale++) {
        if (value->count == CN_DECIMAL_DIGITS_MAX)
            return -EOVERFLOW;
        value->digits[value->count++] = 0;
    }
    for (; scale > CN_DECIMAL_DIGITS_MAX && value->count &&
           !value->digits[value->count - 1];
         scale--)
        value->count--;
    if (scale > CN_DECIMAL_DIGITS_MAX)
        return -EOVERFLOW;
    value->scale = (uint8_t)scale;
    return 0;
}

int cn_decimal_parse(cn_str text, uint32_t flags, cn_decimal *ret_value)
{
    const char *begin = text.ptr ? text.ptr : "";
    struct cursor cursor = {begin, begin + text.len};
    cn_decimal value = {0};
    bool negative = take(&cursor, '-');
    long scale = 0, exponent = 0;
    int status, too_many = 0;

    if (!negative)
        take(&cursor, '+');
    status = take_digits(&cursor, &value, false, &scale);
    if (status == -EINVAL)
        return status;
    too_many = status;
    if (take(&cursor, '.')) {
        status = take_digits(&cursor, &value, true, &scale);
        if (status == -EINVAL)
            return status;
        too_many = too_many ? too_many : status;
    }
    if (flags & CN_DECIMAL_ALLOW_EXPONENT &&
        (take(&cursor, 'e') || take(&cursor, 'E'))) {
        status = take_exponent(&cursor, &exponent);
        if (status)
            return status;
    }
    if (cursor.at != cursor.end)
        return -EINVAL;
    if (too_many)
        return too_many;
    if (negative && !value.count && !(flags & CN_DECIMAL_ALLOW_MINUS_ZERO))
        return -EINVAL;
    status = place_point(&value, scale - exponent);
    if (status)
        return status;
    value.negative = negative && value.count;
    *ret_value = value;
    return 0;
}

int cn_decimal_parse_text(const char *text, cn_decimal *ret_value)
{
    cn_str string = {text, text ? strlen(text) : 0};

    return cn_decimal_parse(string, 0, ret_value);
}

cn_decimal cn_decimal_from_integer(int64_t number)
{
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    struct wide wide = {.negative = number < 0};
    cn_decimal value = {0};

    for (; rest; rest /= 10)
        wide.digits[wide.count++] = (uint8_t)(rest % 10);
    /* 19 digits always fit. */
    return narrow(&wide, &value) ? (cn_decimal){0} : value;
}

void cn_decimal_print(const cn_decimal *value, char text[CN_DECIMAL_TEXT_MAX])
{
    int whole = value->count - value->scale; /* digits before the point */
    char *to = text;

    if (value->negative)
        *to++ = '-';
    if (whole <= 0)
        *to++ = '0';
    for (int index = 0; index < whole; index++)
        *to++ = (char)('0' + value->digits[index]);
    if (value->scale)
        *to++ = '.';
    for (int index = whole; index < value->count; index++)
        *to++ = (char)('0' + (index < 0 ? 0 : value->digits[index]));
    *to = '\0';
}

/* ---- Arithmetic --------------------------------------------------------- */

/* By magnitude; both of the same scale. */
static int compare_digits(const struct wide *left, const struct wide *right)
{
    if (left->count != right->count)
        return left->count < right->count ? -1 : 1;
    for (int index = left->count - 1; index >= 0; index--) {
        if (left->digits[index] != right->digits[index])
            return left->digits[index] < right->digits[index] ? -1 : 1;
    }
    return 0;
}

static void align(const cn_decimal *left, const cn_decimal *right,
                  struct wide *ret_left, struct wide *ret_right)
{
    widen(left, ret_left);
    widen(right, ret_right);
    shift_up(ret_left, right->scale);
    shift_up(ret_right, left->scale);
}

/* The larger magnitude plus or minus the smaller, into sum. */
static void combine(const struct wide *large, const struct wide *small,
                    bool minus, struct wide *sum)
{
    int carry = 0;

    *sum = *large;
    for (int index = 0; index < WIDE_DIGITS_MAX; index++) {
        int digit = large->digits[index] + carry +
                    (minus ? -small->digits[index] : small->digits[index]);
        carry = digit < 0 ? -1 : digit / 10;
        sum->digits[index] = (uint8_t)(digit - 10 * carry);
    }
    sum->count = WIDE_DIGITS_MAX;
    trim(sum);
}

bool cn_decimal_is_zero(const cn_decimal *value)
{
    return !value->count;
}

void cn_decimal_negate(cn_decimal *value)
{
    value->negative = value->count && !value->negative;
}

int cn_decimal_compare(const cn_decimal *left, const cn_decimal *right)
{
    struct wide a, b;
    int order;

    if (left->negative != right->negative)
        return left->negative ? -1 : 1;
    align(left, right, &a, &b);
    order = compare_digits(&a, &b);
    return left->negative ? -order : order;
}

void cn_decimal_normalise(cn_decimal *value)
{
    while (value->scale &&
           (!value->count || !value->digits[value->count - 1])) {
        value->scale--;
        if (value->count)
            value->count--;
    }
}

int cn_decimal_add(const cn_decimal *left, const cn_decimal *right,
                   cn_decimal *ret_sum)
{
    struct wide a, b, sum;
    bool minus = left->negative != right->negative;

    align(left, right, &a, &b);
    if (compare_digits(&a, &b) >= 0)
        combine(&a, &b, minus, &sum);
    else
        combine(&b, &a, minus, &sum);
    return narrow(&sum, ret_sum);
}

int cn_decimal_subtract(const cn_decimal *left, const cn_decimal *right,
                        cn_decimal *ret_difference)
{
    cn_decimal negated = *right;

    cn_decimal_negate(&negated);
    return cn_decimal_add(left, &negated, ret_difference);
}

int cn_decimal_multiply(const cn_decimal *left, const cn_decimal *right,
                        cn_decimal *ret_product)
{
    struct wide a, b, product = {0};

    widen(left, &a);
    widen(right, &b);
    for (int i = 0; i < a.count; i++) {
        int carry = 0;
        for (int j = 0; j < b.count || carry; j++) {
            int digit = product.digits[i + j] + carry;
            if (j < b.count)
                digit += a.digits[i] * b.digits[j];
            product.digits[i + j] = (uint8_t)(digit % 10);
            carry = digit / 10;
        }
    }
    product.count = a.count + b.count;
    product.scale = a.scale + b.scale;
    product.negative = a.negative != b.negative;
    return narrow(&product, ret_product);
}

/* Add one at the lowest digit, away from zero. */
static void bump(struct wide *wide)
{
    int index = 0;

    while (wide->digits[index] == 9)
        wide->digits[index++] = 0;
    wide->digits[index]++;
    if (index >= wide->count)
        wide->count = index + 1;
}

int cn_decimal_set_scale(const cn_decimal *value, uint32_t scale, int rule,
                         cn_decimal *ret_value)
{
    struct wide wide;
    uint8_t dropped = 0; /* the highest digit dropped */
    bool below = false;  /* something was dropped below it */
    bool up;

    if (scale > CN_DECIMAL_DIGITS_MAX)
        return -EOVERFLOW;
    widen(value, &wide);
    shift_up(&wide, (int)scale);
    while (wide.scale > (int)scale) {
        below = below || dropped;
        dropped = wide.digits[0];
        shift_down(&wide);
    }
    if (rule == CN_DECIMAL_EXACT && (dropped || below))
        return -ERANGE;
    up = dropped > 5 || (dropped == 5 && (below || rule == CN_DECIMAL_HALF_UP ||
                                          wide.digits[0] % 2));
    if (up && rule != CN_DECIMAL_EXACT)
        bump(&wide);
    trim(&wide);
    if (wide.count > CN_DECIMAL_DIGITS_MAX)
        return -EOVERFLOW; /* zeros asked for are not given up */
    return narrow(&wide, ret_value);
}
