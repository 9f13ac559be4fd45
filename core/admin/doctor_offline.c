/* doctor_offline.c - what can be looked at while no daemon runs, printed.
 *
 * One idea: the same looks as those of a running daemon, less what needs one:
 * credentials, registered webhooks, what waits.  Those are named as not looked
 * at.  Called on the main thread, with no loop. */
#include "admin/doctor_offline.h"

#include <stdlib.h>

#include <connect/json.h>

#include "admin/doctor_judge.h"
#include "admin/doctor_look.h"
#include "admin/encode.h"
#include "base/clock.h"

static void print(const struct doctor *doctor, FILE *file)
{
    for (size_t index = 0; index < doctor->count; index++) {
        const struct doctor_finding *finding = &doctor->findings[index];
        fprintf(file, "%-8s %-14s %s%s%s\n", doctor_word(finding->mark),
                finding->check, finding->subject ? finding->subject : "",
                finding->subject ? ": " : "", finding->found);
        if (finding->action)
            fprintf(file, "%23s do: %s\n", "", finding->action);
    }
    if (doctor->left_off)
        fprintf(file, "%zu more are not listed\n", doctor->left_off);
    fprintf(file,
            "Not looked at without a running daemon: credentials, registered "
            "webhooks,\nwhat waits, alerts.\n");
}

/* As the daemon answers it. */
static void print_json(const struct doctor *doctor, int64_t wall_ms, FILE *file)
{
    cJSON *object = doctor_encode(doctor);
    char *text;

    encode_put_time(object, "now_ms", wall_ms);
    text = cn_json_print(object);
    fprintf(file, "%s\n", text ? text : "");
    free(text);
    cJSON_Delete(object);
}

static void look(struct doctor *doctor, const struct config *config,
                 int64_t wall_ms)
{
    struct doctor_clock clock = {.wall_ms = wall_ms,
                                 .synchronized = doctor_look_synchronized()};
    struct doctor_places *places = doctor_places_create(config);

    doctor_look(places, false, wall_ms, doctor);
    doctor_judge_clock(doctor, &clock);
    doctor_places_destroy(places);
}

int doctor_offline(struct doctor *doctor, const char *config_path, bool json,
                   FILE *file)
{
    int64_t wall_ms = clock_wall_ms(clock_system());
    struct config *config = NULL;
    struct error err = {""};

    /* What cannot be read was said by the check. */
    if (!config_read(config_path, &config, &err))
        look(doctor, config, wall_ms);
    else if (!doctor->count)
        doctor_add(doctor, "configuration", DOCTOR_FAILED, NULL,
                   "Mend it, then look again.", "%s", err.text);
    config_destroy(config);
    if (json)
        print_json(doctor, wall_ms, file);
    else
        print(doctor, file);
    return (int)doctor_count(doctor, DOCTOR_FAILED);
}
