/* links: connect_kit */
/* test_sdk_sugar.c - the inline helpers of connect/sdk.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <connect/sdk.h>

#include "kit.h"

static void compares_texts(void **state)
{
    static const cn_str secret = CN_STR("s3cret");
    char *copy = cn_copy(secret);

    (void)state;
    assert_true(cn_is(secret, "s3cret"));
    assert_false(cn_is(secret, "s3cre"));
    assert_true(cn_is(cn_text(NULL), ""));
    assert_string_equal(copy, "s3cret");
    free(copy);
    copy = cn_copy(cn_text(NULL));
    assert_string_equal(copy, "");
    free(copy);
    assert_true(cn_secret_equal(secret, cn_text("s3cret")));
    assert_false(cn_secret_equal(secret, cn_text("s3creT")));
    assert_false(cn_secret_equal(secret, cn_text("s3cre")));
    assert_false(cn_secret_equal(secret, cn_text("s3crets3cret")));
    assert_false(cn_secret_equal(cn_text("s3crets3cret"), secret));
    assert_false(cn_secret_equal(secret, cn_text("")));
    assert_false(cn_secret_equal(cn_text(""), secret));
    assert_true(cn_secret_equal(cn_text(""), cn_text(NULL)));
}

static void finds_headers(void **state)
{
    static const cn_header headers[] = {
        {CN_STR("X-Streak-Token"), CN_STR("one")},
        {CN_STR("x-@"), CN_STR("two")},
        {CN_STR(""), CN_STR("three")},
    };

    (void)state;
    assert_true(cn_is(cn_header_find(headers, 3, "x-streak-TOKEN"), "one"));
    assert_true(cn_is(cn_header_find(headers, 3, "X-@"), "two"));
    /* 0x40 and 0x60 differ in the bit of case but are no letters. */
    assert_null(cn_header_find(headers, 3, "x-`").ptr);
    assert_null(cn_header_find(headers, 3, "X-Streak").ptr);
    assert_null(cn_header_find(headers, 3, "X-Streak-Tokens").ptr);
    assert_null(cn_header_find(headers, 0, "x-@").ptr);
}

/* ---- A plugin made of sugar --------------------------------------------- */

static const cn_host *the_host;

static void *create(const cn_host *host)
{
    the_host = host;
    cn_logf(host, CN_LOG_INFO, "%s %lld %lld %d",
            cn_config_text(host, "/name", "none"),
            (long long)cn_config_integer(host, "/count", -1),
            (long long)cn_config_integer(host, "/name", -1),
            cn_config_true(host, "/on"));
    return &the_host;
}

static void destroy(void *self)
{
    (void)self;
}

static void call(void *self, cn_op op, const cn_call *asked)
{
    (void)self;
    if (!strcmp(asked->action, "fail"))
        cn_fail(the_host, op, CN_HOLD, "%s is on hold", "customer 7");
    else if (!strcmp(asked->action, "body"))
        cn_done_body(the_host, op, cn_text("[1]"));
    else
        cn_done(the_host, op);
}

static const cn_plugin sugar = {.size = sizeof(cn_plugin),
                                .id = "test.sugar",
                                .version = "1",
                                .create = create,
                                .destroy = destroy,
                                .call = call};

static void ends_operations(void **state)
{
    struct kit *kit =
        kit_create(&sugar, "{\"name\":\"n\",\"count\":12,\"on\":true}");
    const struct kit_result *result;

    (void)state;
    assert_true(kit_start(kit));
    assert_string_equal(kit_log(kit), "info: n 12 -1 1\n");
    result = kit_result(kit, kit_call(kit, "fail", NULL));
    assert_int_equal(result->outcome.status, CN_HOLD);
    assert_string_equal(result->outcome.message, "customer 7 is on hold");
    result = kit_result(kit, kit_call(kit, "body", NULL));
    assert_int_equal(result->outcome.status, CN_OK);
    assert_string_equal(result->outcome.body, "[1]");
    result = kit_result(kit, kit_call(kit, "nothing", NULL));
    assert_int_equal(result->outcome.status, CN_OK);
    kit_destroy(kit);
    kit = kit_create(&sugar, NULL);
    assert_true(kit_start(kit));
    assert_string_equal(kit_log(kit), "info: none -1 -1 0\n");
    kit_destroy(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_texts),
        cmocka_unit_test(finds_headers),
        cmocka_unit_test(ends_operations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
