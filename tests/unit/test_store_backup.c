/* links: connect_store connect_base */
/* test_store_backup.c - a backup is whole, a restore is done as a whole or not
 * at all, and a restored database asks before it sends.
 *
 * The calls that change names or files are wrapped, so that a restore can be
 * killed at each of them. */
#include "store_kit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "store/backup.h"

enum { KILLED = 77, STEPS_MAX = 500 };

static long kill_after = -1; /* wrapped calls until the process ends */

static int full_count; /* places for what is put aside that do not fit */

static void step(void)
{
    if (kill_after >= 0 && kill_after-- == 0)
        _exit(KILLED);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __real_rmdir(const char *path);
int __wrap_rmdir(const char *path);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __real_fsync(int descriptor);
int __wrap_fsync(int descriptor);
ssize_t __real_write(int descriptor, const void *bytes, size_t len);
ssize_t __wrap_write(int descriptor, const void *bytes, size_t len);

/* Killed before the call, and killed behind it: each counts. */
int __wrap_rename(const char *from, const char *to)
{
    step();
    return __real_rename(from, to);
}

int __wrap_unlink(const char *path)
{
    step();
    return __real_unlink(path);
}

int __wrap_rmdir(const char *path)
{
    step();
    return __real_rmdir(path);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    step();
    if (full_count && strstr(path, "before-restore-")) {
        full_count--;
        errno = ENOSPC;
        return -1;
    }
    return __real_mkdir(path, mode);
}

int __wrap_fsync(int descriptor)
{
    step();
    return __real_fsync(descriptor);
}

ssize_t __wrap_write(int descriptor, const void *bytes, size_t len)
{
    step();
    return __real_write(descriptor, bytes, len);
}

static int setup(void **state)
{
    full_count = 0; /* whatever the test before left */
    return kit_setup(state);
}

/* The kit's directory and what stands beside it. */
static void beside(const struct kit *kit, const char *name, char path[128])
{
    snprintf(path, 128, "%s%s", kit->directory, name);
}

static int teardown(void **state)
{
    struct kit *kit = *state;
    char path[128];

    kit_blind(kit);
    store_close(kit->store);
    kit_remove_all(kit->directory);
    beside(kit, "-backup", path);
    kit_remove_all(path);
    beside(kit, "-backup.partial", path);
    kit_remove_all(path);
    free(kit);
    return 0;
}

struct answer {
    int count, status;
    uint64_t bytes;
    char text[256];
};

static void answered(void *arg, int status, uint64_t bytes,
                     const struct error *err)
{
    struct answer *answer = arg;

    answer->count++;
    answer->status = status;
    answer->bytes = bytes;
    snprintf(answer->text, sizeof(answer->text), "%.250s", err->text);
}

static struct answer backup(struct kit *kit)
{
    struct answer answer = {0};
    char path[128];

    beside(kit, "-backup", path);
    assert_int_equal(store_backup(kit->store, path, answered, &answer), 0);
    store_drain(kit->store);
    assert_int_equal(answer.count, 1);
    return answer;
}

static int restore(struct kit *kit, struct error *err)
{
    char path[128];

    beside(kit, "-backup", path);
    return store_restore(path, kit->directory, err);
}

static void must_restore(struct kit *kit)
{
    struct error err = {""};

    if (restore(kit, &err))
        fail_msg("%s", err.text);
    kit->wall_ms = (int64_t)time(NULL) * 1000 + 5000;
}

static bool exists(const struct kit *kit, const char *name)
{
    char path[192];

    snprintf(path, sizeof(path), "%s%s", kit->directory, name);
    return access(path, F_OK) == 0;
}

static mode_t mode_of(const struct kit *kit, const char *name)
{
    char path[192];
    struct stat about;

    snprintf(path, sizeof(path), "%s%s", kit->directory, name);
    assert_int_equal(stat(path, &about), 0);
    return about.st_mode & 0777;
}

static void backup_is_whole_and_narrow(void **state)
{
    struct kit *kit = *state;
    struct answer answer, other = {0};
    char path[128];

    kit_accept(kit, "a", "box-1", true);
    kit_deliver(kit, 1, "post", "deal-1", "customer", KIT_ADOPT);
    answer = backup(kit);
    assert_int_equal(answer.status, 0);
    assert_true(answer.bytes > 4096);
    assert_int_equal(mode_of(kit, "-backup"), 0700);
    assert_int_equal(mode_of(kit, "-backup/connect.db"), 0600);
    assert_int_equal(mode_of(kit, "-backup/lookup.key"), 0600);
    assert_false(exists(kit, "-backup/connect.db-wal"));
    assert_false(exists(kit, "-backup.partial"));
    /* The store goes on. */
    assert_int_equal(kit_settle(kit, 1, DELIVERY_DONE).decision, STORE_APPLIED);
    /* Nothing is written over. */
    answer = backup(kit);
    assert_int_equal(answer.status, -EEXIST);
    assert_string_not_equal(answer.text, "");
    assert_int_equal(store_backup(kit->store, "backup", answered, &other),
                     -EINVAL);
    beside(kit, "-backup/x/y", path);
    assert_int_equal(store_backup(kit->store, path, answered, &other), 0);
    assert_int_equal(store_backup(kit->store, path, answered, &other),
                     -EALREADY);
    store_drain(kit->store);
    assert_int_equal(other.status, -ENOENT);
    kit_verify(kit);
}

/* Of a large one the check takes longer than anybody waits for a stop. */
static void check_of_a_backup_can_be_stopped(void **state)
{
    struct kit *kit = *state;
    struct error err = {""};
    atomic_bool stop = false;
    char path[128];

    kit_accept(kit, "a", "box-1", true);
    assert_int_equal(backup(kit).status, 0);
    beside(kit, "-backup", path);
    assert_int_equal(backup_check(path, &stop, &err), 0);
    atomic_store(&stop, true);
    assert_int_equal(backup_check(path, &stop, &err), -ECANCELED);
    assert_string_not_equal(err.text, "");
}

static void killed_backup_leaves_no_backup(void **state)
{
    struct kit *kit = *state;
    long at;

    kit_accept(kit, "a", "box-1", true);
    for (at = 0; at < STEPS_MAX; at++) {
        int status;
        pid_t child = fork();

        if (!child) {
            kill_after = at;
            (void)backup(kit);
            _exit(0);
        }
        waitpid(child, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            break;
        assert_int_equal(WEXITSTATUS(status), KILLED);
        if (exists(kit, "-backup"))
            break; /* it has its name: it is whole */
    }
    assert_true(at > 3 && at < STEPS_MAX);
    if (!exists(kit, "-backup"))
        assert_int_equal(backup(kit).status, 0);
    kit_close(kit);
    must_restore(kit);
    kit_open(kit);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"), 1);
}

static void restored_as_it_was(void **state)
{
    struct kit *kit = *state;
    struct error err = {""};

    kit_accept(kit, "a", "box-1", true);
    kit_deliver(kit, 1, "post", "deal-1", "customer", KIT_ADOPT);
    assert_int_equal(backup(kit).status, 0);
    kit_accept(kit, "b", "box-2", true);
    assert_int_equal(restore(kit, &err), -EBUSY);
    assert_string_not_equal(err.text, "");
    kit_close(kit);
    must_restore(kit);
    assert_false(exists(kit, "/restore.ready"));
    assert_false(exists(kit, "/restore.new"));
    kit_open(kit);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"), 1);
    assert_int_equal(kit_acts(kit, "store.restored"), 1);
    /* What was on its way is in doubt, and counts as sent at the restore. */
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_IN_DOUBT);
    assert_int_equal(kit_count(kit, "SELECT intent_ms >= restored_steady_ms"
                                    " FROM delivery, meta"),
                     1);
    /* The identities work: the key is the right one. */
    assert_int_equal(kit_accept(kit, "a", "box-1", false).decision,
                     STORE_DUPLICATE);
    assert_int_equal(kit_accept(kit, "b", "box-2", false).decision,
                     STORE_APPLIED);
    kit_verify(kit);
}

static void damaged_backup_changes_nothing(void **state)
{
    struct kit *kit = *state;
    struct error err = {""};
    char path[128], junk[4096];
    int file;

    for (uint64_t run = 1; run < 60; run++) {
        char id[16];

        snprintf(id, sizeof(id), "a%d", (int)run);
        kit_accept(kit, id, "", true);
    }
    assert_int_equal(backup(kit).status, 0);
    kit_accept(kit, "b", "", true);
    kit_close(kit);
    beside(kit, "-backup/connect.db", path);
    file = open(path, O_RDWR);
    memset(junk, 'x', sizeof(junk));
    assert_int_equal(pwrite(file, junk, sizeof(junk), 9 * 4096), sizeof(junk));
    close(file);
    assert_int_not_equal(restore(kit, &err), 0);
    /* It names what the person gave, not the copy of it, which is gone. */
    assert_true(strstr(err.text, path) == err.text);
    assert_non_null(strstr(err.text, "is damaged: "));
    assert_null(strstr(err.text, "not an error"));
    assert_non_null(strstr(err.text, "another backup"));
    assert_null(strstr(err.text, "restore.new"));
    assert_false(exists(kit, "/restore.new"));
    kit_open(kit);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"), 60);
    kit_close(kit);
    /* Without its key it is worth nothing. */
    beside(kit, "-backup", path);
    kit_remove_all(path);
    kit_open(kit);
    assert_int_equal(backup(kit).status, 0);
    kit_close(kit);
    beside(kit, "-backup/lookup.key", path);
    file = open(path, O_RDWR);
    assert_int_equal(pwrite(file, junk, 32, 0), 32);
    close(file);
    assert_int_equal(restore(kit, &err), -EBADMSG);
    assert_null(strstr(err.text, "restore.new"));
    kit_open(kit);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"), 60);
    kit_verify(kit);
}

/* 1: as before the restore, 2: restored. */
static int64_t which(struct kit *kit)
{
    kit_open(kit);
    kit_verify(kit);
    assert_false(exists(kit, "/restore.ready"));
    return kit_count(kit, "SELECT count(*) FROM run");
}

static void killed_restore_is_all_or_nothing(void **state)
{
    struct kit *kit = *state;
    bool restored = false;
    int before = 0;
    long at;

    kit_accept(kit, "a", "box-1", true);
    kit_accept(kit, "b", "box-2", true);
    assert_int_equal(backup(kit).status, 0);
    kit_close(kit);
    kit_remove_all(kit->directory); /* another database, with another key */
    kit->wall_ms = (int64_t)time(NULL) * 1000;
    kit_open(kit);
    kit_accept(kit, "c", "box-3", true);
    kit_close(kit);
    for (at = 0; at < STEPS_MAX; at++) {
        struct error err = {""};
        int status;
        int64_t count;
        pid_t child = fork();

        if (!child) {
            kill_after = at;
            _exit(restore(kit, &err) ? 1 : 0);
        }
        waitpid(child, &status, 0);
        status = WEXITSTATUS(status);
        if (status != KILLED)
            assert_int_equal(status, 0);
        count = which(kit);
        assert_true(count == 1 || count == 2);
        /* Once it is decided, it is so for every later kill. */
        if (restored)
            assert_int_equal(count, 2);
        if (!status)
            assert_int_equal(count, 2);
        kit_close(kit);
        if (count == 1) {
            before++;
        } else {
            restored = true;
            /* Back to before, for the next point. */
            kit_remove_all(kit->directory);
            kit_open(kit);
            kit_accept(kit, "c", "box-3", true);
            kit_close(kit);
        }
        if (!status)
            break;
    }
    assert_true(restored && at < STEPS_MAX);
    assert_true(before > 5 && at - before > 5);
    print_message("%ld points, as before at %d\n", at, before);
    kit_open(kit);
}

/* The rest of a restore, done at the opening, is killed as well. */
static void killed_finish_is_finished_later(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "box-1", true);
    kit_accept(kit, "b", "box-2", true);
    assert_int_equal(backup(kit).status, 0);
    kit_close(kit);
    for (long first = 0; first < STEPS_MAX; first++) {
        int status, ended;
        pid_t child;
        bool decided;

        kit_remove_all(kit->directory);
        kit->wall_ms = (int64_t)time(NULL) * 1000;
        kit_open(kit);
        kit_accept(kit, "c", "box-3", true);
        kit_close(kit);
        child = fork();
        if (!child) {
            struct error err = {""};
            kill_after = first;
            _exit(restore(kit, &err) ? 1 : 0);
        }
        waitpid(child, &ended, 0);
        decided = exists(kit, "/restore.ready");
        for (long second = 0; decided && second < STEPS_MAX; second++) {
            child = fork();
            if (!child) {
                struct error err = {""};
                kill_after = second;
                _exit(kit_try_open(kit, &err) ? 1 : 0);
            }
            waitpid(child, &status, 0);
            /* What follows is an opening like any other. */
            if (WEXITSTATUS(status) != KILLED || !exists(kit, "/restore.ready"))
                break;
        }
        if (decided) {
            assert_int_equal(which(kit), 2);
            kit_close(kit);
        }
        if (WEXITSTATUS(ended) == 0)
            break;
    }
    kit_open(kit);
}

/* As far as it is decided, and not a step further. */
static void decide(struct kit *kit)
{
    for (long at = 0; at < STEPS_MAX; at++) {
        struct error err = {""};
        int status;
        pid_t child = fork();

        if (!child) {
            kill_after = at;
            _exit(restore(kit, &err) ? 1 : 0);
        }
        waitpid(child, &status, 0);
        if (exists(kit, "/restore.ready"))
            return;
    }
    fail_msg("it never was");
}

/* What was there is not opened any more, were there no space to put it. */
static void decided_on_a_full_disk(void **state)
{
    struct kit *kit = *state;
    struct error err = {""};

    kit_accept(kit, "a", "box-1", true);
    kit_accept(kit, "b", "box-2", true);
    assert_int_equal(backup(kit).status, 0);
    kit_accept(kit, "c", "box-3", true);
    kit_close(kit);
    decide(kit);
    full_count = 100;
    assert_int_equal(kit_try_open(kit, &err), -ENOSPC);
    assert_string_not_equal(err.text, "");
    assert_true(exists(kit, "/restore.ready"));
    full_count = 1; /* with what was kept back it fits */
    assert_int_equal(which(kit), 2);
    full_count = 0;
}

static void put_aside_and_put_back(void **state)
{
    struct kit *kit = *state;
    struct error err = {""};
    char path[128], command[256];
    FILE *list;

    kit_accept(kit, "a", "box-1", true);
    assert_int_equal(backup(kit).status, 0);
    kit_accept(kit, "b", "box-2", true);
    kit_close(kit);
    must_restore(kit);
    /* What was there can be restored like any backup. */
    snprintf(command, sizeof(command), "ls -d %s/before-restore-*",
             kit->directory);
    list = popen(command, "r");
    assert_non_null(fgets(path, sizeof(path), list));
    pclose(list);
    path[strcspn(path, "\n")] = '\0';
    if (store_restore(path, kit->directory, &err))
        fail_msg("%s", err.text);
    kit_open(kit);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"), 2);
    kit_verify(kit);
}

static void restored_where_nothing_is(void **state)
{
    struct kit *kit = *state;
    struct error err = {""};

    kit_accept(kit, "a", "box-1", true);
    /* No backup there: nothing changes. */
    kit_close(kit);
    assert_int_equal(restore(kit, &err), -ENOENT);
    assert_non_null(strstr(err.text, "-backup is no backup"));
    assert_false(exists(kit, "/restore.new"));
    kit_open(kit);
    assert_int_equal(kit_state(kit, 1), RUN_READY);
    assert_int_equal(backup(kit).status, 0);
    kit_close(kit);
    kit_remove_all(kit->directory);
    must_restore(kit);
    assert_int_equal(mode_of(kit, ""), 0700);
    assert_int_equal(mode_of(kit, "/connect.db"), 0600);
    assert_int_equal(mode_of(kit, "/lookup.key"), 0600);
    kit_open(kit);
    assert_int_equal(kit_state(kit, 1), RUN_READY);
    kit_verify(kit);
}

/* What a killed daemon left has a log that belongs to it and to no other. */
static void log_of_a_killed_daemon_goes_with_its_database(void **state)
{
    struct kit *kit = *state;
    struct error err = {""};
    struct dirent *entry;
    char path[320] = "";
    int status;
    pid_t child;
    DIR *list;

    kit_accept(kit, "a", "box-1", true);
    assert_int_equal(backup(kit).status, 0);
    kit_close(kit);
    child = fork();
    if (!child) {
        kit_open(kit);
        kit_accept(kit, "b", "box-2", true);
        kit_accept(kit, "c", "box-3", true);
        _exit(0);
    }
    waitpid(child, &status, 0);
    assert_true(exists(kit, "/connect.db-wal"));
    must_restore(kit);
    kit_open(kit);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"), 1);
    kit_verify(kit);
    kit_close(kit);
    list = opendir(kit->directory);
    while ((entry = readdir(list))) {
        if (!strncmp(entry->d_name, "before-restore-", 15))
            snprintf(path, sizeof(path), "%s/%s", kit->directory,
                     entry->d_name);
    }
    closedir(list);
    if (store_restore(path, kit->directory, &err))
        fail_msg("%s", err.text);
    kit_open(kit);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"), 3);
    kit_verify(kit);
}

/* ---- A restored database asks ------------------------------------------- */

static void restored_kit(struct kit *kit)
{
    assert_int_equal(backup(kit).status, 0);
    kit_close(kit);
    must_restore(kit);
    kit_open(kit);
}

static void unknown_deliveries_are_asked_about(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "old", "", true);
    kit_deliver(kit, 1, "post", "deal-1", "customer", KIT_ADOPT);
    kit_settle(kit, 1, DELIVERY_READY);
    kit->queue = "syspro";
    kit_run(kit, 1, RUN_READY);
    kit->queue = "";
    kit_accept(kit, "done", "", true);
    kit_deliver(kit, 2, "post", "deal-2", "other", 0);
    kit_settle(kit, 2, DELIVERY_DONE);
    kit_run(kit, 2, RUN_DONE);
    restored_kit(kit);
    kit_verify(kit);
    /* An intent of before. */
    assert_int_equal(kit_claim(kit, "syspro", 5), 1);
    assert_int_equal(kit_intent(kit, 1).decision, STORE_DOUBT);
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_IN_DOUBT);
    assert_int_equal(kit_state(kit, 1), RUN_ACTIVE);
    assert_int_equal(kit_count(kit, "SELECT doubt = 1 AND hold = 2 AND"
                                    " intent_ms = restored_steady_ms FROM"
                                    " delivery, meta WHERE run = 1"),
                     1);
    /* A new one, of the same lane: behind the one in doubt; then by itself. */
    kit_accept(kit, "new", "", true);
    assert_int_equal(
        kit_deliver(kit, 3, "post", "deal-3", "customer", KIT_ADOPT).decision,
        STORE_BEHIND);
    kit_accept(kit, "new2", "", true);
    assert_int_equal(
        kit_deliver(kit, 4, "post", "deal-4", "fourth", KIT_ADOPT).decision,
        STORE_DOUBT);
    assert_int_equal(kit_count(kit,
                               "SELECT doubt = 1 AND delivery.waiting = 0 AND"
                               " state = 2 AND intent_ms ="
                               " restored_steady_ms FROM delivery, meta"
                               " WHERE run = 4"),
                     1);
    assert_int_equal(kit_state(kit, 4), RUN_ACTIVE);
    /* Asked: absent.  Sent as usual. */
    kit_settle(kit, 4, DELIVERY_READY);
    assert_int_equal(kit_intent(kit, 4).decision, STORE_APPLIED);
    /* A refusal without effect is no reason to ask again. */
    kit_settle(kit, 4, DELIVERY_READY);
    assert_int_equal(kit_intent(kit, 4).decision, STORE_APPLIED);
    kit_settle(kit, 4, DELIVERY_DONE);
    /* Without a source key nobody can tell them apart: ask. */
    kit_accept(kit, "new3", "", true);
    assert_int_equal(kit_deliver(kit, 5, "post", "", "", 0).decision,
                     STORE_DOUBT);
    /* Known to be delivered: this update of it may have been, too. */
    kit_accept(kit, "new4", "", true);
    assert_int_equal(kit_deliver(kit, 6, "post", "deal-2", "other", 0).decision,
                     STORE_DOUBT);
    kit_settle(kit, 6, DELIVERY_READY);
    assert_int_equal(kit_intent(kit, 6).decision, STORE_APPLIED);
    /* And it survives another start. */
    kit_reopen(kit);
    kit_accept(kit, "new5", "", true);
    assert_int_equal(kit_deliver(kit, 7, "post", "deal-7", "", 0).decision,
                     STORE_DOUBT);
    kit_verify(kit);
}

static void person_may_answer_instead(void **state)
{
    struct kit *kit = *state;

    restored_kit(kit);
    kit_accept(kit, "a", "", true);
    assert_int_equal(kit_deliver(kit, 1, "post", "deal-1", "", 0).decision,
                     STORE_DOUBT);
    kit->doubt = true;
    kit_settle(kit, 1, DELIVERY_PARKED);
    kit->doubt = false;
    kit_run(kit, 1, RUN_PARKED);
    kit_answer_doubt(kit, 1, false, "");
    kit_claim(kit, "", 1);
    assert_int_equal(kit_intent(kit, 1).decision, STORE_APPLIED);
    kit_verify(kit);
}

static void asked_before_the_restore_does_not_count(void **state)
{
    struct kit *kit = *state;

    restored_kit(kit);
    kit_accept(kit, "a", "", true);
    kit_deliver(kit, 1, "post", "deal-1", "", 0);
    kit_settle(kit, 1, DELIVERY_READY); /* asked */
    kit->queue = "syspro";
    kit_run(kit, 1, RUN_READY);
    kit->queue = "";
    {
        char path[128];
        beside(kit, "-backup", path);
        kit_remove_all(path);
    }
    restored_kit(kit);
    assert_int_equal(kit_claim(kit, "syspro", 1), 1);
    assert_int_equal(kit_intent(kit, 1).decision, STORE_DOUBT);
    kit_verify(kit);
}

static void after_400_days_it_is_forgotten(void **state)
{
    struct kit *kit = *state;
    const int64_t day_ms = 24 * 3600 * 1000;

    restored_kit(kit);
    kit_step(kit, 399 * day_ms, 399 * day_ms);
    kit_accept(kit, "a", "", true);
    assert_int_equal(kit_deliver(kit, 1, "post", "deal-1", "", 0).decision,
                     STORE_DOUBT);
    kit_step(kit, 2 * day_ms, 2 * day_ms);
    kit_accept(kit, "b", "", true);
    assert_int_equal(kit_deliver(kit, 2, "post", "deal-2", "", 0).decision,
                     STORE_APPLIED);
    kit_verify(kit);
}

/* ---- With threads -------------------------------------------------------- */

static void thread_notified(void *arg)
{
    (void)arg;
}

static void counted(void *arg, int status, const struct store_result *results,
                    size_t count)
{
    (void)results;
    (void)count;
    if (!status)
        ++*(uint64_t *)arg;
}

/* Events come while the backup is made; what it holds is one state of them. */
static void backup_beside_the_writer(void **state)
{
    struct kit *kit = *state;
    struct answer answer = {0};
    struct store_options options = {.directory = kit->directory,
                                    .owner = "test",
                                    .clock = clock_system(),
                                    .notify = thread_notified};
    struct error err = {""};
    uint64_t sent = 0, stored = 0;
    char path[128], id[32];

    kit_close(kit);
    assert_int_equal(store_open(&options, &kit->store, &err), 0);
    beside(kit, "-backup", path);
    assert_int_equal(store_backup(kit->store, path, answered, &answer), 0);
    while (!answer.count || sent < 500) {
        struct store_batch *batch = store_batch_create();

        snprintf(id, sizeof(id), "e%d", (int)sent);
        kit_append_accept(kit, batch, id, "", false);
        if (store_commit(kit->store, batch, counted, &stored))
            store_batch_destroy(batch);
        else
            sent++;
        store_drain(kit->store);
    }
    assert_int_equal(answer.status, 0);
    /* One that is under way when the store closes is given up and told. */
    memset(&answer, 0, sizeof(answer));
    beside(kit, "-backup.2", path);
    assert_int_equal(store_backup(kit->store, path, answered, &answer), 0);
    store_close(kit->store);
    kit->store = NULL;
    assert_int_equal(answer.count, 1);
    assert_true(answer.status == -ECANCELED || answer.status == 0);
    kit_remove_all(path);
    assert_int_equal(sent, stored);
    must_restore(kit);
    kit_open(kit);
    assert_true(kit_count(kit, "SELECT count(*) FROM run") <= (int64_t)sent);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"),
                     kit_count(kit, "SELECT run_next - 1 FROM meta"));
    kit_verify(kit);
}

#define BACKUP_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BACKUP_TEST(backup_is_whole_and_narrow),
        BACKUP_TEST(check_of_a_backup_can_be_stopped),
        BACKUP_TEST(killed_backup_leaves_no_backup),
        BACKUP_TEST(restored_as_it_was),
        BACKUP_TEST(damaged_backup_changes_nothing),
        BACKUP_TEST(killed_restore_is_all_or_nothing),
        BACKUP_TEST(killed_finish_is_finished_later),
        BACKUP_TEST(decided_on_a_full_disk),
        BACKUP_TEST(put_aside_and_put_back),
        BACKUP_TEST(restored_where_nothing_is),
        BACKUP_TEST(log_of_a_killed_daemon_goes_with_its_database),
        BACKUP_TEST(unknown_deliveries_are_asked_about),
        BACKUP_TEST(person_may_answer_instead),
        BACKUP_TEST(asked_before_the_restore_does_not_count),
        BACKUP_TEST(after_400_days_it_is_forgotten),
        BACKUP_TEST(backup_beside_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
