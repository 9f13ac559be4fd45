/* links: connect_net connect_base */
/* test_http_server_rate.c - failures by network (F02). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "net/http_server_rate.h"

static void one_network_over_the_rate(void **state)
{
    struct http_server_rate *rate = http_server_rate_create(20, 60000);
    int wait_s = 0, i;

    (void)state;
    for (i = 0; i < 20; i++)
        assert_false(http_server_rate_fail(rate, "192.0.2.1", 1000, &wait_s));
    assert_int_equal(wait_s, 0);
    assert_true(http_server_rate_fail(rate, "192.0.2.1", 1001, &wait_s));
    assert_int_equal(wait_s, 60);
    assert_true(http_server_rate_fail(rate, "192.0.2.1", 60999, &wait_s));
    assert_int_equal(wait_s, 1);
    /* Others are not meant, nor a name that begins alike. */
    assert_false(http_server_rate_fail(rate, "192.0.2.2", 1001, &wait_s));
    assert_false(http_server_rate_fail(rate, "192.0.2.10", 1001, &wait_s));
    /* A new window. */
    assert_false(http_server_rate_fail(rate, "192.0.2.1", 61000, &wait_s));
    http_server_rate_destroy(rate);
}

static void table_stays_bounded(void **state)
{
    struct http_server_rate *rate = http_server_rate_create(1, 60000);
    char name[64];
    int wait_s, i;

    (void)state;
    for (i = 0; i < 9000; i++) {
        snprintf(name, sizeof(name), "network %d", i);
        assert_false(http_server_rate_fail(rate, name, i, &wait_s));
    }
    /* The newest are known, the oldest made room. */
    assert_true(http_server_rate_fail(rate, "network 8999", 9000, &wait_s));
    assert_true(http_server_rate_fail(rate, "network 900", 9000, &wait_s));
    assert_false(http_server_rate_fail(rate, "network 0", 9000, &wait_s));
    /* A name longer than any address is cut, not written beyond. */
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_false(http_server_rate_fail(rate, name, 9000, &wait_s));
    assert_true(http_server_rate_fail(rate, name, 9000, &wait_s));
    http_server_rate_destroy(rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_network_over_the_rate),
        cmocka_unit_test(table_stays_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
