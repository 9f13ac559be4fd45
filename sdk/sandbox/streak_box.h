/* streak_box.h - calls about boxes, their field values and comments. */
#ifndef CONNECT_SANDBOX_STREAK_BOX_H
#define CONNECT_SANDBOX_STREAK_BOX_H

#include "streak_call.h"

streak_call_fn streak_put_box, streak_post_box, streak_get_box,
    streak_update_box, streak_remove_box, streak_list_boxes_v1,
    streak_list_boxes_v2, streak_list_all_boxes, streak_list_values,
    streak_get_value, streak_set_value, streak_post_comment,
    streak_list_comments, streak_get_comment, streak_update_comment,
    streak_remove_comment;

#endif
