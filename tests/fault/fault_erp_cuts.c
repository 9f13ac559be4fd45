/* fault_erp_cuts.c - the line goes dead, or lies, at every byte (F13).
 *
 * One idea: a case is a deal, and its number says what happens at each of its
 * three calls with effect: how, at which byte, and how the answer is framed.
 * Logons, which have no effect, have numbers of their own.  Many deals are on
 * their way at once; the proxy knows a call by the deal it is about.
 *
 * Right: every deal gets one order, one change of its box and one comment, each
 * committed once by its simulator, and is done with the order's number.  Where
 * a byte was changed that no part of HTTP protects, a person may have to look;
 * still nothing is made twice.  A changed digit of the order's number cannot be
 * noticed on the wire (HTTP has no checksum, TLS has); part "answers" shows the
 * setting that finds it, so that byte is left out here.
 *
 * The plan runs on the proxies' threads, under the lock. */
#include "fault_erp.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/memory.h"
#include "checker.h"

enum {
    BATCH = 64,   /* deals on their way at once */
    ROUND = 1100, /* bytes of an answer, head and all, that are tried */
    FRAMINGS = 3,
    STRIDE = 331, /* prime to ROUND: from byte to byte of the dear modes */
    SPREAD = 37,  /* step of the default run through all cases: prime to
                   * the modes' cycle, so that each comes */
    NAME_MAX_ = 120,
    REST_MS = 240000
};

enum call { CALL_POST, CALL_BOX, CALL_COMMENT, CALL_LOGON, CALLS, CALL_NONE };
static const char *const call_names[] = {"post", "box", "comment", "logon"};

enum mode {
    MODE_FIN,
    MODE_RESET,
    MODE_STALL,       /* until our time-out */
    MODE_LATE,        /* the request arrives after our time-out */
    MODE_REQUEST_FIN, /* cut before the request is whole */
    MODE_LOW,         /* a byte with its lowest bit changed */
    MODE_CASE,        /* ... of 0x20 */
    MODE_HIGH,        /* ... its highest bit */
    MODES
};
static const char *const mode_names[] = {
    "fin", "reset", "stall", "late", "request_fin", "low", "case", "high"};

/* What comes how often: those that wait for a time-out are dear. */
static const enum mode cycle[] = {
    MODE_FIN, MODE_RESET, MODE_LOW,         MODE_FIN, MODE_RESET, MODE_CASE,
    MODE_FIN, MODE_RESET, MODE_REQUEST_FIN, MODE_FIN, MODE_RESET, MODE_HIGH,
    MODE_FIN, MODE_LOW,   MODE_STALL,       MODE_FIN, MODE_LATE};
enum { CYCLE = sizeof(cycle) / sizeof(*cycle) };

struct cut {
    enum mode mode;
    enum proxy_framing framing;
    uint64_t at;
};

struct deal {
    char key[STAGE_TEXT_MAX];
    char po[CHECKER_PO_MAX];
    uint64_t number; /* of the case */
    struct {
        bool asked, answering;
    } calls[CALLS];
    bool changed;      /* a byte of an answer about it was */
    unsigned comments; /* found at the end */
    unsigned writes;
    UT_hash_handle by_key, by_po;
};

struct done {
    char name[NAME_MAX_]; /* call, mode, framing, byte */
    UT_hash_handle hh;
};

struct cuts {
    pthread_mutex_t lock;
    struct stage *stage;
    struct deal *by_key, *by_po;
    uint64_t logon;     /* the number of the next one's case */
    uint64_t logon_end; /* from it on belongs to another run of the harness */
    char shape;
    struct done *done;
    uint64_t counts[CALLS][MODES];
    uint64_t cut_count, left_out;
};

/* The cut of a case at a call: no two cases have the same one.  The byte goes
 * round ROUND and the framing round 3; those are prime to each other, so the
 * pair comes again after 3 ROUND cases of a mode only, and of the most frequent
 * mode there are fewer. */
_Static_assert(ROUND % FRAMINGS != 0, "byte and framing go round apart");
_Static_assert(6 * (FAULT_CUTS_CASES / CYCLE + 1) <= FRAMINGS * ROUND,
               "MODE_FIN, six of each cycle, does not come round");

static struct cut cut_of(uint64_t number, enum call call)
{
    struct cut cut = {.mode = cycle[number % CYCLE]};
    uint64_t index = number / CYCLE, before = 0, of_mode = 0;

    for (size_t at = 0; at < CYCLE; at++) {
        before += at < number % CYCLE && cycle[at] == cut.mode;
        of_mode += cycle[at] == cut.mode;
    }
    index = index * of_mode + before; /* among those of this mode */
    cut.at = index % ROUND;
    /* A stride that is prime to the round: the dear modes are too few for every
     * byte, and shall not see the first ones only. */
    if (of_mode < 3)
        cut.at = index * STRIDE % ROUND;
    cut.framing = (enum proxy_framing)((index + (uint64_t)call) % FRAMINGS);
    return cut;
}

/* ---- The plan ------------------------------------------------------------ */

static struct deal *deal_by_po(struct cuts *cuts, const char *request)
{
    const char *po = strstr(request, "ST-");
    struct deal *deal = NULL;
    size_t len = 3;

    if (!po)
        return NULL;
    while (isalnum((unsigned char)po[len]))
        len++;
    HASH_FIND(by_po, cuts->by_po, po, len, deal);
    return deal;
}

static struct deal *deal_by_key(struct cuts *cuts, const char *path)
{
    const char *key = strstr(path, "/boxes/");
    struct deal *deal = NULL;

    if (!key)
        return NULL;
    key += 7;
    HASH_FIND(by_key, cuts->by_key, key, strcspn(key, "/ ?"), deal);
    return deal;
}

static enum call call_of(struct cuts *cuts, const char *request,
                         struct deal **ret_deal)
{
    const char *space = strchr(request, ' ');
    size_t line = strcspn(request, "\r");
    bool post = !strncmp(request, "POST ", 5);
    enum call call = CALL_NONE;

    *ret_deal = NULL;
    if (!space)
        return CALL_NONE;
    if (memmem(request, line, "/Logon?", 7))
        return CALL_LOGON;
    if (memmem(request, line, "/Transaction/Post", 17)) {
        *ret_deal = deal_by_po(cuts, request);
        call = CALL_POST;
    } else if (post && memmem(request, line, "/comments", 9)) {
        *ret_deal = deal_by_key(cuts, request);
        call = CALL_COMMENT;
    } else if (post && memmem(request, line, "/v1/boxes/", 10)) {
        *ret_deal = deal_by_key(cuts, request);
        call = CALL_BOX;
    }
    return *ret_deal ? call : CALL_NONE;
}

static void note(struct cuts *cuts, enum call call, const struct cut *cut)
{
    struct done *done = memory_zero(1, sizeof(*done)), *old = NULL;

    snprintf(done->name, sizeof(done->name), "%s %c %s %d %llu",
             call_names[call], call == CALL_POST ? cuts->shape : '-',
             mode_names[cut->mode], (int)cut->framing,
             (unsigned long long)cut->at);
    cuts->cut_count++;
    HASH_FIND_STR(cuts->done, done->name, old);
    if (old) {
        free(done);
        return;
    }
    HASH_ADD_STR(cuts->done, name, done);
    cuts->counts[call][cut->mode]++;
}

/* Is this byte a digit of the order's number? */
static bool in_number(const struct proxy_exchange *exchange, uint64_t at)
{
    const char *start = strstr(exchange->answer, "<SalesOrder>"), *end;

    while (start) {
        end = strchr(start + 1, '<');
        if (end && exchange->answer + at > start && exchange->answer + at < end)
            return true;
        start = strstr(start + 1, "<SalesOrder>");
    }
    return false;
}

static void plan_request(struct cuts *cuts, enum call call,
                         const struct cut *cut,
                         const struct proxy_exchange *exchange,
                         struct proxy_fault *fault)
{
    fault->framing = cut->framing;
    if (cut->mode != MODE_LATE && cut->mode != MODE_REQUEST_FIN)
        return;
    /* Behind the last byte is what the other modes are about. */
    if (cut->at >= exchange->request_len)
        return;
    fault->act = cut->mode == MODE_LATE ? PROXY_LATE : PROXY_FIN;
    fault->at = cut->at;
    note(cuts, call, cut);
}

/* Did it change a byte? */
static bool plan_answer(struct cuts *cuts, enum call call,
                        const struct cut *cut,
                        const struct proxy_exchange *exchange,
                        struct proxy_fault *fault)
{
    static const unsigned char masks[MODES] = {
        [MODE_LOW] = 0x01, [MODE_CASE] = 0x20, [MODE_HIGH] = 0x80};
    static const enum proxy_act acts[MODES] = {
        [MODE_FIN] = PROXY_FIN,      [MODE_RESET] = PROXY_RESET,
        [MODE_STALL] = PROXY_STALL,  [MODE_LOW] = PROXY_CORRUPT,
        [MODE_CASE] = PROXY_CORRUPT, [MODE_HIGH] = PROXY_CORRUPT};
    bool change = masks[cut->mode] != 0;

    if (cut->mode == MODE_LATE || cut->mode == MODE_REQUEST_FIN ||
        cut->at > exchange->answer_len - (change || cut->mode == MODE_STALL))
        return false;
    if (change && call == CALL_POST && in_number(exchange, cut->at)) {
        cuts->left_out++;
        return false;
    }
    fault->act = acts[cut->mode];
    fault->mask = masks[cut->mode];
    fault->at = cut->at;
    note(cuts, call, cut);
    return change;
}

static void plan_deal(struct cuts *cuts, enum call call, struct deal *deal,
                      const struct proxy_exchange *exchange,
                      struct proxy_fault *fault)
{
    struct cut cut = cut_of(deal->number, call);

    if (exchange->way == PROXY_TO_SERVER && !deal->calls[call].asked) {
        deal->calls[call].asked = deal->calls[call].answering = true;
        plan_request(cuts, call, &cut, exchange, fault);
    } else if (exchange->way == PROXY_TO_CLIENT &&
               deal->calls[call].answering) {
        deal->calls[call].answering = false;
        deal->changed |= plan_answer(cuts, call, &cut, exchange, fault);
    }
}

static void plan(void *arg, const struct proxy_exchange *exchange,
                 struct proxy_fault *fault)
{
    struct cuts *cuts = arg;
    struct deal *deal;
    enum call call;
    struct cut cut;

    pthread_mutex_lock(&cuts->lock);
    call = call_of(cuts, exchange->request, &deal);
    if (call == CALL_LOGON && exchange->way == PROXY_TO_SERVER) {
        cut = cut_of(cuts->logon++, call);
        if (cuts->logon <= cuts->logon_end)
            plan_request(cuts, call, &cut, exchange, fault);
    } else if (call == CALL_LOGON && cuts->logon <= cuts->logon_end) {
        cut = cut_of(cuts->logon - 1, call); /* one is out at a time */
        (void)plan_answer(cuts, call, &cut, exchange, fault);
    } else if (call != CALL_NONE && call != CALL_LOGON) {
        plan_deal(cuts, call, deal, exchange, fault);
    }
    pthread_mutex_unlock(&cuts->lock);
}

static bool is_busy(void *arg)
{
    const struct scene *scene = arg;

    return proxy_busy(scene->syspro) || proxy_busy(scene->streak);
}

/* ---- The deals ----------------------------------------------------------- */

/* The number of the case that comes at this place of the run. */
static uint64_t number_at(uint64_t from, uint64_t place)
{
    bool asked = fault_proof.count || fault_proof.from;

    return asked ? from + place : place * SPREAD % FAULT_CUTS_CASES;
}

static void batch(struct cuts *cuts, uint64_t from, uint64_t place,
                  unsigned count)
{
    cJSON *keys = stage_win_many(cuts->stage, count, "Cut");
    const cJSON *key;

    pthread_mutex_lock(&cuts->lock);
    cJSON_ArrayForEach(key, keys)
    {
        struct deal *deal = memory_zero(1, sizeof(*deal));
        snprintf(deal->key, sizeof(deal->key), "%s", key->valuestring);
        checker_po(deal->key, deal->po);
        deal->number = number_at(from, place++);
        HASH_ADD_KEYPTR(by_key, cuts->by_key, deal->key, strlen(deal->key),
                        deal);
        HASH_ADD_KEYPTR(by_po, cuts->by_po, deal->po, strlen(deal->po), deal);
    }
    cuts->shape = (place / BATCH) % 2 ? 'A' : 'B';
    pthread_mutex_unlock(&cuts->lock);
    stage_tell(cuts->stage, SYSPRO, "/_sim/shape", "{\"clean\":\"%c\"}",
               cuts->shape);
    fault_send(cuts->stage, keys);
    cJSON_Delete(keys);
    stage_rest_within(cuts->stage, REST_MS);
}

/* ---- What must hold ------------------------------------------------------ */

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static void count_comments(struct cuts *cuts)
{
    cJSON *told = stage_get(cuts->stage, STREAK,
                            "/_sim/documents?kind=comment&limit=100000");
    const cJSON *entry;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(told, "entries"))
    {
        const char *key =
            text_of(cJSON_GetObjectItem(entry, "detail"), "boxKey");
        struct deal *deal = NULL;
        HASH_FIND(by_key, cuts->by_key, key, strlen(key), deal);
        if (deal)
            deal->comments++;
    }
    cJSON_Delete(told);
}

/* Writes to boxes that the simulator carried out. */
static void count_writes(struct cuts *cuts)
{
    cJSON *told = stage_get(cuts->stage, STREAK, "/_sim/ledger?limit=200000");
    const cJSON *entry;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(told, "entries"))
    {
        const char *path = text_of(entry, "path");
        struct deal *deal = NULL;
        if (!strcmp(text_of(entry, "method"), "POST") &&
            !strstr(path, "/comments") &&
            cJSON_IsTrue(cJSON_GetObjectItem(entry, "committed")))
            deal = deal_by_key(cuts, path);
        if (deal)
            deal->writes++;
    }
    cJSON_Delete(told);
}

static void say_case(const struct deal *deal, const char *what, unsigned count)
{
    fprintf(stderr,
            "%u %s of one deal; again: fault_erp --part cuts --from %llu "
            "--count 1\n",
            count, what, (unsigned long long)deal->number);
}

/* Deals done; "parked" only where an answer was changed on its way. */
static uint64_t check_runs(struct cuts *cuts, const cJSON *runs,
                           uint64_t *ret_parked)
{
    const cJSON *run;
    uint64_t wrong = 0;

    cJSON_ArrayForEach(run, runs)
    {
        const char *key = text_of(cJSON_GetObjectItem(run, "trigger"), "key");
        bool done = !strcmp(text_of(run, "state"), "done");
        struct deal *deal = NULL;
        HASH_FIND(by_key, cuts->by_key, key, strlen(key), deal);
        if (!deal || done)
            continue;
        *ret_parked += deal->changed;
        if (deal->changed)
            continue;
        wrong++;
        fprintf(stderr,
                "run is %s: %s; again: fault_erp --part cuts --from "
                "%llu --count 1\n",
                text_of(run, "state"), text_of(run, "reason"),
                (unsigned long long)deal->number);
    }
    return wrong;
}

static uint64_t check_deals(struct cuts *cuts)
{
    struct deal *deal, *next;
    uint64_t wrong = 0;

    count_comments(cuts);
    count_writes(cuts);
    HASH_ITER(by_key, cuts->by_key, deal, next)
    {
        bool comments =
            deal->comments > 1 || (!deal->comments && !deal->changed);
        bool writes = deal->writes > 1 || (!deal->writes && !deal->changed);
        if (comments)
            say_case(deal, "comments", deal->comments);
        if (writes)
            say_case(deal, "changes of the box", deal->writes);
        wrong += comments || writes;
    }
    return wrong;
}

static void figures(struct cuts *cuts, uint64_t count, uint64_t parked)
{
    char more[300];
    uint64_t bytes[CALLS] = {0};

    for (int call = 0; call < CALLS; call++) {
        printf("%-8s", call_names[call]);
        for (int mode = 0; mode < MODES; mode++) {
            printf(" %s %llu", mode_names[mode],
                   (unsigned long long)cuts->counts[call][mode]);
            bytes[call] += cuts->counts[call][mode];
        }
        printf("\n");
    }
    snprintf(more, sizeof(more),
             "\"cuts\":%llu,\"distinct\":%u,\"post\":%llu,\"box\":%llu,"
             "\"comment\":%llu,\"logon\":%llu,\"parked\":%llu,"
             "\"left_out\":%llu",
             (unsigned long long)cuts->cut_count, HASH_COUNT(cuts->done),
             (unsigned long long)bytes[CALL_POST],
             (unsigned long long)bytes[CALL_BOX],
             (unsigned long long)bytes[CALL_COMMENT],
             (unsigned long long)bytes[CALL_LOGON], (unsigned long long)parked,
             (unsigned long long)cuts->left_out);
    proof_figures(&fault_proof, "cuts", count, 0, 0, more);
}

static void forget(struct cuts *cuts)
{
    struct deal *deal, *next_deal;
    struct done *done, *next;

    HASH_CLEAR(by_po, cuts->by_po);
    HASH_ITER(by_key, cuts->by_key, deal, next_deal)
    {
        HASH_DELETE(by_key, cuts->by_key, deal);
        free(deal);
    }
    HASH_ITER(hh, cuts->done, done, next)
    {
        HASH_DEL(cuts->done, done);
        free(done);
    }
}

void fault_erp_cuts(void **state)
{
    static struct cuts cuts = {.lock = PTHREAD_MUTEX_INITIALIZER};
    /* What a stalled call costs, in real time. */
    static const char limits[] = "{\"operation_ms\":400,\"stuck_ms\":20000}";
    struct stage_options options = {.limits = limits, .level = "warn"};
    uint64_t from, count, wrong, parked = 0;
    struct scene *scene;
    cJSON *ledgers;

    (void)state;
    proof_cases(&fault_proof, FAULT_CUTS_CASES, FAULT_CUTS_DEFAULT, &from,
                &count);
    scene = fault_scene(&options, plan, &cuts);
    cuts.stage = scene->stage;
    cuts.logon = from;
    cuts.logon_end = from + count;
    cuts.stage->busy = is_busy;
    cuts.stage->busy_arg = scene;
    /* A question after a doubt finds its session gone now and then: that makes
     * logons to cut. */
    stage_fault(cuts.stage, SYSPRO,
                "{\"fault\":\"evict_session\",\"match\":\"/Query/\","
                "\"probability\":0.25}");
    for (uint64_t place = 0; place < count; place += BATCH)
        batch(&cuts, from, place,
              (unsigned)(count - place < BATCH ? count - place : BATCH));
    ledgers = stage_ledgers(cuts.stage);
    wrong = check_runs(&cuts, cJSON_GetObjectItem(ledgers, "runs"), &parked);
    wrong += check_deals(&cuts);
    stage_check_ledgers(cuts.stage, ledgers);
    if (cuts.cut_count != HASH_COUNT(cuts.done))
        stage_fail(cuts.stage, "%llu cuts, but %u distinct ones",
                   (unsigned long long)cuts.cut_count, HASH_COUNT(cuts.done));
    if (wrong)
        stage_fail(cuts.stage, "%llu deals went wrong",
                   (unsigned long long)wrong);
    figures(&cuts, count, parked);
    stage_passed(cuts.stage);
    forget(&cuts);
}
