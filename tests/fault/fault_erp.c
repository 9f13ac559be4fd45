/* fault_erp.c - faults of the ERP and the CRM against the real daemon: F13,
 * F14, F15, F19, and an outage.
 *
 * One idea: each part is one test of cmocka on one stage, so that whatever
 * fails is cleaned up; the program's exit code is that of all harnesses.  One
 * thread; the proxies have their own. */
#include "fault_erp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct proof fault_proof;

enum { WEBHOOK_DEALS = 50, OPTION_MAX = 2000, LOOK_MS = 10 };

static struct scene scene; /* of the running test */
static char streak_option[OPTION_MAX], syspro_option[OPTION_MAX];

static const char about[] =
    "Faults of the ERP and the CRM against the real daemon.\n"
    "parts: cuts     the line goes dead or lies, at every byte (F13)\n"
    "       answers  successes that are none (F14)\n"
    "       storm    429 and 503 in thousands (F15)\n"
    "       poison   events that end their mapping (F19)\n"
    "       outage   the target is away while events come\n";

static const struct proof_part parts[] = {
    {"cuts", fault_erp_cuts, FAULT_CUTS_CASES, NULL, 0},
    {"answers", fault_erp_answers, 0, fault_erp_answers_count, 0},
    {"storm", fault_erp_storm, FAULT_STORM_CASES, NULL, 2500},
    {"poison", fault_erp_poison, FAULT_POISON_CASES, NULL, 1000},
    {"outage", fault_erp_outage, FAULT_OUTAGE_CASES, NULL, 30},
};

/* ---- Scenes -------------------------------------------------------------- */

/* base_url through the proxy, and what else the test wants. */
static void make_option(char to[OPTION_MAX], struct proxy *proxy,
                        const char *path, const char *more)
{
    int len =
        snprintf(to, OPTION_MAX, "{\"base_url\":\"http://127.0.0.1:%u%s\"",
                 proxy_port(proxy), path);

    if (more && more[1] != '}')
        snprintf(to + len, OPTION_MAX - (size_t)len, ",%s", more + 1);
    else
        snprintf(to + len, OPTION_MAX - (size_t)len, "}");
}

struct scene *fault_scene(const struct stage_options *options,
                          proxy_plan_fn *plan, void *arg)
{
    struct stage_options wanted = {.level = "warn"};

    if (options)
        wanted = *options;
    wanted.no_registrations = true;
    scene.syspro = proxy_create(false, plan, arg);
    scene.streak = proxy_create(false, plan, arg);
    assert_non_null(scene.syspro);
    assert_non_null(scene.streak);
    make_option(syspro_option, scene.syspro, "/SYSPROWCFService/Rest",
                wanted.syspro);
    make_option(streak_option, scene.streak, "/api", wanted.streak);
    wanted.syspro = syspro_option;
    wanted.streak = streak_option;
    scene.stage = stage_prepare(&wanted);
    proxy_set_server(scene.syspro, scene.stage->syspro_base);
    proxy_set_server(scene.streak, scene.stage->streak_base);
    stage_start(scene.stage);
    return &scene;
}

int fault_teardown(void **state)
{
    int status = stage_teardown(state);

    proxy_destroy(scene.syspro);
    proxy_destroy(scene.streak);
    memset(&scene, 0, sizeof(scene));
    return status;
}

/* ---- Deals --------------------------------------------------------------- */

cJSON *fault_bodies(struct stage *stage, const cJSON *keys)
{
    cJSON *bodies = cJSON_CreateArray();
    const char *batch[WEBHOOK_DEALS];
    const cJSON *key;
    size_t count = 0;
    int left = cJSON_GetArraySize(keys);

    cJSON_ArrayForEach(key, keys)
    {
        char *body;
        batch[count++] = key->valuestring;
        left--;
        if (count < WEBHOOK_DEALS && left > 0)
            continue;
        body = stage_event_body(stage, batch, count);
        cJSON_AddItemToArray(bodies, cJSON_CreateString(body));
        free(body);
        count = 0;
    }
    return bodies;
}

void fault_send_bodies(struct stage *stage, const cJSON *bodies)
{
    const cJSON *body;

    cJSON_ArrayForEach(body, bodies)
    {
        struct stage_webhook webhook = {.body = body->valuestring};
        struct web_answer answer = stage_send(stage, &webhook);
        stage_must(stage, answer.status == 200);
        web_answer_end(&answer);
    }
}

void fault_send(struct stage *stage, const cJSON *keys)
{
    cJSON *bodies = fault_bodies(stage, keys);

    fault_send_bodies(stage, bodies);
    cJSON_Delete(bodies);
}

bool fault_all_done(struct stage *stage, void *arg)
{
    struct fault_done *done = arg;
    cJSON *told =
        stage_get(stage, STREAK, "/_sim/documents?kind=comment&after=%lld",
                  (long long)done->after);
    const cJSON *entry;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(told, "entries"))
    {
        done->after =
            (int64_t)cJSON_GetObjectItem(entry, "number")->valuedouble;
        done->count++;
    }
    cJSON_Delete(told);
    if (done->count < done->wanted)
        process_nap(LOOK_MS);
    return done->count >= done->wanted;
}

/* ---- The program --------------------------------------------------------- */

static int run_part(const struct proof_part *part)
{
    const struct CMUnitTest tests[] = {
        {part->name, part->test, NULL, fault_teardown, NULL}};

    return cmocka_run_group_tests(tests, NULL, NULL) ? PROOF_FAILED
                                                     : PROOF_PASSED;
}

int main(int argc, char **argv)
{
    proof_options(&fault_proof, argc, argv, about);
    return proof_parts(&fault_proof, parts, sizeof(parts) / sizeof(*parts),
                       run_part);
}
