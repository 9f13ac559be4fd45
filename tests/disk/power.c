/* power.c - F09: the power is cut while the daemon works on a file system of
 * its own.
 *
 * One idea: the daemon is stopped first and waited for, so that no answer is on
 * its way when the file system is shut down; then whatever was answered with
 * 200 must be there after the next start.  What got no answer is sent again, as
 * Streak does, and each deal ends with one order.  The sender works in threads
 * of its own, so that the moment of the cut is any moment. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "image.h"
#include "parts.h"
#include "play.h"

enum {
    DEALS = 12,       /* of each cut */
    SENDERS = 3,      /* at once */
    MOMENT_MS = 45,   /* the cut comes within, after the first is sent */
    IMAGE_MIB = 96,   /* the log of the store, its reserve, some runs */
    POST_MS = 30,     /* an order is committed, and answered so much later */
    STEP_MS = 25000,  /* of all clocks after a start; settling takes 60 s */
    REST_MS = 200000, /* at the end */
    HEADER_MAX = 128
};

struct sending { /* one event */
    char *body;  /* owned */
    const char *key;
    int status;
};

struct sender { /* one thread */
    pthread_t thread;
    const char *url;
    const char *const *headers;
    struct sending *sendings; /* every SENDERS-th of them is its own */
    size_t first;
};

static struct {
    const struct proof *proof;
    const struct part *part;
    struct stage *stage;
    struct image image;
    uint64_t cuts, lost, doubled, answered, unanswered;
    size_t deals;
    int64_t begun;
} power;

/* ---- Sending ------------------------------------------------------------- */

static void *send_own(void *arg)
{
    struct sender *sender = arg;
    struct web *web = web_create();

    for (size_t at = sender->first; at < DEALS; at += SENDERS) {
        struct sending *sending = &sender->sendings[at];
        struct web_request request = {.url = sender->url,
                                      .headers = sender->headers,
                                      .body = sending->body};
        struct web_answer answer = web_call(web, &request);
        sending->status = answer.status;
        web_answer_end(&answer);
    }
    web_destroy(web);
    return NULL;
}

static void must(int status, const char *text)
{
    if (status)
        stage_fail(power.stage, "%s", text);
}

/* Stop the daemon, cut the power, and let the daemon go. */
static void cut(uint64_t number)
{
    struct stage *stage = power.stage;
    uint64_t random = power.proof->seed * 1000003 + number;
    char text[IMAGE_TEXT_MAX];
    siginfo_t about;

    process_nap((int64_t)proof_below(&random, MOMENT_MS));
    process_signal(&stage->connectd, SIGSTOP);
    stage_must(stage, !waitid(P_PID, (id_t)stage->connectd.id, &about,
                              WSTOPPED | WEXITED | WNOWAIT));
    stage_must(stage, about.si_code == CLD_STOPPED);
    must(image_cut(&power.image, text), text);
    process_end(&stage->connectd);
    stage->kills++;
}

static void send_and_cut(struct sending *sendings, uint64_t number)
{
    struct stage *stage = power.stage;
    char url[STAGE_TEXT_MAX], token[HEADER_MAX];
    const char *const headers[] = {"Content-Type: application/json", token,
                                   NULL};
    struct sender senders[SENDERS];

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/in/streak/%s", stage->port,
             stage->path_secret);
    snprintf(token, sizeof(token), "X-Streak-Webhook-Token: %s", stage->token);
    for (size_t at = 0; at < SENDERS; at++) {
        senders[at] = (struct sender){
            .url = url, .headers = headers, .sendings = sendings, .first = at};
        stage_must(stage, !pthread_create(&senders[at].thread, NULL, send_own,
                                          &senders[at]));
    }
    cut(number);
    for (size_t at = 0; at < SENDERS; at++)
        pthread_join(senders[at].thread, NULL);
}

/* ---- After the cut ------------------------------------------------------- */

static void power_again(void)
{
    char text[IMAGE_TEXT_MAX];

    must(image_unmount(&power.image, text), text);
    must(image_check(&power.image, text), text);
    must(image_mount(&power.image, text), text);
    stage_start(power.stage);
}

static void note(const struct sending *sending)
{
    cJSON *entry = cJSON_CreateObject(), *keys = cJSON_CreateArray();

    cJSON_AddItemToArray(keys, cJSON_CreateString(sending->key));
    cJSON_AddItemToObject(entry, "keys", keys);
    cJSON_AddNumberToObject(entry, "status", sending->status);
    cJSON_AddItemToArray(power.stage->sent, entry);
}

/* What was answered is noted, what was not is sent again. */
static void send_rest(struct sending *sendings)
{
    for (size_t at = 0; at < DEALS; at++) {
        if (sendings[at].status == 200) {
            power.answered++;
            note(&sendings[at]);
        } else {
            power.unanswered++;
            stage_must(power.stage,
                       play_send(power.stage, sendings[at].key) == 200);
        }
    }
}

static void one_case(uint64_t number)
{
    struct sending sendings[DEALS];
    struct stage *stage = power.stage;
    cJSON *keys = play_deals(stage, DEALS, "Cut");
    char what[120];
    int64_t events;

    for (int at = 0; at < DEALS; at++) {
        const char *key = cJSON_GetArrayItem(keys, at)->valuestring;
        sendings[at] =
            (struct sending){stage_event_body(stage, &key, 1), key, 0};
    }
    power.deals += DEALS;
    send_and_cut(sendings, number);
    power_again();
    send_rest(sendings);
    power.cuts++;
    events = play_events(stage) + (int64_t)power.lost;
    if (events != (int64_t)power.deals) {
        snprintf(what, sizeof(what), "LOST: %" PRId64 " events of %zu", events,
                 power.deals);
        part_repeat(power.proof, power.part, number, what);
        power.lost += power.deals - (size_t)events;
    }
    for (size_t at = 0; at < DEALS; at++)
        free(sendings[at].body);
    cJSON_Delete(keys);
    stage_step(stage, STEP_MS);
}

static void work(void)
{
    struct stage_options options = play_options();
    struct stage *stage = stage_prepare(&options);
    char file[IMAGE_PATH_MAX * 2], place[IMAGE_PATH_MAX * 2];
    char text[IMAGE_TEXT_MAX];
    const char *kind = power.part->name + strlen("power-");

    power.stage = stage;
    snprintf(file, sizeof(file), "%s/image", stage->directory);
    snprintf(place, sizeof(place), "%s/data", stage->directory);
    must(image_begin(&power.image, kind, file, place, IMAGE_MIB, text), text);
    stage_start(stage);
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"slow_commit\",\"match\":\"/Transaction/Post\","
                "\"ms\":%d,\"always\":true}",
                POST_MS);
    power.begun = process_now_ms();
    for (uint64_t at = 0; at < part_count(power.proof, power.part); at++)
        one_case(power.proof->from + at);
    printf("%s: %" PRIu64 " cuts, %" PRId64 " ms each\n", power.part->name,
           power.cuts,
           (process_now_ms() - power.begun) /
               (int64_t)(power.cuts + !power.cuts));
    stage_no_faults(stage, SYSPRO);
    if (!power.lost)
        stage_rest_within(stage, REST_MS);
    if (stage_order_count(stage) > power.deals)
        power.doubled = stage_order_count(stage) - power.deals;
    if (!power.lost) {
        stage_must(stage, stage_order_count(stage) == power.deals);
        stage_check(stage);
    }
    stage_passed(stage);
}

/* The mount is in the stage's directory, so it goes before that does. */
static void finish(void)
{
    char text[IMAGE_TEXT_MAX];

    if (power.stage)
        process_end(&power.stage->connectd);
    if (power.image.place[0])
        (void)image_unmount(&power.image, text);
}

int power_run(const struct proof *proof, const struct part *part)
{
    const char *refused = image_refused(part->name + strlen("power-"));
    char more[120];
    int status;

    if (refused) {
        printf("%s: skipped: %s\n", part->name, refused);
        return PROOF_SKIPPED;
    }
    memset(&power, 0, sizeof(power));
    power.proof = proof;
    power.part = part;
    status = play(part->name, work, finish);
    snprintf(more, sizeof(more),
             "\"answered\":%" PRIu64 ",\"unanswered\":%" PRIu64, power.answered,
             power.unanswered);
    proof_figures(proof, part->name, power.cuts, power.lost, power.doubled,
                  more);
    return status || power.lost || power.doubled ? PROOF_FAILED : PROOF_PASSED;
}
