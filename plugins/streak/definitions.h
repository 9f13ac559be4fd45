/* definitions.h - pipelines and teams as structures, kept for a while. */
#ifndef CONNECT_STREAK_DEFINITIONS_H
#define CONNECT_STREAK_DEFINITIONS_H

#include <stdint.h>

#include "structure.h"
#include "task.h"

struct definitions;

struct definitions *definitions_create(const cn_host *host, uint64_t keep_ms);
void definitions_destroy(struct definitions *definitions); /* NULL is fine */

/* Go on with fn and the structure, which is borrowed, now or later; a failure
 * ends the task.  stale: not this one, which lacks something; or NULL. */
typedef void definitions_fn(struct task *task, void *structure);
void definitions_pipeline(struct task *task, const char *key,
                          const struct structure *stale, definitions_fn *fn);
void definitions_team(struct task *task, const char *key,
                      const struct structure *stale, definitions_fn *fn);

/* For task.c: the task ends so; if others wait for what it was loading, one of
 * them goes on or all end with it. */
void definitions_task_ends(struct task *task, const cn_outcome *outcome);

#endif
