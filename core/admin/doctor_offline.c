/* doctor_offline.c - what can be looked at while no daemon runs, as text.
 *
 * One idea: the same looks as those of a running daemon, less what needs one:
 * credentials, registered webhooks, what waits.  Those are named as not looked
 * at.  Called on the main thread, with no loop. */
#include "admin/doctor_offline.h"

#include "admin/doctor_judge.h"
#include "admin/doctor_look.h"
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
    fprintf(file,
            "Not looked at without a running daemon: credentials, registered "
            "webhooks,\nwhat waits, alerts.\n");
}

int doctor_offline(const char *config_path, FILE *file, struct error *err)
{
    const struct clock *system = clock_system();
    struct doctor_clock clock = {.wall_ms = clock_wall_ms(system),
                                 .synchronized = doctor_look_synchronized()};
    struct doctor_places *places;
    struct config *config = NULL;
    struct doctor *doctor;
    int failed;

    if (config_read(config_path, &config, err))
        return -1;
    doctor = doctor_create();
    places = doctor_places_create(config);
    doctor_look(places, false, clock.wall_ms, doctor);
    doctor_judge_clock(doctor, &clock);
    print(doctor, file);
    failed = (int)doctor_count(doctor, DOCTOR_FAILED);
    doctor_places_destroy(places);
    doctor_destroy(doctor);
    config_destroy(config);
    return failed;
}
