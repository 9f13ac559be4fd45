/* syspro_decimal.c - read and write the numbers of the SYSPRO simulator.
 *
 * The idea: an integer count of millionths, never a double, because the very
 * thing under test is whether an amount arrives as it was sent.  The reader is
 * as narrow as SYSPRO: no exponent, no plus, no thousands separator.
 * Pure functions; called on the server's thread. */
#include "syspro_decimal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MILLION = 1000000 };

__extension__ typedef __int128 wide;

static size_t digits_at(const char *text)
{
    return strspn(text, "0123456789");
}

static int64_t digits_value(const char *text, size_t len)
{
    int64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

int syspro_decimal_read(const char *text, int integers, int decimals,
                        int64_t *ret_millionths)
{
    const char *at = text + strspn(text, " ");
    const char *fraction = "";
    size_t fraction_len = 0;
    int minus = 0;

    if (*at == '-') {
        minus = 1;
        at++;
    }
    const char *whole = at;
    size_t whole_len = digits_at(at);

    if (whole_len == 0)
        return -EINVAL;
    at += whole_len;
    if (*at == '.') {
        fraction = at + 1;
        fraction_len = digits_at(fraction);
        if (fraction_len == 0)
            return -EINVAL;
        at = fraction + fraction_len;
    }
    if (*at == '-' && !minus) {
        minus = 1;
        at++;
    }
    at += strspn(at, " ");
    if (*at != '\0')
        return -EINVAL;
    while (whole_len > 1 && *whole == '0') {
        whole++;
        whole_len--;
    }
    if (whole_len > (size_t)integers || fraction_len > (size_t)decimals)
        return -ERANGE;

    int64_t value = digits_value(whole, whole_len) * MILLION;
    int64_t part = digits_value(fraction, fraction_len);

    for (size_t i = fraction_len; i < 6; i++)
        part *= 10;
    value += part;
    *ret_millionths = minus ? -value : value;
    return 0;
}

static void write_plain(int64_t millionths, int decimals, char *out,
                        size_t out_len)
{
    uint64_t size =
        millionths < 0 ? 0 - (uint64_t)millionths : (uint64_t)millionths;
    char fraction[8];

    snprintf(fraction, sizeof(fraction), "%06" PRIu64, size % MILLION);
    fraction[decimals] = '\0';
    snprintf(out, out_len, "%" PRIu64 "%s%s%s", size / MILLION,
             decimals > 0 ? "." : "", fraction, millionths < 0 ? "-" : "");
}

void syspro_decimal_write(int64_t millionths, int decimals, int width,
                          char out[SYSPRO_DECIMAL_TEXT_MAX])
{
    char plain[SYSPRO_DECIMAL_TEXT_MAX];

    write_plain(millionths, decimals, plain, sizeof(plain));
    /* The minus stands behind the padded number, outside of its width. */
    if (millionths < 0)
        width++;
    snprintf(out, SYSPRO_DECIMAL_TEXT_MAX, "%*s", width, plain);
}

void syspro_decimal_write_edited(int64_t millionths, int decimals,
                                 char out[SYSPRO_DECIMAL_TEXT_MAX])
{
    char plain[SYSPRO_DECIMAL_TEXT_MAX];
    size_t len = 0;

    write_plain(millionths, decimals, plain, sizeof(plain));
    size_t whole = digits_at(plain);

    for (size_t i = 0; plain[i] != '\0'; i++) {
        if (len + 2 >= SYSPRO_DECIMAL_TEXT_MAX)
            break;
        if (i > 0 && i < whole && (whole - i) % 3 == 0)
            out[len++] = ',';
        out[len++] = plain[i];
    }
    out[len] = '\0';
}

int64_t syspro_decimal_multiply(int64_t a, int64_t b)
{
    wide product = (wide)a * b / MILLION;

    if (product > INT64_MAX)
        return INT64_MAX;
    if (product < -INT64_MAX)
        return -INT64_MAX;
    return (int64_t)product;
}
