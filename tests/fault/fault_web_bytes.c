/* fault_web_bytes.c - F03 requests whose end is ambiguous, F05 bodies and heads
 * without end.
 *
 * One idea: behind each hostile request, or inside a harmless one, stands on
 * the same connection one that would be taken; the count of events tells
 * whether it was.  One thread. */
#include "fault_web.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/http_probes.h"

enum {
    PIECES = 3, /* each probe whole, byte by byte, seven bytes at a time */
    PROBES = HTTP_PROBES_SMUGGLING + HTTP_PROBES_MALFORMED,
    SECOND_MAX = 20000,
    PROBE_MAX = 4000,
    MEBIBYTE = 1 << 20,
    UNREAD_MAX = 16 * MEBIBYTE, /* of a body above the limit: what the kernel's
                                 * buffers hold on both sides, and some */
    MEMORY_MORE = 16 * MEBIBYTE,
    ANSWERED_LEAST = 90 /* percent of what is refused is told why */
};

/* ---- F03 ----------------------------------------------------------------- */

/* Right requests around which a reader may lose its step: an event inside the
 * body of one that asks for nothing, or one byte behind its end. */
static const struct step {
    const char *name;
    const char *method;
    enum { EVENT, EVENT_BEGINNING, NOTHING } body; /* what it says it holds */
    const char *lines;
    const char *between; /* behind its end */
    size_t answers_max;  /* 100s too */
} steps[] = {
    {"GET with a body", "GET", EVENT, "", "", 2},
    {"HEAD with a body", "HEAD", EVENT, "", "", 2},
    {"OPTIONS with a body", "OPTIONS", EVENT, "", "", 2},
    {"GET with the beginning of a request", "GET", EVENT_BEGINNING, "", "", 2},
    {"POST with an expectation", "POST", EVENT, "Expect: 100-continue\r\n", "",
     3},
    {"length 0 and a byte", "POST", NOTHING, "", "X", 3},
};
enum { STEPS = sizeof(steps) / sizeof(*steps) };

uint64_t fault_web_framing_count(void)
{
    return (uint64_t)PROBES * PIECES + STEPS;
}

/* A whole event that would be stored. */
static size_t make_second(struct stage *stage, const char *body, char *second)
{
    char head[1000];
    int len;

    web_head(stage, head, sizeof(head));
    len = snprintf(second, SECOND_MAX, "%sContent-Length: %zu\r\n\r\n%s", head,
                   strlen(body), body);
    stage_must(stage, len > 0 && len < SECOND_MAX);
    return (size_t)len;
}

/* The probe; one that is well formed up to its fields is made a webhook with
 * the right token, so that nothing but the framing is wrong. */
static size_t make_probe(struct stage *stage, const struct http_probe *probe,
                         char *bytes)
{
    size_t len = 0, skip = 0;

    if (probe->len >= sizeof(PROBE_HEAD) - 1 &&
        !memcmp(probe->bytes, PROBE_HEAD, sizeof(PROBE_HEAD) - 1)) {
        web_head(stage, bytes, PROBE_MAX);
        len = strlen(bytes);
        skip = sizeof(PROBE_HEAD) - 1;
    }
    stage_must(stage, len + probe->len - skip <= PROBE_MAX);
    memcpy(bytes + len, probe->bytes + skip, probe->len - skip);
    return len + probe->len - skip;
}

/* An answer that meets bytes still on their way may be lost with the
 * connection's reset, as TCP has it; most are not. */
static struct answered {
    uint64_t of, came;
} answered;

static bool refused_with(const struct wire *wire, int status)
{
    answered.of++;
    answered.came += wire->len > 0;
    return wire->closed && wire_answers(wire) <= 1 &&
           (!wire->len || wire_status(wire) == status);
}

static void check_answered(struct stage *stage)
{
    if (answered.came * 100 < answered.of * ANSWERED_LEAST)
        stage_fail(stage, "%" PRIu64 " of %" PRIu64 " were told why",
                   answered.came, answered.of);
}

static void probe_one(struct stage *stage, const struct http_probe *probe,
                      size_t piece, const char *second, size_t second_len)
{
    char bytes[PROBE_MAX];
    size_t len = make_probe(stage, probe, bytes);
    struct wire wire;

    if (!piece)
        piece = len;
    wire_open(stage, &wire);
    for (size_t at = 0; at < len && !wire.closed; at += piece)
        wire_send(&wire, bytes + at, len - at < piece ? len - at : piece);
    wire_send(&wire, second, second_len);
    wire_read(&wire, WIRE_MS);
    if (!refused_with(&wire, 400))
        stage_fail(stage,
                   "probe \"%s\", pieces of %zu: %s, %zu answers: %.200s",
                   probe->name, piece, wire.closed ? "closed" : "left open",
                   wire_answers(&wire), wire.answer);
    wire_close(&wire);
}

static void step_one(struct stage *stage, const struct step *step,
                     const char *second, size_t second_len)
{
    static const char last[] = "GET /none HTTP/1.1\r\nHost: connect.example\r\n"
                               "Connection: close\r\n\r\n";
    const char *blank = strstr(second, "\r\n\r\n");
    size_t lens[] = {[EVENT] = second_len,
                     [EVENT_BEGINNING] = (size_t)(blank + 2 - second),
                     [NOTHING] = 0};
    char head[300];
    struct wire wire;

    snprintf(head, sizeof(head),
             "%s /none HTTP/1.1\r\nHost: connect.example\r\n%s"
             "Content-Length: %zu\r\n\r\n%s",
             step->method, step->lines, lens[step->body], step->between);
    wire_open(stage, &wire);
    wire_send(&wire, head, strlen(head));
    wire_send(&wire, second, second_len);
    wire_send(&wire, last, sizeof(last) - 1);
    wire_read(&wire, WIRE_MS);
    if (!wire.closed || !wire_answers(&wire) ||
        wire_answers(&wire) > step->answers_max)
        stage_fail(stage, "\"%s\": %s, %zu answers: %.400s", step->name,
                   wire.closed ? "closed" : "left open", wire_answers(&wire),
                   wire.answer);
    wire_close(&wire);
}

static void framing_case(struct stage *stage, uint64_t number,
                         const char *second, size_t len)
{
    static const size_t pieces[PIECES] = {0, 1, 7};
    size_t probe = (size_t)(number / PIECES);

    if (probe >= PROBES)
        step_one(stage, &steps[number - (uint64_t)PROBES * PIECES], second,
                 len);
    else
        probe_one(stage,
                  probe < HTTP_PROBES_SMUGGLING
                      ? &http_probes_smuggling[probe]
                      : &http_probes_malformed[probe - HTTP_PROBES_SMUGGLING],
                  pieces[number % PIECES], second, len);
}

void fault_web_framing(void **state)
{
    struct stage_options options = {.no_registrations = true, .level = "info"};
    struct stage *stage = stage_begin(&options);
    char key[STAGE_TEXT_MAX], *second = malloc(SECOND_MAX), *body;
    const char *const keys[] = {key};
    char more[100];
    uint64_t from, count;
    int64_t events;
    size_t len;

    (void)state;
    proof_cases(&web_proof, fault_web_framing_count(),
                fault_web_framing_count(), &from, &count);
    stage_deal(stage, "Behind", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(stage, key);
    body = stage_event_body(stage, keys, 1);
    len = make_second(stage, body, second);
    events = web_status_number(stage, "events");
    for (uint64_t at = from; at < from + count; at++)
        framing_case(stage, at, second, len);
    stage_must(stage, web_status_number(stage, "events") == events);
    stage_must(stage, web_quarantined(stage) == 0);
    check_answered(stage);
    /* What stood behind is a good event by itself. */
    stage_must(stage, stage_send_boxes(stage, keys, 1) == 200);
    stage_must(stage, web_status_number(stage, "events") == events + 1);
    free(second);
    free(body);
    stage_check(stage);
    snprintf(more, sizeof(more), "\"answered\":%" PRIu64, answered.came);
    proof_figures(&web_proof, "framing", count, 0, 0, more);
    stage_passed(stage);
}

/* ---- F05 ----------------------------------------------------------------- */

struct bomb {
    const char *name;
    int status; /* the one answer */
    bool whole; /* everything is sent before it: it always comes */
    void (*send)(struct stage *stage, struct wire *wire);
};

static void send_head(struct stage *stage, struct wire *wire, const char *lines)
{
    char head[1000];

    web_head(stage, head, sizeof(head));
    wire_send(wire, head, strlen(head));
    wire_send(wire, lines, strlen(lines));
}

static void length_of_a_gibibyte(struct stage *stage, struct wire *wire)
{
    send_head(stage, wire, "Content-Length: 1073741824\r\n\r\n[");
}

/* As many bytes as are taken; the limit of this is ours. */
static void pour(struct stage *stage, struct wire *wire, const char *piece,
                 size_t len)
{
    size_t sent = 0, went;

    do {
        went = wire_send(wire, piece, len);
        sent += went;
        if (sent > UNREAD_MAX)
            stage_fail(stage, "%zu bytes were taken", sent);
    } while (went == len && !wire->closed);
}

static void chunks_without_end(struct stage *stage, struct wire *wire)
{
    static char chunk[65536 + 20];
    size_t len = (size_t)snprintf(chunk, sizeof(chunk), "10000\r\n");

    memset(chunk + len, ' ', 65536);
    memcpy(chunk + len + 65536, "\r\n", 2);
    send_head(stage, wire, "Transfer-Encoding: chunked\r\n\r\n");
    pour(stage, wire, chunk, len + 65536 + 2);
}

static void chunks_of_one_byte(struct stage *stage, struct wire *wire)
{
    static char chunks[6 * 10000];

    for (size_t at = 0; at < sizeof(chunks); at += 6)
        memcpy(chunks + at, "1\r\n \r\n", 6);
    send_head(stage, wire, "Transfer-Encoding: chunked\r\n\r\n");
    pour(stage, wire, chunks, sizeof(chunks));
}

static void a_mebibyte_of_head(struct stage *stage, struct wire *wire)
{
    static char line[MEBIBYTE];

    memset(line, 'a', sizeof(line));
    send_head(stage, wire, "X-Long: ");
    pour(stage, wire, line, sizeof(line));
}

static void ten_thousand_headers(struct stage *stage, struct wire *wire)
{
    static char lines[6 * 10000];

    for (size_t at = 0; at < sizeof(lines); at += 6)
        memcpy(lines + at, "X:1\r\n ", 6);
    for (size_t at = 5; at < sizeof(lines); at += 6)
        lines[at] = 'X';
    send_head(stage, wire, "");
    wire_send(wire, lines, sizeof(lines) - 1);
}

static void a_line_above_the_limit(struct stage *stage, struct wire *wire)
{
    static char line[17 * 1024];

    memset(line, 'a', sizeof(line));
    send_head(stage, wire, "X-Long: ");
    wire_send(wire, line, sizeof(line));
}

/* The line that begins a request, with so much in its method or target. */
static void pour_first_line(struct wire *wire, const char *begin)
{
    static char line[100000];

    memset(line, 'A', sizeof(line));
    wire_send(wire, begin, strlen(begin));
    wire_send(wire, line, sizeof(line));
}

static void a_long_method(struct stage *stage, struct wire *wire)
{
    (void)stage;
    pour_first_line(wire, "");
}

static void a_long_target(struct stage *stage, struct wire *wire)
{
    (void)stage;
    pour_first_line(wire, "GET /");
}

static void a_long_name(struct stage *stage, struct wire *wire)
{
    send_head(stage, wire, "");
    pour_first_line(wire, "X-");
}

static void zipped(struct stage *stage, struct wire *wire)
{
    send_head(stage, wire,
              "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8b\b");
    wire_send(wire, "xx", 2);
}

static void a_byte_above_the_limit(struct stage *stage, struct wire *wire)
{
    static char body[MEBIBYTE + 1];

    memset(body, ' ', sizeof(body));
    send_head(stage, wire, "Content-Length: 1048577\r\n\r\n");
    wire_send(wire, body, sizeof(body));
}

static const struct bomb bombs[] = {
    {"length of a GiB", 413, true, length_of_a_gibibyte},
    {"chunks without end", 413, false, chunks_without_end},
    {"chunks of one byte", 413, false, chunks_of_one_byte},
    {"a MiB of head", 431, false, a_mebibyte_of_head},
    {"10,000 headers", 431, false, ten_thousand_headers},
    {"a line above the limit", 431, false, a_line_above_the_limit},
    {"a method of 100 kB", 431, false, a_long_method},
    {"a target of 100 kB", 431, false, a_long_target},
    {"a name of 100 kB", 431, false, a_long_name},
    {"gzip", 415, true, zipped},
    {"a byte above the limit", 413, false, a_byte_above_the_limit},
};
enum { BOMBS = sizeof(bombs) / sizeof(*bombs), BOMB_TIMES = 20 };

uint64_t fault_web_bombs_count(void)
{
    return BOMBS * BOMB_TIMES;
}

static void throw_bomb(struct stage *stage, const struct bomb *bomb)
{
    struct wire wire;

    wire_open(stage, &wire);
    bomb->send(stage, &wire);
    wire_read(&wire, WIRE_MS);
    if (!refused_with(&wire, bomb->status) || (bomb->whole && !wire.len))
        stage_fail(stage, "%s: %s: %.200s", bomb->name,
                   wire.closed ? "closed" : "left open", wire.answer);
    wire_close(&wire);
}

void fault_web_bombs(void **state)
{
    struct stage_options options = {.no_registrations = true, .level = "info"};
    struct stage *stage = stage_begin(&options);
    double before, most = 0;
    uint64_t from, count;
    char more[100];

    (void)state;
    proof_cases(&web_proof, fault_web_bombs_count(), fault_web_bombs_count(),
                &from, &count);
    for (size_t at = 0; at < BOMBS; at++)
        throw_bomb(stage, &bombs[at]);
    before = web_memory(stage);
    for (uint64_t at = from; at < from + count; at++) {
        throw_bomb(stage, &bombs[at % BOMBS]);
        if (web_memory(stage) - before > most)
            most = web_memory(stage) - before;
    }
    stage_must(stage, most < MEMORY_MORE);
    stage_must(stage, web_status_number(stage, "events") == 0);
    check_answered(stage);
    stage_check(stage);
    snprintf(more, sizeof(more),
             "\"answered\":%" PRIu64 ",\"max_memory_growth_kib\":%.0f",
             answered.came, most / 1024);
    proof_figures(&web_proof, "bombs", count, 0, 0, more);
    stage_passed(stage);
}
