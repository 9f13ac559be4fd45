/* streak_hook.h - calls about webhook registrations. */
#ifndef CONNECT_SANDBOX_STREAK_HOOK_H
#define CONNECT_SANDBOX_STREAK_HOOK_H

#include "streak_call.h"

streak_call_fn streak_register_webhook, streak_list_pipeline_webhooks,
    streak_list_team_webhooks, streak_get_webhook, streak_delete_webhook;

#endif
