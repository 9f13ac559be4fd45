/* fingerprint.h - whether the files on disk are still those that were read.
 * [any thread] */
#ifndef CONNECT_CONFIG_FINGERPRINT_H
#define CONNECT_CONFIG_FINGERPRINT_H

enum { FINGERPRINT_MAX = 33 };

/* A hash of the configuration file, and one of all flow files with their names.
 * A file that cannot be read counts as an empty one: it is another question
 * whether it should be there. */
void fingerprint_file(const char *path, char hex[FINGERPRINT_MAX]);
void fingerprint_flows(const char *directory, char hex[FINGERPRINT_MAX]);

#endif
