/* doctor_certificate.c - are the certificates good, and for how long?
 *
 * One idea: what is on disk is looked at, since that is what the next reload or
 * start takes.  Every certificate of a file is looked at, for a chain ends with
 * its first certificate that did.  Called on a thread that may block. */
#include "admin/doctor_certificate.h"

#include <stdio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum {
    WARNING_DAYS = 30,
    CERTIFICATES_MAX = 2000 /* of one file; all of a system's are 150 */
};

struct found {
    int count;
    int days;      /* until the first of them ends */
    bool early;    /* one is not valid yet */
    bool late;     /* one has ended */
    X509 *leading; /* the first; owned */
};

static void look_at(struct found *found, X509 *one, int64_t wall_ms)
{
    ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)(wall_ms / 1000));
    int days = 0, seconds = 0;

    if (now && ASN1_TIME_diff(&days, &seconds, now, X509_get0_notAfter(one))) {
        if (!found->count || days < found->days)
            found->days = days;
        found->late = found->late || days < 0 || seconds < 0;
    }
    if (now && ASN1_TIME_diff(&days, &seconds, now, X509_get0_notBefore(one)))
        found->early = found->early || days > 0 || seconds > 0;
    ASN1_TIME_free(now);
}

static int read_certificates(const char *path, int64_t wall_ms,
                             struct found *found)
{
    FILE *file = fopen(path, "re");
    X509 *one;

    if (!file)
        return -1;
    while (found->count < CERTIFICATES_MAX &&
           (one = PEM_read_X509(file, NULL, NULL, NULL))) {
        look_at(found, one, wall_ms);
        found->count++;
        if (found->leading)
            X509_free(one);
        else
            found->leading = one;
    }
    fclose(file);
    ERR_clear_error(); /* the end of the file is one */
    return found->count ? 0 : -1;
}

/* Of our own certificate an end is a failure, of one of many trusted ones it is
 * not: others beside it may do. */
static void judge_days(struct doctor *doctor, const char *path,
                       const struct found *found, bool own)
{
    static const char renew[] =
        "Renew it, put the new file in its place, then: connectctl reload";
    enum doctor_mark worst = own ? DOCTOR_FAILED : DOCTOR_WARNING;

    if (found->late)
        doctor_add(doctor, "certificates", worst, path, renew,
                   "a certificate in it has ended");
    else if (found->early)
        doctor_add(doctor, "certificates", worst, path,
                   "Look at the machine's clock, or wait.",
                   "a certificate in it is not valid yet");
    else if (found->days < WARNING_DAYS)
        doctor_add(doctor, "certificates", DOCTOR_WARNING, path, renew,
                   "a certificate in it ends in %d days", found->days);
    else
        doctor_add(doctor, "certificates", DOCTOR_OK, path, NULL,
                   "%d certificate%s, valid for %d days", found->count,
                   found->count == 1 ? "" : "s", found->days);
}

static void look_key(struct doctor *doctor, const char *path, X509 *certificate)
{
    FILE *file = fopen(path, "re");
    EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;

    if (file)
        fclose(file);
    if (!key)
        doctor_add(doctor, "certificates", DOCTOR_FAILED, path,
                   "Put the key of the listener's certificate there (PEM, "
                   "without a password).",
                   "the key cannot be read");
    else if (X509_check_private_key(certificate, key) != 1)
        doctor_add(doctor, "certificates", DOCTOR_FAILED, path,
                   "Put certificate and key of one pair in place, then: "
                   "connectctl reload",
                   "the key is not that of the certificate");
    EVP_PKEY_free(key);
    ERR_clear_error();
}

static void look_file(struct doctor *doctor, const char *path, const char *key,
                      int64_t wall_ms)
{
    struct found found = {.count = 0};

    if (read_certificates(path, wall_ms, &found)) {
        doctor_add(doctor, "certificates", DOCTOR_FAILED, path,
                   "Put certificates in PEM there, the daemon's user must be "
                   "able to read them.",
                   "no certificate can be read from it");
        return;
    }
    judge_days(doctor, path, &found, key != NULL);
    if (key)
        look_key(doctor, key, found.leading);
    X509_free(found.leading);
}

void doctor_look_certificates(struct doctor *doctor, const char *certificate,
                              const char *key, const char *trusted,
                              int64_t wall_ms)
{
    if (certificate && key)
        look_file(doctor, certificate, key, wall_ms);
    if (trusted)
        look_file(doctor, trusted, NULL, wall_ms);
    if (!certificate && !trusted)
        doctor_add(doctor, "certificates", DOCTOR_OK, NULL, NULL,
                   "none are configured");
}
