/* encode.h - rows of the store as JSON, for the admin API.  Pure: no call, no
 * store.  Times are ms since 1970 in UTC and end in _ms; what is not there is
 * null.  Payloads are not looked at here (mask.h).  [any thread] */
#ifndef CONNECT_ADMIN_ENCODE_H
#define CONNECT_ADMIN_ENCODE_H

#include <cjson/cJSON.h>

#include "plugin/instances.h"
#include "store/store.h"

const char *encode_run_state(enum run_state state);
/* -EINVAL: no such word. */
int encode_run_state_parse(const char *text, enum run_state *ret_state);
const char *encode_step_state(enum step_state state);
const char *encode_delivery_state(enum delivery_state state);
const char *encode_instance_state(enum instance_state state);

/* Members: a number, a time (0 is null), a text (NULL is null), bytes that were
 * meant to be a text (what is no UTF-8 becomes "?"). */
void encode_put_number(cJSON *object, const char *name, int64_t number);
void encode_put_time(cJSON *object, const char *name, int64_t wall_ms);
void encode_put_text(cJSON *object, const char *name, const char *text);
void encode_put_bytes(cJSON *object, const char *name,
                      struct store_bytes bytes);
void encode_put_flag(cJSON *object, const char *name, bool flag);

/* The summary of a run, with what a person may do ("advice"). */
cJSON *encode_run(const struct store_run_row *run);
cJSON *encode_history(const struct store_history_row *entry);
cJSON *encode_reason(const struct store_reason_row *reason);
cJSON *encode_alert(const struct store_alert_row *alert);
/* Without the content. */
cJSON *encode_quarantine(const struct store_quarantine_row *entry);
cJSON *encode_instance(const struct instance_info *info);
/* Roles of an instance as a list of words. */
cJSON *encode_roles(uint32_t roles);

#endif
