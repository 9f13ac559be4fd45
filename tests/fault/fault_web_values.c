/* fault_web_values.c - F07: values that change their meaning on the way.
 *
 * One idea: the amounts in the ERP simulator's ledger are compared with the
 * text of the deal, digit by digit; what is no amount makes no call at all. One
 * thread. */
#include "fault_web.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum meaning { ORDERED, PARKED };

static const struct value {
    const char *lines; /* as in JSON */
    enum meaning meaning;
    const char *field; /* that the reason must name */
} values[] = {
    {"A100; 1; 19.99", ORDERED, ""},
    {"A100; 1; 0.1\\nA100; 1; 0.1\\nA100; 1; 0.1", ORDERED, ""},
    {"A100; 3; 149.90", ORDERED, ""},
    {"A100; 2.5; 1", ORDERED, ""},
    {"A100; 3.10; 149.90000", ORDERED, ""},
    {"A100; 100; 1.00001", ORDERED, ""},
    {"A100; 1; 0.07", ORDERED, ""},
    {"A100; 7; 1.005", ORDERED, ""},
    {"A100; -1; 2.00", PARKED, "quantity"},
    {"A100; 0; 2.00", PARKED, "quantity"},
    {"A100; -0; 2.00", PARKED, "quantity"},
    {"A100; 1,000.00; 2.00", PARKED, "quantity"},
    {"A100; 1; 1,000.00", PARKED, "price"},
    {"A100; 1.000,00; 2.00", PARKED, "quantity"},
    {"A100; 1e3; 2.00", PARKED, "quantity"},
    {"A100; 1e400; 2.00", PARKED, "quantity"},
    {"A100; 1; 1e400", PARKED, "price"},
    {"A100; NaN; 2.00", PARKED, "quantity"},
    {"A100; Infinity; 2.00", PARKED, "quantity"},
    {"A100; 0x10; 2.00", PARKED, "quantity"},
    {"A100; 1; -2.00", PARKED, "price"},
    {"A100; 1; 19.999999999999999999", PARKED, "price"},
    {"A100; 1.0000001; 2.00", PARKED, "quantity"},
    {"A100; 1; 1.2.3", PARKED, "price"},
    {"A100; \\u0663; 2.00", PARKED, "quantity"},
    {"A100; \\uff11; 2.00", PARKED, "quantity"},
    {"A100; 1 2; 2.00", PARKED, "quantity"},
    {"A100; ; 2.00", PARKED, "quantity"},
    {"A100; 99999999999999999999999; 2.00", PARKED, "quantity"},
};
enum { VALUES = sizeof(values) / sizeof(*values) };

uint64_t fault_web_values_count(void)
{
    return VALUES + 1;
}

static bool named(struct stage *stage, const char *key, const char *field)
{
    cJSON *run = stage_get(stage, ADMIN, "/v1/runs/%lld",
                           (long long)stage_run_of(stage, key, "parked"));
    const char *reason =
        cJSON_GetStringValue(cJSON_GetObjectItem(run, "reason"));
    bool is = reason && strstr(reason, field);

    if (!is)
        fprintf(stderr, "not named: %s: %s\n", field, reason ? reason : "");
    cJSON_Delete(run);
    return is;
}

static unsigned check_value(struct stage *stage, const struct value *value,
                            uint64_t number)
{
    char key[STAGE_TEXT_MAX], name[40], number_text[STAGE_TEXT_MAX];
    const char *const keys[] = {key};
    size_t orders = stage_order_count(stage), asked;
    bool right;

    snprintf(name, sizeof(name), "Value %" PRIu64, number);
    stage_deal(stage, name, "Bayside Tools Ltd", value->lines, key);
    stage_win(stage, key);
    asked = stage_seen(stage, SYSPRO, "/Transaction/Post");
    stage_must(stage, stage_send_boxes(stage, keys, 1) == 200);
    stage_rest(stage);
    stage_field(stage, key, "SYSPRO order", number_text);
    if (value->meaning == ORDERED)
        right = stage_order_count(stage) == orders + 1 && *number_text;
    else
        right = stage_order_count(stage) == orders && !*number_text &&
                stage_seen(stage, SYSPRO, "/Transaction/Post") == asked &&
                stage_run_of(stage, key, "parked") > 0 &&
                named(stage, key, value->field);
    if (!right)
        fprintf(stderr, "\"%s\" should be %s\n", value->lines,
                value->meaning == ORDERED ? "an order" : "parked");
    return !right;
}

/* A whole number that a double does not have is kept digit for digit. */
static unsigned check_version(struct stage *stage)
{
    static const char wanted[] = "9007199254740993";
    static const char name[] = "\"lastSavedTimestamp\":";
    char key[STAGE_TEXT_MAX], *body, *at, *changed;
    const char *const keys[] = {key};
    struct stage_webhook webhook = {0};
    struct web_answer answer;
    unsigned wrong = 1;
    cJSON *told;

    stage_deal(stage, "Version", "Bayside Tools Ltd", "A100; 1; 1", key);
    body = stage_event_body(stage, keys, 1);
    at = strstr(body, name);
    stage_must(stage, at);
    at += sizeof(name) - 1;
    if (asprintf(&changed, "%.*s%s%s", (int)(at - body), body, wanted,
                 at + strspn(at, "0123456789")) < 0)
        abort();
    webhook.body = changed;
    answer = stage_send(stage, &webhook);
    stage_must(stage, answer.status == 200);
    web_answer_end(&answer);
    stage_rest(stage);
    told = stage_get(stage, ADMIN, "/v1/runs/%lld?unmasked=1",
                     (long long)stage_run_of(stage, key, "done"));
    at = cJSON_PrintUnformatted(told);
    wrong = !strstr(at, wanted);
    cJSON_free(at);
    cJSON_Delete(told);
    free(body);
    free(changed);
    return wrong;
}

void fault_web_values(void **state)
{
    struct stage_options options = {.no_registrations = true};
    struct stage *stage = stage_begin(&options);
    uint64_t from, count;
    unsigned wrong = 0;

    (void)state;
    proof_cases(&web_proof, fault_web_values_count(), fault_web_values_count(),
                &from, &count);
    for (uint64_t at = from; at < from + count; at++)
        wrong += at < VALUES ? check_value(stage, &values[at], at)
                             : check_version(stage);
    printf("values: %u wrong\n", wrong);
    stage_must(stage, !wrong);
    stage_check(stage);
    proof_figures(&web_proof, "values", count, 0, 0, NULL);
    stage_passed(stage);
}
