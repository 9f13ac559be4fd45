/* links: connect_store connect_base */
/* test_store_log.c - bytes of the log that went bad at rest: an answered commit
 * is never lost without a word, and a torn end is never taken for damage. */
#include "store_kit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "store/log_check.h"

enum {
    COMMITS = 8,
    HEAD = 32,
    FRAME_HEAD = 24,
    FRAME = FRAME_HEAD + 4096,
    SECTOR = 512,
    LOG_MAX = 4 * 1024 * 1024
};

/* A store as a killed process leaves it, in a directory of its own. */
struct left {
    struct kit kit; /* of the copy; its store is closed */
    unsigned char *log, *damaged;
    size_t len;
    size_t last; /* where the last transaction begins */
};

static size_t read_file(const char *directory, const char *name,
                        unsigned char *bytes)
{
    char path[128];
    ssize_t len;
    int file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = open(path, O_RDONLY);
    assert_true(file >= 0);
    len = read(file, bytes, LOG_MAX);
    assert_true(len >= 0 && len < LOG_MAX);
    close(file);
    return (size_t)len;
}

static void write_file(const char *directory, const char *name,
                       const unsigned char *bytes, size_t len)
{
    char path[128];
    int file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, len), len);
    close(file);
}

static size_t big_end(const unsigned char *at)
{
    return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 |
           at[3];
}

/* The end of the transaction before the last one of this log. */
static size_t last_begins(const struct left *left)
{
    size_t begins[2] = {HEAD, HEAD};

    for (size_t at = HEAD; at + FRAME <= left->len; at += FRAME) {
        if (memcmp(left->log + at + 8, left->log + 16, 8) != 0)
            break; /* from before the log was begun anew */
        if (big_end(left->log + at + 4)) {
            begins[0] = begins[1];
            begins[1] = at + FRAME;
        }
    }
    return begins[0];
}

static void leave(struct left *left, const struct kit *kit)
{
    static const char *const names[] = {"connect.db", "lookup.key"};

    kit_start(&left->kit);
    left->log = calloc(1, LOG_MAX);
    left->damaged = calloc(1, LOG_MAX);
    assert_true(left->log && left->damaged);
    for (size_t index = 0; index < 2; index++) {
        size_t len = read_file(kit->directory, names[index], left->log);
        write_file(left->kit.directory, names[index], left->log, len);
    }
    memset(left->log, 0, LOG_MAX);
    left->len = read_file(kit->directory, "connect.db-wal", left->log);
    left->last = last_begins(left);
}

static void left_done(struct left *left)
{
    free(left->log);
    free(left->damaged);
    kit_remove(&left->kit);
}

static unsigned char *fresh(struct left *left)
{
    memcpy(left->damaged, left->log, left->len);
    return left->damaged;
}

static int check(struct left *left, struct error *err)
{
    char path[128];

    write_file(left->kit.directory, "connect.db-wal", left->damaged, left->len);
    snprintf(path, sizeof(path), "%s/connect.db", left->kit.directory);
    return log_check(path, err);
}

static void expect(struct left *left, int status, const char *what, size_t at)
{
    struct error err = {""};
    int got = check(left, &err);

    if (got != status)
        fail_msg("%s at %zu of %zu (last %zu): %d", what, at, left->len,
                 left->last, got);
    if (status && !strstr(err.text, "connect.db-wal"))
        fail_msg("%s at %zu: \"%s\"", what, at, err.text);
}

static void commit_some(struct kit *kit, int count, const char *prefix)
{
    for (int index = 0; index < count; index++) {
        char id[32];
        snprintf(id, sizeof(id), "%s%d", prefix, index);
        kit_accept(kit, id, id, false);
        assert_int_equal(kit->status, 0);
    }
}

/* All bytes of the heads, and some of the pages. */
static size_t next_byte(size_t at)
{
    size_t inside = (at - HEAD) % FRAME;

    return inside + 1 < FRAME_HEAD ? at + 1 : at + 511;
}

static void turn_bytes(struct left *left)
{
    for (size_t at = HEAD; at < left->len; at = next_byte(at)) {
        fresh(left)[at] ^= 0x55;
        expect(left, at < left->last ? -EBADMSG : 0, "a byte", at);
    }
}

static void a_byte_in_the_log_is_refused(void **state)
{
    struct kit *kit = *state;
    struct left left;

    commit_some(kit, COMMITS, "event-");
    leave(&left, kit);
    assert_true(left.last > HEAD + 4 * FRAME);
    memcpy(left.damaged, left.log, left.len);
    expect(&left, 0, "nothing", 0);
    turn_bytes(&left);
    left_done(&left);
}

static void a_sector_of_zeros_is_refused(void **state)
{
    struct kit *kit = *state;
    struct left left;

    commit_some(kit, COMMITS, "event-");
    leave(&left, kit);
    for (size_t at = SECTOR; at + SECTOR < left.len; at += SECTOR) {
        memset(fresh(&left) + at, 0, SECTOR);
        if (!memcmp(left.damaged, left.log, left.len))
            continue; /* they were zeros */
        expect(&left, at < left.last ? -EBADMSG : 0, "a sector", at);
    }
    left_done(&left);
}

/* Any of its writes may be missing after a power cut, and there may be nothing
 * or what was there before in its place. */
static void a_torn_end_is_none(void **state)
{
    struct kit *kit = *state;
    struct left left;
    size_t frames;

    commit_some(kit, COMMITS, "event-");
    leave(&left, kit);
    frames = (left.len - left.last) / FRAME;
    assert_in_range(frames, 3, 20);
    for (size_t pick = 0; pick < 512; pick++) {
        fresh(&left);
        for (size_t frame = 0; frame < frames; frame++) {
            if (!(pick * 2654435761u >> (frame + 7) & 1))
                memset(left.damaged + left.last + frame * FRAME, 0,
                       frame % 2 ? FRAME : FRAME / 2);
        }
        expect(&left, 0, "torn", pick);
    }
    kit_open(&left.kit);
    assert_in_range(kit_count(&left.kit, "SELECT event_count FROM meta"),
                    COMMITS - 1, COMMITS);
    kit_close(&left.kit);
    left_done(&left);
}

static void a_bad_header_is_refused(void **state)
{
    struct kit *kit = *state;
    struct left left;

    commit_some(kit, COMMITS, "event-");
    leave(&left, kit);
    for (size_t at = 0; at < HEAD; at++) {
        fresh(&left)[at] ^= 0x55;
        expect(&left, -EBADMSG, "the header", at);
    }
    memset(fresh(&left), 0, SECTOR);
    expect(&left, -EBADMSG, "no header", 0);
    left_done(&left);
}

/* A cut while the log is begun anew may tear its header; all is in the database
 * then. */
static void a_bad_header_of_what_was_moved_is_none(void **state)
{
    struct kit *kit = *state;
    struct left left;

    commit_some(kit, COMMITS, "event-");
    assert_int_equal(kit_count(kit, "PRAGMA wal_checkpoint(PASSIVE)"), 0);
    leave(&left, kit);
    for (size_t at = 0; at < HEAD; at++) {
        fresh(&left)[at] ^= 0x55;
        expect(&left, 0, "the header", at);
    }
    fresh(&left)[0] ^= 0x55;
    expect(&left, 0, "the header", 0);
    kit_open(&left.kit);
    assert_int_equal(kit_count(&left.kit, "SELECT event_count FROM meta"),
                     COMMITS);
    kit_close(&left.kit);
    left_done(&left);
}

/* What was in the log before stands behind its end. */
static void older_frames_are_not_looked_at(void **state)
{
    struct kit *kit = *state;
    struct left left;

    commit_some(kit, COMMITS, "event-");
    assert_int_equal(kit_count(kit, "PRAGMA wal_checkpoint(PASSIVE)"), 0);
    commit_some(kit, 3, "later-");
    leave(&left, kit);
    fresh(&left);
    expect(&left, 0, "nothing", 0);
    assert_true(left.last > HEAD && left.last < left.len / 2);
    turn_bytes(&left);
    left_done(&left);
}

static void the_store_refuses_and_changes_nothing(void **state)
{
    struct kit *kit = *state;
    struct error err = {""};
    struct left left;

    commit_some(kit, COMMITS, "event-");
    leave(&left, kit);
    fresh(&left)[left.last / 2] ^= 1;
    expect(&left, -EBADMSG, "a byte", left.last / 2);
    assert_int_equal(kit_try_open(&left.kit, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "connect.db-wal is damaged at byte"));
    assert_non_null(strstr(err.text, "--restore"));
    assert_int_equal(
        read_file(left.kit.directory, "connect.db-wal", left.log + left.len),
        left.len);
    assert_memory_equal(left.log + left.len, left.damaged, left.len);
    write_file(left.kit.directory, "connect.db-wal", left.log, left.len);
    kit_open(&left.kit);
    assert_int_equal(kit_count(&left.kit, "SELECT event_count FROM meta"),
                     COMMITS);
    kit_close(&left.kit);
    left_done(&left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_byte_in_the_log_is_refused),
        KIT_TEST(a_sector_of_zeros_is_refused),
        KIT_TEST(a_torn_end_is_none),
        KIT_TEST(a_bad_header_is_refused),
        KIT_TEST(a_bad_header_of_what_was_moved_is_none),
        KIT_TEST(older_frames_are_not_looked_at),
        KIT_TEST(the_store_refuses_and_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
