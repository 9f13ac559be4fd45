/* fault_web_handshakes.c - F04 over TLS: hundreds of connections that never
 * finish their handshake, and a good sender beside them.
 *
 * One idea: the daemon has a certificate made for the play; a stalled
 * connection is bytes over a plain socket, only the good sender speaks TLS to
 * the end, with a new connection for each event.  The daemon's deadlines of
 * connections are in real time, so this is too.  One thread. */
#include "fault_web.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/memory.h"

enum {
    LIMIT_MS = 5000,  /* the daemon's, for a handshake */
    LATE_MS = 4000,   /* a busy machine looks late at its deadlines */
    GOOD_GAP_MS = 50, /* 20 a second */
    GOOD_MAX = (LIMIT_MS + LATE_MS) / GOOD_GAP_MS + 10,
    HELLO_MAX = 2000,
    REQUEST_MAX = 20000,
    MEMORY_MORE = 64 << 20, /* of all connections */
    GOOD_P99_MS = 2500      /* ten times what is right on a quiet machine */
};

static const struct kind {
    const char *name;
    size_t bytes;    /* of the client's hello, at once */
    int64_t drip_ms; /* between two more of them; 0: silence */
} kinds[] = {
    {"silent", 0, 0},
    {"4 bytes", 4, 0},
    {"a whole hello", HELLO_MAX, 0}, /* and no answer to the server's */
    {"byte by byte", 1, 250},
};
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

struct stalled {
    struct wire wire;
    const struct kind *kind;
    size_t sent;
    int64_t begun_ms, drip_ms, closed_ms;
};

static struct stalled *stalled;
static size_t stalled_count;
static char hello[HELLO_MAX];
static size_t hello_len;

/* ---- The certificate ----------------------------------------------------- */

static char *pem_text(struct stage *stage, X509 *certificate, EVP_PKEY *key)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *bytes, *text;
    size_t len;

    if (certificate)
        stage_must(stage, PEM_write_bio_X509(memory, certificate));
    else
        stage_must(stage, PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0,
                                                   NULL, NULL));
    len = (size_t)BIO_get_mem_data(memory, &bytes);
    text = memory_copy(bytes, len);
    BIO_free(memory);
    return text;
}

static void write_certificate(struct stage *stage)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    char *text;

    stage_must(stage, key && certificate);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)"connect.example", -1, -1,
                               0);
    X509_set_issuer_name(certificate, name);
    stage_must(stage, X509_sign(certificate, key, EVP_sha256()) > 0);
    text = pem_text(stage, certificate, NULL);
    stage_write(stage, "certificate.pem", text);
    free(text);
    text = pem_text(stage, NULL, key);
    stage_write(stage, "secrets/tls.key", text);
    free(text);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* The configuration that stage_prepare wrote, with the certificate. */
static void listen_with_tls(struct stage *stage)
{
    char path[STAGE_PATH_MAX + 20];
    cJSON *config, *listen, *tls;
    char *text;

    write_certificate(stage);
    snprintf(path, sizeof(path), "%s/connect.json", stage->directory);
    text = process_read_file(path, NULL);
    config = text ? cJSON_Parse(text) : NULL;
    free(text);
    listen = cJSON_GetObjectItemCaseSensitive(config, "listen");
    stage_must(stage, listen);
    tls = cJSON_AddObjectToObject(listen, "tls");
    cJSON_AddStringToObject(tls, "certificate", "certificate.pem");
    cJSON_AddStringToObject(tls, "key", "file:secrets/tls.key");
    text = cJSON_Print(config);
    stage_write(stage, "connect.json", text);
    cJSON_free(text);
    cJSON_Delete(config);
}

/* ---- Those that stall ---------------------------------------------------- */

/* What a real client says first. */
static void make_hello(struct stage *stage, SSL_CTX *context)
{
    SSL *ssl = SSL_new(context);
    BIO *to = BIO_new(BIO_s_mem());
    int got;

    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), to);
    stage_must(stage, SSL_connect(ssl) < 0);
    got = BIO_read(to, hello, sizeof(hello));
    stage_must(stage, got > 100 && got < HELLO_MAX);
    hello_len = (size_t)got;
    SSL_free(ssl);
}

static void stalled_begin(struct stage *stage, struct stalled *one,
                          size_t number)
{
    one->kind = &kinds[number % KINDS];
    one->sent = one->kind->bytes < hello_len ? one->kind->bytes : hello_len;
    wire_open(stage, &one->wire);
    wire_send(&one->wire, hello, one->sent);
    one->begun_ms = one->drip_ms = process_now_ms();
}

/* Its next byte, when it is due; closed is noted. */
static void stalled_work(struct stalled *one, int64_t now_ms)
{
    char bytes[4096];
    ssize_t got;

    if (one->closed_ms)
        return;
    got = recv(one->wire.file, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        one->closed_ms = now_ms;
        wire_close(&one->wire);
        return;
    }
    if (one->kind->drip_ms && now_ms - one->drip_ms >= one->kind->drip_ms &&
        one->sent < hello_len) {
        (void)!send(one->wire.file, hello + one->sent++, 1,
                    MSG_DONTWAIT | MSG_NOSIGNAL);
        one->drip_ms = now_ms;
    }
}

static size_t stalled_left(void)
{
    size_t left = 0;

    for (size_t at = 0; at < stalled_count; at++)
        left += !stalled[at].closed_ms;
    return left;
}

static unsigned check_kind(const struct kind *kind)
{
    unsigned open = 0, late = 0, count = 0;
    int64_t longest = 0;

    for (size_t at = 0; at < stalled_count; at++) {
        const struct stalled *one = &stalled[at];
        int64_t lived_ms = one->closed_ms - one->begun_ms;
        if (one->kind != kind)
            continue;
        count++;
        open += !one->closed_ms;
        if (!one->closed_ms)
            continue;
        late += lived_ms > LIMIT_MS + LATE_MS;
        if (lived_ms > longest)
            longest = lived_ms;
    }
    printf("%u %s: %u open, the longest lived %" PRId64 " ms (limit %d)\n",
           count, kind->name, open, longest, LIMIT_MS);
    return open + late;
}

/* ---- The good sender ----------------------------------------------------- */

struct good {
    SSL_CTX *context;
    char request[REQUEST_MAX];
    int len;
    int64_t spent_ms[GOOD_MAX];
    size_t count;
};

static void make_request(struct stage *stage, struct good *good,
                         const char *body)
{
    char head[1000];

    web_head(stage, head, sizeof(head));
    good->len = snprintf(good->request, sizeof(good->request),
                         "%sConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                         head, strlen(body), body);
    stage_must(stage, good->len > 0 && good->len < REQUEST_MAX);
}

/* A connection of its own, from the first byte to the answer. */
static void good_send(struct stage *stage, struct good *good)
{
    static const char right[] = "HTTP/1.1 200 ";
    struct timeval limit = {.tv_sec = WIRE_MS / 1000};
    int64_t begun_ms = process_now_ms();
    SSL *ssl = SSL_new(good->context);
    char answer[sizeof(right)] = "";
    struct wire wire;

    wire_open(stage, &wire);
    stage_must(stage, !setsockopt(wire.file, SOL_SOCKET, SO_RCVTIMEO, &limit,
                                  sizeof(limit)));
    SSL_set_fd(ssl, wire.file);
    if (SSL_connect(ssl) != 1 ||
        SSL_write(ssl, good->request, good->len) != good->len ||
        SSL_read(ssl, answer, sizeof(right) - 1) <= 0 ||
        strcmp(answer, right) != 0)
        stage_fail(stage, "the good sender, %zu connections are open: \"%s\"",
                   stalled_left(), answer);
    SSL_free(ssl);
    wire_close(&wire);
    good->spent_ms[good->count++] = process_now_ms() - begun_ms;
}

/* The good sender and all others, until none of them is left. */
static double work(struct stage *stage, struct good *good)
{
    int64_t begun_ms = process_now_ms(), next_ms = begun_ms;
    double most = 0;

    while (stalled_left() && process_now_ms() - begun_ms < LIMIT_MS + LATE_MS) {
        int64_t now_ms = process_now_ms();
        for (size_t at = 0; at < stalled_count; at++)
            stalled_work(&stalled[at], now_ms);
        if (now_ms < next_ms || good->count >= GOOD_MAX) {
            process_nap(2);
            continue;
        }
        next_ms += GOOD_GAP_MS;
        good_send(stage, good);
        if (good->count % 10 == 1 && web_memory(stage) > most)
            most = web_memory(stage);
    }
    return most;
}

/* The one event, however often it came. */
static void sent_is_known(struct stage *stage, const char *key)
{
    cJSON *entry = cJSON_CreateObject(), *keys = cJSON_CreateArray();

    stage_must(stage, web_status_number(stage, "events") == 1);
    cJSON_AddItemToArray(keys, cJSON_CreateString(key));
    cJSON_AddItemToObject(entry, "keys", keys);
    cJSON_AddNumberToObject(entry, "status", 200);
    cJSON_AddItemToArray(stage->sent, entry);
}

void fault_web_handshakes(void **state)
{
    struct stage_options options = {.no_registrations = true, .level = "warn"};
    struct stage *stage = stage_prepare(&options);
    struct good *good = memory_zero(1, sizeof(*good));
    char key[STAGE_TEXT_MAX], *body, more[200];
    const char *const keys[] = {key};
    double before, most;
    unsigned left = 0;
    int64_t p99;

    (void)state;
    stalled_count =
        web_proof.count ? web_proof.count : (uint64_t)WEB_HANDSHAKES_CASES;
    stalled = memory_zero(stalled_count, sizeof(*stalled));
    good->context = SSL_CTX_new(TLS_client_method());
    listen_with_tls(stage);
    stage_start(stage);
    make_hello(stage, good->context);
    stage_deal(stage, "Good", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    body = stage_event_body(stage, keys, 1);
    make_request(stage, good, body);
    before = web_memory(stage);
    for (size_t at = 0; at < stalled_count; at++)
        stalled_begin(stage, &stalled[at], at);
    most = work(stage, good) - before;
    for (size_t at = 0; at < KINDS; at++)
        left += check_kind(&kinds[at]);
    p99 = web_p99(good->spent_ms, good->count);
    printf("handshakes: %u left, good sender: %zu connections, p99 %" PRId64
           " ms; memory grew by %.1f MiB\n",
           left, good->count, p99, most / (1 << 20));
    stage_must(stage, !left);
    stage_must(stage, most < MEMORY_MORE);
    stage_must(stage, p99 < GOOD_P99_MS);
    sent_is_known(stage, key);
    snprintf(more, sizeof(more),
             "\"max_p99_ms\":%" PRId64 ",\"max_memory_growth_kib\":%.0f", p99,
             most / 1024);
    SSL_CTX_free(good->context);
    free(good);
    free(body);
    free(stalled);
    stage_check(stage);
    proof_figures(&web_proof, "handshakes", stalled_count, 0, 0, more);
    stage_passed(stage);
}
