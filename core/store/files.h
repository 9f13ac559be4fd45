/* files.h - the files of a store: named, copied, synced. */
#ifndef CONNECT_STORE_FILES_H
#define CONNECT_STORE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* directory/name, to be freed. */
char *files_path(const char *directory, const char *name);
bool files_exist(const char *directory, const char *name);
/* All bytes of a file into a new one with mode 0600, synced. */
int files_copy(const char *from_directory, const char *to_directory,
               const char *name) MUST_USE;
/* A new file with mode 0600, synced. */
int files_write(const char *directory, const char *name, const void *bytes,
                size_t len) MUST_USE;
/* The file's bytes are on disk; ret_bytes is their count. */
int files_sync(const char *directory, const char *name,
               uint64_t *ret_bytes) MUST_USE;
/* From one directory to another of the same file system. */
int files_move(const char *from_directory, const char *to_directory,
               const char *name) MUST_USE;
/* What a copy of a store may consist of goes, and the directory with it when
 * nothing else is in it.  0 also when it was not there. */
int files_clear(const char *directory) MUST_USE;

#endif
