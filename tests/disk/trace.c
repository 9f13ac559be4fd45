/* trace.c - what the shim wrote down, and the states that a power cut may leave
 * of it.
 *
 * One idea: for each file the bytes that are certain, and the list of what was
 * done since; a cut picks from the list.  One thread. */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "proof.h"

enum {
    FILES_MAX = 256,          /* ids that a trace gives out */
    FILE_BYTES_MAX = 1 << 30, /* of one file; far more than a driver writes */
    SECTOR = 512
};

struct content {
    char *bytes; /* owned */
    size_t len, capacity;
};

struct list {
    size_t *records; /* owned; by their number */
    size_t count, capacity;
};

struct file {
    struct content certain;
    struct list open; /* writes and truncations since */
};

struct names {
    char of[FILES_MAX][DISK_NAME_BYTES]; /* by id; "": none */
};

struct trace {
    char *bytes; /* mapped */
    size_t len;
    size_t *at; /* owned: where each record begins */
    size_t count, now;
    struct file files[FILES_MAX];
    struct names names; /* certain */
    struct list names_open;
};

static struct disk_record head_of(const struct trace *trace, size_t record)
{
    struct disk_record head;

    memcpy(&head, trace->bytes + trace->at[record], sizeof(head));
    return head;
}

static const char *bytes_of(const struct trace *trace, size_t record)
{
    return trace->bytes + trace->at[record] + sizeof(struct disk_record);
}

static void list_add(struct list *list, size_t record)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->records =
            memory_grow(list->records, list->capacity, sizeof(*list->records));
    }
    list->records[list->count++] = record;
}

/* ---- Reading ------------------------------------------------------------- */

static void index_records(struct trace *trace)
{
    struct list places = {0};
    size_t at = 0;

    while (at + sizeof(struct disk_record) <= trace->len) {
        struct disk_record head;
        memcpy(&head, trace->bytes + at, sizeof(head));
        if (head.len > trace->len - at - sizeof(head) || head.file >= FILES_MAX)
            break; /* the process was killed in the middle of it */
        list_add(&places, at);
        at += sizeof(head) + head.len;
    }
    trace->at = places.records;
    trace->count = places.count;
}

struct trace *trace_open(const char *path)
{
    struct trace *trace = memory_zero(1, sizeof(*trace));
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;

    if (file >= 0 && !fstat(file, &about) && about.st_size > 0) {
        trace->len = (size_t)about.st_size;
        trace->bytes = mmap(NULL, trace->len, PROT_READ, MAP_PRIVATE, file, 0);
    }
    if (file >= 0)
        close(file);
    if (!trace->bytes || trace->bytes == MAP_FAILED) {
        free(trace);
        return NULL;
    }
    index_records(trace);
    return trace;
}

void trace_destroy(struct trace *trace)
{
    if (!trace)
        return;
    for (size_t id = 0; id < FILES_MAX; id++) {
        free(trace->files[id].certain.bytes);
        free(trace->files[id].open.records);
    }
    free(trace->names_open.records);
    free(trace->at);
    munmap(trace->bytes, trace->len);
    free(trace);
}

size_t trace_length(const struct trace *trace)
{
    return trace->count;
}

size_t trace_find(const struct trace *trace, enum disk_record_kind kind)
{
    size_t record = 0;

    while (record < trace->count && head_of(trace, record).kind != kind)
        record++;
    return record;
}

/* ---- Contents ------------------------------------------------------------ */

static void content_size(struct content *content, size_t len)
{
    if (len > FILE_BYTES_MAX)
        abort();
    if (len > content->capacity) {
        content->capacity = len + len / 2;
        content->bytes = memory_grow(content->bytes, content->capacity, 1);
    }
    if (len > content->len)
        memset(content->bytes + content->len, 0, len - content->len);
    content->len = len;
}

static void content_write(struct content *content, size_t offset,
                          const char *bytes, size_t len)
{
    if (!len)
        return;
    if (offset + len > content->len)
        content_size(content, offset + len);
    memcpy(content->bytes + offset, bytes, len);
}

static void content_do(const struct trace *trace, struct content *content,
                       size_t record)
{
    struct disk_record head = head_of(trace, record);

    if (head.kind == DISK_R_TRUNCATE)
        content_size(content, (size_t)head.offset);
    else
        content_write(content, (size_t)head.offset, bytes_of(trace, record),
                      head.len);
}

/* Only some sectors of a write, as the disk counts them; the size of the file
 * may have grown all the same. */
static void content_sectors(const struct trace *trace, struct content *content,
                            size_t record, uint64_t *random)
{
    struct disk_record head = head_of(trace, record);
    size_t begin = (size_t)head.offset, end = begin + head.len, at = begin;

    if (head.kind == DISK_R_TRUNCATE || !head.len) {
        content_do(trace, content, record);
        return;
    }
    if (end > content->len && proof_below(random, 2))
        content_size(content, end);
    while (at < end) {
        size_t next = (at / SECTOR + 1) * SECTOR;
        if (next > end)
            next = end;
        if (proof_below(random, 2))
            content_write(content, at, bytes_of(trace, record) + (at - begin),
                          next - at);
        at = next;
    }
}

/* The first bytes of a write. */
static void content_torn(const struct trace *trace, struct content *content,
                         size_t record, uint64_t *random)
{
    struct disk_record head = head_of(trace, record);

    if (head.kind == DISK_R_TRUNCATE || !head.len)
        return;
    content_write(content, (size_t)head.offset, bytes_of(trace, record),
                  proof_below(random, head.len));
}

/* ---- Time ---------------------------------------------------------------- */

static void names_do(const struct trace *trace, struct names *names,
                     size_t record)
{
    struct disk_record head = head_of(trace, record);
    const char *bytes = bytes_of(trace, record);
    char name[DISK_NAME_BYTES * 2 + 1];

    snprintf(name, sizeof(name), "%.*s", (int)head.len, bytes);
    if (head.kind == DISK_R_RENAME) {
        size_t skip = strlen(name) + 1;
        snprintf(name, sizeof(name), "%.*s", (int)(head.len - skip),
                 bytes + skip);
        for (size_t id = 0; id < FILES_MAX; id++) { /* what had it is gone */
            if (!strcmp(names->of[id], name))
                names->of[id][0] = '\0';
        }
    }
    if (head.kind == DISK_R_UNLINK)
        name[0] = '\0';
    snprintf(names->of[head.file], DISK_NAME_BYTES, "%.*s", DISK_NAME_BYTES - 1,
             name);
}

static void settle_names(struct trace *trace)
{
    for (size_t at = 0; at < trace->names_open.count; at++)
        names_do(trace, &trace->names, trace->names_open.records[at]);
    trace->names_open.count = 0;
}

static void step(struct trace *trace, trace_mark_fn *fn, void *arg)
{
    struct disk_record head = head_of(trace, trace->now);
    struct file *file = &trace->files[head.file];

    switch (head.kind) {
    case DISK_R_CREATE:
    case DISK_R_UNLINK:
    case DISK_R_RENAME:
        list_add(&trace->names_open, trace->now);
        break;
    case DISK_R_WRITE:
    case DISK_R_TRUNCATE:
        list_add(&file->open, trace->now);
        break;
    case DISK_R_SYNC:
        for (size_t at = 0; at < file->open.count; at++)
            content_do(trace, &file->certain, file->open.records[at]);
        file->open.count = 0;
        break;
    case DISK_R_SYNC_LOST:
        file->open.count = 0;
        break;
    case DISK_R_DIRECTORY:
        settle_names(trace);
        break;
    case DISK_R_MARK:
        fn(arg, &head);
        break;
    }
    trace->now++;
}

void trace_go(struct trace *trace, size_t record, trace_mark_fn *fn, void *arg)
{
    while (trace->now < record && trace->now < trace->count)
        step(trace, fn, arg);
}

/* ---- The cut ------------------------------------------------------------- */

static void pick_writes(const struct trace *trace, const struct file *file,
                        enum trace_loss loss, uint64_t *random,
                        struct content *content)
{
    size_t count = file->open.count, keep = count;

    if (loss == TRACE_ALL_LOST)
        return;
    if (loss == TRACE_TAIL_TORN && count)
        keep = proof_below(random, count);
    for (size_t at = 0; at < keep; at++) {
        size_t record = file->open.records[at];
        if (loss == TRACE_SOME_SECTORS)
            content_sectors(trace, content, record, random);
        else if (loss != TRACE_SOME || proof_below(random, 2))
            content_do(trace, content, record);
    }
    if (keep < count)
        content_torn(trace, content, file->open.records[keep], random);
}

static int put_file(const char *directory, const char *name,
                    const struct content *content)
{
    char path[4096];
    size_t done = 0;
    int file, status = 0;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
        return -errno;
    while (!status && done < content->len) {
        ssize_t count = write(file, content->bytes + done, content->len - done);
        if (count < 0)
            status = -errno;
        else
            done += (size_t)count;
    }
    close(file);
    return status;
}

/* In memory only, built anew by SQLite after every start. */
static bool is_shared_memory(const char *name)
{
    size_t len = strlen(name);

    return len > 4 && !strcmp(name + len - 4, "-shm");
}

int trace_cut(const struct trace *trace, enum trace_loss loss, uint64_t seed,
              const char *directory)
{
    struct names *names =
        (struct names *)memory_copy(&trace->names, sizeof(trace->names));
    uint64_t random = seed;
    size_t keep = trace->names_open.count;
    int status = 0;

    if (loss == TRACE_ALL_LOST)
        keep = 0;
    else if (loss != TRACE_NOTHING && keep)
        keep = proof_below(&random, keep + 1);
    for (size_t at = 0; at < keep; at++)
        names_do(trace, names, trace->names_open.records[at]);
    for (size_t id = 0; !status && id < FILES_MAX; id++) {
        const struct file *file = &trace->files[id];
        struct content content = {0};
        if (!names->of[id][0] || is_shared_memory(names->of[id]))
            continue;
        content_write(&content, 0, file->certain.bytes, file->certain.len);
        pick_writes(trace, file, loss, &random, &content);
        status = put_file(directory, names->of[id], &content);
        free(content.bytes);
    }
    free(names);
    return status;
}
