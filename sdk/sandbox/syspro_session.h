/* syspro_session.h - who is logged on. */
#ifndef CONNECT_SANDBOX_SYSPRO_SESSION_H
#define CONNECT_SANDBOX_SYSPRO_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim_random.h"

enum {
    SYSPRO_SESSION_LEN = 36,  /* 34 hex digits and two blanks */
    SYSPRO_SESSIONS_MAX = 20, /* operators; one session each */
};

struct syspro_session {
    char id[SYSPRO_SESSION_LEN + 1];
    char operator_code[21];
    int64_t used_ms; /* of the simulator's clock */
};

struct syspro_sessions {
    struct syspro_session list[SYSPRO_SESSIONS_MAX];
    size_t len;
    struct sim_random *random;              /* borrowed */
    char (*issued)[SYSPRO_SESSION_LEN + 1]; /* owned; all ids ever, in order */
    size_t issued_count;
    size_t issued_capacity;
};

void syspro_session_init(struct syspro_sessions *sessions,
                         struct sim_random *random);
void syspro_session_done(struct syspro_sessions *sessions);
/* A new session that ends the operator's former one; NULL when there is no
 * room.  idle_ms 0: sessions do not run out. */
const char *syspro_session_open(struct syspro_sessions *sessions,
                                const char *operator_code, int64_t now_ms,
                                int64_t idle_ms);
/* The session with that id, with or without the two blanks, marked as used;
 * NULL when there is none or its idle time is over. */
struct syspro_session *syspro_session_use(struct syspro_sessions *sessions,
                                          const char *id, int64_t now_ms,
                                          int64_t idle_ms);
void syspro_session_close(struct syspro_sessions *sessions,
                          struct syspro_session *session);
/* End all; returns how many there were. */
size_t syspro_session_close_all(struct syspro_sessions *sessions);
/* Sessions of other operators, for the count of licences. */
size_t syspro_session_count_others(const struct syspro_sessions *sessions,
                                   const char *operator_code);

#endif
