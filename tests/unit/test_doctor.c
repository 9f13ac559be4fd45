/* links: connect_admin PkgConfig::OPENSSL */
/* The doctor's looks and judgements: each broken thing turns its own check, and
 * no other, and says what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <connect/json.h>

#include "admin/doctor_certificate.h"
#include "admin/doctor_judge.h"
#include "admin/doctor_look.h"
#include "admin/doctor_offline.h"
#include "base/memory.h"

#define MIB (1024ULL * 1024)
#define DAY_S (24L * 3600)
#define NOW_MS 1800000000000LL

struct place {
    char directory[64];
    struct config config;
    struct config_instance instance;
    cJSON *settings;
    char data[96], flows[96], file[96], secret[96], plugins[96], plugin[128];
    char certificate[96], key[96];
};

/* ---- Findings ------------------------------------------------------------ */

/* The checks that are not well, each with its mark: "disk:failed". */
static void unwell(const struct doctor *doctor, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t index = 0; index < doctor->count; index++) {
        const struct doctor_finding *finding = &doctor->findings[index];
        size_t len = strlen(text);
        if (finding->mark == DOCTOR_OK) {
            assert_null(finding->action);
            continue;
        }
        snprintf(text + len, size - len, "%s%s:%s", len ? " " : "",
                 finding->check, doctor_word(finding->mark));
    }
}

static void expect(struct doctor *doctor, const char *expected)
{
    char text[512];

    unwell(doctor, text, sizeof(text));
    doctor_destroy(doctor);
    assert_string_equal(text, expected);
}

static void test_more_than_fit_are_counted(void **state)
{
    struct doctor *doctor = doctor_create(), *other = doctor_create();
    cJSON *value;

    (void)state;
    for (int index = 0; index < DOCTOR_FINDINGS_MAX - 1; index++)
        doctor_add(doctor, "disk", DOCTOR_OK, NULL, NULL, "x");
    for (int index = 0; index < 3; index++)
        doctor_add(other, "disk", DOCTOR_FAILED, "s", "a", "%d", index);
    doctor_join(doctor, other);
    doctor_destroy(other);
    assert_int_equal(doctor->count, DOCTOR_FINDINGS_MAX);
    assert_int_equal(doctor->left_off, 2);
    doctor_add(doctor, "disk", DOCTOR_OK, NULL, NULL, "x");
    assert_int_equal(doctor->left_off, 3);
    doctor_sort(doctor); /* those without a subject first */
    assert_string_equal(doctor->findings[doctor->count - 1].subject, "s");
    value = doctor_encode(doctor);
    assert_true(cJSON_IsFalse(cn_json_member(value, "ok")));
    cJSON_Delete(value);
    doctor_destroy(doctor);
}

/* Without a daemon too, and as JSON. */
static void test_offline_counts_what_does_not_fit(void **state)
{
    for (int json = 0; json < 2; json++) {
        struct doctor *doctor = doctor_create();
        char *text = NULL;
        size_t len;
        FILE *file = open_memstream(&text, &len);

        (void)state;
        for (int index = 0; index < DOCTOR_FINDINGS_MAX + 3; index++)
            doctor_add(doctor, "configuration", DOCTOR_FAILED, NULL, NULL, "x");
        assert_int_equal(
            doctor_offline(doctor, "/nowhere/connect.json", json, file),
            DOCTOR_FINDINGS_MAX);
        fclose(file);
        assert_non_null(strstr(text, json ? "\"left_off\":3"
                                          : "\n3 more are not listed\n"));
        free(text);
        doctor_destroy(doctor);
    }
}

/* ---- Judgements ---------------------------------------------------------- */

static void test_disk(void **state)
{
    static const struct {
        struct doctor_disk disk;
        const char *expected;
    } rows[] = {
        {{"/d", 5000 * MIB, 10000 * MIB, true, true}, ""},
        {{"/d", 5000 * MIB, 10000 * MIB, false, false}, ""},
        {{"/d", 63 * MIB, 10000 * MIB, true, true}, "disk:failed"},
        {{"/d", 511 * MIB, 10000 * MIB, true, true}, "disk:warning"},
        {{"/d", 513 * MIB, 10000 * MIB, true, true}, ""},
        {{"/d", 5000 * MIB, 200000 * MIB, true, true}, "disk:warning"},
        {{"/d", 11000 * MIB, 2000000 * MIB, true, true}, ""},
        {{"/d", 5000 * MIB, 10000 * MIB, false, true}, "reserve:failed"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(*rows); index++) {
        struct doctor *doctor = doctor_create();
        doctor_judge_disk(doctor, &rows[index].disk);
        expect(doctor, rows[index].expected);
    }
}

static void test_database(void **state)
{
    struct doctor *doctor = doctor_create();

    (void)state;
    doctor_judge_database(doctor, 500 * MIB, 0, false);
    doctor_judge_database(doctor, 89 * MIB, 100 * MIB, false);
    expect(doctor, "");
    doctor = doctor_create();
    doctor_judge_database(doctor, 91 * MIB, 100 * MIB, false);
    expect(doctor, "database:warning");
    doctor = doctor_create();
    doctor_judge_database(doctor, 60 * MIB, 100 * MIB, true);
    expect(doctor, "database:warning");
}

static void test_clock(void **state)
{
    static const struct {
        struct doctor_clock clock;
        const char *expected;
    } rows[] = {
        {{NOW_MS, NOW_MS, NOW_MS - 1, 1}, ""},
        {{NOW_MS, 0, 0, -1}, ""},
        {{NOW_MS, NOW_MS, 0, 0}, "clock_sync:warning"},
        {{NOW_MS, NOW_MS - 61000, 0, 1}, "clock:warning"},
        {{NOW_MS, NOW_MS + 61000, 0, 1}, "clock:warning"},
        {{NOW_MS, NOW_MS - 59000, 0, 1}, ""},
        {{NOW_MS, NOW_MS, NOW_MS + 6000, 1}, "clock:failed"},
        {{86400000, 86400000, 0, 1}, "clock:failed"},
        {{NOW_MS * 3, NOW_MS * 3, 0, 1}, "clock:failed"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(*rows); index++) {
        struct doctor *doctor = doctor_create();
        doctor_judge_clock(doctor, &rows[index].clock);
        expect(doctor, rows[index].expected);
    }
}

static void test_queues(void **state)
{
    struct doctor_waiting waiting = {7, 14 * 60000LL, "rests", "ready"};
    struct doctor_people people = {.parked = 0};
    struct doctor *doctor = doctor_create();

    (void)state;
    doctor_judge_waiting(doctor, &waiting);
    doctor_judge_people(doctor, &people);
    expect(doctor, "");
    doctor = doctor_create();
    waiting.age_ms = 15 * 60000LL;
    doctor_judge_waiting(doctor, &waiting);
    assert_string_equal(doctor->findings[0].subject, "run 7");
    assert_string_equal(doctor->findings[0].found, "ready for 15 min: rests");
    waiting.age_ms = 4 * 60 * 60000LL;
    doctor_judge_waiting(doctor, &waiting);
    people = (struct doctor_people){1, 1, 1, 1, 1, "a", "d"};
    doctor_judge_people(doctor, &people);
    expect(doctor, "waiting:warning waiting:failed parked:warning "
                   "doubt:failed quarantine:warning alerts:warning");
}

/* ---- Files --------------------------------------------------------------- */

static void make_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void name(struct place *place, char *path, const char *last)
{
    snprintf(path, 96, "%s/%s", place->directory, last);
}

static int setup(void **state)
{
    struct place *place = memory_zero(1, sizeof(*place));
    char path[128];

    snprintf(place->directory, sizeof(place->directory),
             "/tmp/test-doctor-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    name(place, place->data, "data");
    name(place, place->flows, "flows");
    name(place, place->file, "connect.json");
    name(place, place->secret, "secret");
    name(place, place->plugins, "plugins");
    name(place, place->certificate, "certificate.pem");
    name(place, place->key, "key.pem");
    snprintf(place->plugin, sizeof(place->plugin), "%s/crm.so", place->plugins);
    assert_int_equal(mkdir(place->data, 0700), 0);
    assert_int_equal(mkdir(place->flows, 0755), 0);
    assert_int_equal(mkdir(place->plugins, 0755), 0);
    make_file(place->file, "{}", 0644);
    make_file(place->secret, "secret", 0600);
    make_file(place->plugin, "", 0755);
    snprintf(path, sizeof(path), "%s/connect.db", place->data);
    make_file(path, "", 0600);
    place->settings = cJSON_CreateObject();
    snprintf(path, sizeof(path), "file:%s", place->secret);
    cJSON_AddStringToObject(place->settings, "api_key", path);
    place->instance = (struct config_instance){
        .name = "crm", .plugin = place->plugin, .config = place->settings};
    place->config = (struct config){.path = place->file,
                                    .data = place->data,
                                    .flows = place->flows,
                                    .admin_socket = "/nowhere",
                                    .instances = &place->instance,
                                    .instance_count = 1};
    fingerprint_file(place->file, place->config.file_hash);
    fingerprint_flows(place->flows, place->config.flows_hash);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    char command[128];
    pid_t child;

    snprintf(command, sizeof(command), "%s", place->directory);
    child = fork();
    if (child == 0)
        execlp("rm", "rm", "-rf", command, (char *)NULL);
    while (child > 0 && waitpid(child, NULL, 0) < 0)
        ;
    cJSON_Delete(place->settings);
    free(place);
    return 0;
}

/* What a look at files finds, without disk space, which is the machine's. */
static void looks(struct place *place, const char *expected)
{
    struct doctor_places *places = doctor_places_create(&place->config);
    struct doctor *doctor = doctor_create();
    char text[512], *disk;

    doctor_look(places, false, NOW_MS, doctor);
    doctor_places_destroy(places);
    unwell(doctor, text, sizeof(text));
    doctor_destroy(doctor);
    disk = strstr(text, "disk:");
    assert_true(!disk || strstr(expected, "disk:"));
    assert_string_equal(text, expected);
}

static void test_permissions(void **state)
{
    struct place *place = *state;
    char path[160];

    looks(place, "");
    chmod(place->secret, 0640);
    looks(place, "permissions:failed");
    chmod(place->secret, 0600);
    chmod(place->data, 0750);
    looks(place, "permissions:failed");
    chmod(place->data, 0700);
    chmod(place->plugin, 0775);
    looks(place, "permissions:failed");
    chmod(place->plugin, 0755);
    chmod(place->plugins, 0777);
    looks(place, "permissions:failed");
    chmod(place->plugins, 0755);
    chmod(place->file, 0666);
    looks(place, "permissions:failed");
    chmod(place->file, 0644);
    snprintf(path, sizeof(path), "%s/connect.db", place->data);
    chmod(path, 0604);
    looks(place, "permissions:failed");
    chmod(path, 0600);
    unlink(place->plugin);
    looks(place, "permissions:failed");
    make_file(place->plugin, "", 0755);
    if (geteuid() == 0) {
        assert_int_equal(chown(place->plugin, 12345, (gid_t)-1), 0);
        looks(place, "permissions:failed");
        assert_int_equal(chown(place->plugin, 0, (gid_t)-1), 0);
    }
    looks(place, "");
}

static void test_socket(void **state)
{
    struct place *place = *state;
    struct doctor_places *places = doctor_places_create(&place->config);
    struct doctor *doctor = doctor_create();
    char text[512];

    doctor_look(places, true, NOW_MS, doctor);
    doctor_places_destroy(places);
    unwell(doctor, text, sizeof(text));
    doctor_destroy(doctor);
    /* It is not there, and nobody keeps space back. */
    assert_string_equal(text, "permissions:failed reserve:failed");
}

static void test_data_directory_is_missing(void **state)
{
    struct place *place = *state;
    struct doctor_places *places;
    struct doctor *doctor = doctor_create();

    place->config.data = "/nowhere/at/all";
    looks(place, ""); /* before the first start */
    places = doctor_places_create(&place->config);
    doctor_look(places, true, NOW_MS, doctor);
    doctor_places_destroy(places);
    expect(doctor, "permissions:failed disk:failed");
}

static void test_changed(void **state)
{
    struct place *place = *state;
    struct doctor_places *places = doctor_places_create(&place->config);
    char path[160];

    assert_false(doctor_look_changed(places));
    make_file(place->file, "{ }", 0644);
    assert_true(doctor_look_changed(places));
    make_file(place->file, "{}", 0644);
    assert_false(doctor_look_changed(places));
    snprintf(path, sizeof(path), "%s/a.json", place->flows);
    make_file(path, "{}", 0644);
    assert_true(doctor_look_changed(places));
    unlink(path);
    assert_false(doctor_look_changed(places));
    doctor_places_destroy(places);
}

/* ---- Certificates -------------------------------------------------------- */

static EVP_PKEY *make_key(void)
{
    return EVP_EC_gen("P-256");
}

static void write_key(const char *path, EVP_PKEY *key)
{
    FILE *file = fopen(path, "we");

    assert_true(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    fclose(file);
    chmod(path, 0600);
}

/* Valid from and until so many days from now. */
static void write_certificate(const char *path, EVP_PKEY *key, long from,
                              long until, const char *how)
{
    X509 *certificate = X509_new();
    FILE *file = fopen(path, how);

    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    ASN1_TIME_set(X509_getm_notBefore(certificate),
                  (time_t)(NOW_MS / 1000 + from * DAY_S));
    ASN1_TIME_set(X509_getm_notAfter(certificate),
                  (time_t)(NOW_MS / 1000 + until * DAY_S));
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_true(PEM_write_X509(file, certificate));
    fclose(file);
    X509_free(certificate);
}

static void certificates(struct place *place, bool own, const char *expected)
{
    struct doctor *doctor = doctor_create();

    if (own)
        doctor_look_certificates(doctor, place->certificate, place->key, NULL,
                                 NOW_MS);
    else
        doctor_look_certificates(doctor, NULL, NULL, place->certificate,
                                 NOW_MS);
    assert_true(doctor->count > 0);
    expect(doctor, expected);
}

static void test_certificates(void **state)
{
    struct place *place = *state;
    EVP_PKEY *key = make_key(), *other = make_key();

    write_key(place->key, key);
    write_certificate(place->certificate, key, -1, 90, "we");
    certificates(place, true, "");
    certificates(place, false, "");
    write_certificate(place->certificate, key, -1, 29, "we");
    certificates(place, true, "certificates:warning");
    write_certificate(place->certificate, key, -9, -1, "we");
    certificates(place, true, "certificates:failed");
    certificates(place, false, "certificates:warning");
    write_certificate(place->certificate, key, 2, 90, "we");
    certificates(place, true, "certificates:failed");
    /* The second of a chain counts too. */
    write_certificate(place->certificate, key, -1, 90, "we");
    write_certificate(place->certificate, other, -9, -1, "ae");
    certificates(place, true, "certificates:failed");
    write_certificate(place->certificate, key, -1, 90, "we");
    write_key(place->key, other);
    certificates(place, true, "certificates:failed");
    make_file(place->key, "no key", 0600);
    certificates(place, true, "certificates:failed");
    make_file(place->certificate, "no certificate", 0600);
    certificates(place, true, "certificates:failed");
    certificates(place, false, "certificates:failed");
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

#define PLACE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_than_fit_are_counted),
        cmocka_unit_test(test_offline_counts_what_does_not_fit),
        cmocka_unit_test(test_disk),
        cmocka_unit_test(test_database),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_queues),
        PLACE_TEST(test_permissions),
        PLACE_TEST(test_socket),
        PLACE_TEST(test_data_directory_is_missing),
        PLACE_TEST(test_changed),
        PLACE_TEST(test_certificates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
