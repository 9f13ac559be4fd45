/* api_edit.h - a person corrects what a run works with.  [loop thread] */
#ifndef CONNECT_ADMIN_API_EDIT_H
#define CONNECT_ADMIN_API_EDIT_H

#include "admin/api_call.h"

/* { "path": null | "post", "body": {...}, "reason": "...", "dry": true } */
void api_edit(struct api_call *call);

#endif
