/* walk.c - the life of one seed: random steps, then the calm, then the account.
 *
 * One idea: a step does one thing to the daemon or its surroundings and lets
 * it work for a while; after each the history is looked at.  When the faults
 * have stopped, everything must come to its end by itself, and every won deal
 * must have its order, once, and carry its number. */
#include "walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "disk.h"
#include "flows.h"
#include "store/opening.h"
#include "world.h"

enum {
    EVENTS_NEW_MAX = 400, /* of one seed */
    EVENTS_KEPT_MAX = 4000,
    COMPARE_STEPS = 50, /* between looks at the tables */
    JUMP_ROUNDS = 8,    /* until a commit of a moment ago is answered */
    WAKES_MAX = 1500,   /* of the end of a seed; more is a busy loop */
    MANY = 6,           /* runs of one act on many */
    YEAR_MS_TENTH = 315360000
};

static struct walk_figures figures;

/* ---- Events -------------------------------------------------------------- */

struct asked {
    struct world *world;
    char id[16];
};

static void event_answered(void *arg, int status, size_t accepted,
                           size_t duplicates)
{
    struct asked *asked = arg;
    struct world *world = asked->world;

    figures.duplicates += duplicates;
    if (!status && accepted && !world_dead(world)) {
        figures.events++;
        watch_look(world); /* what is answered must stay */
        if (world->event_count == EVENTS_KEPT_MAX)
            world_broken(world, "more events than the harness holds");
        snprintf(world->events[world->event_count++], sizeof(world->events[0]),
                 "%s", asked->id);
    }
    free(asked);
}

/* The deal is part of the id, so that a duplicate says the same. */
static void event(struct world *world, const char *id)
{
    unsigned number = (unsigned)strtoul(id + 1, NULL, 10);
    const char *key = world->erp.boxes[number % ERP_BOXES].key;
    struct asked *asked = calloc(1, sizeof(*asked));
    struct op_record record[2] = {
        {.type = "box_event/1", .key = {key, strlen(key)}}};
    struct engine_accept accept = {
        .origin = "crm", .records = record, .record_count = 1};
    char body[64];

    if (!asked)
        abort();
    asked->world = world;
    snprintf(asked->id, sizeof(asked->id), "%s", id);
    snprintf(body, sizeof(body), "{\"box\":\"%s\"}", key);
    record[0].id = (cn_str){asked->id, strlen(id)};
    record[0].body = (cn_str){body, strlen(body)};
    record[1] = record[0];
    if (world_chance(world, 100))
        accept.record_count = 2; /* the same twice in one request */
    TRACE("event %s of %s\n", id, key);
    if (engine_accept(world->engine, &accept, event_answered, asked))
        free(asked);
}

static void event_some(struct world *world)
{
    char id[16];

    if (world->next_event && world_chance(world, 250))
        snprintf(id, sizeof(id), "e%u", world_draw(world, world->next_event));
    else if (world->next_event < EVENTS_NEW_MAX)
        snprintf(id, sizeof(id), "e%u", world->next_event++);
    else
        return;
    event(world, id);
    if (world_chance(world, 100))
        event(world, id); /* at the same moment */
}

/* ---- People -------------------------------------------------------------- */

struct acting {
    struct world *world;
    enum watch_act act;
    unsigned state;
};

static void act_done(void *arg, int status, uint64_t made_run)
{
    struct acting *acting = arg;

    (void)made_run;
    if (!world_dead(acting->world))
        watch_acted(acting->act, acting->state, status == 0);
    free(acting);
}

static struct acting *acting_on(struct world *world, enum watch_act which,
                                uint64_t run)
{
    struct acting *acting = calloc(1, sizeof(*acting));

    if (!acting)
        abort();
    acting->world = world;
    acting->act = which;
    acting->state = watch_run_state(&world->watch, run);
    return acting;
}

static void act(struct world *world, enum watch_act which, uint64_t run)
{
    static const enum store_act store_acts[] = {
        STORE_RETRY, STORE_RESTART, STORE_RELEASE, STORE_DISCARD, STORE_REPLAY};
    struct acting *acting = acting_on(world, which, run);

    TRACE("act %d on %llu\n", (int)which, (unsigned long long)run);
    if (engine_act(world->engine, "me", store_acts[which], run, "so", act_done,
                   acting))
        free(acting);
}

/* Mostly one in this state. */
static uint64_t run_some(struct world *world, enum run_state wanted)
{
    unsigned count = (unsigned)world->watch.run_count + 1;
    uint64_t run = 1 + world_draw(world, count);

    for (unsigned tries = 0; tries < 20 && world_chance(world, 900) &&
                             watch_run_state(&world->watch, run) != wanted;
         tries++)
        run = 1 + world_draw(world, count);
    return run;
}

static void act_some(struct world *world)
{
    static const enum watch_act choice[] = {
        ACT_RETRY,   ACT_RETRY,   ACT_RETRY,   ACT_RESTART,
        ACT_RELEASE, ACT_DISCARD, ACT_DISCARD, ACT_REPLAY};
    static const enum run_state states[] = {RUN_PARKED, RUN_PARKED, RUN_HELD,
                                            RUN_WAITING};
    enum watch_act which = choice[world_draw(world, 8)];
    uint64_t run = run_some(world, states[world_draw(world, 4)]);

    if (which == ACT_REPLAY && !world_chance(world, 300))
        return;
    if (which == ACT_DISCARD && !world_chance(world, 300))
        return;
    act(world, which, run);
}

static void many_done(void *arg, int status, size_t applied,
                      const uint64_t *refused, size_t refused_count)
{
    (void)refused;
    if (!status && applied + refused_count != MANY)
        world_broken(arg, "%zu acts of %d were done and %zu refused", applied,
                     (int)MANY, refused_count);
}

static void act_many(struct world *world)
{
    uint64_t runs[MANY];

    for (size_t index = 0; index < MANY; index++)
        runs[index] = run_some(world, RUN_PARKED);
    TRACE("retry of %d runs\n", (int)MANY);
    (void)!engine_acts(world->engine, "me", STORE_RETRY, runs, MANY, "so",
                       many_done, world);
}

/* ---- People who answer for a doubt, and correct -------------------------- */

static struct looked { /* what a person sees of one run */
    bool found;
    uint64_t run;
    char path[STORE_PATH_MAX], type[32], key[ERP_KEY_MAX], body[WORLD_BODY_MAX];
} looked;

static void run_looked(void *arg, int status, const struct store_rows *rows)
{
    bool doubt = *(const bool *)arg;

    for (size_t index = 0;
         !status && rows->work && index < rows->work->delivery_count; index++) {
        const struct store_delivery_row *row = &rows->work->deliveries[index];
        if (looked.found || row->state == DELIVERY_SENDING ||
            row->state == DELIVERY_DONE || row->doubt != doubt)
            continue;
        looked.found = true;
        snprintf(looked.path, sizeof(looked.path), "%s", row->path);
        snprintf(looked.type, sizeof(looked.type), "%s", row->type);
        snprintf(looked.key, sizeof(looked.key), "%.*s",
                 (int)row->source_key.len, row->source_key.ptr);
        snprintf(looked.body, sizeof(looked.body), "%.*s", (int)row->body.len,
                 row->body.ptr);
    }
}

/* true: the person saw a delivery that waits for one, in doubt or not. */
static bool look(struct world *world, uint64_t run, bool doubt)
{
    static bool asked;
    struct store_query query = {.kind = STORE_QUERY_RUN, .run = run};

    asked = doubt;
    looked.found = false;
    looked.run = run;
    if (store_query(world->store, &query, run_looked, &asked))
        return false;
    store_drain(world->store);
    return looked.found && !disk_dead();
}

static void answered(void *arg, int status, const struct error *err)
{
    struct acting *acting = arg;

    if (status)
        TRACE("  refused: %s\n", err->text);
    act_done(acting, status, 0);
}

/* The person looks into the other system and says what is there; that what was
 * sent lately may still come is the engine's to know. */
static void settle_some(struct world *world)
{
    uint64_t run = watch_run_with(&world->watch, DELIVERY_IN_DOUBT,
                                  world_draw(world, WATCH_RUNS_MAX));
    const struct document *document;
    struct acting *acting;
    cn_str number = {"", 0};
    bool happened;

    if (world_chance(world, 300))
        run = run_some(world, RUN_PARKED);
    if (!run || !look(world, run, true))
        return;
    document = erp_document(
        world, strcmp(looked.type, "deal/1") ? looked.type : "sales_order/1",
        looked.key);
    if (strcmp(looked.type, "deal/1") != 0)
        happened = document->commits > 0;
    else
        happened = document->commits &&
                   !strcmp(document->number, erp_box(world, looked.key)->told);
    if (happened && !strcmp(looked.type, "sales_order/1"))
        number = (cn_str){document->number, strlen(document->number)};
    TRACE("settle run %llu: %s %s %s\n", (unsigned long long)run, looked.type,
          looked.key, happened ? "happened" : "is absent");
    acting = acting_on(world, happened ? ACT_HAPPENED : ACT_ABSENT, run);
    if (engine_settle(world->engine, "me", run, happened, number, "so",
                      answered, acting))
        free(acting);
}

static void edit_some(struct world *world)
{
    uint64_t run =
        run_some(world, world_chance(world, 500) ? RUN_PARKED : RUN_HELD);
    bool delivery = world_chance(world, 500) && look(world, run, false);
    bool wrong = world_chance(world, 100);
    char body[WORLD_BODY_MAX] = "{\"box\":7}";
    struct acting *acting;

    if (!wrong && delivery)
        snprintf(body, sizeof(body), "%s", looked.body);
    else if (!wrong)
        snprintf(body, sizeof(body), "{\"box\":\"%s\"}",
                 world->erp.boxes[0].key);
    /* The deal of a run is not ours to guess, so its record is only checked. */
    TRACE("edit run %llu %s\n", (unsigned long long)run,
          delivery ? looked.path : "record");
    acting = acting_on(world, ACT_EDIT, run);
    if (engine_edit(world->engine, "me", run, delivery ? looked.path : NULL,
                    (cn_str){body, strlen(body)}, "so", !delivery, answered,
                    acting))
        free(acting);
}

/* ---- Shadows ------------------------------------------------------------- */

static void shadow_done(void *arg, int status, const cJSON *result,
                        const struct error *err)
{
    struct world *world = arg;

    (void)err;
    if (!status && !result)
        world_broken(world, "a shadow ends without a result");
    if (world->shadows)
        world->shadows--;
}

static void shadow_some(struct world *world)
{
    uint64_t run = run_some(world, RUN_DONE);
    bool now = world_chance(world, 500);

    TRACE("shadow of %llu as %s\n", (unsigned long long)run,
          now ? "now" : "was");
    if (!engine_shadow(world->engine, run,
                       now ? ENGINE_SHADOW_AS_NOW : ENGINE_SHADOW_AS_WAS,
                       shadow_done, world))
        world->shadows++;
}

/* ---- Time ---------------------------------------------------------------- */

static void wake(struct world *world)
{
    erp_wake(world);
    answer_overdue(world);
    if (world->wake_ms <= world->now_ms)
        engine_wake(world->engine);
}

static void clock_on(struct world *world)
{
    unsigned how = world_draw(world, 10);
    int64_t ms = 1 + world_draw(world, 2000);

    if (how < 7 && world->wake_ms > world->now_ms)
        ms = world->wake_ms - world->now_ms;
    else if (how == 9)
        ms = 1 + world_draw(world, 1200000);
    world->now_ms += ms;
    TRACE("clock +%lld = %lld\n", (long long)ms, (long long)world->now_ms);
    wake(world);
}

static void jump_noted(void *arg, int status, uint64_t made_run)
{
    struct world *world = arg;

    (void)made_run;
    /* Refused, because there is no such run: but committed. */
    world->jump_noted = status == -EPERM || status == -ENOENT;
}

/* Over a restart a jump forward is time that has passed, as far as anybody can
 * know: so it is only seen as a jump when the daemon lives to note it. */
static void jump_ahead(struct world *world)
{
    int64_t ms = 1 + (int64_t)world_draw(world, YEAR_MS_TENTH) *
                         (world_chance(world, 300) ? 1000 : 1);

    world->jump_noted = false;
    world->wall_ahead_ms += ms;
    if (!engine_act(world->engine, "me", STORE_RELEASE, WATCH_RUNS_MAX * 2,
                    "clock", jump_noted, world)) {
        for (int round = 0; round < JUMP_ROUNDS && !world->jump_noted; round++)
            store_drain(world->store);
    }
    if (world->jump_noted && !disk_dead())
        watch_fault(&world->watch, FAULT_WALL_AHEAD);
    else
        world->wall_ahead_ms -= ms;
    TRACE("wall clock +%lld%s\n", (long long)ms,
          world->jump_noted ? "" : ", not noted");
}

static void jump_back(struct world *world)
{
    world->wall_ahead_ms -= 1 + world_draw(world, YEAR_MS_TENTH);
    watch_fault(&world->watch, FAULT_WALL_BACK);
    TRACE("wall clock back\n");
}

/* ---- Faults -------------------------------------------------------------- */

static void begin(struct world *world)
{
    world->shadows = 0;
    world_open(world);
    flows_load(world);
    if (!world->calm)
        engine_add_source(world->engine, "crm", "boxes", 600000);
    engine_wake(world->engine);
}

static void fall(struct world *world, bool power)
{
    TRACE(power ? "POWER CUT\n" : "KILLED\n");
    figures.deaths++;
    answer_orphans(world);
    world_fall(world, power);
    world->now_ms += world_draw(world, 5000);
    erp_wake(world);
    begin(world);
}

static void die_soon(struct world *world, bool power)
{
    world->power = power;
    disk_die_after(world_draw(world, 40));
}

static void disk_some(struct world *world)
{
    static const enum disk_fault kinds[] = {
        DISK_READ, DISK_WRITE, DISK_WRITE,   DISK_SYNC,
        DISK_SYNC, DISK_OPEN,  DISK_TRUNCATE};
    enum disk_fault kind = kinds[world_draw(world, 7)];
    unsigned count = world_chance(world, 800) ? 1 : 1 + world_draw(world, 30);

    TRACE("disk error %d, %u times\n", (int)kind, count);
    /* Most of what is read stands in the cache. */
    disk_break(
        kind,
        world_draw(world, kind == DISK_READ || kind == DISK_OPEN ? 3 : 30),
        count);
}

static void space_some(struct world *world)
{
    if (disk_is_full()) {
        disk_calm();
        TRACE("space again\n");
    } else {
        disk_room(world_draw(world, 100000));
        TRACE("the disk fills up\n");
    }
}

static void room_some(struct world *world)
{
    bool erp = world_chance(world, 500);
    uint32_t room = world_chance(world, 300) ? 0 : 1 + world_draw(world, 4);

    TRACE("room of %s is %u\n", erp ? "erp" : "crm", room);
    if (!room)
        watch_fault(&world->watch, FAULT_GONE);
    if (erp)
        world->room_erp = room;
    else
        world->room_crm = room;
    if (world_chance(world, 800)) /* else it is told with the next change */
        engine_instance_changed(world->engine, erp ? "erp" : "crm");
}

static void replace_some(struct world *world)
{
    const char *instance = world_chance(world, 500) ? "erp" : "crm";

    TRACE("%s is replaced\n", instance);
    watch_fault(&world->watch, FAULT_REPLACED);
    answer_broken_all(world, instance);
    engine_instance_changed(world->engine, instance);
}

static void was_stopped(void *arg)
{
    ((struct world *)arg)->stopped = true;
}

static void stop(struct world *world)
{
    TRACE("STOP\n");
    watch_fault(&world->watch, FAULT_STOP);
    engine_stop(world->engine, was_stopped, world);
    if (world_chance(world, 700)) {
        world->refuse = 0;
        disk_calm();
    }
    for (int round = 0; round < 3000 && !world->stopped && !disk_dead() &&
                        !world->store_failed;
         round++) {
        answer_some(world);
        if (round % 100 == 99) {
            world->now_ms += OP_TIMEOUT_MS;
            wake(world);
        }
        for (int drain = 0; drain < 3; drain++)
            store_drain(world->store);
    }
    if (disk_dead() || world->store_failed) {
        fall(world, world->power);
        return;
    }
    if (!world->stopped)
        world_broken(world, "the engine does not stop");
    watch_look(world);
    world_close(world);
    if (disk_dead())
        disk_restart(world->power);
    begin(world);
}

static void refuse_some(struct world *world)
{
    static const unsigned refuse[] = {0, 0, 0, 0, 10, 10, 50, 300, 1000};

    world->refuse = refuse[world_draw(world, 9)];
    TRACE("refused %u\n", world->refuse);
}

static void poison_some(struct world *world)
{
    world->poison = world->poison
                        ? NULL
                        : world->erp.boxes[world_draw(world, ERP_BOXES)].key;
    TRACE("poisoned: %s\n", world->poison ? world->poison : "none");
}

static void power_off(struct world *world)
{
    watch_fault(&world->watch, FAULT_POWER);
    fall(world, true);
}

static void killed(struct world *world)
{
    watch_fault(&world->watch, FAULT_KILL);
    fall(world, false);
}

static void power_soon(struct world *world)
{
    die_soon(world, true);
}

static void kill_soon(struct world *world)
{
    die_soon(world, false);
}

/* A copy of everything is put aside. */
static void backup(struct world *world)
{
    if (disk_is_full())
        return;
    TRACE("BACKUP\n");
    watch_look(world);
    disk_save();
    world->saved_events = world->event_count;
    world->watch.saved = watch_mark(&world->watch);
}

/* The disk is lost, and with it what came after the backup; the other systems
 * have what they were sent. */
static void restore(struct world *world)
{
    struct error err = {""};

    if (!disk_saved())
        return;
    TRACE("RESTORE\n");
    watch_fault(&world->watch, FAULT_RESTORE);
    answer_orphans(world);
    world_fall(world, false);
    disk_calm();
    disk_put_back();
    if (opening_mark_restored(world->directory, clock_wall_ms(&world->clock),
                              &err))
        world_broken(world, "a backup cannot be marked: %s", err.text);
    watch_back_to(&world->watch, &world->watch.saved);
    world->event_count = world->saved_events;
    world->now_ms += 1000 + world_draw(world, 600000);
    erp_wake(world);
    begin(world);
}

static void reload(struct world *world)
{
    watch_fault(&world->watch, FAULT_RELOAD);
    flows_reload(world);
}

static void box_won(struct world *world)
{
    world->erp.boxes[world_draw(world, ERP_BOXES)].won = true;
}

static void box_lines(struct world *world)
{
    world->erp.boxes[world_draw(world, ERP_BOXES)].lines =
        1 + world_draw(world, 3);
}

static void nothing(struct world *world)
{
    (void)world;
}

/* ---- Steps --------------------------------------------------------------- */

static const struct {
    unsigned weight; /* of a thousand */
    void (*fn)(struct world *world);
} kinds[] = {
    {464, answer_some}, {200, clock_on},   {110, event_some}, {70, act_some},
    {15, room_some},    {8, replace_some}, {4, killed},       {4, kill_soon},
    {4, power_off},     {4, power_soon},   {4, stop},         {8, reload},
    {9, refuse_some},   {12, disk_some},   {6, space_some},   {6, poison_some},
    {5, jump_back},     {5, jump_ahead},   {12, box_won},     {8, box_lines},
    {8, act_many},      {16, settle_some}, {6, edit_some},    {6, shadow_some},
    {3, backup},        {2, restore},      {1, nothing},
};

static void drain_some(struct world *world)
{
    unsigned rounds = world_draw(world, 4);

    if (!rounds && world_chance(world, 500))
        rounds = 12;
    while (rounds-- && !disk_dead())
        store_drain(world->store);
    if (world_chance(world, 20) && !disk_dead() && !world->store_failed)
        world_settle(world); /* also under faults it comes to rest */
}

/* What the disk did wrong in this step, as far as anybody noticed. */
static void note_disk(struct world *world, const struct disk_figures *before)
{
    const struct disk_figures *now = disk_figures();
    struct watch *watch = &world->watch;

    if (now->full > before->full)
        watch_fault(watch, FAULT_FULL);
    if (now->faults[DISK_READ] > before->faults[DISK_READ] ||
        now->faults[DISK_OPEN] > before->faults[DISK_OPEN])
        watch_fault(watch, FAULT_READ);
    if (now->faults[DISK_WRITE] > before->faults[DISK_WRITE] ||
        now->faults[DISK_TRUNCATE] > before->faults[DISK_TRUNCATE])
        watch_fault(watch, FAULT_WRITE);
    if (now->faults[DISK_SYNC] > before->faults[DISK_SYNC])
        watch_fault(watch, FAULT_SYNC);
    if (disk_dead())
        watch_fault(watch, world->power ? FAULT_POWER_IN_IO : FAULT_KILL_IN_IO);
}

static void step(struct world *world)
{
    struct disk_figures before = *disk_figures();
    unsigned draw = world_draw(world, 1000), kind = 0;

    while (draw >= kinds[kind].weight)
        draw -= kinds[kind++].weight;
    kinds[kind].fn(world);
    drain_some(world);
    note_disk(world, &before);
    if (disk_dead()) {
        fall(world, world->power);
    } else if (world->store_failed) {
        world->refuse = 0;
        fall(world, false);
    }
    watch_look(world);
    if (world->step % COMPARE_STEPS == COMPARE_STEPS - 1)
        watch_compare(world);
    figures.steps++;
}

static bool skipped(const char *skip, unsigned number)
{
    while (skip && *skip) {
        char *end;
        unsigned first = (unsigned)strtoul(skip, &end, 10), last = first;
        if (*end == '-')
            last = (unsigned)strtoul(end + 1, &end, 10);
        if (number >= first && number <= last)
            return true;
        skip = *end ? end + 1 : end;
    }
    return false;
}

/* ---- The end ------------------------------------------------------------- */

/* Without faults, until nothing is open and nothing wakes but the polls: only
 * the time that was asked for wakes the engine, so a lost wake-up shows. */
static void calm_down(struct world *world, int64_t hours)
{
    int64_t until_ms = world->now_ms + hours * 3600000;
    unsigned wakes = 0;

    while (world->now_ms < until_ms) {
        world_settle(world);
        while (world->op_count) {
            answer_well(world, world_draw(world, (unsigned)world->op_count));
            world_settle(world);
        }
        if (world->wake_ms > world->now_ms)
            world->now_ms = world->wake_ms;
        TRACE("wake at %lld\n", (long long)world->now_ms);
        if (++wakes > WAKES_MAX)
            world_broken(world, "the engine wakes again and again");
        wake(world);
    }
    world_settle(world);
    watch_look(world);
}

static void complain_if(struct world *world, unsigned states, const char *text)
{
    for (uint64_t run = 1; run <= world->watch.run_count; run++) {
        unsigned state = world->watch.runs[run].state;
        if (states & 1u << state)
            world_broken(world, "%s: run %llu is in state %u", text,
                         (unsigned long long)run, state);
    }
}

static bool mend_parked(struct world *world, enum watch_act which)
{
    bool any = false;

    for (uint64_t run = 1; run <= world->watch.run_count; run++) {
        if (world->watch.runs[run].state != RUN_PARKED)
            continue;
        any = true;
        figures.mended++;
        act(world, which, run);
        world_settle(world);
    }
    return any;
}

static void count_duplicates(void *arg, int status, size_t accepted,
                             size_t duplicates)
{
    (void)accepted;
    if (!status)
        *(size_t *)arg += duplicates;
}

/* What was answered as kept is known when it comes again. */
static void check_kept(struct world *world)
{
    size_t duplicates = 0;

    for (size_t index = 0; index < world->event_count; index++) {
        const char *id = world->events[index];
        struct op_record record = {.type = "box_event/1",
                                   .id = {id, strlen(id)},
                                   .key = {"x", 1},
                                   .body = {"{\"box\":\"x\"}", 11}};
        struct engine_accept accept = {
            .origin = "crm", .records = &record, .record_count = 1};
        if (engine_accept(world->engine, &accept, count_duplicates,
                          &duplicates))
            world_broken(world, "an event is not taken at the end");
        if (index % 100 == 99)
            world_settle(world);
    }
    world_settle(world);
    if (duplicates != world->event_count)
        world_broken(world, "LOST: %zu events were accepted, %zu are known",
                     world->event_count, duplicates);
}

static void check_deals(struct world *world)
{
    for (size_t index = 0; index < ERP_BOXES; index++) {
        const struct box *box = &world->erp.boxes[index];
        const struct document *order =
            erp_document(world, "sales_order/1", box->key);
        if (order->commits != 1)
            world_broken(world, "LOST: %s has %u orders", box->key,
                         order->commits);
        if (strcmp(order->number, box->told) != 0)
            world_broken(world, "%s carries %s, its order is %s", box->key,
                         box->told, order->number);
    }
}

static void faults_stop(struct world *world)
{
    TRACE("CALM\n");
    disk_calm();
    disk_die_after(0);
    world->calm = true;
    world->poison = NULL;
    world->refuse = 0;
    world->room_erp = world->room_crm = 4;
    fall(world, world->power); /* and there is no poll from now on */
    engine_instance_changed(world->engine, "erp");
    engine_instance_changed(world->engine, "crm");
}

static void finish(struct world *world)
{
    const unsigned moving = 1u << RUN_READY | 1u << RUN_ACTIVE | 1u << RUN_HELD;
    bool parked = true;
    char id[16];

    world_begin_step(world, world->steps);
    faults_stop(world);
    calm_down(world, 2);
    complain_if(world, moving, "a run that nothing holds up does not end");
    /* A deal that comes now is read and ordered, whatever was before. */
    for (unsigned index = 0; index < ERP_BOXES; index++) {
        world->erp.boxes[index].won = true;
        snprintf(id, sizeof(id), "z%u", index);
        event(world, id);
        world_settle(world);
    }
    for (int round = 0; parked && round < 40; round++) {
        parked = mend_parked(world, round % 4 == 3 ? ACT_RESTART : ACT_RETRY);
        calm_down(world, 1);
    }
    complain_if(world, 1u << RUN_PARKED, "a parked run cannot be mended");
    complain_if(world, moving | 1u << RUN_QUEUED | 1u << RUN_WAITING,
                "a run waits for nothing");
    check_deals(world);
    check_kept(world);
    watch_look(world);
    watch_compare(world);
    watch_verify(world);
}

void walk_seed(uint64_t seed, unsigned steps, const char *skip,
               const struct record_types *types)
{
    struct world *world = world_create(seed, types);

    world->steps = steps;
    world->skip = skip;
    world->runs_active_max = seed % 3 ? 0 : 5;
    world_begin_step(world, steps + 1);
    begin(world);
    for (unsigned number = 0; number < steps; number++) {
        world_begin_step(world, number);
        if (!skipped(skip, number))
            step(world);
    }
    finish(world);
    world_destroy(world);
}

const struct walk_figures *walk_figures(void)
{
    return &figures;
}
