/* kit.h - the kit: a plugin runs here without a host, and the test is the
 * world.
 *
 *     struct kit *kit = kit_create(&cn_plugin_v1, "{\"url\": ...}");
 *     assert_true(kit_start(kit));
 *     cn_op op = kit_deliver(kit, "order/1", "id-1", "key-1", "{...}");
 *     struct kit_request *request = kit_pending(kit);
 *     assert_string_equal(request->method, "POST");
 *     kit_answer(kit, request, 200, "{\"number\": \"17\"}");
 *     assert_int_equal(kit_result(kit, op)->outcome.status, CN_OK);
 *     kit_destroy(kit);
 *
 * Nothing happens by itself: requests wait until the test answers them, timers
 * until it moves the clock.  Everything lent to the plugin is freed when the
 * plugin's function returns, so that an address sanitizer sees a kept pointer.
 *
 * The contract of connect/plugin.h is watched throughout: done exactly once, no
 * emit after it, limits, UTF-8, one JSON value as body, a known status that
 * fits the operation and a message with it when it is not CN_OK, no secret in a
 * message or log line, requests with effect only from deliver, no "nothing took
 * effect" after a request that may have had one.  A breach prints a line and
 * aborts, unless the test asked to collect breaches.
 *
 * One kit has one instance.  The thread that made the kit is the instance's
 * thread.  Texts and structs handed out live as long as the kit. */
#ifndef CONNECT_KIT_H
#define CONNECT_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <connect/plugin.h>
#include <connect/ext/http.h>
#include <connect/ext/receiver.h>
#include <connect/ext/state.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kit;

/* ---- The instance ------------------------------------------------------- */

/* The table of a plugin in a shared object; prints why and returns NULL when
 * there is none.  Never unloaded. */
const cn_plugin *kit_open(const char *path);

/* A host for one instance.  config is a JSON object, NULL for {}; properties
 * that the manifest marks writeOnly become secrets; defaults are filled in.
 * Aborts when the manifest or config is broken JSON. */
struct kit *kit_create(const cn_plugin *plugin, const char *config);
/* Call create; false when it returned NULL. */
bool kit_start(struct kit *kit);
/* Call destroy and free the kit; a breach when operations are still open. */
void kit_destroy(struct kit *kit);

/* Set a secret, NULL removes it; also those of the host ("webhook_address"). */
void kit_set_secret(struct kit *kit, const char *name, const char *value);
/* A durable value as left by ended operations; NULL value: none. */
void kit_set_state(struct kit *kit, const char *key, const char *value);
const char *kit_state(struct kit *kit, const char *key);

/* Collect breaches instead of aborting, and read them: one a line, "" when
 * there are none. */
void kit_collect_breaches(struct kit *kit);
const char *kit_breaches(struct kit *kit);

/* All lines logged so far: "info: text\n". */
const char *kit_log(struct kit *kit);

/* ---- Operations --------------------------------------------------------- */

/* Each starts an operation and returns when the plugin's function has returned;
 * the operation may be open still. */
cn_op kit_poll(struct kit *kit, const char *stream, const char *cursor,
               uint32_t max_records);
cn_op kit_deliver(struct kit *kit, const char *type, const char *id,
                  const char *key, const char *body);
cn_op kit_probe(struct kit *kit, const char *type, const char *id,
                const char *key, const char *body);
cn_op kit_transform(struct kit *kit, const char *type, const char *id,
                    const char *key, const char *body);
/* One delivery of several records, or of one with all fields set by hand. */
cn_op kit_deliver_records(struct kit *kit, const cn_record *records,
                          uint32_t count);
cn_op kit_probe_record(struct kit *kit, const cn_record *record);
cn_op kit_call(struct kit *kit, const char *action, const char *body);
cn_op kit_check(struct kit *kit);
cn_op kit_stop(struct kit *kit);
/* A webhook: headers in pairs of name and value, NULL ends; may be NULL. */
cn_op kit_receive(struct kit *kit, const char *url, const char *const *headers,
                  const char *body);
cn_op kit_receive_request(struct kit *kit, const cn_http_request *request);

/* End the operation's requests without an answer, then call cancel. */
void kit_cancel(struct kit *kit, cn_op op);
/* Acknowledge a cursor; the host does that after a poll ended CN_OK. */
void kit_commit(struct kit *kit, const char *cursor);

struct kit_outcome {
    cn_status status;
    uint64_t retry_after_ms;
    const char *message; /* "" when NULL */
    const char *body;    /* "" when empty */
    const char *cursor;  /* "" when empty */
    uint32_t more;
    bool alert; /* the answer was about another record */
};

struct kit_record {
    uint32_t change;
    const char *type, *id, *key, *body;
    int64_t time_ms;
};

struct kit_result {
    bool done;                  /* the operation has ended */
    struct kit_outcome outcome; /* how; with done NULL: CN_OK */
    size_t record_count;        /* emitted so far, whatever the outcome */
    const struct kit_record *records;
    size_t settled_count; /* records of the delivery; settled ahead: */
    const struct kit_outcome *const *settled; /* by index, NULL when not */
};

/* What became of an operation so far; valid until it next changes. */
const struct kit_result *kit_result(struct kit *kit, cn_op op);

/* ---- HTTP --------------------------------------------------------------- */

struct kit_request {
    cn_op op;
    const char *method, *url;
    const char *auth; /* "" when NULL */
    const char *body; /* NUL behind it */
    size_t body_len;
    const cn_header *headers;
    size_t header_count;
    uint64_t timeout_ms;
    uint32_t effect;
    bool answered;
};

/* Requests in the order sent, from 0; NULL behind the last. */
struct kit_request *kit_request(struct kit *kit, size_t index);
size_t kit_request_count(struct kit *kit);
/* The oldest request without an answer, or NULL. */
struct kit_request *kit_pending(struct kit *kit);
size_t kit_pending_count(struct kit *kit);
/* The value of a header of the request, any case, or NULL. */
const char *kit_request_header(const struct kit_request *request,
                               const char *name);

/* Answer with a status code and body (NULL: none). */
void kit_answer(struct kit *kit, struct kit_request *request, uint32_t code,
                const char *body);
/* The same with headers in pairs of name and value, NULL ends. */
void kit_answer_headers(struct kit *kit, struct kit_request *request,
                        uint32_t code, const char *const *headers, cn_str body);

enum kit_failure {
    KIT_NOT_SENT,      /* no byte left: name, connection or TLS failed */
    KIT_NO_ANSWER,     /* sent, then time-out or cut */
    KIT_UNREADABLE,    /* an answer came that is no HTTP */
    KIT_NO_CREDENTIAL, /* auth names what there is not */
    KIT_CANCELLED      /* the host gave it up; what kit_cancel answers */
};
void kit_answer_failure(struct kit *kit, struct kit_request *request,
                        enum kit_failure failure);

/* ---- Time --------------------------------------------------------------- */

/* Move the fake clock and run the timers that fall due, earliest first. */
void kit_advance(struct kit *kit, uint64_t delay_ms);
/* Timers that wait, and how long the next one still waits. */
size_t kit_timer_count(struct kit *kit);
uint64_t kit_timer_next_ms(struct kit *kit);
/* Run what the plugin's own threads posted; waits for the first for as long as
 * 10 s.  Returns how many ran.  Posts also run after every other call here. */
size_t kit_wait_posts(struct kit *kit);

#ifdef __cplusplus
}
#endif
#endif
