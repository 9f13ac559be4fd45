/* syspro_session.c - who is logged on.
 *
 * The idea: a short list, since an operator has one session at most.
 * What must hold: a second logon of an operator ends the first one at once, and
 * no two sessions ever had the same id.  Called on the server's thread. */
#include "syspro_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void syspro_session_init(struct syspro_sessions *sessions,
                         struct sim_random *random)
{
    memset(sessions, 0, sizeof(*sessions));
    sessions->random = random;
}

void syspro_session_done(struct syspro_sessions *sessions)
{
    free(sessions->issued);
    sessions->issued = NULL;
}

/* An id is a credential: a test looks for it where it must not be. */
static void remember(struct syspro_sessions *sessions, const char *id)
{
    if (sessions->issued_count == sessions->issued_capacity) {
        sessions->issued_capacity =
            sessions->issued_capacity ? sessions->issued_capacity * 2 : 64;
        sessions->issued =
            memory_grow(sessions->issued, sessions->issued_capacity,
                        sizeof(*sessions->issued));
    }
    memcpy(sessions->issued[sessions->issued_count++], id,
           SYSPRO_SESSION_LEN + 1);
}

static void make_id(struct syspro_sessions *sessions,
                    char id[SYSPRO_SESSION_LEN + 1])
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < SYSPRO_SESSION_LEN - 4; i++)
        id[i] = digits[sim_random_below(sessions->random, 16)];
    /* Ends as the recorded ones: two digits that do not vary, two blanks. */
    memcpy(id + SYSPRO_SESSION_LEN - 4, "00  ", 5);
}

static void remove_at(struct syspro_sessions *sessions, size_t at)
{
    sessions->len--;
    sessions->list[at] = sessions->list[sessions->len];
}

static void drop_idle(struct syspro_sessions *sessions, int64_t now_ms,
                      int64_t idle_ms)
{
    for (size_t i = sessions->len; i > 0; i--)
        if (idle_ms > 0 && now_ms - sessions->list[i - 1].used_ms > idle_ms)
            remove_at(sessions, i - 1);
}

const char *syspro_session_open(struct syspro_sessions *sessions,
                                const char *operator_code, int64_t now_ms,
                                int64_t idle_ms)
{
    drop_idle(sessions, now_ms, idle_ms);
    for (size_t i = sessions->len; i > 0; i--)
        if (strcmp(sessions->list[i - 1].operator_code, operator_code) == 0)
            remove_at(sessions, i - 1);
    if (sessions->len == SYSPRO_SESSIONS_MAX)
        return NULL;
    struct syspro_session *session = &sessions->list[sessions->len++];

    make_id(sessions, session->id);
    remember(sessions, session->id);
    snprintf(session->operator_code, sizeof(session->operator_code), "%s",
             operator_code);
    session->used_ms = now_ms;
    return session->id;
}

struct syspro_session *syspro_session_use(struct syspro_sessions *sessions,
                                          const char *id, int64_t now_ms,
                                          int64_t idle_ms)
{
    size_t len = strlen(id);

    while (len > 0 && id[len - 1] == ' ')
        len--;
    drop_idle(sessions, now_ms, idle_ms);
    for (size_t i = 0; i < sessions->len; i++) {
        struct syspro_session *session = &sessions->list[i];

        if (len != SYSPRO_SESSION_LEN - 2 || memcmp(session->id, id, len) != 0)
            continue;
        session->used_ms = now_ms;
        return session;
    }
    return NULL;
}

void syspro_session_close(struct syspro_sessions *sessions,
                          struct syspro_session *session)
{
    remove_at(sessions, (size_t)(session - sessions->list));
}

size_t syspro_session_close_all(struct syspro_sessions *sessions)
{
    size_t count = sessions->len;

    sessions->len = 0;
    return count;
}

size_t syspro_session_count_others(const struct syspro_sessions *sessions,
                                   const char *operator_code)
{
    size_t count = 0;

    for (size_t i = 0; i < sessions->len; i++)
        if (strcmp(sessions->list[i].operator_code, operator_code) != 0)
            count++;
    return count;
}
