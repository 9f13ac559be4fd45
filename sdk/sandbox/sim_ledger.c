/* sim_ledger.c - what a simulator saw and did, for the test to compare.
 *
 * Requests and deliveries stand in rings indexed by their number; documents in
 * an array that only grows, with a hash by (kind, key) and one by (kind,
 * reference).  What a test proves with the ledger is worth nothing if documents
 * went missing, so reaching their limit ends the program.
 * Used on the simulator's only thread. */
#include "sim_ledger.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <uthash.h>

#include "base/memory.h"
#include "sim_clock.h"
#include "sim_json.h"

enum {
    REQUESTS_MAX = 200000,   /* 20 s at 10,000 a second; some 60 MB */
    DELIVERIES_MAX = 200000, /* tries of 20,000 events that fail ten times */
    DOCUMENTS_MAX = 2000000, /* twice the largest run planned */
    URL_MAX = 1024,          /* longer addresses are cut in the ledger */
    LINE_MAX_BYTES = 1 << 20 /* one line of the file; an order of 1,000 lines */
};

struct request_entry {
    uint64_t number; /* 0: unused */
    int64_t time_ms;
    char *method; /* owned */
    char *url;    /* owned, masked */
    char *fault;  /* owned or NULL */
    size_t bytes_in;
    size_t bytes_out;
    int status;
    bool committed;
    bool ended;
};

struct delivery_entry {
    uint64_t number;
    int64_t time_ms;
    char *event;  /* owned, as all texts here */
    char *target; /* without its secret part */
    char *keys;
    char *ids;
    char *note;
    uint64_t id;
    int attempt;
    int status;
    int64_t took_ms;
};

struct document {
    char *name; /* kind, 0x1f, key: the hash key */
    uint64_t number;
    int64_t time_ms; /* of the latest commit */
    char *kind;
    char *key;
    char *reference;
    char *change; /* the latest */
    char *detail; /* JSON text */
    uint64_t commits;
    UT_hash_handle hh;
};

struct reference {
    char *name; /* kind, 0x1f, reference */
    size_t documents;
    UT_hash_handle hh;
};

struct sim_ledger {
    const struct sim_clock *clock;   /* borrowed */
    const char *const *secret_names; /* borrowed */
    struct request_entry *requests;  /* ring */
    uint64_t request_last;
    uint64_t request_first; /* oldest number that counts */
    struct delivery_entry *deliveries;
    uint64_t delivery_last;
    uint64_t delivery_first;
    struct document **documents; /* by number - document_first */
    size_t document_count;
    size_t document_capacity;
    uint64_t document_last;
    struct document *by_name;
    struct reference *references;
    struct buf line; /* for the file */
    int file;        /* -1: none */
};

struct sim_ledger *sim_ledger_create(const struct sim_clock *clock,
                                     const char *const *secret_parameters)
{
    struct sim_ledger *ledger = memory_zero(1, sizeof(*ledger));

    ledger->clock = clock;
    ledger->secret_names = secret_parameters;
    ledger->requests = memory_zero(REQUESTS_MAX, sizeof(*ledger->requests));
    ledger->deliveries =
        memory_zero(DELIVERIES_MAX, sizeof(*ledger->deliveries));
    ledger->request_first = ledger->delivery_first = 1;
    ledger->file = -1;
    buf_init(&ledger->line, LINE_MAX_BYTES);
    return ledger;
}

static void request_done(struct request_entry *entry)
{
    free(entry->method);
    free(entry->url);
    free(entry->fault);
    memset(entry, 0, sizeof(*entry));
}

static void delivery_done(struct delivery_entry *entry)
{
    free(entry->event);
    free(entry->target);
    free(entry->keys);
    free(entry->ids);
    free(entry->note);
    memset(entry, 0, sizeof(*entry));
}

static void document_free(struct document *document)
{
    free(document->name);
    free(document->kind);
    free(document->key);
    free(document->reference);
    free(document->change);
    free(document->detail);
    free(document);
}

void sim_ledger_clear(struct sim_ledger *ledger)
{
    struct reference *reference, *next;

    for (size_t i = 0; i < REQUESTS_MAX; i++)
        if (ledger->requests[i].ended)
            request_done(&ledger->requests[i]);
    for (size_t i = 0; i < DELIVERIES_MAX; i++)
        delivery_done(&ledger->deliveries[i]);
    HASH_CLEAR(hh, ledger->by_name);
    for (size_t i = 0; i < ledger->document_count; i++)
        document_free(ledger->documents[i]);
    ledger->document_count = 0;
    HASH_ITER(hh, ledger->references, reference, next)
    {
        HASH_DEL(ledger->references, reference);
        free(reference->name);
        free(reference);
    }
    ledger->request_first = ledger->request_last + 1;
    ledger->delivery_first = ledger->delivery_last + 1;
}

void sim_ledger_destroy(struct sim_ledger *ledger)
{
    if (!ledger)
        return;
    sim_ledger_clear(ledger);
    for (size_t i = 0; i < REQUESTS_MAX; i++)
        request_done(&ledger->requests[i]);
    free(ledger->requests);
    free(ledger->deliveries);
    free(ledger->documents);
    buf_done(&ledger->line);
    if (ledger->file >= 0)
        close(ledger->file);
    free(ledger);
}

int sim_ledger_open_file(struct sim_ledger *ledger, const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (file < 0)
        return -errno;
    if (ledger->file >= 0)
        close(ledger->file);
    ledger->file = file;
    return 0;
}

/* One write a line: a kill leaves whole lines or nothing of them. */
static void write_line(struct sim_ledger *ledger)
{
    size_t done = 0;

    buf_append(&ledger->line, "\n", 1);
    while (done < ledger->line.len) {
        ssize_t len = write(ledger->file, ledger->line.data + done,
                            ledger->line.len - done);

        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0) {
            fprintf(stderr, "ledger file: %s\n", strerror(errno));
            exit(1);
        }
        done += (size_t)len;
    }
}

static bool is_secret(const struct sim_ledger *ledger, const char *name,
                      size_t len)
{
    for (const char *const *secret = ledger->secret_names; secret && *secret;
         secret++)
        if (strlen(*secret) == len && strncasecmp(*secret, name, len) == 0)
            return true;
    return false;
}

/* The address with the values of secret parameters replaced by ***. */
static char *mask_url(const struct sim_ledger *ledger, const char *url)
{
    const char *query = strchr(url, '?');
    struct buf buf;

    buf_init(&buf, URL_MAX);
    if (!query || !ledger->secret_names)
        return memory_copy(url, strnlen(url, URL_MAX));
    buf_append(&buf, url, (size_t)(query - url));
    for (const char *part = query; *part && !buf.overflow;) {
        size_t len = 1 + strcspn(part + 1, "&");
        size_t name_len = strcspn(part + 1, "=&");

        if (is_secret(ledger, part + 1, name_len) && part[1 + name_len] == '=')
            buf_printf(&buf, "%.*s=***", (int)name_len + 1, part);
        else if (buf_append(&buf, part, len))
            break;
        part += len;
    }
    return buf.data ? buf_take(&buf) : memory_text("");
}

static void append_request(struct buf *buf, const struct request_entry *entry)
{
    buf_printf(buf, "{\"number\":%llu,\"time_ms\":%lld,\"method\":",
               (unsigned long long)entry->number, (long long)entry->time_ms);
    sim_json_append_text(buf, entry->method);
    buf_append_text(buf, ",\"path\":");
    sim_json_append_text(buf, entry->url);
    buf_printf(buf,
               ",\"status\":%d,\"bytes_in\":%zu,\"bytes_out\":%zu,"
               "\"committed\":%s,\"answered\":%s,\"fault\":",
               entry->status, entry->bytes_in, entry->bytes_out,
               entry->committed ? "true" : "false",
               entry->ended ? "true" : "false");
    sim_json_append_text(buf, entry->fault);
    buf_append_text(buf, "}");
}

uint64_t sim_ledger_begin_request(struct sim_ledger *ledger, const char *method,
                                  const char *url, size_t bytes_in)
{
    uint64_t number = ++ledger->request_last;
    struct request_entry *entry = &ledger->requests[number % REQUESTS_MAX];

    request_done(entry);
    entry->number = number;
    entry->time_ms = sim_clock_now_ms(ledger->clock);
    entry->method = memory_text(method);
    entry->url = mask_url(ledger, url);
    entry->bytes_in = bytes_in;
    return number;
}

void sim_ledger_end_request(struct sim_ledger *ledger, uint64_t number,
                            int status, size_t bytes_out, bool committed,
                            const char *fault)
{
    struct request_entry *entry = &ledger->requests[number % REQUESTS_MAX];

    if (entry->number != number || entry->ended)
        return;
    entry->status = status;
    entry->bytes_out = bytes_out;
    entry->committed = committed;
    entry->fault = memory_text(fault);
    entry->ended = true;
    if (ledger->file < 0)
        return;
    buf_clear(&ledger->line);
    buf_append_text(&ledger->line, "{\"request\":");
    append_request(&ledger->line, entry);
    buf_append_text(&ledger->line, "}");
    write_line(ledger);
}

static char *join_name(const char *kind, const char *key)
{
    size_t len = strlen(kind) + strlen(key) + 2;
    char *name = memory_zero(len, 1);

    snprintf(name, len, "%s\x1f%s", kind, key);
    return name;
}

static struct reference *find_reference(const struct sim_ledger *ledger,
                                        const char *kind, const char *text)
{
    struct reference *reference = NULL;
    char *name = join_name(kind, text);

    HASH_FIND_STR(ledger->references, name, reference);
    free(name);
    return reference;
}

size_t sim_ledger_count_reference(const struct sim_ledger *ledger,
                                  const char *kind, const char *reference)
{
    const struct reference *found = find_reference(ledger, kind, reference);

    return found ? found->documents : 0;
}

static void append_document(const struct sim_ledger *ledger, struct buf *buf,
                            const struct document *document)
{
    buf_printf(buf, "{\"number\":%llu,\"time_ms\":%lld,\"kind\":",
               (unsigned long long)document->number,
               (long long)document->time_ms);
    sim_json_append_text(buf, document->kind);
    buf_append_text(buf, ",\"key\":");
    sim_json_append_text(buf, document->key);
    buf_append_text(buf, ",\"reference\":");
    sim_json_append_text(buf, document->reference);
    buf_append_text(buf, ",\"change\":");
    sim_json_append_text(buf, document->change);
    buf_printf(
        buf, ",\"commits\":%llu,\"same_reference\":%zu,\"detail\":%s}",
        (unsigned long long)document->commits,
        sim_ledger_count_reference(ledger, document->kind, document->reference),
        document->detail);
}

static void count_reference(struct sim_ledger *ledger,
                            const struct document *document, int step)
{
    struct reference *reference =
        find_reference(ledger, document->kind, document->reference);

    if (!reference) {
        reference = memory_zero(1, sizeof(*reference));
        reference->name = join_name(document->kind, document->reference);
        HASH_ADD_KEYPTR(hh, ledger->references, reference->name,
                        strlen(reference->name), reference);
    }
    if (step > 0)
        reference->documents++;
    else
        reference->documents--;
}

static struct document *add_document(struct sim_ledger *ledger, char *name,
                                     const char *kind, const char *key,
                                     const char *reference)
{
    struct document *document = memory_zero(1, sizeof(*document));

    if (ledger->document_count >= DOCUMENTS_MAX) {
        fprintf(stderr, "ledger: more than %d documents\n", DOCUMENTS_MAX);
        exit(1);
    }
    if (ledger->document_count == ledger->document_capacity) {
        ledger->document_capacity =
            ledger->document_capacity ? ledger->document_capacity * 2 : 256;
        ledger->documents =
            memory_grow(ledger->documents, ledger->document_capacity,
                        sizeof(struct document *));
    }
    document->name = name;
    document->number = ++ledger->document_last;
    document->kind = memory_text(kind);
    document->key = memory_text(key);
    document->reference = memory_text(reference);
    ledger->documents[ledger->document_count++] = document;
    HASH_ADD_KEYPTR(hh, ledger->by_name, document->name, strlen(document->name),
                    document);
    count_reference(ledger, document, 1);
    return document;
}

void sim_ledger_document(struct sim_ledger *ledger, const char *kind,
                         const char *key, const char *reference,
                         const char *change, const cJSON *detail)
{
    char *name = join_name(kind, key);
    char *text = detail ? cJSON_PrintUnformatted(detail) : NULL;
    struct document *document = NULL;

    HASH_FIND_STR(ledger->by_name, name, document);
    if (!document) {
        document = add_document(ledger, name, kind, key, reference);
    } else {
        free(name);
        if (strcmp(document->reference, reference) != 0) {
            count_reference(ledger, document, -1);
            free(document->reference);
            document->reference = memory_text(reference);
            count_reference(ledger, document, 1);
        }
    }
    free(document->change);
    free(document->detail);
    document->change = memory_text(change);
    document->detail = memory_text(text ? text : "null");
    document->time_ms = sim_clock_now_ms(ledger->clock);
    document->commits++;
    cJSON_free(text);
    if (ledger->file < 0)
        return;
    buf_clear(&ledger->line);
    buf_append_text(&ledger->line, "{\"document\":");
    append_document(ledger, &ledger->line, document);
    buf_append_text(&ledger->line, "}");
    write_line(ledger);
}

static void append_delivery(struct buf *buf, const struct delivery_entry *entry)
{
    buf_printf(buf, "{\"number\":%llu,\"time_ms\":%lld,\"event\":",
               (unsigned long long)entry->number, (long long)entry->time_ms);
    sim_json_append_text(buf, entry->event);
    buf_append_text(buf, ",\"target\":");
    sim_json_append_text(buf, entry->target);
    buf_append_text(buf, ",\"keys\":");
    sim_json_append_text(buf, entry->keys);
    buf_append_text(buf, ",\"ids\":");
    sim_json_append_text(buf, entry->ids);
    buf_printf(buf,
               ",\"delivery\":%llu,\"attempt\":%d,\"status\":%d,"
               "\"took_ms\":%lld,\"note\":",
               (unsigned long long)entry->id, entry->attempt, entry->status,
               (long long)entry->took_ms);
    sim_json_append_text(buf, entry->note);
    buf_append_text(buf, "}");
}

void sim_ledger_delivery(struct sim_ledger *ledger,
                         const struct sim_delivery *delivery)
{
    uint64_t number = ++ledger->delivery_last;
    struct delivery_entry *entry = &ledger->deliveries[number % DELIVERIES_MAX];

    delivery_done(entry);
    entry->number = number;
    entry->time_ms = sim_clock_now_ms(ledger->clock);
    entry->event = memory_text(delivery->event);
    entry->target = memory_text(delivery->target);
    entry->keys = memory_text(delivery->keys);
    entry->ids = memory_text(delivery->ids);
    entry->note = memory_text(delivery->note);
    entry->id = delivery->id;
    entry->attempt = delivery->attempt;
    entry->status = delivery->status;
    entry->took_ms = delivery->took_ms;
    if (ledger->file < 0)
        return;
    buf_clear(&ledger->line);
    buf_append_text(&ledger->line, "{\"delivery\":");
    append_delivery(&ledger->line, entry);
    buf_append_text(&ledger->line, "}");
    write_line(ledger);
}

uint64_t sim_ledger_request_count(const struct sim_ledger *ledger)
{
    return ledger->request_last + 1 - ledger->request_first;
}

/* The oldest number still in a ring of max places. */
static uint64_t oldest(uint64_t first, uint64_t last, uint64_t max)
{
    return last >= max && last - max + 1 > first ? last - max + 1 : first;
}

static void append_end(struct buf *buf, uint64_t last, uint64_t lost)
{
    buf_printf(buf, "],\"last\":%llu,\"lost\":%llu}", (unsigned long long)last,
               (unsigned long long)lost);
}

void sim_ledger_list_requests(const struct sim_ledger *ledger, uint64_t after,
                              size_t limit, struct buf *buf)
{
    uint64_t last = ledger->request_last;
    uint64_t start = oldest(ledger->request_first, last, REQUESTS_MAX);
    uint64_t number = after + 1 > start ? after + 1 : start;

    buf_append_text(buf, "{\"entries\":[");
    for (size_t count = 0; number <= last && count < limit; number++, count++) {
        buf_append_text(buf, count ? "," : "");
        append_request(buf, &ledger->requests[number % REQUESTS_MAX]);
    }
    append_end(buf, last, start - ledger->request_first);
}

void sim_ledger_list_deliveries(const struct sim_ledger *ledger, uint64_t after,
                                size_t limit, struct buf *buf)
{
    uint64_t last = ledger->delivery_last;
    uint64_t start = oldest(ledger->delivery_first, last, DELIVERIES_MAX);
    uint64_t number = after + 1 > start ? after + 1 : start;

    buf_append_text(buf, "{\"entries\":[");
    for (size_t count = 0; number <= last && count < limit; number++, count++) {
        buf_append_text(buf, count ? "," : "");
        append_delivery(buf, &ledger->deliveries[number % DELIVERIES_MAX]);
    }
    append_end(buf, last, start - ledger->delivery_first);
}

void sim_ledger_list_documents(const struct sim_ledger *ledger,
                               const char *kind, const char *reference,
                               uint64_t after, size_t limit, struct buf *buf)
{
    size_t count = 0;

    buf_append_text(buf, "{\"entries\":[");
    for (size_t i = 0; i < ledger->document_count && count < limit; i++) {
        const struct document *document = ledger->documents[i];

        if (document->number <= after ||
            (kind && strcmp(kind, document->kind) != 0) ||
            (reference && strcmp(reference, document->reference) != 0))
            continue;
        buf_append_text(buf, count++ ? "," : "");
        append_document(ledger, buf, document);
    }
    append_end(buf, ledger->document_last, 0);
}
