/* doctor_look.c - what can be seen on this machine without asking anybody.
 *
 * One idea: the rights that the daemon insists on when it reads a file are held
 * against the file as it is now, so that a mistake is found before the next
 * start finds it.  Blocks on the disk; runs on a thread of its own or before
 * any loop runs. */
#include "admin/doctor_look.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <connect/json.h>

#include "admin/doctor_certificate.h"
#include "admin/doctor_judge.h"
#include "base/memory.h"

enum {
    FILES_MAX = 512,             /* looked at: 64 instances have a few each */
    DEPTH_MAX = 64,              /* of a configuration, as its reader allows */
    GROUP_BYTES_MAX = 64 * 1024, /* an entry of the group database */
    OTHERS_ANY = 077,
    OTHERS_WRITE = 022
};

#define FILE_PREFIX "file:"

enum kind { KIND_FILE, KIND_DIRECTORY, KIND_SOCKET };

struct place {
    char *path; /* owned */
    const char *what;
    mode_t forbidden; /* rights nobody else may have */
    enum kind kind;
    bool optional; /* need not be there */
};

struct doctor_places {
    char *config, *flows, *data, *socket, *group;
    char *certificate, *key, *trusted;
    char file_hash[FINGERPRINT_MAX], flows_hash[FINGERPRINT_MAX];
    struct place files[FILES_MAX];
    size_t file_count;
};

/* ---- Places -------------------------------------------------------------- */

static void add_place(struct doctor_places *places, const char *what,
                      const char *path, mode_t forbidden, enum kind kind,
                      bool optional)
{
    struct place *place = &places->files[places->file_count];

    for (size_t index = 0; index < places->file_count; index++)
        if (!strcmp(places->files[index].path, path))
            return;
    if (places->file_count == FILES_MAX)
        return;
    places->file_count++;
    place->path = memory_text(path);
    place->what = what;
    place->forbidden = forbidden;
    place->kind = kind;
    place->optional = optional;
}

static void add_in(struct doctor_places *places, const char *what,
                   const char *directory, const char *name, mode_t forbidden)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    add_place(places, what, path, forbidden, KIND_FILE, true);
}

static void add_secret(struct doctor_places *places, const char *reference)
{
    size_t len = sizeof(FILE_PREFIX) - 1;

    if (reference && !strncmp(reference, FILE_PREFIX, len))
        add_place(places, "the credential", reference + len, OTHERS_ANY,
                  KIND_FILE, false);
}

/* Every reference to a file in an instance's settings is one to a credential:
 * nothing else is written so. */
static void add_secrets(struct doctor_places *places, const cJSON *value,
                        int depth)
{
    if (cJSON_IsString(value))
        add_secret(places, value->valuestring);
    if (depth == DEPTH_MAX)
        return;
    CN_JSON_EACH(child, value)
    {
        add_secrets(places, child, depth + 1);
    }
}

static void add_plugin(struct doctor_places *places, const char *path)
{
    char parent[PATH_MAX];
    char *slash;

    add_place(places, "the plugin", path, OTHERS_WRITE, KIND_FILE, false);
    snprintf(parent, sizeof(parent), "%s", path);
    slash = strrchr(parent, '/');
    if (!slash || slash == parent)
        return;
    *slash = '\0';
    add_place(places, "the plugins' directory", parent, OTHERS_WRITE,
              KIND_DIRECTORY, false);
}

struct doctor_places *doctor_places_create(const struct config *config)
{
    struct doctor_places *places = memory_zero(1, sizeof(*places));

    places->config = memory_text(config->path);
    places->flows = memory_text(config->flows);
    places->data = memory_text(config->data);
    places->socket = memory_text(config->admin_socket);
    places->group = memory_text(config->admin_group);
    places->certificate = memory_text(config->tls_certificate);
    places->key = memory_text(config->tls_key);
    places->trusted = memory_text(config->ca_file);
    memcpy(places->file_hash, config->file_hash, FINGERPRINT_MAX);
    memcpy(places->flows_hash, config->flows_hash, FINGERPRINT_MAX);
    add_place(places, "the configuration", config->path, OTHERS_WRITE,
              KIND_FILE, false);
    add_place(places, "the data directory", config->data, OTHERS_ANY,
              KIND_DIRECTORY, true); /* the disk is asked for it too */
    add_in(places, "the database", config->data, "connect.db", OTHERS_ANY);
    add_in(places, "the database's log", config->data, "connect.db-wal",
           OTHERS_ANY);
    add_in(places, "the look-up key", config->data, "lookup.key", OTHERS_ANY);
    if (config->tls_key)
        add_place(places, "the listener's key", config->tls_key, OTHERS_ANY,
                  KIND_FILE, false);
    for (size_t index = 0; index < config->instance_count; index++) {
        const struct config_instance *instance = &config->instances[index];
        add_plugin(places, instance->plugin);
        add_secret(places, instance->path_secret_from);
        add_secrets(places, instance->config, 0);
    }
    return places;
}

void doctor_places_destroy(struct doctor_places *places)
{
    if (!places)
        return;
    for (size_t index = 0; index < places->file_count; index++)
        free(places->files[index].path);
    free(places->config);
    free(places->flows);
    free(places->data);
    free(places->socket);
    free(places->group);
    free(places->certificate);
    free(places->key);
    free(places->trusted);
    free(places);
}

/* ---- Looking ------------------------------------------------------------- */

bool doctor_look_changed(const struct doctor_places *places)
{
    char file[FINGERPRINT_MAX], flows[FINGERPRINT_MAX];

    fingerprint_file(places->config, file);
    fingerprint_flows(places->flows, flows);
    return strcmp(file, places->file_hash) != 0 ||
           strcmp(flows, places->flows_hash) != 0;
}

static bool kind_fits(enum kind kind, mode_t mode)
{
    switch (kind) {
    case KIND_FILE:
        return S_ISREG(mode);
    case KIND_DIRECTORY:
        return S_ISDIR(mode);
    case KIND_SOCKET:
        break;
    }
    return S_ISSOCK(mode);
}

/* 0 when all is well. */
static int look_place(const struct place *place, uid_t user,
                      struct doctor *doctor)
{
    char action[PATH_MAX + 64];
    struct stat found;
    mode_t wrong;

    if (stat(place->path, &found)) {
        if (place->optional && errno == ENOENT)
            return 0;
        doctor_add(doctor, "permissions", DOCTOR_FAILED, place->path,
                   "Put it there, readable for the daemon's user.",
                   "%s cannot be looked at: %s", place->what, strerror(errno));
        return 1;
    }
    if (!kind_fits(place->kind, found.st_mode)) {
        doctor_add(doctor, "permissions", DOCTOR_FAILED, place->path, NULL,
                   "%s is not what it should be", place->what);
        return 1;
    }
    if (found.st_uid != 0 && found.st_uid != user) {
        snprintf(action, sizeof(action), "chown %u %s", (unsigned)user,
                 place->path);
        doctor_add(doctor, "permissions", DOCTOR_FAILED, place->path, action,
                   "%s belongs to user %u; it must belong to root or to the "
                   "daemon's user",
                   place->what, (unsigned)found.st_uid);
        return 1;
    }
    wrong = found.st_mode & place->forbidden;
    if (!wrong)
        return 0;
    snprintf(action, sizeof(action), "chmod %s %s",
             place->forbidden == OTHERS_WRITE ? "go-w" : "go=", place->path);
    doctor_add(doctor, "permissions", DOCTOR_FAILED, place->path, action,
               "others have rights on %s (mode %04o)", place->what,
               (unsigned)(found.st_mode & 07777));
    return 1;
}

static int look_socket(const struct doctor_places *places,
                       struct doctor *doctor)
{
    struct place place = {.path = places->socket,
                          .what = "the admin socket",
                          .forbidden = places->group ? 07 : OTHERS_ANY,
                          .kind = KIND_SOCKET};
    char bytes[GROUP_BYTES_MAX];
    struct group entry, *group = NULL;
    struct stat found;

    if (look_place(&place, geteuid(), doctor))
        return 1;
    if (!places->group || stat(places->socket, &found))
        return 0;
    if (!getgrnam_r(places->group, &entry, bytes, sizeof(bytes), &group) &&
        group && found.st_gid == group->gr_gid)
        return 0;
    doctor_add(doctor, "permissions", DOCTOR_FAILED, places->socket,
               "Restart connectd once the group is there.",
               "the admin socket is not of the group %.64s", places->group);
    return 1;
}

/* Root may look while no daemon runs; whose user that is says its directory. */
static uid_t daemon_user(const struct doctor_places *places, bool running)
{
    struct stat found;

    return running || stat(places->data, &found) ? geteuid() : found.st_uid;
}

static void look_permissions(const struct doctor_places *places, bool running,
                             struct doctor *doctor)
{
    int wrong = running ? look_socket(places, doctor) : 0;
    uid_t user = daemon_user(places, running);

    for (size_t index = 0; index < places->file_count; index++)
        wrong += look_place(&places->files[index], user, doctor);
    if (!wrong)
        doctor_add(doctor, "permissions", DOCTOR_OK, NULL, NULL,
                   "%zu files and directories are for the right people only",
                   places->file_count + (running ? 1 : 0));
}

/* The space kept back is a file; an empty one keeps nothing. */
static bool is_kept(const char *directory)
{
    char path[PATH_MAX];
    struct stat found;

    snprintf(path, sizeof(path), "%s/connect.reserve", directory);
    return stat(path, &found) == 0 && found.st_size > 0;
}

static void look_disk(const struct doctor_places *places, bool running,
                      struct doctor *doctor)
{
    struct doctor_disk disk = {.directory = places->data};
    struct statvfs system;

    if (statvfs(places->data, &system)) {
        if (!running && errno == ENOENT) {
            doctor_add(doctor, "disk", DOCTOR_OK, places->data, NULL,
                       "is made at the first start");
            return;
        }
        doctor_add(doctor, "disk", DOCTOR_FAILED, places->data,
                   "Look at the data directory and its disk.",
                   "the file system cannot be looked at: %s", strerror(errno));
        return;
    }
    disk.free_bytes = (uint64_t)system.f_bavail * system.f_frsize;
    disk.total_bytes = (uint64_t)system.f_blocks * system.f_frsize;
    disk.reserve = is_kept(places->data);
    disk.running = running;
    doctor_judge_disk(doctor, &disk);
}

void doctor_look(const struct doctor_places *places, bool running,
                 int64_t wall_ms, struct doctor *doctor)
{
    look_permissions(places, running, doctor);
    look_disk(places, running, doctor);
    doctor_look_certificates(doctor, places->certificate, places->key,
                             places->trusted, wall_ms);
}

int doctor_look_synchronized(void)
{
    struct timex timex = {.modes = 0};
    int state = adjtimex(&timex);

    if (state < 0) /* a unit that may not touch the clock may not ask either */
        return access("/run/systemd/timesync/synchronized", F_OK) ? -1 : 1;
    return state == TIME_ERROR || (timex.status & STA_UNSYNC) ? 0 : 1;
}
