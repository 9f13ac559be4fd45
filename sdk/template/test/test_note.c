/* test_note.c - the plugin without a host: the kit hands it work, and the test
 * answers its requests by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <connect/kit.h>

static const char note[] = "{\"id\":\"n-1\",\"text\":\"call back\"}";

static struct kit *start(void)
{
    struct kit *kit =
        kit_create(&cn_plugin_v1, "{\"url\":\"https://notes.example\","
                                  "\"token\":\"kept-out-of-sight\"}");

    assert_true(kit_start(kit));
    return kit;
}

static void delivers(void **state)
{
    struct kit *kit = start();
    cn_op op = kit_deliver(kit, "example.note/1", "event-1", "n-1", note);
    struct kit_request *request = kit_pending(kit);

    (void)state;
    assert_non_null(request);
    assert_string_equal(request->method, "POST");
    assert_string_equal(request->url, "https://notes.example/notes");
    assert_string_equal(request->auth, "token");
    assert_string_equal(request->body, note);
    assert_int_equal(request->effect, 1);
    kit_answer(kit, request, 201, "{\"number\":\"17\"}");
    assert_true(kit_result(kit, op)->done);
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_OK);
    assert_string_equal(kit_result(kit, op)->outcome.body,
                        "{\"number\":\"17\"}");
    kit_destroy(kit);
}

static void says_what_it_does_not_know(void **state)
{
    struct kit *kit = start();
    cn_op op = kit_deliver(kit, "example.note/1", "event-1", "n-1", note);

    (void)state;
    kit_answer(kit, kit_pending(kit), 200, "<html>");
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_IN_DOUBT);
    op = kit_deliver(kit, "example.note/1", "event-1", "n-1", note);
    kit_answer_failure(kit, kit_pending(kit), KIT_NO_ANSWER);
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_IN_DOUBT);
    op = kit_deliver(kit, "example.note/1", "event-1", "n-1", note);
    kit_answer_failure(kit, kit_pending(kit), KIT_NOT_SENT);
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_RETRY);
    kit_destroy(kit);
}

static void probes(void **state)
{
    struct kit *kit = start();
    cn_op op = kit_probe(kit, "example.note/1", "event-1", "n-1", note);

    (void)state;
    assert_string_equal(kit_pending(kit)->url,
                        "https://notes.example/notes/n-1");
    kit_answer(kit, kit_pending(kit), 404, "");
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_ABSENT);
    op = kit_probe(kit, "example.note/1", "event-1", "n-1", note);
    kit_answer(kit, kit_pending(kit), 200, "{\"number\":\"17\"}");
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_OK);
    op = kit_probe(kit, "example.note/1", "event-1", "n-1", note);
    kit_answer(kit, kit_pending(kit), 500, "");
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_RETRY);
    kit_destroy(kit);
}

static void finds(void **state)
{
    struct kit *kit = start();
    cn_op op = kit_call(kit, "find_note", "{\"id\":\"n-2\"}");

    (void)state;
    kit_answer(kit, kit_pending(kit), 404, "");
    assert_string_equal(kit_result(kit, op)->outcome.body, "null");
    op = kit_call(kit, "lose_note", "{}");
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_UNSUPPORTED);
    op = kit_check(kit);
    kit_answer(kit, kit_pending(kit), 401, "");
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_AUTH);
    kit_destroy(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers),
        cmocka_unit_test(says_what_it_does_not_know),
        cmocka_unit_test(probes),
        cmocka_unit_test(finds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
