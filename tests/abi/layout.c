/* layout.c - where everything of the contract lies.
 *
 * Lines of this file never change and never go; a release that appends a field
 * appends its lines.  It compiles or it does not: there is nothing to run.  All
 * numbers are those of a 64 bit machine. */
#include <stddef.h>

#include <connect/ext/http.h>
#include <connect/ext/receiver.h>
#include <connect/ext/state.h>
#include <connect/plugin.h>

#define AT(type, field, offset, size)                                          \
    _Static_assert(offsetof(type, field) == (offset) &&                        \
                       sizeof(((type *)0)->field) == (size),                   \
                   #type "." #field " moved")
#define FROZEN(type, size)                                                     \
    _Static_assert(sizeof(type) == (size), #type " changed its size")
#define AT_LEAST(type, size)                                                   \
    _Static_assert(sizeof(type) >= (size), #type " shrank")
#define NUMBER(name, value)                                                    \
    _Static_assert((int)(name) == (value), #name " changed its number")

/* ---- 1.0 ---------------------------------------------------------------- */

AT(cn_str, ptr, 0, 8);
AT(cn_str, len, 8, 8);
FROZEN(cn_str, 16);

AT(cn_record, size, 0, 4);
AT(cn_record, change, 4, 4);
AT(cn_record, type, 8, 8);
AT(cn_record, id, 16, 16);
AT(cn_record, key, 32, 16);
AT(cn_record, body, 48, 16);
AT(cn_record, time_ms, 64, 8);
AT(cn_record, origin, 72, 8);
AT(cn_record, attempt, 80, 4);
AT(cn_record, reserved, 84, 4);
AT_LEAST(cn_record, 88);

AT(cn_outcome, size, 0, 4);
AT(cn_outcome, status, 4, 4);
AT(cn_outcome, retry_after_ms, 8, 8);
AT(cn_outcome, message, 16, 8);
AT(cn_outcome, body, 24, 16);
AT(cn_outcome, cursor, 40, 16);
AT(cn_outcome, more, 56, 4);
AT(cn_outcome, reserved, 60, 4);
AT(cn_outcome, gap, 64, 4);
AT(cn_outcome, reserved_gap, 68, 4);
AT(cn_outcome, alert, 72, 4);
AT(cn_outcome, reserved_alert, 76, 4);
AT_LEAST(cn_outcome, 80);

AT(cn_poll, size, 0, 4);
AT(cn_poll, max_records, 4, 4);
AT(cn_poll, stream, 8, 8);
AT(cn_poll, cursor, 16, 16);
AT(cn_poll, timeout_ms, 32, 8);
AT(cn_poll, overlap_ms, 40, 8);
AT_LEAST(cn_poll, 48);

AT(cn_delivery, size, 0, 4);
AT(cn_delivery, count, 4, 4);
AT(cn_delivery, records, 8, 8);
AT(cn_delivery, timeout_ms, 16, 8);
AT_LEAST(cn_delivery, 24);

AT(cn_call, size, 0, 4);
AT(cn_call, reserved, 4, 4);
AT(cn_call, action, 8, 8);
AT(cn_call, id, 16, 16);
AT(cn_call, body, 32, 16);
AT(cn_call, timeout_ms, 48, 8);
AT_LEAST(cn_call, 56);

AT(cn_host, size, 0, 4);
AT(cn_host, reserved, 4, 4);
AT(cn_host, version, 8, 8);
AT(cn_host, instance, 16, 8);
AT(cn_host, emit, 24, 8);
AT(cn_host, settle, 32, 8);
AT(cn_host, done, 40, 8);
AT(cn_host, config, 48, 8);
AT(cn_host, secret, 56, 8);
AT(cn_host, timer_start, 64, 8);
AT(cn_host, timer_stop, 72, 8);
AT(cn_host, post, 80, 8);
AT(cn_host, log, 88, 8);
AT(cn_host, extension, 96, 8);
AT_LEAST(cn_host, 104);

AT(cn_plugin, size, 0, 4);
AT(cn_plugin, flags, 4, 4);
AT(cn_plugin, id, 8, 8);
AT(cn_plugin, version, 16, 8);
AT(cn_plugin, manifest, 24, 8);
AT(cn_plugin, max_batch, 32, 4);
AT(cn_plugin, max_open, 36, 4);
AT(cn_plugin, create, 40, 8);
AT(cn_plugin, destroy, 48, 8);
AT(cn_plugin, poll, 56, 8);
AT(cn_plugin, commit, 64, 8);
AT(cn_plugin, deliver, 72, 8);
AT(cn_plugin, probe, 80, 8);
AT(cn_plugin, transform, 88, 8);
AT(cn_plugin, call, 96, 8);
AT(cn_plugin, check, 104, 8);
AT(cn_plugin, stop, 112, 8);
AT(cn_plugin, cancel, 120, 8);
AT(cn_plugin, extension, 128, 8);
AT_LEAST(cn_plugin, 136);

AT(cn_header, name, 0, 16);
AT(cn_header, value, 16, 16);
FROZEN(cn_header, 32);

AT(cn_http_request, size, 0, 4);
AT(cn_http_request, header_count, 4, 4);
AT(cn_http_request, op, 8, 8);
AT(cn_http_request, method, 16, 8);
AT(cn_http_request, url, 24, 8);
AT(cn_http_request, auth, 32, 8);
AT(cn_http_request, headers, 40, 8);
AT(cn_http_request, body, 48, 16);
AT(cn_http_request, timeout_ms, 64, 8);
AT(cn_http_request, effect, 72, 4);
AT(cn_http_request, reserved, 76, 4);
AT_LEAST(cn_http_request, 80);

AT(cn_http_response, size, 0, 4);
AT(cn_http_response, code, 4, 4);
AT(cn_http_response, op, 8, 8);
AT(cn_http_response, outcome, 16, 8);
AT(cn_http_response, headers, 24, 8);
AT(cn_http_response, body, 32, 16);
AT(cn_http_response, header_count, 48, 4);
AT(cn_http_response, reserved, 52, 4);
AT_LEAST(cn_http_response, 56);

AT(cn_http, size, 0, 4);
AT(cn_http, reserved, 4, 4);
AT(cn_http, send, 8, 8);
AT_LEAST(cn_http, 16);

AT(cn_receiver, size, 0, 4);
AT(cn_receiver, reserved, 4, 4);
AT(cn_receiver, receive, 8, 8);
AT_LEAST(cn_receiver, 16);

AT(cn_state, size, 0, 4);
AT(cn_state, reserved, 4, 4);
AT(cn_state, get, 8, 8);
AT(cn_state, put, 16, 8);
AT_LEAST(cn_state, 24);

NUMBER(CN_OK, 0);
NUMBER(CN_RETRY, 1);
NUMBER(CN_RATE_LIMITED, 2);
NUMBER(CN_AUTH, 3);
NUMBER(CN_REJECTED, 4);
NUMBER(CN_CANCELLED, 5);
NUMBER(CN_UNSUPPORTED, 6);
NUMBER(CN_FULL, 7);
NUMBER(CN_INVALID, 8);
NUMBER(CN_HOLD, 9);
NUMBER(CN_IN_DOUBT, 10);
NUMBER(CN_ABSENT, 11);
NUMBER(CN_LOG_DEBUG, 0);
NUMBER(CN_LOG_INFO, 1);
NUMBER(CN_LOG_WARN, 2);
NUMBER(CN_LOG_ERROR, 3);
NUMBER(CN_NAME_MAX, 128);
NUMBER(CN_ID_MAX, 256);
NUMBER(CN_CURSOR_MAX, 4096);
NUMBER(CN_BODY_MAX, 16777216);
NUMBER(CN_UPSERT, 0);
NUMBER(CN_DELETE, 1);
NUMBER(CN_BLOCKING, 1);
NUMBER(CN_STATE_KEY_MAX, 128);
NUMBER(CN_STATE_VALUE_MAX, 4096);
NUMBER(CN_STATE_COUNT_MAX, 256);
