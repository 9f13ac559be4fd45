/* sim_control.c - the control routes that both simulators have.
 *
 * A table from method and path to a function; what is not in it goes to the
 * program's own routes.  Bodies and answers are JSON.  Used on the simulator's
 * only thread. */
#include "sim_control.h"

#include <stdlib.h>
#include <string.h>

#include "sim_json.h"

enum {
    LIMIT_DEFAULT = 1000, /* entries of one answer */
    LIMIT_MAX = 100000,   /* some 40 MB */
    ANSWER_BYTES_MAX = 1 << 28
};

typedef void control_fn(const struct sim_control *control,
                        struct sim_request *request, struct sim_answer *answer);

static void answer_ok(struct sim_answer *answer)
{
    sim_answer_text(answer, 200, "application/json", "{\"ok\":true}");
}

static void get_health(const struct sim_control *control,
                       struct sim_request *request, struct sim_answer *answer)
{
    struct buf buf;

    (void)request;
    buf_init(&buf, ANSWER_BYTES_MAX);
    buf_printf(&buf,
               "{\"ok\":true,\"name\":\"%s\",\"version\":\"%s\",\"port\":%u,"
               "\"control_port\":%u,\"seed\":%llu,\"now_ms\":%lld,"
               "\"requests\":%llu}",
               control->program->name, CONNECT_VERSION, control->port,
               control->control_port, (unsigned long long)control->seed,
               (long long)sim_clock_now_ms(control->clock),
               (unsigned long long)sim_ledger_request_count(control->ledger));
    sim_answer_buf(answer, 200, "application/json", &buf);
}

/* The paging of all three lists. */
static void read_paging(struct sim_request *request, uint64_t *ret_after,
                        size_t *ret_limit)
{
    int64_t after = sim_request_query_number(request, "after", 0);
    int64_t limit = sim_request_query_number(request, "limit", LIMIT_DEFAULT);

    *ret_after = after > 0 ? (uint64_t)after : 0;
    *ret_limit = limit < 0 || limit > LIMIT_MAX ? LIMIT_MAX : (size_t)limit;
}

typedef void list_fn(const struct sim_ledger *ledger, uint64_t after,
                     size_t limit, struct buf *buf);

static void get_list(const struct sim_control *control,
                     struct sim_request *request, struct sim_answer *answer,
                     list_fn *list)
{
    struct buf buf;
    uint64_t after;
    size_t limit;

    read_paging(request, &after, &limit);
    buf_init(&buf, ANSWER_BYTES_MAX);
    list(control->ledger, after, limit, &buf);
    sim_answer_buf(answer, 200, "application/json", &buf);
}

static void get_ledger(const struct sim_control *control,
                       struct sim_request *request, struct sim_answer *answer)
{
    get_list(control, request, answer, sim_ledger_list_requests);
}

static void get_documents(const struct sim_control *control,
                          struct sim_request *request,
                          struct sim_answer *answer)
{
    struct buf buf;
    uint64_t after;
    size_t limit;

    read_paging(request, &after, &limit);
    buf_init(&buf, ANSWER_BYTES_MAX);
    sim_ledger_list_documents(
        control->ledger, sim_request_query(request, "kind"),
        sim_request_query(request, "reference"), after, limit, &buf);
    sim_answer_buf(answer, 200, "application/json", &buf);
}

static void get_deliveries(const struct sim_control *control,
                           struct sim_request *request,
                           struct sim_answer *answer)
{
    get_list(control, request, answer, sim_ledger_list_deliveries);
}

static void get_faults(const struct sim_control *control,
                       struct sim_request *request, struct sim_answer *answer)
{
    struct buf buf;

    (void)request;
    buf_init(&buf, ANSWER_BYTES_MAX);
    sim_fault_list(control->faults, &buf);
    sim_answer_buf(answer, 200, "application/json", &buf);
}

static void post_faults(const struct sim_control *control,
                        struct sim_request *request, struct sim_answer *answer)
{
    cJSON *given = cJSON_ParseWithLength(request->body, request->body_len);
    const struct sim_fault *fault = NULL;
    struct error err = {.text = ""};
    cJSON *told;

    if (!cJSON_IsObject(given)) {
        cJSON_Delete(given);
        sim_answer_error(answer, 400, "body: not a JSON object");
        return;
    }
    if (sim_fault_add(control->faults, given, &fault, &err)) {
        sim_answer_error(answer, 400, err.text);
        return;
    }
    if (fault->kind == SIM_FAULT_REFUSE)
        control->set_refuse(control->arg, true, fault->ms);
    told = cJSON_CreateObject();
    cJSON_AddNumberToObject(told, "id", (double)fault->id);
    sim_answer_tree(answer, 200, told);
}

static void delete_faults(const struct sim_control *control,
                          struct sim_request *request,
                          struct sim_answer *answer)
{
    int64_t id = sim_request_query_number(request, "id", 0);

    sim_fault_remove(control->faults, id > 0 ? (uint64_t)id : 0);
    if (!sim_fault_present(control->faults, SIM_FAULT_REFUSE))
        control->set_refuse(control->arg, false, 0);
    answer_ok(answer);
}

static void get_clock(const struct sim_control *control,
                      struct sim_request *request, struct sim_answer *answer)
{
    cJSON *told = cJSON_CreateObject();

    (void)request;
    cJSON_AddNumberToObject(told, "now_ms",
                            (double)sim_clock_now_ms(control->clock));
    cJSON_AddBoolToObject(told, "frozen", sim_clock_frozen(control->clock));
    sim_answer_tree(answer, 200, told);
}

static void post_clock(const struct sim_control *control,
                       struct sim_request *request, struct sim_answer *answer)
{
    cJSON *given = cJSON_ParseWithLength(request->body, request->body_len);
    const cJSON *frozen = sim_json_member(given, "frozen");

    if (!cJSON_IsObject(given)) {
        cJSON_Delete(given);
        sim_answer_error(answer, 400, "body: not a JSON object");
        return;
    }
    if (sim_json_member(given, "set_ms"))
        sim_clock_set(control->clock, sim_json_number(given, "set_ms", 0));
    sim_clock_advance(control->clock, sim_json_number(given, "advance_ms", 0));
    if (cJSON_IsBool(frozen))
        sim_clock_freeze(control->clock, cJSON_IsTrue(frozen));
    cJSON_Delete(given);
    /* What is due by now has happened when the caller reads the answer. */
    sim_clock_run_due(control->clock);
    get_clock(control, request, answer);
}

static void post_reset(const struct sim_control *control,
                       struct sim_request *request, struct sim_answer *answer)
{
    (void)request;
    sim_fault_remove(control->faults, 0);
    control->set_refuse(control->arg, false, 0);
    sim_ledger_clear(control->ledger);
    control->program->reset(control->program->arg);
    answer_ok(answer);
}

static const struct {
    const char *method;
    const char *path;
    control_fn *fn;
} routes[] = {
    {"GET", "health", get_health},       {"GET", "ledger", get_ledger},
    {"GET", "documents", get_documents}, {"GET", "deliveries", get_deliveries},
    {"GET", "faults", get_faults},       {"POST", "faults", post_faults},
    {"DELETE", "faults", delete_faults}, {"GET", "clock", get_clock},
    {"POST", "clock", post_clock},       {"POST", "reset", post_reset},
};

void sim_control_handle(const struct sim_control *control,
                        struct sim_request *request, struct sim_answer *answer)
{
    const struct sim_program *program = control->program;
    const char *path = request->path + strlen("/_sim/");

    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
        if (strcmp(routes[i].path, path) == 0 &&
            strcmp(routes[i].method, request->method) == 0) {
            routes[i].fn(control, request, answer);
            return;
        }
    }
    if (program->control &&
        program->control(program->arg, path, request, answer))
        return;
    sim_answer_error(answer, 404, "no such control route");
}
