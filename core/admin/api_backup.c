/* api_backup.c - a copy of what is stored, while everything goes on.
 *
 * One idea: a large database takes longer than an answer may, so beginning and
 * looking are two questions; one at a time.  That it was asked for, and by
 * whom, is recorded before it begins.  Called on the loop thread. */
#include "admin/api_backup.h"

#include <errno.h>
#include <string.h>

#include <connect/json.h>

#include "admin/encode.h"

static cJSON *backup_state(const struct api_call *call)
{
    static const char *const words[] = {"none", "running", "done", "failed"};
    const struct api_backup *backup = &call->api->backup;
    cJSON *object = api_call_object(call);
    bool is_text = backup->directory[0] != '\0';

    encode_put_text(object, "state", words[backup->state]);
    encode_put_text(object, "directory", is_text ? backup->directory : NULL);
    encode_put_time(object, "began_ms", backup->began_wall_ms);
    encode_put_time(object, "ended_ms", backup->ended_wall_ms);
    encode_put_number(object, "bytes", (int64_t)backup->bytes);
    encode_put_text(object, "error",
                    backup->err.text[0] ? backup->err.text : NULL);
    return object;
}

static void backed_up(void *arg, int status, uint64_t bytes,
                      const struct error *err)
{
    struct api *api = arg;
    struct api_backup *backup = &api->backup;

    backup->state = status ? API_BACKUP_FAILED : API_BACKUP_DONE;
    backup->ended_wall_ms = clock_wall_ms(api->options.clock);
    backup->bytes = bytes;
    if (status)
        error_set(&backup->err, "%s",
                  err && err->text[0] ? err->text : strerror(-status));
}

static void backup_audited(void *arg, int status,
                           const struct store_result *results,
                           size_t result_count)
{
    struct api_call *call = arg;
    struct api *api = call->api;
    const char *directory = cn_json_text_at(call->body, "/directory", "");

    (void)results;
    (void)result_count;
    if (status) {
        api_call_fail_errno(call, status, "the store takes no changes now");
        return;
    }
    status = store_backup(api->options.store, directory, backed_up, api);
    if (status == -EALREADY) {
        api_call_fail(call, 409, "state", "another backup is under way");
        return;
    }
    if (status) {
        api_call_fail(call, 400, "body", "%s: %s", directory,
                      strerror(-status));
        return;
    }
    memset(&api->backup, 0, sizeof(api->backup));
    api->backup.state = API_BACKUP_RUNNING;
    snprintf(api->backup.directory, sizeof(api->backup.directory), "%s",
             directory);
    api->backup.began_wall_ms = clock_wall_ms(api->options.clock);
    api_call_end(call, backup_state(call));
}

void api_backup(struct api_call *call)
{
    const char *directory = cn_json_text_at(call->body, "/directory", "");

    if (directory[0] != '/' ||
        strlen(directory) >= sizeof(call->api->backup.directory))
        api_call_fail(call, 400, "body",
                      "directory must be an absolute path that does not exist "
                      "yet");
    else
        api_call_audit(call, "backup.begun", directory, backup_audited);
}

void api_backup_state(struct api_call *call)
{
    api_call_end(call, backup_state(call));
}
