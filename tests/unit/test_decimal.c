/* links: connect_sdk */
/* test_decimal.c - decimals against values worked out by hand, and against
 * 64-bit integers for a run of made-up numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <errno.h>
#include <stdio.h>

#include <cmocka.h>

#include <connect/decimal.h>

static cn_decimal decimal(const char *text)
{
    cn_decimal value;
    cn_str string = {text, strlen(text)};

    assert_int_equal(
        cn_decimal_parse(string, CN_DECIMAL_ALLOW_EXPONENT, &value), 0);
    return value;
}

static void assert_prints(const cn_decimal *value, const char *expected)
{
    char text[CN_DECIMAL_TEXT_MAX];

    cn_decimal_print(value, text);
    assert_string_equal(text, expected);
}

#define NINES38 "99999999999999999999999999999999999999"
#define ZEROS37 "0000000000000000000000000000000000000"

static void parses(void **state)
{
    static const struct {
        const char *text;
        uint32_t flags;
        int status;
        const char *printed;
    } rows[] = {
        {"0", 0, 0, "0"},
        {"0.00", 0, 0, "0.00"},
        {"12", 0, 0, "12"},
        {"+3", 0, 0, "3"},
        {"-0.50", 0, 0, "-0.50"},
        {"007.10", 0, 0, "7.10"},
        {"19.99", 0, 0, "19.99"},
        {"0.05", 0, 0, "0.05"},
        {"9007199254740993", 0, 0, "9007199254740993"},
        {NINES38, 0, 0, NINES38},
        {"-0." ZEROS37 "1", 0, 0, "-0." ZEROS37 "1"},
        {"00" NINES38, 0, 0, NINES38},
        {"1.5e3", 1, 0, "1500"},
        {"1.5E+3", 1, 0, "1500"},
        {"1500e-3", 1, 0, "1.500"},
        {"0e99999", 1, 0, "0"},
        {"1e37", 1, 0, "1" ZEROS37},
        {"-0", 2, 0, "0"},
        {"-0.00", 2, 0, "0.00"},
        {NINES38 "0", 0, -EOVERFLOW, NULL},
        {"0." ZEROS37 "01", 0, -EOVERFLOW, NULL},
        {"1e38", 1, -EOVERFLOW, NULL},
        {"1e400", 1, -EOVERFLOW, NULL},
        {"1e-400", 1, -EOVERFLOW, NULL},
        {"1e99999999999999999999", 1, -EOVERFLOW, NULL},
        {"1e3", 0, -EINVAL, NULL},
        {"-0", 0, -EINVAL, NULL},
        {"-0.0", 0, -EINVAL, NULL},
        {"", 0, -EINVAL, NULL},
        {"-", 0, -EINVAL, NULL},
        {".", 0, -EINVAL, NULL},
        {".5", 0, -EINVAL, NULL},
        {"5.", 0, -EINVAL, NULL},
        {"1.2.3", 0, -EINVAL, NULL},
        {"1,000.00", 0, -EINVAL, NULL},
        {"1 000", 0, -EINVAL, NULL},
        {" 1", 0, -EINVAL, NULL},
        {"1 ", 0, -EINVAL, NULL},
        {"--1", 0, -EINVAL, NULL},
        {"+-1", 0, -EINVAL, NULL},
        {"1e", 1, -EINVAL, NULL},
        {"1e+", 1, -EINVAL, NULL},
        {"e5", 1, -EINVAL, NULL},
        {"NaN", 1, -EINVAL, NULL},
        {"Infinity", 1, -EINVAL, NULL},
        {"0x10", 1, -EINVAL, NULL},
        {"\xd9\xa1", 1, -EINVAL, NULL}, /* an Arabic digit */
    };

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(*rows); index++) {
        cn_str text = {rows[index].text, strlen(rows[index].text)};
        cn_decimal value = {.count = 77};
        int status = cn_decimal_parse(text, rows[index].flags, &value);
        if (status != rows[index].status)
            fail_msg("'%s': %d", rows[index].text, status);
        if (!status)
            assert_prints(&value, rows[index].printed);
        else
            assert_int_equal(value.count, 77); /* untouched */
    }
    cn_decimal value;
    assert_int_equal(cn_decimal_parse((cn_str){"1\0", 2}, 0, &value), -EINVAL);
    assert_int_equal(cn_decimal_parse((cn_str){NULL, 0}, 0, &value), -EINVAL);
    assert_int_equal(cn_decimal_parse_text(NULL, &value), -EINVAL);
}

static void adds(void **state)
{
    static const char *const rows[][3] = {
        {"0.1", "0.2", "0.3"},
        {"0.10", "0.2", "0.30"},
        {"-1", "1", "0"},
        {"1.00", "-0.01", "0.99"},
        {"-1.00", "0.01", "-0.99"},
        {"999.99", "0.01", "1000.00"},
        {"-5", "-7.5", "-12.5"},
        {"100", "-99.999", "0.001"},
        {"0", "0.00", "0.00"},
        {"99999999999999999999999999999999999998", "1", NINES38},
    };
    cn_decimal sum = {0}, tenth = decimal("0.1");
    cn_decimal top = decimal(NINES38), one = decimal("1");

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(*rows); index++) {
        cn_decimal left = decimal(rows[index][0]);
        cn_decimal right = decimal(rows[index][1]);
        cn_decimal result, back;
        assert_int_equal(cn_decimal_add(&left, &right, &result), 0);
        assert_prints(&result, rows[index][2]);
        assert_int_equal(cn_decimal_add(&right, &left, &result), 0);
        assert_prints(&result, rows[index][2]);
        assert_int_equal(cn_decimal_subtract(&result, &right, &back), 0);
        assert_int_equal(cn_decimal_compare(&back, &left), 0);
    }
    for (int line = 0; line < 3; line++)
        assert_int_equal(cn_decimal_add(&sum, &tenth, &sum), 0);
    assert_prints(&sum, "0.3");
    assert_int_equal(cn_decimal_add(&top, &one, &sum), -EOVERFLOW);
    assert_int_equal(cn_decimal_add(&top, &tenth, &sum), -EOVERFLOW);
    assert_prints(&sum, "0.3");
    /* Zeros at the end give way. */
    one = decimal("0.0");
    assert_int_equal(cn_decimal_add(&top, &one, &sum), 0);
    assert_prints(&sum, NINES38);
}

static void multiplies(void **state)
{
    static const char *const rows[][3] = {
        {"149.90", "3", "449.70"},
        {"0.1", "0.1", "0.01"},
        {"-2.5", "4", "-10.0"},
        {"-2", "-3", "6"},
        {"-2", "0", "0"},
        {"9999999999999999999", "9999999999999999999",
         "99999999999999999980000000000000000001"},
    };
    cn_decimal large = decimal("10000000000000000000"), product = {0};
    cn_decimal small = decimal("0.00000000000000000001");

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(*rows); index++) {
        cn_decimal left = decimal(rows[index][0]);
        cn_decimal right = decimal(rows[index][1]);
        assert_int_equal(cn_decimal_multiply(&left, &right, &left), 0);
        assert_prints(&left, rows[index][2]);
    }
    assert_int_equal(cn_decimal_multiply(&large, &large, &product), -EOVERFLOW);
    assert_int_equal(cn_decimal_multiply(&small, &small, &product), -EOVERFLOW);
    large = decimal(NINES38);
    assert_int_equal(cn_decimal_multiply(&large, &large, &product), -EOVERFLOW);
}

static void compares(void **state)
{
    static const char *const rising[] = {
        "-99999999999999999999999999999999999999",
        "-2",
        "-1.5",
        "-0.01",
        "0",
        "0.001",
        "0.01",
        "1",
        "1.00000001",
        "10",
        NINES38};
    enum { COUNT = sizeof(rising) / sizeof(*rising) };

    (void)state;
    for (int left = 0; left < COUNT; left++) {
        for (int right = 0; right < COUNT; right++) {
            cn_decimal a = decimal(rising[left]), b = decimal(rising[right]);
            int order = cn_decimal_compare(&a, &b);
            assert_int_equal((order > 0) - (order < 0),
                             (left > right) - (left < right));
        }
    }
    cn_decimal a = decimal("1.50"), b = decimal("1.5");
    assert_int_equal(cn_decimal_compare(&a, &b), 0);
    a = decimal("0.000");
    b = (cn_decimal){0};
    assert_int_equal(cn_decimal_compare(&a, &b), 0);
    assert_true(cn_decimal_is_zero(&a));
}

static void sets_the_scale(void **state)
{
    static const struct {
        const char *text;
        uint32_t scale;
        int rule, status;
        const char *printed;
    } rows[] = {
        {"1.5", 2, CN_DECIMAL_EXACT, 0, "1.50"},
        {"1.50", 1, CN_DECIMAL_EXACT, 0, "1.5"},
        {"1.55", 1, CN_DECIMAL_EXACT, -ERANGE, NULL},
        {"19.999999999999999999", 6, CN_DECIMAL_EXACT, -ERANGE, NULL},
        {"1.25", 1, CN_DECIMAL_HALF_EVEN, 0, "1.2"},
        {"1.35", 1, CN_DECIMAL_HALF_EVEN, 0, "1.4"},
        {"1.2500001", 1, CN_DECIMAL_HALF_EVEN, 0, "1.3"},
        {"1.25", 1, CN_DECIMAL_HALF_UP, 0, "1.3"},
        {"-1.25", 1, CN_DECIMAL_HALF_UP, 0, "-1.3"},
        {"-1.25", 1, CN_DECIMAL_HALF_EVEN, 0, "-1.2"},
        {"1.249999", 1, CN_DECIMAL_HALF_UP, 0, "1.2"},
        {"0.5", 0, CN_DECIMAL_HALF_EVEN, 0, "0"},
        {"0.5", 0, CN_DECIMAL_HALF_UP, 0, "1"},
        {"-0.4", 0, CN_DECIMAL_HALF_UP, 0, "0"},
        {"0.0005", 2, CN_DECIMAL_HALF_UP, 0, "0.00"},
        {"99.995", 2, CN_DECIMAL_HALF_UP, 0, "100.00"},
        {"0", 3, CN_DECIMAL_EXACT, 0, "0.000"},
        {NINES38, 1, CN_DECIMAL_EXACT, -EOVERFLOW, NULL},
        {"1", 39, CN_DECIMAL_EXACT, -EOVERFLOW, NULL},
    };

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(*rows); index++) {
        cn_decimal value = decimal(rows[index].text);
        int status = cn_decimal_set_scale(&value, rows[index].scale,
                                          rows[index].rule, &value);
        if (status != rows[index].status)
            fail_msg("row %zu: %d", index, status);
        if (!status)
            assert_prints(&value, rows[index].printed);
    }
}

static void normalises(void **state)
{
    static const char *const rows[][2] = {{"1.500", "1.5"},
                                          {"100", "100"},
                                          {"0.000", "0"},
                                          {"-0.10", "-0.1"},
                                          {"2.00", "2"}};

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(*rows); index++) {
        cn_decimal value = decimal(rows[index][0]);
        cn_decimal_normalise(&value);
        assert_prints(&value, rows[index][1]);
    }
    cn_decimal low = cn_decimal_from_integer(INT64_MIN);
    assert_prints(&low, "-9223372036854775808");
    low = cn_decimal_from_integer(0);
    assert_prints(&low, "0");
}

/* A small generator, so that the run is the same everywhere. */
static int64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)(*seed >> 33) - (1 << 30);
}

static void agrees_with_integers(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        int64_t a = next(&seed), b = next(&seed) >> (round % 30);
        cn_decimal left = cn_decimal_from_integer(a);
        cn_decimal right = cn_decimal_from_integer(b), result;
        char text[CN_DECIMAL_TEXT_MAX];
        assert_int_equal(cn_decimal_add(&left, &right, &result), 0);
        snprintf(text, sizeof(text), "%lld", (long long)(a + b));
        assert_prints(&result, text);
        assert_int_equal(cn_decimal_subtract(&left, &right, &result), 0);
        snprintf(text, sizeof(text), "%lld", (long long)(a - b));
        assert_prints(&result, text);
        assert_int_equal(cn_decimal_multiply(&left, &right, &result), 0);
        snprintf(text, sizeof(text), "%lld", (long long)(a * b));
        assert_prints(&result, text);
        assert_int_equal(cn_decimal_compare(&left, &right) > 0, a > b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(adds),
        cmocka_unit_test(multiplies),
        cmocka_unit_test(compares),
        cmocka_unit_test(sets_the_scale),
        cmocka_unit_test(normalises),
        cmocka_unit_test(agrees_with_integers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
