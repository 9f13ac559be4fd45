/* api_preview.h - what a run would do, shown without doing it.
 * [loop thread] */
#ifndef CONNECT_ADMIN_API_PREVIEW_H
#define CONNECT_ADMIN_API_PREVIEW_H

#include "admin/api_call.h"

/* { "flow": "was" | "now" } */
void api_preview(struct api_call *call);
/* With today's flow, whatever the body says. */
void api_preview_now(struct api_call *call);

#endif
