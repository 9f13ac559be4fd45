/* print.h - the daemon's answers as text for people.  Pure: JSON in, text out.
 *
 * Answers are borrowed.  Members that are missing print as nothing, so that an
 * older or newer daemon can be looked at.  [one thread] */
#ifndef CONNECT_CTL_PRINT_H
#define CONNECT_CTL_PRINT_H

#include <stdint.h>
#include <cjson/cJSON.h>

#include "ctl/text.h"

void print_status(const struct text_out *out, const cJSON *answer);
void print_plugins(const struct text_out *out, const cJSON *answer);
void print_flows(const struct text_out *out, const cJSON *answer);
void print_runs(const struct text_out *out, const cJSON *answer);
/* As print_runs, with the reason and the next action of each. */
void print_parked(const struct text_out *out, const cJSON *answer);
/* Why runs wait, grouped. */
void print_reasons(const struct text_out *out, const cJSON *answer);
void print_alerts(const struct text_out *out, const cJSON *answer);
void print_quarantine(const struct text_out *out, const cJSON *answer);
/* One entry of the history in one line. */
void print_history_entry(const struct text_out *out, const cJSON *entry);

/* Parts that show.c uses too. */
enum text_style print_state_style(const char *state);
/* The member of that name as a text; "" when absent or null. */
const char *print_member(const cJSON *object, const char *name);
/* As a number; 0 when absent or null. */
int64_t print_number(const cJSON *object, const char *name);
/* A reference as one short text: of an object its first
 * member: "sales_order 000123". */
void print_label(const cJSON *value, struct buf *buf);

#endif
