/* streak_show.h - objects of the Streak simulator as JSON. */
#ifndef CONNECT_SANDBOX_STREAK_SHOW_H
#define CONNECT_SANDBOX_STREAK_SHOW_H

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "streak_world.h"

/* As the interface shows them. */
void streak_show_user(const struct streak_user *user, struct buf *buf);
void streak_show_team(const struct streak_world *world, struct buf *buf);
void streak_show_pipeline(const struct streak_world *world,
                          const struct streak_pipeline *pipeline,
                          struct buf *buf);
void streak_show_stages(const struct streak_pipeline *pipeline,
                        struct buf *buf);
void streak_show_box(const struct streak_world *world,
                     const struct streak_box *box, struct buf *buf);
void streak_show_comment(const struct streak_comment *comment, struct buf *buf);
/* A box as a person sees it: names of stage, fields and options. */
cJSON *streak_show_named(const struct streak_box *box);

#endif
