/* database.h - one SQLite connection with its prepared statements.
 *
 * A statement is named by its text, a string constant, and prepared once.
 * Values are passed as an array of tagged values, so that the compiler checks
 * them. */
#ifndef CONNECT_STORE_DATABASE_H
#define CONNECT_STORE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/lookup.h"
#include "store/store.h"

struct statement;

struct database {
    sqlite3 *handle;              /* owned */
    struct statement *statements; /* owned; by the address of their text */
    int wal_pages;                /* pages in the log after the last commit */
    bool corrupt;                 /* SQLite found pages that cannot be */
};

enum value_kind { VALUE_NONE, VALUE_NUMBER, VALUE_TEXT, VALUE_BYTES };

struct value {
    enum value_kind kind;
    int64_t number;
    const char *ptr; /* borrowed until the statement ran */
    size_t len;
};

struct value value_number(int64_t number);
struct value value_count(uint64_t number);
struct value value_text(const char *text);               /* NULL: none */
struct value value_bytes(struct store_bytes bytes);      /* empty: none */
struct value value_hash(const struct lookup_hash *hash); /* NULL: none */

/* A writer creates the file; a reader never changes anything. */
int database_open(struct database *database, const char *path, bool writer,
                  struct error *err) MUST_USE;
void database_close(struct database *database);
/* The settings of a connection that writes. */
int database_durable(struct database *database) MUST_USE;

/* Text without values, perhaps several statements. */
int database_exec(struct database *database, const char *sql) MUST_USE;
int database_run_values(struct database *database, const char *sql,
                        const struct value *values, int count) MUST_USE;
/* 1: a row, to be ended with database_done; 0: none; or a negative errno. */
int database_find_values(struct database *database, const char *sql,
                         const struct value *values, int count,
                         sqlite3_stmt **ret_row) MUST_USE;
int database_next(struct database *database, sqlite3_stmt *row) MUST_USE;
void database_done(sqlite3_stmt *row);

#define DATABASE_VALUES(...)                                                   \
    (const struct value[]){__VA_ARGS__},                                       \
        (int)(sizeof((const struct value[]){__VA_ARGS__}) /                    \
              sizeof(struct value))
#define database_run(database, sql, ...)                                       \
    database_run_values(database, sql, DATABASE_VALUES(__VA_ARGS__))
#define database_find(database, sql, ret_row, ...)                             \
    database_find_values(database, sql, DATABASE_VALUES(__VA_ARGS__), ret_row)

/* Columns; texts and bytes are borrowed until the next row. */
struct store_bytes column_bytes(sqlite3_stmt *row, int column);
const char *column_text(sqlite3_stmt *row, int column); /* none: NULL */
int64_t column_number(sqlite3_stmt *row, int column);
uint64_t column_count(sqlite3_stmt *row, int column);
/* false: the column is empty. */
bool column_hash(sqlite3_stmt *row, int column, struct lookup_hash *ret_hash);

/* SQLite's last failure as a negative errno: -ENOSPC full, -EIO broken,
 * -EBUSY, -E2BIG, -EINVAL for what only the statement is to blame. */
int database_status(struct database *database, int code);

#endif
