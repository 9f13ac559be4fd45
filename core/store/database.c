/* database.c - one SQLite connection with its prepared statements.
 *
 * One idea: SQL stands where it is used, as a constant, and its address finds
 * the prepared statement.  Every statement is reset before it is used again, so
 * no read transaction stays open by accident.  A connection belongs to one
 * thread. */
#include "store/database.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/seeded.h"

enum {
    BUSY_MS = 5000,       /* an offline tool may hold the lock for a moment */
    CACHE_KIB = 32 * 1024 /* pages in memory; 100,000 open runs fit */
};

struct statement {
    const char *sql;        /* key: the address, not the text */
    sqlite3_stmt *prepared; /* owned */
    UT_hash_handle hh;
};

struct value value_number(int64_t number)
{
    return (struct value){VALUE_NUMBER, number, NULL, 0};
}

struct value value_count(uint64_t number)
{
    return value_number((int64_t)number);
}

struct value value_text(const char *text)
{
    if (!text)
        return (struct value){VALUE_NONE, 0, NULL, 0};
    return (struct value){VALUE_TEXT, 0, text, strlen(text)};
}

struct value value_bytes(struct store_bytes bytes)
{
    if (!bytes.len)
        return (struct value){VALUE_NONE, 0, NULL, 0};
    return (struct value){VALUE_BYTES, 0, bytes.ptr, bytes.len};
}

struct value value_hash(const struct lookup_hash *hash)
{
    if (!hash)
        return (struct value){VALUE_NONE, 0, NULL, 0};
    return (struct value){VALUE_BYTES, 0, (const char *)hash->bytes,
                          sizeof(hash->bytes)};
}

int database_status(struct database *database, int code)
{
    int system = database->handle ? sqlite3_system_errno(database->handle) : 0;

    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        /* A full disk shows also where the shared memory file grows. */
        if (code == SQLITE_IOERR_NOMEM)
            return -ENOMEM;
        return system == ENOSPC || system == EDQUOT ? -ENOSPC : -EIO;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_TOOBIG:
        return -E2BIG;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
        return -EINVAL;
    case SQLITE_CORRUPT:
        database->corrupt = true;
        return -EIO;
    default:
        return -EIO; /* not a database, misuse: not to be trusted */
    }
}

static int database_wal_pages(void *arg, sqlite3 *handle, const char *name,
                              int pages)
{
    struct database *database = arg;

    (void)handle;
    (void)name;
    database->wal_pages = pages;
    return SQLITE_OK;
}

#ifdef CONNECT_SEEDED_BUGS
static int (*seeded_real_sync)(sqlite3_file *, int);

/* The mistake: a sync is called until it says yes. */
static int seeded_sync(sqlite3_file *file, int flags)
{
    int code = SQLITE_OK;

    for (int tries = 0; tries < 1000; tries++) {
        code = seeded_real_sync(file, flags);
        if (code == SQLITE_OK)
            break;
    }
    return code;
}

static void seeded_stubborn(struct database *database)
{
    static sqlite3_io_methods methods;
    sqlite3_file *file = NULL;

    sqlite3_file_control(database->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER,
                         &file);
    if (!file || !file->pMethods || file->pMethods == &methods)
        return;
    methods = *file->pMethods;
    seeded_real_sync = methods.xSync;
    methods.xSync = seeded_sync;
    file->pMethods = &methods;
}
#endif

int database_durable(struct database *database)
{
    /* temp_store: the copies for savepoints stay in memory.  The hook takes
     * the place of automatic checkpoints, which would delay the answers. */
    int status = database_exec(database, "PRAGMA journal_mode=WAL;"
                                         "PRAGMA synchronous=FULL;"
                                         "PRAGMA foreign_keys=ON;"
                                         "PRAGMA temp_store=MEMORY;"
                                         "PRAGMA journal_size_limit=67108864");
    if (!status && seeded_bug("F09"))
        status = database_exec(database, "PRAGMA synchronous=NORMAL");
    if (status)
        return status;
#ifdef CONNECT_SEEDED_BUGS
    if (seeded_bug("F11"))
        seeded_stubborn(database);
#endif
    sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
                      NULL);
    sqlite3_wal_hook(database->handle, database_wal_pages, database);
    return 0;
}

/* The library counts its memory under one lock for all threads, at each
 * allocation; nobody asks for the count.  In vain, and harmless, when somebody
 * used the library before. */
static void library_prepare(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int database_open(struct database *database, const char *path, bool writer,
                  struct error *err)
{
    int flags = SQLITE_OPEN_NOMUTEX |
                (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                        : SQLITE_OPEN_READONLY);
    static pthread_once_t prepared = PTHREAD_ONCE_INIT;
    char cache[64];
    int code, status;

    memset(database, 0, sizeof(*database));
    pthread_once(&prepared, library_prepare);
    code = sqlite3_open_v2(path, &database->handle, flags, NULL);
    status = database_status(database, code);
    if (!status) {
        sqlite3_extended_result_codes(database->handle, 1);
        sqlite3_busy_timeout(database->handle, BUSY_MS);
        snprintf(cache, sizeof(cache), "PRAGMA cache_size=-%d", CACHE_KIB);
        status = database_exec(database, cache);
    }
    if (status) {
        error_set(err, "%s cannot be opened: %s", path,
                  database->handle ? sqlite3_errmsg(database->handle)
                                   : strerror(-status));
        database_close(database);
    }
    return status;
}

void database_close(struct database *database)
{
    struct statement *statement, *next;

    HASH_ITER(hh, database->statements, statement, next)
    {
        HASH_DEL(database->statements, statement);
        sqlite3_finalize(statement->prepared);
        free(statement);
    }
    sqlite3_close(database->handle);
    memset(database, 0, sizeof(*database));
}

int database_exec(struct database *database, const char *sql)
{
    return database_status(
        database, sqlite3_exec(database->handle, sql, NULL, NULL, NULL));
}

static int database_prepare(struct database *database, const char *sql,
                            sqlite3_stmt **ret_prepared)
{
    struct statement *statement;
    int code;

    HASH_FIND_PTR(database->statements, &sql, statement);
    if (!statement) {
        sqlite3_stmt *prepared;
        code = sqlite3_prepare_v3(database->handle, sql, -1,
                                  SQLITE_PREPARE_PERSISTENT, &prepared, NULL);
        if (code != SQLITE_OK)
            return database_status(database, code);
        statement = memory_zero(1, sizeof(*statement));
        statement->sql = sql;
        statement->prepared = prepared;
        HASH_ADD_PTR(database->statements, sql, statement);
    }
    *ret_prepared = statement->prepared;
    return 0;
}

static int database_bind(sqlite3_stmt *prepared, const struct value *values,
                         int count)
{
    int code = SQLITE_OK;

    for (int index = 0; index < count && code == SQLITE_OK; index++) {
        const struct value *value = &values[index];
        switch (value->kind) {
        case VALUE_NUMBER:
            code = sqlite3_bind_int64(prepared, index + 1, value->number);
            break;
        case VALUE_TEXT:
            code = sqlite3_bind_text64(prepared, index + 1, value->ptr,
                                       value->len, SQLITE_STATIC, SQLITE_UTF8);
            break;
        case VALUE_BYTES:
            code = sqlite3_bind_blob64(prepared, index + 1, value->ptr,
                                       value->len, SQLITE_STATIC);
            break;
        case VALUE_NONE:
            code = sqlite3_bind_null(prepared, index + 1);
            break;
        }
    }
    return code;
}

int database_find_values(struct database *database, const char *sql,
                         const struct value *values, int count,
                         sqlite3_stmt **ret_row)
{
    sqlite3_stmt *prepared = NULL;
    int code, status = database_prepare(database, sql, &prepared);

    if (status)
        return status;
    sqlite3_reset(prepared);
    code = database_bind(prepared, values, count);
    if (code != SQLITE_OK)
        return database_status(database, code);
    *ret_row = prepared;
    return database_next(database, prepared);
}

int database_next(struct database *database, sqlite3_stmt *row)
{
    int status, code = sqlite3_step(row);

    if (code == SQLITE_ROW)
        return 1;
    status = database_status(database, code);
    sqlite3_reset(row);
    return status;
}

void database_done(sqlite3_stmt *row)
{
    sqlite3_reset(row);
}

int database_run_values(struct database *database, const char *sql,
                        const struct value *values, int count)
{
    sqlite3_stmt *row;
    int found = database_find_values(database, sql, values, count, &row);

    if (found > 0)
        database_done(row);
    return found < 0 ? found : 0;
}

struct store_bytes column_bytes(sqlite3_stmt *row, int column)
{
    struct store_bytes bytes;

    bytes.ptr = sqlite3_column_blob(row, column);
    bytes.len = (size_t)sqlite3_column_bytes(row, column);
    return bytes;
}

const char *column_text(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

int64_t column_number(sqlite3_stmt *row, int column)
{
    return sqlite3_column_int64(row, column);
}

uint64_t column_count(sqlite3_stmt *row, int column)
{
    return (uint64_t)sqlite3_column_int64(row, column);
}

bool column_hash(sqlite3_stmt *row, int column, struct lookup_hash *ret_hash)
{
    struct store_bytes bytes = column_bytes(row, column);

    if (bytes.len != sizeof(ret_hash->bytes))
        return false;
    memcpy(ret_hash->bytes, bytes.ptr, bytes.len);
    return true;
}
