/* streak_party.h - calls about contacts and organizations. */
#ifndef CONNECT_SANDBOX_STREAK_PARTY_H
#define CONNECT_SANDBOX_STREAK_PARTY_H

#include "streak_call.h"

streak_call_fn streak_create_contact, streak_list_contacts, streak_get_contact,
    streak_update_contact, streak_create_organization,
    streak_list_organizations, streak_get_organization,
    streak_update_organization;

#endif
