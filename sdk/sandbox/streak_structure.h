/* streak_structure.h - calls about users, teams, pipelines, stages, fields. */
#ifndef CONNECT_SANDBOX_STREAK_STRUCTURE_H
#define CONNECT_SANDBOX_STREAK_STRUCTURE_H

#include "streak_call.h"

streak_call_fn streak_get_me, streak_get_user, streak_list_teams,
    streak_get_team, streak_list_team_users, streak_list_pipelines_v1,
    streak_list_pipelines_v2, streak_get_pipeline, streak_put_pipeline,
    streak_post_pipeline, streak_delete_pipeline, streak_list_stages,
    streak_list_stages_v2, streak_get_stage, streak_put_stage,
    streak_post_stage, streak_delete_stage, streak_list_fields,
    streak_get_field, streak_put_field, streak_post_field, streak_delete_field;

#endif
