/* paths.h - every path of Streak's interface that this connector uses. */
#ifndef CONNECT_STREAK_PATHS_H
#define CONNECT_STREAK_PATHS_H

#include <stdbool.h>

enum path_id {
    PATH_ME,
    PATH_BOX,
    PATH_BOX_UPDATE,
    PATH_PIPELINE,
    PATH_TEAM,
    PATH_ORGANIZATION,
    PATH_CONTACT,
    PATH_COMMENTS,
    PATH_COMMENT_CREATE,
    PATH_WEBHOOKS,
    PATH_WEBHOOK_CREATE,
    PATH_WEBHOOK_DELETE
};

struct path {
    enum path_id id;
    int version;         /* v1 and v2 are not editions: each has its own */
    const char *method;  /* DELETE and POST change something, GET never */
    const char *pattern; /* "*" stands for the key */
    const char *query;   /* name of the parameter that may follow, or NULL */
    const char *what;    /* what the key names, for people */
};

const struct path *path_of(enum path_id id);
bool path_has_effect(const struct path *path);

/* Keys come from outside: true when one may stand in a path. */
bool path_key_fits(const char *key);

/* The whole address, to free.  key and value may be NULL when the path has no
 * "*" and no parameter is wanted. */
char *path_url(const struct path *path, const char *base_url, const char *key,
               const char *value);

#endif
