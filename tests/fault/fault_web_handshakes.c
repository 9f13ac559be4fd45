/* fault_web_handshakes.c - F04 over TLS: hundreds of connections that never
 * finish their handshake, and a good sender beside them.
 *
 * One idea: the daemon has a certificate made for the play; a stalled
 * connection is bytes over a plain socket, only the good sender speaks TLS to
 * the end, with a new connection for each event.  One thread. */
#include "fault_web.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/memory.h"
#include "fault_web_crowd.h"

enum {
    LIMIT_MS = 5000,  /* the daemon's, for a handshake */
    GOOD_GAP_MS = 50, /* 20 a second */
    HELLO_MAX = 2000,
    REQUEST_MAX = 20000
};

static const struct kind {
    struct crowd_kind crowd;
    size_t bytes; /* of the client's hello, at once */
} kinds[] = {
    {{"silent", 0, LIMIT_MS}, 0},
    {{"4 bytes", 0, LIMIT_MS}, 4},
    /* And no answer to the server's. */
    {{"a whole hello", 0, LIMIT_MS}, HELLO_MAX},
    {{"byte by byte", 250, LIMIT_MS}, 1},
};
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

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

static void stalled_begin(struct stage *stage, struct crowd_one *one,
                          size_t number)
{
    const struct kind *kind = &kinds[number % KINDS];

    crowd_begin(stage, one, &kind->crowd);
    one->sent = kind->bytes < hello_len ? kind->bytes : hello_len;
    wire_send(&one->wire, hello, one->sent);
}

static void stalled_drip(struct crowd_one *one)
{
    if (one->sent < hello_len)
        (void)!send(one->wire.file, hello + one->sent++, 1,
                    MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- The good sender ----------------------------------------------------- */

struct good {
    SSL_CTX *context;
    char request[REQUEST_MAX];
    int len;
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
static void good_event(struct stage *stage, struct crowd *crowd)
{
    static const char right[] = "HTTP/1.1 200 ";
    struct timeval limit = {.tv_sec = WIRE_MS / 1000};
    struct good *good = crowd->arg;
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
                   crowd_left(crowd), answer);
    SSL_free(ssl);
    wire_close(&wire);
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
    char key[STAGE_TEXT_MAX], *body;
    const char *const keys[] = {key};
    struct crowd *crowd;
    unsigned left = 0;

    (void)state;
    good->context = SSL_CTX_new(TLS_client_method());
    listen_with_tls(stage);
    stage_start(stage);
    make_hello(stage, good->context);
    stage_deal(stage, "Good", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    body = stage_event_body(stage, keys, 1);
    make_request(stage, good, body);
    crowd = crowd_create(stage, "handshakes",
                         web_proof.count ? web_proof.count
                                         : (uint64_t)WEB_HANDSHAKES_CASES);
    crowd->drip = stalled_drip;
    crowd->send = good_event;
    crowd->arg = good;
    crowd->gap_ms = GOOD_GAP_MS;
    for (size_t at = 0; at < crowd->count; at++)
        stalled_begin(stage, &crowd->ones[at], at);
    crowd_run(stage, crowd, LIMIT_MS + CROWD_LATE_MS, true);
    for (size_t at = 0; at < KINDS; at++)
        left += crowd_check(crowd, &kinds[at].crowd);
    crowd_judge(stage, crowd, left);
    sent_is_known(stage, key);
    crowd_destroy(crowd);
    SSL_CTX_free(good->context);
    free(good);
    free(body);
    stage_check(stage);
    stage_passed(stage);
}
