/* fault_web.c - hostile senders of webhooks and clocks that jump, against the
 * real daemon: F03 to F07 and F22.  (F01 is e2e's test_webhooks, F02 its
 * test_refused.)
 *
 * One idea: bytes go out as they are written here, over plain sockets, so that
 * no library mends them.  One thread. */
#include "fault_web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct proof web_proof;

static const char about[] =
    "Hostile senders of webhooks and clocks that jump, against the real "
    "daemon.\n"
    "parts: framing  requests whose end is ambiguous (F03)\n"
    "       slow     thousands of slow connections (F04)\n"
    "       handshakes  hundreds of TLS handshakes that never end (F04)\n"
    "       bombs    bodies and heads without end (F05)\n"
    "       json     broken and evil JSON (F06)\n"
    "       values   amounts that change meaning (F07)\n"
    "       clock    jumps of the wall clock, a stopped process (F22)\n";

static const struct proof_part parts[] = {
    {"framing", fault_web_framing, 0, fault_web_framing_count, 0},
    {"slow", fault_web_slow, WEB_SLOW_CASES, NULL, WEB_SLOW_CASES},
    {"handshakes", fault_web_handshakes, WEB_HANDSHAKES_CASES, NULL,
     WEB_HANDSHAKES_CASES},
    {"bombs", fault_web_bombs, 0, fault_web_bombs_count, 0},
    {"json", fault_web_json, 0, fault_web_json_count, 0},
    {"values", fault_web_values, 0, fault_web_values_count, 0},
    /* One of them at least must be found in the audit; an hour to and fro may
     * be over before anything is stored. */
    {"clock", fault_web_clock, 0, fault_web_clock_count, 9},
};

/* ---- A connection as bytes ------------------------------------------------
 */

void wire_open(struct stage *stage, struct wire *wire)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)stage->port)};

    memset(wire, 0, sizeof(*wire));
    wire->file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    stage_must(stage, wire->file >= 0);
    stage_must(stage, !connect(wire->file, (struct sockaddr *)&address,
                               sizeof(address)));
}

static bool wire_ready(const struct wire *wire, short events, int limit_ms)
{
    struct pollfd poller = {.fd = wire->file, .events = events};

    return poll(&poller, 1, limit_ms) > 0;
}

/* Take what is there; false: the other side has closed. */
static bool wire_take(struct wire *wire)
{
    char bytes[4096];
    ssize_t got = recv(wire->file, bytes, sizeof(bytes), MSG_DONTWAIT);
    size_t room = sizeof(wire->answer) - 1 - wire->len;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0) {
        wire->closed = true;
        return false;
    }
    if ((size_t)got < room)
        room = (size_t)got;
    for (size_t at = 0; at < room; at++) /* a text, whatever came */
        wire->answer[wire->len++] = bytes[at] ? bytes[at] : '?';
    wire->answer[wire->len] = '\0';
    return true;
}

size_t wire_send(struct wire *wire, const void *bytes, size_t len)
{
    const char *at = bytes;
    size_t done = 0;

    while (done < len && !wire->closed) {
        ssize_t went = send(wire->file, at + done, len - done,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (went > 0) {
            done += (size_t)went;
        } else if (errno != EAGAIN && errno != EINTR) {
            break;
        } else if (!wire_ready(wire, POLLOUT, 1000)) {
            break;
        }
        if (wire_ready(wire, POLLIN, 0) && !wire_take(wire))
            break;
    }
    return done;
}

void wire_read(struct wire *wire, int64_t limit_ms)
{
    int64_t until = process_now_ms() + limit_ms;

    while (!wire->closed) {
        int64_t left = until - process_now_ms();
        if (left <= 0 || !wire_ready(wire, POLLIN, (int)left))
            return;
        wire_take(wire);
    }
}

void wire_close(struct wire *wire)
{
    close(wire->file);
    wire->file = -1;
}

int wire_status(const struct wire *wire)
{
    if (strncmp(wire->answer, "HTTP/1.1 ", 9) != 0)
        return 0;
    return (int)strtol(wire->answer + 9, NULL, 10);
}

size_t wire_answers(const struct wire *wire)
{
    const char *at = wire->answer;
    size_t count = 0;

    while ((at = strstr(at, "HTTP/1.1 "))) {
        count++;
        at++;
    }
    return count;
}

/* ---- The daemon ---------------------------------------------------------- */

void web_head(const struct stage *stage, char *head, size_t size)
{
    snprintf(head, size,
             "POST /in/streak/%s HTTP/1.1\r\nHost: connect.example\r\n"
             "X-Streak-Webhook-Token: %s\r\nContent-Type: application/json\r\n",
             stage->path_secret, stage->token);
}

int64_t web_status_number(struct stage *stage, const char *name)
{
    cJSON *told = stage_get(stage, ADMIN, "/v1/status");
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(told, name);
    int64_t number = cJSON_IsNumber(item) ? (int64_t)item->valuedouble : -1;

    cJSON_Delete(told);
    return number;
}

int64_t web_quarantined(struct stage *stage)
{
    int64_t count = 0, before = INT32_MAX;

    while (before > 0) {
        cJSON *told = stage_get(stage, ADMIN, "/v1/quarantine?before=%lld",
                                (long long)before);
        const cJSON *next = cJSON_GetObjectItemCaseSensitive(told, "next");
        int found = cJSON_GetArraySize(
            cJSON_GetObjectItemCaseSensitive(told, "quarantine"));
        count += found;
        before = found && cJSON_IsNumber(next) ? (int64_t)next->valuedouble : 0;
        cJSON_Delete(told);
    }
    return count;
}

double web_memory(struct stage *stage)
{
    return (double)web_status_number(stage, "memory_bytes");
}

double web_cpu_ms(struct stage *stage)
{
    char path[64], text[1000] = "";
    const char *at;
    unsigned long user = 0, kernel = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)stage->connectd.id);
    file = fopen(path, "re");
    stage_must(stage, file && fgets(text, sizeof(text), file));
    fclose(file);
    at = strrchr(text, ')');
    stage_must(stage, at && sscanf(at,
                                   ") %*c %*d %*d %*d %*d %*d %*u %*u %*u "
                                   "%*u %*u %lu %lu",
                                   &user, &kernel) == 2);
    return (double)(user + kernel) * 1000.0 / (double)sysconf(_SC_CLK_TCK);
}

static int compare_ms(const void *one, const void *other)
{
    int64_t left = *(const int64_t *)one, right = *(const int64_t *)other;

    return (left > right) - (left < right);
}

int64_t web_p99(int64_t *spent_ms, size_t count)
{
    qsort(spent_ms, count, sizeof(*spent_ms), compare_ms);
    return count ? spent_ms[count * 99 / 100] : 0;
}

/* ---- The program --------------------------------------------------------- */

static int run_part(const struct proof_part *part)
{
    const struct CMUnitTest tests[] = {
        {part->name, part->test, NULL, stage_teardown, NULL}};

    if (!cmocka_run_group_tests(tests, NULL, NULL))
        return PROOF_PASSED;
    fprintf(stderr,
            "repeat with: fault_web --part %s --from %" PRIu64
            " --count %" PRIu64 "\n",
            part->name, web_proof.from, web_proof.count);
    return PROOF_FAILED;
}

/* The harness and the daemon it starts hold some thousand sockets each. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        (void)!setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    proof_options(&web_proof, argc, argv, about);
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    raise_descriptors();
    return proof_parts(&web_proof, parts, sizeof(parts) / sizeof(*parts),
                       run_part);
}
