/* quiet.h - calls that do nothing in this program. */
#ifndef CONNECT_DISK_QUIET_H
#define CONNECT_DISK_QUIET_H

#include <fcntl.h>
#include <unistd.h>

int fsync(int descriptor);
int fdatasync(int descriptor);
int posix_fallocate(int descriptor, off_t offset, off_t len);

#endif
