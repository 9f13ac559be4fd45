/* links: connect_flow connect_config connect_sdk connect_base */
/* Flow files: the one we ship compiles, and every mistake is named with file,
 * line, path and what was expected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config/config_text.h"
#include "flow/definition.h"

static struct record_types *types;

static bool is_known(void *arg, const char *instance)
{
    (void)arg;
    return !strcmp(instance, "streak") || !strcmp(instance, "syspro");
}

static bool emits(void *arg, const char *instance, const char *type)
{
    (void)arg;
    return !strcmp(instance, "streak") && !strcmp(type, "box_event/1");
}

static bool takes(void *arg, const char *instance, const char *type)
{
    (void)arg;
    return !strcmp(instance, "syspro") ? !strcmp(type, "sales_order/1")
                                       : strcmp(type, "sales_order/1") != 0;
}

static bool probes(void *arg, const char *instance)
{
    (void)instance;
    return arg == NULL;
}

static bool answers(void *arg, const char *instance, const char *action)
{
    (void)arg;
    (void)instance;
    return !strcmp(action, "read_deal");
}

static int compile(const char *text, void *catalog_arg, struct error *err)
{
    struct definition_catalog catalog = {types,   emits,    takes,      probes,
                                         answers, is_known, catalog_arg};
    struct definition *flow = NULL;
    int status = definition_create("won.json", text, strlen(text), &catalog,
                                   types, &flow, err);

    definition_release(flow);
    return status;
}

static void test_shipped_flow_compiles(void **state)
{
    struct error err = {""};
    char *text = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(config_file(CONNECT_SOURCE_DIR
                                 "/config/flows/won-deal-to-sales-order.json",
                                 1 << 20, &text, &len, &err),
                     0);
    if (compile(text, NULL, &err))
        fail_msg("%s", err.text);
    free(text);
}

#define TRIGGER                                                                \
    "{\"flow\":\"f\",\n\"trigger\":{\"instance\":\"streak\",\"type\":"         \
    "\"box_event/1\"},\n\"steps\":[\n"
#define CALL "{\"name\":\"deal\",\"call\":\"read_deal\",\"on\":\"streak\"}"
#define END "\n]}"

static const struct {
    const char *text, *says;
} mistakes[] = {
    {"{", "won.json:1"},
    {"{\"flow\":\"f\"}", "/trigger"},
    {"{\"flow\":\"f\",\"steps\":[],\"triger\":{}}",
     "won.json:1: /triger: is not known here; did you mean \"trigger\"?"},
    {"{\"flow\":\"f\",\n\"trigger\":{\"instance\":\"steak\",\"type\":"
     "\"box_event/1\"},\"steps\":[]}",
     "won.json:2: /trigger/instance: no instance \"steak\" is configured"},
    {"{\"flow\":\"f\",\n\"trigger\":{\"instance\":\"syspro\",\"type\":"
     "\"box_event/1\"},\"steps\":[]}",
     "instance \"syspro\" does not emit box_event/1"},
    {"{\"flow\":\"f\",\n\"trigger\":{\"instance\":\"streak\",\"type\":"
     "\"box_even/1\"},\"steps\":[]}",
     "no record type \"box_even/1\" is known; did you mean \"box_event/1\"?"},
    {TRIGGER END, "/steps: must be a list of steps"},
    {TRIGGER "{\"name\":\"a\"}" END, "won.json:4: /steps/0: needs one of"},
    {TRIGGER "{\"name\":\"a\",\"call\":\"x\",\"filter\":{}}" END,
     "a step does one thing"},
    {TRIGGER "{\"name\":\"A\",\"filter\":{\"path\":\"/trigger/box\",\"exists\":"
             "true}}" END,
     "/steps/0/name: may hold a to z"},
    {TRIGGER "{\"name\":\"deal\",\"call\":\"raed_deal\",\"on\":\"streak\"}" END,
     "instance \"streak\" has no action \"raed_deal\""},
    {TRIGGER CALL ",\n" CALL END,
     "won.json:5: /steps/1/name: \"deal\" is the name of an earlier result"},
    {TRIGGER CALL ",\n{\"name\":\"won\",\"filter\":{\"path\":\"/dael/stage\","
                  "\"equals\":\"x\"}}" END,
     "won.json:5: /steps/1/filter/path: no result \"dael\" exists here; did "
     "you "
     "mean \"deal\"?"},
    {TRIGGER
     "{\"name\":\"won\",\"filter\":{\"path\":\"/deal/stage\",\"equals\":"
     "\"x\"}}" END,
     "no result \"deal\" exists here"},
    {TRIGGER CALL ",{\"name\":\"o\",\"transform\":[{\"to\":\"/x\",\"from\":"
                  "\"/deal/a\",\"convert\":\"trimm\"}]}" END,
     "/steps/1/transform/0/convert: \"trimm\" is not a conversion"},
    {TRIGGER CALL ",{\"name\":\"p\",\"deliver\":\"sales_order/1\",\"to\":"
                  "\"streak\",\"body\":\"/deal\"}" END,
     "instance \"streak\" does not take sales_order/1"},
    {TRIGGER CALL ",{\"name\":\"p\",\"deliver\":\"sales_order/1\",\"to\":"
                  "\"syspro\",\"body\":\"/order\"}" END,
     "/steps/1/body: no result \"order\" exists here"},
    {TRIGGER CALL ",{\"name\":\"p\",\"deliver\":\"sales_order/1\",\"to\":"
                  "\"syspro\",\"body\":\"/deal\",\"on_park\":\"drop\"}" END,
     "must be \"wait\" or \"skip\""},
    {TRIGGER CALL ",{\"name\":\"s\",\"switch\":[{\"otherwise\":true,\"steps\":["
                  "{\"name\":\"q\",\"filter\":{\"path\":\"/deal\",\"exists\":"
                  "true}}]},{\"otherwise\":true,\"steps\":[]}]}" END,
     "must be in the last case"},
    {TRIGGER CALL
     ",{\"name\":\"o\",\"as\":\"sales_order/1\",\"transform\":[{\"to\":"
     "\"/po_nummer\",\"from\":\"/deal/a\"}]}" END,
     "/steps/1/transform/0/to: the record type has no field \"/po_nummer\" "
     "(sales_order/1)"},
    {TRIGGER CALL
     ",{\"name\":\"o\",\"as\":\"sales_order/1\",\"transform\":[{\"to\":"
     "\"/lines\",\"from\":\"/deal/a\",\"each\":[{\"to\":\"/stock\","
     "\"from\":\"/row/a\"}]}]}" END,
     "/steps/1/transform/0/each/0/to: the record type has no field "
     "\"/lines/0/stock\""},
    {TRIGGER CALL
     ",{\"name\":\"m\",\"map\":{\"over\":\"/deal/lines\",\"steps\":"
     "[]}}" END,
     "/steps/1/map/as: must be a text"},
    {"{\"flow\":\"f\",\n\"newer\":\"overtake\"}",
     "won.json:2: /newer: must be \"waits\" or \"overtakes\""},
    {"{\"flow\":\"a-name-of-more-than-a-hundred-bytes-is-not-kept-by-the-store-"
     "and-nobody-would-want-to-read-it-anyway-in-a-list\"}",
     "/flow: is too long; at most 100 bytes"},
    {"{\"flow\":\"f\",\"newer\":true}", "/newer: must be"},
    {"{\"flow\":\"f\",\n\"priority\":\"high\"}",
     "won.json:2: /priority: must be \"interactive\" or \"bulk\""},
};

static void test_mistakes_are_named(void **state)
{
    (void)state;
    for (size_t index = 0; index < sizeof(mistakes) / sizeof(mistakes[0]);
         index++) {
        struct error err = {""};
        if (!compile(mistakes[index].text, NULL, &err))
            fail_msg("row %zu compiled", index);
        if (!strstr(err.text, mistakes[index].says))
            fail_msg("row %zu: %s", index, err.text);
    }
}

static void test_turns_are_read(void **state)
{
    static const struct {
        const char *members;
        enum flow_newer newer;
        enum flow_priority priority;
    } rows[] = {
        {"", FLOW_NEWER_WAITS, FLOW_PRIORITY_UNSAID},
        {"\"newer\":\"waits\",\"priority\":\"interactive\",", FLOW_NEWER_WAITS,
         FLOW_INTERACTIVE},
        {"\"newer\":\"overtakes\",\"priority\":\"bulk\",", FLOW_NEWER_OVERTAKES,
         FLOW_BULK},
    };

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(rows[0]); index++) {
        struct definition *flow = NULL;
        struct error err = {""};
        char text[500];
        snprintf(text, sizeof(text), "{%s%s" CALL END, rows[index].members,
                 &TRIGGER[1]);
        if (definition_create("won.json", text, strlen(text), NULL, types,
                              &flow, &err))
            fail_msg("row %zu: %s", index, err.text);
        assert_int_equal(flow->newer, rows[index].newer);
        assert_int_equal(flow->priority, rows[index].priority);
        definition_release(flow);
    }
}

/* A type that may not be repeated, at an instance that cannot be asked. */
static void test_delivery_that_could_happen_twice_is_refused(void **state)
{
    static const char twice[] = TRIGGER CALL
        ",{\"name\":\"p\",\"deliver\":\"sales_order/1\",\"to\":\"syspro\","
        "\"body\":\"/deal\"}" END;
    static const char accepted[] = TRIGGER CALL
        ",{\"name\":\"p\",\"deliver\":\"sales_order/1\",\"to\":\"syspro\","
        "\"body\":\"/deal\",\"accept_doubles\":true}" END;
    struct error err = {""};
    int cannot_probe = 1;

    (void)state;
    assert_int_equal(compile(twice, NULL, &err), 0);
    assert_int_not_equal(compile(twice, &cannot_probe, &err), 0);
    assert_non_null(strstr(err.text, "accept_doubles"));
    assert_int_equal(compile(accepted, &cannot_probe, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped_flow_compiles),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_turns_are_read),
        cmocka_unit_test(test_delivery_that_could_happen_twice_is_refused),
    };
    struct error err = {""};
    int failed;

    types = record_types_create();
    if (record_types_load(types, CONNECT_SOURCE_DIR "/config/records", &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    record_types_destroy(types);
    return failed;
}
