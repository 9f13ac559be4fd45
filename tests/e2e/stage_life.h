/* stage_life.h - what the files of the stage share. */
#ifndef CONNECT_E2E_STAGE_LIFE_H
#define CONNECT_E2E_STAGE_LIFE_H

#include "stage.h"

/* A text of printf, owned. */
char *stage_text(const char *format, va_list arguments);
/* The text of a member, "" when it is none. */
const char *stage_member(const cJSON *object, const char *name);
int64_t stage_number(const cJSON *object, const char *name);

#endif
