/* links: connect_store connect_base */
/* test_store_fault.c - a full disk, a failing disk, a full queue.
 *
 * A file system is put in front of SQLite's own that fails on demand. */
#include "store_kit.h"

#include <semaphore.h>
#include <stdatomic.h>

enum fault { FAULT_NONE, FAULT_FULL, FAULT_WRITE, FAULT_SYNC };

static struct {
    enum fault fault;
    int after; /* calls that still succeed */
    int times; /* calls that fail; then all is well again */
    sqlite3_vfs vfs, *real;
    /* Who opens a file while armed is held up when it reads behind HELD_FROM,
     * until somebody finds a lock taken. */
    atomic_bool armed, held;
    sem_t reads, goes_on;
} disk;

enum { HELD_FROM = 1024 * 1024 };

struct disk_file {
    sqlite3_file base;
    bool armed;
};

static bool disk_fails(enum fault fault)
{
    if (disk.fault != fault || !disk.times)
        return false;
    if (disk.after > 0) {
        disk.after--;
        return false;
    }
    disk.times--;
    return true;
}

/* The real file lies behind ours. */
static sqlite3_file *disk_real(sqlite3_file *file)
{
    return (sqlite3_file *)((char *)file + sizeof(struct disk_file));
}

static int disk_write(sqlite3_file *file, const void *bytes, int len,
                      sqlite3_int64 offset)
{
    sqlite3_file *real = disk_real(file);

    if (disk_fails(FAULT_FULL))
        return SQLITE_FULL;
    if (disk_fails(FAULT_WRITE))
        return SQLITE_IOERR_WRITE;
    return real->pMethods->xWrite(real, bytes, len, offset);
}

static int disk_sync(sqlite3_file *file, int flags)
{
    sqlite3_file *real = disk_real(file);

    if (disk_fails(FAULT_SYNC))
        return SQLITE_IOERR_FSYNC;
    return real->pMethods->xSync(real, flags);
}

static int disk_close(sqlite3_file *file)
{
    return disk_real(file)->pMethods->xClose(disk_real(file));
}

static int disk_read(sqlite3_file *file, void *bytes, int len,
                     sqlite3_int64 offset)
{
    if (((struct disk_file *)file)->armed && offset > HELD_FROM &&
        atomic_exchange(&disk.armed, false)) {
        sem_post(&disk.reads);
        sem_wait(&disk.goes_on);
    }
    return disk_real(file)->pMethods->xRead(disk_real(file), bytes, len,
                                            offset);
}

static int disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return disk_real(file)->pMethods->xTruncate(disk_real(file), size);
}

static int disk_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return disk_real(file)->pMethods->xFileSize(disk_real(file), size);
}

static int disk_lock(sqlite3_file *file, int lock)
{
    return disk_real(file)->pMethods->xLock(disk_real(file), lock);
}

static int disk_unlock(sqlite3_file *file, int lock)
{
    return disk_real(file)->pMethods->xUnlock(disk_real(file), lock);
}

static int disk_reserved(sqlite3_file *file, int *out)
{
    return disk_real(file)->pMethods->xCheckReservedLock(disk_real(file), out);
}

static int disk_control(sqlite3_file *file, int what, void *arg)
{
    return disk_real(file)->pMethods->xFileControl(disk_real(file), what, arg);
}

static int disk_sector(sqlite3_file *file)
{
    return disk_real(file)->pMethods->xSectorSize(disk_real(file));
}

static int disk_traits(sqlite3_file *file)
{
    return disk_real(file)->pMethods->xDeviceCharacteristics(disk_real(file));
}

static int disk_map(sqlite3_file *file, int page, int size, int extend,
                    void volatile **out)
{
    return disk_real(file)->pMethods->xShmMap(disk_real(file), page, size,
                                              extend, out);
}

static int disk_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    int code = disk_real(file)->pMethods->xShmLock(disk_real(file), offset,
                                                   count, flags);

    if (code == SQLITE_BUSY && atomic_exchange(&disk.held, false))
        sem_post(&disk.goes_on);
    return code;
}

static void disk_barrier(sqlite3_file *file)
{
    disk_real(file)->pMethods->xShmBarrier(disk_real(file));
}

static int disk_unmap(sqlite3_file *file, int delete_it)
{
    return disk_real(file)->pMethods->xShmUnmap(disk_real(file), delete_it);
}

static const struct sqlite3_io_methods disk_methods = {
    .iVersion = 2,
    .xClose = disk_close,
    .xRead = disk_read,
    .xWrite = disk_write,
    .xTruncate = disk_truncate,
    .xSync = disk_sync,
    .xFileSize = disk_size,
    .xLock = disk_lock,
    .xUnlock = disk_unlock,
    .xCheckReservedLock = disk_reserved,
    .xFileControl = disk_control,
    .xSectorSize = disk_sector,
    .xDeviceCharacteristics = disk_traits,
    .xShmMap = disk_map,
    .xShmLock = disk_shm_lock,
    .xShmBarrier = disk_barrier,
    .xShmUnmap = disk_unmap,
};

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
                     int flags, int *out)
{
    int code;

    (void)vfs;
    code = disk.real->xOpen(disk.real, name, disk_real(file), flags, out);
    file->pMethods = code == SQLITE_OK ? &disk_methods : NULL;
    ((struct disk_file *)file)->armed = atomic_load(&disk.armed);
    return code;
}

static int disk_install(void **state)
{
    (void)state;
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.zName = "faulty";
    disk.vfs.szOsFile += (int)sizeof(struct disk_file);
    disk.vfs.xOpen = disk_open;
    return sqlite3_vfs_register(&disk.vfs, 1);
}

static void disk_fail(enum fault fault, int after, int times)
{
    disk.fault = fault;
    disk.after = after;
    disk.times = times;
}

static int heal(void **state)
{
    disk_fail(FAULT_NONE, 0, 0);
    return kit_teardown(state);
}

static void full_disk_refuses_and_goes_on(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "x", true);
    disk_fail(FAULT_FULL, 0, 1000);
    kit_accept(kit, "b", "y", true);
    assert_int_equal(kit->status, -ENOSPC);
    assert_int_equal(kit_claim(kit, "", 5), 0);
    assert_int_equal(kit->status, -ENOSPC);
    disk_fail(FAULT_NONE, 0, 0);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"), 1);
    assert_int_equal(kit_accept(kit, "b", "y", true).decision, STORE_APPLIED);
    assert_int_equal(kit->status, 0);
    assert_int_equal(kit_count(kit, "SELECT max(number) FROM run"), 2);
    kit_verify(kit);
}

static void reserve_is_for_outcomes(void **state)
{
    struct kit *kit = *state;
    struct store_batch *outcome = store_batch_create();
    struct store_batch *fresh = store_batch_create();
    struct store_delivery_change change = {
        .run = 1, .path = "post", .state = DELIVERY_DONE};
    int status;

    kit_accept(kit, "a", "x", true);
    kit_deliver(kit, 1, "post", "deal", "", 0);
    store_batch_delivery_change(outcome, &change);
    kit_append_accept(kit, fresh, "b", "y", true);
    /* The first commit fails; with the reserve given free the next does not. */
    disk_fail(FAULT_FULL, 0, 1);
    status = kit_commit_both(kit, outcome, fresh);
    assert_int_equal(status, 0);
    assert_int_equal(kit->status, -ENOSPC);
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_DONE);
    assert_int_equal(kit_accept(kit, "b", "y", true).claimed, 1);
    kit_verify(kit);
}

/* What a person settles, edits or gives up and what is forgotten begins
 * nothing: it is done on the space kept back.  A replay begins something. */
static void people_and_pruning_work_on_the_reserve(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.bytes_max = 1, .count = 100};
    struct store_batch *fresh = store_batch_create();
    struct store_batch *answer = store_batch_create();

    for (int index = 0; index < 3; index++) {
        char id[16];
        uint64_t run;

        snprintf(id, sizeof(id), "e%d", index);
        run = kit_accept(kit, id, "", true).run;
        kit_deliver(kit, run, "post", id, "", 0);
        kit->doubt = index == 0;
        kit_settle(kit, run, index < 2 ? DELIVERY_PARKED : DELIVERY_DONE);
        kit->doubt = false;
        kit_run(kit, run, index < 2 ? RUN_PARKED : RUN_DONE);
    }
    /* Full: only the space kept back is left, and is in use. */
    store_batch_settle(answer, "ann", 1, true, kit_bytes(""), "seen");
    store_batch_act(fresh, "ann", STORE_REPLAY, 3, "again");
    disk_fail(FAULT_FULL, 0, 1);
    assert_int_equal(kit_commit_both(kit, answer, fresh), 0);
    assert_int_equal(kit->status, -ENOSPC);
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_DONE);
    disk_fail(FAULT_FULL, 0, 1);
    kit_edit(kit, 2, "post", "{}");
    assert_int_equal(kit->status, 0);
    assert_int_equal(kit->result.decision, STORE_APPLIED);
    disk_fail(FAULT_FULL, 0, 1);
    kit_act(kit, STORE_DISCARD, 2);
    assert_int_equal(kit->status, 0);
    disk_fail(FAULT_FULL, 0, 1);
    assert_true(kit_prune(kit, &prune).pruned > 0);
    assert_int_equal(kit->status, 0);
    kit_verify(kit);
}

/* Half of a pruning is none. */
static void failed_pruning_takes_nothing(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {
        .run_age_ms = 1, .audit_age_ms = 1, .event_age_ms = 1, .count = 100};

    for (int index = 0; index < 20; index++) {
        char id[16];
        snprintf(id, sizeof(id), "e%d", index);
        kit_run(kit, kit_accept(kit, id, "", true).run, RUN_DONE);
    }
    kit_step(kit, 2 * 3600 * 1000, 0);
    kit_accept(kit, "last", "", true);
    kit_step(kit, 2 * 3600 * 1000, 0);
    disk_fail(FAULT_WRITE, 0, 1);
    kit_prune(kit, &prune);
    assert_int_equal(kit->status, -EIO);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"), 21);
    kit_verify(kit);
    assert_true(kit_prune(kit, &prune).pruned > 60);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"), 1);
    assert_true(kit_count(kit, "SELECT anchor_sequence FROM meta") > 0);
    kit_verify(kit);
    kit_reopen(kit);
    kit_verify(kit);
}

static void backup_ended(void *arg, int status, uint64_t bytes,
                         const struct error *err)
{
    (void)bytes;
    *(int *)arg = status;
    assert_int_equal(status != 0, err->text[0] != '\0');
}

/* A backup that does not fit is none, and disturbs nobody. */
static void backup_on_a_full_disk(void **state)
{
    struct kit *kit = *state;
    char path[128], partial[160];
    int status = 1;

    for (int index = 0; index < 20; index++) {
        char id[16];
        snprintf(id, sizeof(id), "e%d", index);
        kit_accept(kit, id, "", true);
    }
    snprintf(path, sizeof(path), "%s/backup", kit->directory);
    snprintf(partial, sizeof(partial), "%s.partial", path);
    for (int after = 0; after < 12; after += 4) {
        disk_fail(FAULT_FULL, after, 1000000);
        assert_int_equal(store_backup(kit->store, path, backup_ended, &status),
                         0);
        store_drain(kit->store);
        assert_int_equal(status, -ENOSPC);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(access(partial, F_OK), -1);
        disk_fail(FAULT_NONE, 0, 0);
        kit_run(kit, (uint64_t)after + 1, RUN_DONE);
        assert_int_equal(kit->status, 0);
    }
    assert_int_equal(store_backup(kit->store, path, backup_ended, &status), 0);
    store_drain(kit->store);
    assert_int_equal(status, 0);
    kit_verify(kit);
}

static void full_disk_can_be_opened(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "x", true);
    kit_close(kit);
    for (int after = 0; after < 4; after++) {
        disk_fail(FAULT_FULL, after, 1);
        kit_open(kit);
        assert_int_equal(disk.times, 0); /* it did fail */
        assert_int_equal(kit_state(kit, 1), RUN_READY);
        kit_verify(kit);
        assert_int_equal(kit_claim(kit, "", 1), 1);
        kit_close(kit);
    }
    kit_open(kit);
}

static void failing_write_is_not_acknowledged(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "x", true);
    for (int after = 0; after < 4; after++) {
        char id[16];

        snprintf(id, sizeof(id), "b%d", after);
        disk_fail(FAULT_WRITE, after, 1);
        kit_accept(kit, id, "", true);
        if (kit->status) {
            assert_int_equal(kit->status, -EIO);
            /* It healed, was checked, and goes on. */
            assert_int_equal(kit_accept(kit, id, "", true).decision,
                             STORE_APPLIED);
        }
        assert_int_equal(kit->status, 0);
    }
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"), 5);
    kit_verify(kit);
}

static void failing_sync_is_not_believed(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "x", true);
    disk_fail(FAULT_SYNC, 0, 1);
    kit_accept(kit, "b", "y", true);
    assert_int_equal(kit->status, -EIO);
    kit_accept(kit, "b", "y", true);
    if (!kit->status) {
        assert_int_equal(kit->result.decision, STORE_APPLIED);
        kit_verify(kit);
    } else {
        /* The commit is in the file after all: ended for good. */
        kit_accept(kit, "c", "", true);
        assert_int_equal(kit->status, -EIO);
    }
    kit_reopen(kit);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"), 2);
    kit_verify(kit);
}

static void read_woken(void *arg)
{
    sem_post(arg);
}

struct read_backup {
    sem_t woken;
    int ended;
    char text[200];
};

static void read_backup_ended(void *arg, int status, uint64_t bytes,
                              const struct error *err)
{
    struct read_backup *read = arg;

    (void)bytes;
    read->ended = status;
    snprintf(read->text, sizeof(read->text), "%.150s", err->text);
}

static int read_commit(struct kit *kit, struct read_backup *read,
                       const char *id)
{
    struct store_batch *batch = store_batch_create();

    kit_append_accept(kit, batch, id, "", false);
    kit->status = 1;
    assert_int_equal(store_commit(kit->store, batch, kit_answer, kit), 0);
    while (kit->status == 1) {
        sem_wait(&read->woken);
        store_drain(kit->store);
    }
    return kit->status;
}

/* A backup has the log while a write fails: it gives way, and the store goes
 * on. */
static void a_backup_gives_way_to_a_revive(void **state)
{
    struct kit *kit = *state;
    struct read_backup read = {.ended = 1};
    struct store_options options = {.directory = kit->directory,
                                    .owner = "test",
                                    .clock = clock_system(),
                                    .notify = read_woken,
                                    .notify_arg = &read.woken};
    char path[128], *large = calloc(60001, 1);

    memset(large, 'x', 60000);
    large[0] = large[59999] = '"';
    kit->order_body = large;
    for (int run = 1; run <= 300; run++) {
        snprintf(path, sizeof(path), "e%d", run);
        kit_accept(kit, path, "", true);
        kit_deliver(kit, (uint64_t)run, "post", path, "", 0);
    }
    kit_close(kit);
    sem_init(&read.woken, 0, 0);
    sem_init(&disk.reads, 0, 0);
    sem_init(&disk.goes_on, 0, 0);
    assert_int_equal(store_open(&options, &kit->store, NULL), 0);
    snprintf(path, sizeof(path), "%s-backup", kit->directory);
    atomic_store(&disk.armed, true);
    assert_int_equal(store_backup(kit->store, path, read_backup_ended, &read),
                     0);
    sem_wait(&disk.reads);
    atomic_store(&disk.held, true);
    disk_fail(FAULT_WRITE, 0, 1);
    assert_int_equal(read_commit(kit, &read, "fails"), -EIO);
    assert_int_equal(read_commit(kit, &read, "goes on"), 0);
    while (read.ended == 1) {
        sem_wait(&read.woken);
        store_drain(kit->store);
    }
    assert_int_equal(read.ended, -ECANCELED);
    assert_non_null(strstr(read.text, "the disk failed"));
    assert_int_equal(access(path, F_OK), -1);
    kit_close(kit);
    kit_open(kit);
    kit->order_body = "{}";
    free(large);
}

static void lasting_failure_ends_the_store(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "x", true);
    disk_fail(FAULT_SYNC, 0, 1000000);
    kit_accept(kit, "b", "y", true);
    assert_int_equal(kit->status, -EIO);
    disk_fail(FAULT_NONE, 0, 0);
    kit_accept(kit, "c", "z", true);
    assert_int_equal(kit->status, -EIO);
    kit_reopen(kit);
    assert_int_equal(kit_state(kit, 1), RUN_READY);
    kit_verify(kit);
}

static void count_status(void *arg, int status,
                         const struct store_result *results, size_t count)
{
    (void)results;
    (void)count;
    assert_int_equal(status, 0);
    ++*(size_t *)arg;
}

static void full_queue_is_told(void **state)
{
    struct kit *kit = *state;
    struct store_batch *batch;
    size_t answered = 0;

    for (int index = 0; index < STORE_QUEUE_MAX; index++) {
        batch = store_batch_create();
        store_batch_renew(batch);
        assert_int_equal(
            store_commit(kit->store, batch, count_status, &answered), 0);
    }
    batch = store_batch_create();
    assert_int_equal(store_commit(kit->store, batch, count_status, &answered),
                     -EAGAIN);
    assert_int_equal(store_backlog(kit->store), STORE_QUEUE_MAX);
    store_drain(kit->store);
    assert_int_equal(answered, STORE_QUEUE_MAX);
    assert_int_equal(store_backlog(kit->store), 0);
    assert_int_equal(store_commit(kit->store, batch, count_status, &answered),
                     0);
    store_drain(kit->store);
}

static void large_queue_is_told(void **state)
{
    struct kit *kit = *state;
    size_t answered = 0, sent = 0, len = 1024 * 1024;
    char *large = calloc(len, 1);
    struct store_batch *batch;
    int status;

    memset(large, 'x', len);
    for (;;) {
        batch = store_batch_create();
        store_batch_cursor(batch, "streak", "boxes",
                           (struct store_bytes){large, len});
        status = store_commit(kit->store, batch, count_status, &answered);
        if (status)
            break;
        sent++;
        assert_true(sent <= STORE_QUEUE_BYTES_MAX / len);
    }
    assert_int_equal(status, -EAGAIN);
    store_drain(kit->store);
    assert_int_equal(answered, sent);
    assert_int_equal(store_commit(kit->store, batch, count_status, &answered),
                     0);
    store_drain(kit->store);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(full_disk_refuses_and_goes_on,
                                        kit_setup, heal),
        cmocka_unit_test_setup_teardown(reserve_is_for_outcomes, kit_setup,
                                        heal),
        cmocka_unit_test_setup_teardown(people_and_pruning_work_on_the_reserve,
                                        kit_setup, heal),
        cmocka_unit_test_setup_teardown(failed_pruning_takes_nothing, kit_setup,
                                        heal),
        cmocka_unit_test_setup_teardown(backup_on_a_full_disk, kit_setup, heal),
        cmocka_unit_test_setup_teardown(full_disk_can_be_opened, kit_setup,
                                        heal),
        cmocka_unit_test_setup_teardown(failing_write_is_not_acknowledged,
                                        kit_setup, heal),
        cmocka_unit_test_setup_teardown(failing_sync_is_not_believed, kit_setup,
                                        heal),
        cmocka_unit_test_setup_teardown(a_backup_gives_way_to_a_revive,
                                        kit_setup, heal),
        cmocka_unit_test_setup_teardown(lasting_failure_ends_the_store,
                                        kit_setup, heal),
        KIT_TEST(full_queue_is_told),
        KIT_TEST(large_queue_is_told),
    };
    return cmocka_run_group_tests(tests, disk_install, NULL);
}
