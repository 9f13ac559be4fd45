/* streak_show.c - objects of the Streak simulator as JSON.
 *
 * Property names, order and types follow the published samples; what this
 * simulator does not have (mail, files, tasks, meetings) is shown as zero or
 * empty, as Streak shows it for a box without them.  Pure functions from an
 * object to a buffer; used on the simulator's only thread. */
#include "streak_show.h"

#include <string.h>

#include <utlist.h>

#include "sim_json.h"

static void append_time(struct buf *buf, const char *name, int64_t ms)
{
    buf_printf(buf, ",\"%s\":%lld", name, (long long)ms);
}

static void append_member(struct buf *buf, const char *name, const char *text)
{
    buf_printf(buf, ",\"%s\":", name);
    sim_json_append_text(buf, text);
}

static void append_tree(struct buf *buf, const char *name, const cJSON *tree)
{
    buf_printf(buf, ",\"%s\":", name);
    sim_json_append_tree(buf, tree);
}

void streak_show_user(const struct streak_user *user, struct buf *buf)
{
    buf_append_text(buf, "{\"email\":");
    sim_json_append_text(buf, user->email);
    append_member(buf, "lowercaseEmail", user->email);
    append_time(buf, "creationTimestamp", user->created_ms);
    append_time(buf, "lastUpdatedTimestamp", user->created_ms);
    append_time(buf, "lastSavedTimestamp", user->created_ms);
    append_time(buf, "lastSeenTimestamp", user->created_ms);
    buf_append_text(buf, ",\"isOauthComplete\":true");
    append_member(buf, "displayName", user->full_name);
    append_member(buf, "timezoneId", "Europe/London");
    append_member(buf, "userKey", user->entity.key);
    append_member(buf, "key", user->entity.key);
    buf_append_text(buf, "}");
}

static void append_member_of_team(struct buf *buf,
                                  const struct streak_user *user, bool owner)
{
    buf_append_text(buf, "{\"userKey\":");
    sim_json_append_text(buf, user->entity.key);
    append_member(buf, "role", owner ? "Owner" : "Member");
    append_time(buf, "inviteDate", user->created_ms);
    append_member(buf, "inviteStatus", "Accepted");
    append_member(buf, "displayName", user->display_name);
    append_member(buf, "fullName", user->full_name);
    append_member(buf, "givenName", user->display_name);
    append_member(buf, "email", user->email);
    buf_append_text(buf, ",\"image\":null,\"userType\":\"HUMAN\","
                         "\"emailSharing\":\"Existence\"}");
}

void streak_show_team(const struct streak_world *world, struct buf *buf)
{
    const struct streak_team *team = world->team;
    const struct streak_user *user;
    bool first = true;

    buf_append_text(buf, "{\"key\":");
    sim_json_append_text(buf, team->entity.key);
    append_member(buf, "name", team->name);
    append_time(buf, "creationDate", team->created_ms);
    append_member(buf, "creator", world->users->entity.key);
    buf_append_text(buf, ",\"members\":[");
    LL_FOREACH(world->users, user)
    {
        if (user->outsider)
            continue;
        buf_append_text(buf, first ? "" : ",");
        append_member_of_team(buf, user, first);
        first = false;
    }
    buf_append_text(buf, "],\"sharingRestrictedToTeam\":true,"
                         "\"automaticallyApproveJoinRequests\":false,"
                         "\"automaticallySendInvoiceEmails\":false,"
                         "\"emailsToSendInvoiceTo\":[]");
    append_time(buf, "lastSavedTimestamp", team->created_ms);
    buf_append_text(buf, ",\"contactOrgListPermissions\":{},"
                         "\"contactSettings\":{\"fields\":");
    sim_json_append_tree(buf, team->contact_fields);
    buf_append_text(buf, "},\"organizationSettings\":{\"fields\":");
    sim_json_append_tree(buf, team->organization_fields);
    buf_append_text(buf, "}}");
}

void streak_show_stages(const struct streak_pipeline *pipeline, struct buf *buf)
{
    const cJSON *stage;
    const char *separator = "{";

    cJSON_ArrayForEach(stage, pipeline->stages)
    {
        buf_append_text(buf, separator);
        sim_json_append_text(buf, sim_json_text(stage, "key"));
        buf_append_text(buf, ":");
        sim_json_append_tree(buf, stage);
        separator = ",";
    }
    buf_append_text(buf, *separator == '{' ? "{}" : "}");
}

void streak_show_pipeline(const struct streak_world *world,
                          const struct streak_pipeline *pipeline,
                          struct buf *buf)
{
    const cJSON *stage;
    const char *separator = "";

    buf_append_text(buf, "{\"creatorKey\":");
    sim_json_append_text(buf, pipeline->creator->entity.key);
    append_member(buf, "name", pipeline->name);
    append_member(buf, "description", "");
    append_member(buf, "icon", "cart");
    append_member(buf, "teamKey", world->team->entity.key);
    buf_append_text(buf, ",\"sharingRestrictedToTeam\":true,"
                         "\"defaultPermissionSetName\":\"Contributor\","
                         "\"stageColorTheme\":\"DEFAULT\"");
    append_tree(buf, "fields", pipeline->fields);
    buf_append_text(buf, ",\"stages\":");
    streak_show_stages(pipeline, buf);
    buf_append_text(buf, ",\"stageOrder\":[");
    cJSON_ArrayForEach(stage, pipeline->stages)
    {
        buf_append_text(buf, separator);
        sim_json_append_text(buf, sim_json_text(stage, "key"));
        separator = ",";
    }
    buf_append_text(buf, "],\"aclEntries\":[]");
    append_time(buf, "creationTimestamp", pipeline->created_ms);
    append_time(buf, "lastUpdatedTimestamp", pipeline->updated_ms);
    append_time(buf, "lastSavedTimestamp", pipeline->saved_ms);
    buf_printf(buf,
               ",\"customPermissionSets\":{},\"creationSourceType\":\"HUMAN\","
               "\"boxCount\":%zu",
               pipeline->box_count);
    append_member(buf, "pipelineKey", pipeline->entity.key);
    append_member(buf, "key", pipeline->entity.key);
    buf_append_text(buf, "}");
}

static void append_sharing(struct buf *buf, const struct streak_user *user)
{
    buf_append_text(buf, "{\"email\":");
    sim_json_append_text(buf, user->email);
    append_member(buf, "displayName", user->display_name);
    append_member(buf, "fullName", user->full_name);
    buf_append_text(buf, ",\"image\":null");
    append_member(buf, "userKey", user->entity.key);
    buf_append_text(buf, "}");
}

static void append_people(const struct streak_world *world,
                          const struct streak_box *box, struct buf *buf)
{
    const char *separator = "";
    const cJSON *item;

    buf_append_text(buf, ",\"assignedToSharingEntries\":[");
    cJSON_ArrayForEach(item, box->assigned)
    {
        const struct streak_user *user =
            streak_world_user_by_email(world, item->valuestring);

        if (!user)
            continue;
        buf_append_text(buf, separator);
        append_sharing(buf, user);
        separator = ",";
    }
    buf_append_text(buf, "],\"creatorSharingEntry\":");
    append_sharing(buf, box->creator);
    buf_append_text(buf, ",\"followerSharingEntries\":[");
    separator = "";
    cJSON_ArrayForEach(item, box->followers)
    {
        const struct streak_user *user =
            streak_world_find(world, STREAK_USER, item->valuestring);

        if (!user)
            continue;
        buf_append_text(buf, separator);
        append_sharing(buf, user);
        separator = ",";
    }
    buf_append_text(buf, "]");
    append_tree(buf, "followerKeys", box->followers);
    buf_printf(buf, ",\"followerCount\":%d",
               cJSON_GetArraySize(box->followers));
}

void streak_show_box(const struct streak_world *world,
                     const struct streak_box *box, struct buf *buf)
{
    buf_append_text(buf, "{\"pipelineKey\":");
    sim_json_append_text(buf, box->pipeline->entity.key);
    append_member(buf, "creatorKey", box->creator->entity.key);
    append_time(buf, "creationTimestamp", box->created_ms);
    append_time(buf, "lastUpdatedTimestamp", box->updated_ms);
    append_time(buf, "lastStageChangeTimestamp", box->stage_changed_ms);
    append_time(buf, "lastSavedTimestamp", box->saved_ms);
    append_member(buf, "name", box->name);
    append_member(buf, "notes", box->notes);
    append_member(buf, "stageKey", box->stage_key);
    append_tree(buf, "fields", box->fields);
    append_people(world, box, buf);
    append_tree(buf, "linkedBoxKeys", box->linked);
    append_tree(buf, "contacts", box->contacts);
    append_tree(buf, "organizations", box->organizations);
    buf_append_text(
        buf, ",\"emailAddressesAutoExtracted\":[],"
             "\"emailAddressesBlacklist\":[],\"emailAddresses\":[],"
             "\"taskTotal\":0,\"taskCompleteCount\":0,"
             "\"taskIncompleteCount\":0,\"taskOverdueCount\":0,"
             "\"callLogCount\":0,\"meetingNotesCount\":0,"
             "\"totalCallLogDuration\":0,\"totalMeetingNotesDuration\":0");
    buf_printf(buf, ",\"commentCount\":%zu", box->comment_count);
    buf_append_text(buf, ",\"gmailThreadCount\":0,\"fileCount\":0,"
                         "\"totalNumberOfEmails\":0,"
                         "\"totalNumberOfSentEmails\":0,"
                         "\"totalNumberOfReceivedEmails\":0,"
                         "\"freshness\":0.8125");
    if (world->extra_properties)
        buf_append_text(buf, ",\"momentum\":{\"score\":[0.5,null]}");
    append_member(buf, "boxKey", box->entity.key);
    append_member(buf, "key", box->entity.key);
    buf_append_text(buf, "}");
}

void streak_show_comment(const struct streak_comment *comment, struct buf *buf)
{
    buf_append_text(buf, "{\"key\":");
    sim_json_append_text(buf, comment->entity.key);
    append_member(buf, "commentKey", comment->entity.key);
    append_member(buf, "boxKey", comment->box->entity.key);
    append_member(buf, "pipelineKey", comment->box->pipeline->entity.key);
    append_member(buf, "creatorKey", comment->creator->entity.key);
    append_member(buf, "message", comment->message);
    append_time(buf, "timestamp", comment->created_ms);
    append_member(buf, "newsfeedEntryKey", comment->newsfeed_key);
    buf_append_text(buf, ",\"reactionSummary\":[]");
    append_time(buf, "lastSavedTimestamp", comment->saved_ms);
    buf_append_text(buf, "}");
}

/* The name of an option key; the key itself when it has none. */
static const char *option_name(const cJSON *definition, const char *key)
{
    const cJSON *option;

    cJSON_ArrayForEach(
        option, sim_json_member(sim_json_member(definition, "dropdownSettings"),
                                "items"))
    {
        if (strcmp(sim_json_text(option, "key"), key) == 0)
            return sim_json_text(option, "name");
    }
    cJSON_ArrayForEach(
        option,
        sim_json_member(sim_json_member(definition, "tagSettings"), "tags"))
    {
        if (strcmp(sim_json_text(option, "key"), key) == 0)
            return sim_json_text(option, "tag");
    }
    return key;
}

static cJSON *named_value(const cJSON *definition, const cJSON *value)
{
    cJSON *named, *item;

    if (cJSON_IsString(value))
        return cJSON_CreateString(option_name(definition, value->valuestring));
    if (!cJSON_IsArray(value))
        return cJSON_Duplicate(value, true);
    named = cJSON_CreateArray();
    cJSON_ArrayForEach(item, value)
    {
        cJSON_AddItemToArray(named, named_value(definition, item));
    }
    return named;
}

cJSON *streak_show_named(const struct streak_box *box)
{
    const struct streak_pipeline *pipeline = box->pipeline;
    cJSON *named = cJSON_CreateObject();
    const cJSON *value;
    cJSON *fields;

    cJSON_AddStringToObject(named, "key", box->entity.key);
    cJSON_AddStringToObject(named, "name", box->name);
    cJSON_AddStringToObject(
        named, "stage",
        sim_json_text(streak_pipeline_stage(pipeline, box->stage_key), "name"));
    cJSON_AddItemToObject(named, "organizations",
                          cJSON_Duplicate(box->organizations, true));
    fields = cJSON_AddObjectToObject(named, "fields");
    cJSON_ArrayForEach(value, box->fields)
    {
        const cJSON *definition =
            streak_pipeline_field(pipeline, value->string);
        const char *name = sim_json_text(definition, "name");

        cJSON_AddItemToObject(fields, name ? name : value->string,
                              named_value(definition, value));
    }
    return named;
}
