/* api_filter.h - which runs are meant: the same words in the parameters of a
 * list and in the body of an act on many.  [loop thread] */
#ifndef CONNECT_ADMIN_API_FILTER_H
#define CONNECT_ADMIN_API_FILTER_H

#include "admin/api_call.h"

enum { API_FILTER_TEXT_MAX = 512 };

struct api_filter {
    struct store_query query; /* refers to the texts below */
    char flow[API_FILTER_TEXT_MAX], code[API_FILTER_TEXT_MAX];
    char instance[API_FILTER_TEXT_MAX], type[API_FILTER_TEXT_MAX];
    char contains[API_FILTER_TEXT_MAX], key[API_FILTER_TEXT_MAX];
};

/* state, flow, code, instance, type, contains, key, accepted_after_ms,
 * accepted_before_ms.  False: one is wrong, and the call was ended. */
bool api_filter_read(struct api_call *call, struct api_filter *ret_filter);
/* The same as members of an object. */
bool api_filter_take(struct api_call *call, const cJSON *where,
                     struct api_filter *ret_filter);

#endif
