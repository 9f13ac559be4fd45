/* log_check.c - is what the log holds all that was written into it?
 *
 *   header | frame ... commit | frame ... commit | frame ... commit
 *             each frame's sum goes on from the sum of the frame before
 *
 * SQLite takes the first frame whose sum is wrong for the end of the log.  That
 * is right after a power cut, which tears the last transaction only: each one
 * is synced before the next is written.  It is wrong when a byte went bad at
 * rest: then commits that were answered stand behind it, and would be lost
 * without a word.
 *
 * One idea: a torn end and damage look different from behind.  Frames that
 * continue each other's sums were written by one hand; damage it is
 *  - when one of them continues from a commit, since nobody goes on from a
 *    commit that was not synced, or
 *  - when they end in a commit and a page is there twice since the last good
 *    one, since a transaction writes each page once (but that of its commit,
 *    which may have been written before the cache was full).
 * What was there before the log was begun anew has another salt and is not
 * looked at.  When the header itself is bad, which a cut may also do while the
 * log is begun anew, nothing is missed if the database has all of it already.
 *
 * Not seen: damage in the very last transaction (it looks torn), and a file
 * that ends too early.  Called by every opening, before SQLite sees the file.
 */
#include "store/log_check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/seeded.h"

enum {
    HEAD_BYTES = 32,
    HEAD_SUMMED = 24,
    FRAME_HEAD_BYTES = 24,
    FRAME_SUMMED = 8,
    PAGE_LEAST = 512,
    PAGE_MOST = 65536,
    PAGE_USUAL = 4096,
    PAGE_SIZE_AT = 16 /* in the database's header */
};
/* The lowest bit says in which order the sums read their words. */
static const uint32_t MAGIC = 0x377f0682;

struct sum {
    uint32_t first, second;
};

struct frame {
    uint32_t page;
    uint32_t pages; /* of the database behind this commit; 0: no commit */
    uint32_t salt[2];
    struct sum stored;
};

struct walk {
    int log, database; /* descriptors, owned */
    bool big;          /* sums read words big end first */
    uint32_t page_bytes;
    uint64_t frame_count; /* whole ones in the file */
    uint32_t salt[2];
    struct sum begin;    /* the header's */
    unsigned char *room; /* one frame as it was read; owned */
    unsigned char *seen; /* bits: pages since the last good commit; owned */
    uint64_t page_count; /* that seen has room for */
};

static uint32_t big_end(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
           (uint32_t)at[2] << 8 | at[3];
}

static uint32_t little_end(const unsigned char *at)
{
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 |
           (uint32_t)at[1] << 8 | at[0];
}

static struct sum sum_on(const struct walk *walk, struct sum sum,
                         const unsigned char *bytes, size_t len)
{
    for (size_t at = 0; at + 8 <= len; at += 8) {
        const unsigned char *word = bytes + at;
        sum.first +=
            (walk->big ? big_end(word) : little_end(word)) + sum.second;
        sum.second +=
            (walk->big ? big_end(word + 4) : little_end(word + 4)) + sum.first;
    }
    return sum;
}

static bool sum_same(struct sum one, struct sum other)
{
    return one.first == other.first && one.second == other.second;
}

static bool page_size_fits(uint32_t bytes)
{
    return bytes >= PAGE_LEAST && bytes <= PAGE_MOST && !(bytes & (bytes - 1));
}

static int walk_read(int file, unsigned char *bytes, size_t len, off_t offset)
{
    errno = EIO; /* of a read that is short */
    return pread(file, bytes, len, offset) == (ssize_t)len ? 0 : -EIO;
}

/* ---- Frames -------------------------------------------------------------- */

static off_t frame_offset(const struct walk *walk, uint64_t number)
{
    return HEAD_BYTES + (off_t)((number - 1) * (FRAME_HEAD_BYTES +
                                                (uint64_t)walk->page_bytes));
}

/* Frames are counted from 1, as pages are. */
static int frame_read(struct walk *walk, uint64_t number,
                      struct frame *ret_frame)
{
    const unsigned char *head = walk->room;
    int status =
        walk_read(walk->log, walk->room, FRAME_HEAD_BYTES + walk->page_bytes,
                  frame_offset(walk, number));

    if (status)
        return status;
    ret_frame->page = big_end(head);
    ret_frame->pages = big_end(head + 4);
    ret_frame->salt[0] = big_end(head + 8);
    ret_frame->salt[1] = big_end(head + 12);
    ret_frame->stored = (struct sum){big_end(head + 16), big_end(head + 20)};
    return 0;
}

/* The sum that the frame read last should have behind before. */
static struct sum frame_sum(const struct walk *walk, struct sum before)
{
    struct sum sum = sum_on(walk, before, walk->room, FRAME_SUMMED);

    return sum_on(walk, sum, walk->room + FRAME_HEAD_BYTES, walk->page_bytes);
}

/* Was it written behind a frame of this sum?  It is the one read last. */
static bool frame_continues(const struct walk *walk, const struct frame *frame,
                            struct sum before)
{
    return frame->page && frame->salt[0] == walk->salt[0] &&
           frame->salt[1] == walk->salt[1] &&
           sum_same(frame->stored, frame_sum(walk, before));
}

/* ---- Behind the first bad frame ------------------------------------------ */

static void seen_clear(struct walk *walk)
{
    memset(walk->seen, 0, walk->page_count / 8 + 1);
}

/* Note the page; true: it was noted before. */
static bool seen_page(struct walk *walk, uint32_t page)
{
    unsigned char bit = (unsigned char)(1 << page % 8);
    bool before;

    if (page > walk->page_count)
        return false; /* of a frame that nobody of us wrote */
    before = walk->seen[page / 8] & bit;
    walk->seen[page / 8] |= bit;
    return before;
}

/* All frames up to the first that is not believed; its number, 0: none. */
static int walk_good(struct walk *walk, uint64_t *ret_bad, struct sum *ret_sum)
{
    struct sum sum = walk->begin;
    struct frame frame;

    *ret_bad = 0;
    for (uint64_t number = 1; number <= walk->frame_count; number++) {
        int status = frame_read(walk, number, &frame);

        if (status)
            return status;
        if (!frame_continues(walk, &frame, sum)) {
            *ret_bad = number;
            *ret_sum = sum;
            return 0;
        }
        sum = frame.stored;
        if (frame.pages)
            seen_clear(walk);
        else
            (void)seen_page(walk, frame.page);
    }
    return 0;
}

/* Is there a commit behind the bad frame that was answered?  sum is the one
 * before it: if only its own sum is damaged, the next one continues from what
 * that should have been. */
static int walk_behind(struct walk *walk, uint64_t bad, struct sum sum,
                       bool *ret_missed)
{
    struct sum should = {0, 0};
    bool commit_before = false, twice = false;
    struct frame frame;

    *ret_missed = false;
    for (uint64_t number = bad; number <= walk->frame_count; number++) {
        int status = frame_read(walk, number, &frame);
        bool continues;

        if (status)
            return status;
        continues =
            number > bad &&
            (frame_continues(walk, &frame, sum) ||
             (number == bad + 1 && frame_continues(walk, &frame, should)));
        if (number == bad)
            should = frame_sum(walk, sum);
        if (continues && !frame.pages)
            twice = seen_page(walk, frame.page) || twice;
        if (continues && (commit_before || (twice && frame.pages))) {
            *ret_missed = true;
            return 0;
        }
        commit_before = frame.pages != 0;
        sum = frame.stored;
    }
    return 0;
}

/* ---- A bad header -------------------------------------------------------- */

/* The first frame that another continues, whose salt is then that of all. */
static int walk_first(struct walk *walk, uint64_t *ret_first)
{
    struct frame frame, next;
    int status;

    *ret_first = 0;
    if (walk->frame_count < 2)
        return 0;
    status = frame_read(walk, 1, &frame);
    for (uint64_t number = 1; !status && number < walk->frame_count; number++) {
        memcpy(walk->salt, frame.salt, sizeof(frame.salt));
        status = frame_read(walk, number + 1, &next);
        if (!status && frame_continues(walk, &next, frame.stored)) {
            *ret_first = number;
            return 0;
        }
        frame = next;
    }
    return status;
}

/* The last commit of the frames that continue each other from first on. */
static int walk_commit(struct walk *walk, uint64_t first, uint64_t *ret_last,
                       uint32_t *ret_pages)
{
    struct sum sum = {0, 0};
    struct frame frame;

    *ret_last = *ret_pages = 0;
    for (uint64_t number = first; number <= walk->frame_count; number++) {
        int status = frame_read(walk, number, &frame);

        if (status)
            return status;
        if (number > first && !frame_continues(walk, &frame, sum))
            return 0;
        sum = frame.stored;
        if (frame.pages) {
            *ret_last = number;
            *ret_pages = frame.pages;
        }
    }
    return 0;
}

/* Has the database every page as the log has it last?  newest: the frame of
 * each page, 0: none. */
static int walk_compare(struct walk *walk, const uint32_t *newest,
                        uint32_t pages, bool *ret_missed)
{
    unsigned char *page = memory_zero(walk->page_bytes, 1);
    struct frame frame;
    int status = 0;

    for (uint32_t at = 1; !status && !*ret_missed && at <= pages; at++) {
        if (!newest[at])
            continue;
        status = frame_read(walk, newest[at], &frame);
        /* A page that is not there is not the same. */
        *ret_missed =
            walk_read(walk->database, page, walk->page_bytes,
                      (off_t)(at - 1) * walk->page_bytes) ||
            memcmp(page, walk->room + FRAME_HEAD_BYTES, walk->page_bytes) != 0;
    }
    free(page);
    return status;
}

/* Nobody reads a log with a bad header.  What does it hold that the database
 * has not? */
static int walk_all(struct walk *walk, bool *ret_missed)
{
    uint64_t first, last = 0;
    uint32_t pages = 0, *newest;
    struct frame frame;
    int status = walk_first(walk, &first);

    *ret_missed = false;
    if (!status && first)
        status = walk_commit(walk, first, &last, &pages);
    if (status || !last)
        return status;
    newest = memory_zero((size_t)pages + 1, sizeof(*newest));
    for (uint64_t number = first; !status && number <= last; number++) {
        status = frame_read(walk, number, &frame);
        if (!status && frame.page && frame.page <= pages)
            newest[frame.page] = (uint32_t)number;
    }
    if (!status)
        status = walk_compare(walk, newest, pages, ret_missed);
    free(newest);
    return status;
}

/* ---- The files ----------------------------------------------------------- */

/* false: SQLite does not believe this header. */
static bool walk_header(struct walk *walk)
{
    unsigned char head[HEAD_BYTES], about[2];
    uint32_t magic, native = 1;
    bool good = !walk_read(walk->log, head, sizeof(head), 0);

    magic = good ? big_end(head) : 0;
    good = good && (magic & ~UINT32_C(1)) == MAGIC;
    /* Whoever writes a log does so in the order of his machine. */
    walk->big = good ? magic & 1 : *(unsigned char *)&native == 0;
    walk->page_bytes = good ? big_end(head + 8) : 0;
    if (good && page_size_fits(walk->page_bytes)) {
        walk->salt[0] = big_end(head + 16);
        walk->salt[1] = big_end(head + 20);
        walk->begin = sum_on(walk, (struct sum){0, 0}, head, HEAD_SUMMED);
        if (sum_same(walk->begin,
                     (struct sum){big_end(head + 24), big_end(head + 28)}))
            return true;
    }
    walk->page_bytes = PAGE_USUAL;
    if (!walk_read(walk->database, about, sizeof(about), PAGE_SIZE_AT) &&
        page_size_fits((uint32_t)about[0] << 8 | about[1]))
        walk->page_bytes = (uint32_t)about[0] << 8 | about[1];
    return false;
}

static int walk_through(struct walk *walk, off_t log_bytes, uint64_t *ret_bad,
                        bool *ret_missed)
{
    bool header = walk_header(walk);
    off_t database_bytes = lseek(walk->database, 0, SEEK_END);
    struct sum sum = {0, 0};
    int status = 0;

    walk->frame_count =
        log_bytes < HEAD_BYTES
            ? 0
            : (uint64_t)(log_bytes - HEAD_BYTES) /
                  (FRAME_HEAD_BYTES + (uint64_t)walk->page_bytes);
    walk->page_count =
        (uint64_t)database_bytes / walk->page_bytes + walk->frame_count;
    walk->room = memory_zero(FRAME_HEAD_BYTES + walk->page_bytes, 1);
    walk->seen = memory_zero(walk->page_count / 8 + 1, 1);
    *ret_bad = 0;
    *ret_missed = false;
    if (!header)
        status = walk_all(walk, ret_missed);
    else
        status = walk_good(walk, ret_bad, &sum);
    if (!status && *ret_bad)
        status = walk_behind(walk, *ret_bad, sum, ret_missed);
    free(walk->room);
    free(walk->seen);
    return status;
}

int log_check(const char *path, struct error *err)
{
    size_t len = strlen(path) + sizeof("-wal");
    char *name = memory_zero(len, 1);
    struct walk walk = {.database = -1};
    uint64_t bad = 0;
    bool missed = false;
    off_t log_bytes;
    int status = 0;

    snprintf(name, len, "%s-wal", path);
    walk.log = open(name, O_RDONLY | O_CLOEXEC);
    if (walk.log < 0) {
        status = errno == ENOENT ? 0 : -errno;
        goto out;
    }
    walk.database = open(path, O_RDONLY | O_CLOEXEC);
    log_bytes = lseek(walk.log, 0, SEEK_END);
    status = walk.database < 0 || log_bytes < 0 ? -EIO : 0;
    if (!status && log_bytes)
        status = walk_through(&walk, log_bytes, &bad, &missed);
    if (!status && missed && !seeded_bug("F11log"))
        status = -EBADMSG;
    if (status == -EBADMSG)
        error_set(err,
                  "%s is damaged at byte %" PRId64 " and later commits stand "
                  "behind it, which would be lost; nothing was changed: keep a "
                  "copy of the directory and restore a backup (connectd "
                  "--restore)",
                  name, bad ? (int64_t)frame_offset(&walk, bad) : 0);
out:
    if (status && status != -EBADMSG)
        error_set(err, "%s cannot be read: %s", name, strerror(-status));
    if (walk.log >= 0)
        close(walk.log);
    if (walk.database >= 0)
        close(walk.database);
    free(name);
    return status;
}
