/* apply_value.h - cursors, small values, flow texts, alerts, notes. */
#ifndef CONNECT_STORE_APPLY_VALUE_H
#define CONNECT_STORE_APPLY_VALUE_H

#include "store/writer.h"

int apply_cursor(struct writer *writer,
                 const struct change_value *value) MUST_USE;
int apply_state(struct writer *writer,
                const struct change_value *value) MUST_USE;
int apply_flow(struct writer *writer,
               const struct change_value *value) MUST_USE;
int apply_alert(struct writer *writer,
                const struct change_value *value) MUST_USE;
/* 1: it was there and is counted, 0: it is new, or a negative errno. */
int value_alert_raise(struct writer *writer, const char *cause,
                      const char *text) MUST_USE;
int apply_alert_doubt(struct writer *writer,
                      const struct change_value *value) MUST_USE;
int apply_alert_clear(struct writer *writer,
                      const struct change_value *value) MUST_USE;
int apply_alert_acknowledge(struct writer *writer,
                            const struct change_value *value) MUST_USE;
/* An alert goes with what it was about; it need not be there. */
int value_alert_end(struct writer *writer, const char *cause) MUST_USE;
int apply_audit(struct writer *writer,
                const struct change_value *value) MUST_USE;

#endif
