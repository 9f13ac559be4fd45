/* doctor_judge.c - what numbers mean.
 *
 * One idea: failed is what stops work or makes it wrong, now or within a day;
 * a warning is what a person should know before it comes to that.  Pure. */
#include "admin/doctor_judge.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

#define MIB (1024ULL * 1024)
#define MINUTE_MS (60LL * 1000)
#define DAY_MS (24LL * 60 * MINUTE_MS)

enum {
    FREE_FAILED_MIB = 64,   /* a busy hour of webhooks */
    FREE_WARNING_MIB = 512, /* a busy day */
    FREE_WARNING_PART = 20, /* or a twentieth of a large disk */
    FREE_WARNING_MOST_MIB = 10 * 1024,
    DATABASE_WARNING_PERCENT = 90,
    CLOCK_JUMP_MS = 60 * 1000, /* clocks are slewed by less between looks */
    CLOCK_BACK_MS = 5 * 1000,
    YEAR_MIN = 2024, /* older than this program: never set */
    YEAR_MAX = 2100,
    WAITING_MINUTES = 15,
    WAITING_FAILED_MINUTES = 4 * 60
};

/* ---- Disk ---------------------------------------------------------------- */

static uint64_t free_warning(uint64_t total)
{
    uint64_t part = total / FREE_WARNING_PART;

    if (part < FREE_WARNING_MIB * MIB)
        return FREE_WARNING_MIB * MIB;
    return part < FREE_WARNING_MOST_MIB * MIB ? part
                                              : FREE_WARNING_MOST_MIB * MIB;
}

void doctor_judge_database(struct doctor *doctor, uint64_t used_bytes,
                           uint64_t bytes_max, bool hurried)
{
    double used = (double)used_bytes / (double)MIB;
    double max = (double)bytes_max / (double)MIB;

    if (!bytes_max)
        doctor_add(doctor, "database", DOCTOR_OK, NULL, NULL,
                   "%.1f MiB are in use; no limit is set", used);
    else if (hurried)
        doctor_add(
            doctor, "database", DOCTOR_WARNING, NULL,
            "Raise \"database_mib\" in the configuration and restart, or "
            "see connectctl reasons for what waits and fills it.",
            "%.1f MiB of %.1f MiB are in use; finished runs are "
            "forgotten within a day of their end",
            used, max);
    else if (used_bytes > bytes_max / 100 * DATABASE_WARNING_PERCENT)
        doctor_add(doctor, "database", DOCTOR_WARNING, NULL,
                   "Finished runs are forgotten above the limit, others never: "
                   "see connectctl reasons for what waits, or raise "
                   "\"database_mib\" in the configuration.",
                   "%.1f MiB of %.1f MiB are in use", used, max);
    else
        doctor_add(doctor, "database", DOCTOR_OK, NULL, NULL,
                   "%.1f MiB of %.1f MiB are in use", used, max);
}

void doctor_judge_disk(struct doctor *doctor, const struct doctor_disk *disk)
{
    double room = (double)disk->free_bytes / (double)MIB;

    if (disk->free_bytes < FREE_FAILED_MIB * MIB)
        doctor_add(
            doctor, "disk", DOCTOR_FAILED, disk->directory,
            "Make room on this file system now: when it is full webhooks "
            "are answered 503 until there is room.",
            "%.1f MiB are free", room);
    else if (disk->free_bytes < free_warning(disk->total_bytes))
        doctor_add(doctor, "disk", DOCTOR_WARNING, disk->directory,
                   "Make room on this file system.", "%.1f MiB are free", room);
    else
        doctor_add(doctor, "disk", DOCTOR_OK, disk->directory, NULL,
                   "%.1f MiB are free", room);
    if (!disk->running)
        return;
    if (disk->reserve)
        doctor_add(doctor, "reserve", DOCTOR_OK, NULL, NULL,
                   "the space for outcomes is kept back");
    else
        doctor_add(doctor, "reserve", DOCTOR_FAILED, NULL,
                   "Make room on the disk of the data directory; the space is "
                   "taken back by itself, at the latest with the next start.",
                   "the space that is kept back for outcomes is gone: the disk "
                   "was full, or somebody removed it");
}

/* ---- Clock --------------------------------------------------------------- */

void doctor_judge_clock(struct doctor *doctor, const struct doctor_clock *clock)
{
    int64_t year = 1970 + clock->wall_ms / DAY_MS * 10000 / 3652425;
    int64_t jump_ms = clock->wall_ms - clock->expected_ms;
    static const char set_it[] =
        "Set the machine's clock and let it be kept right (timedatectl "
        "set-ntp true). Nothing that waits is fired or delayed by it; times "
        "that people read are wrong.";
    char newest[CLOCK_TEXT_MAX];

    if (year < YEAR_MIN || year > YEAR_MAX)
        doctor_add(doctor, "clock", DOCTOR_FAILED, NULL, set_it,
                   "the clock says it is the year %" PRId64, year);
    else if (clock->newest_ms > clock->wall_ms + CLOCK_BACK_MS) {
        clock_format(clock->newest_ms, newest);
        doctor_add(doctor, "clock", DOCTOR_FAILED, NULL, set_it,
                   "the clock is behind what is stored already (%s)", newest);
    } else if (clock->expected_ms &&
               (jump_ms > CLOCK_JUMP_MS || jump_ms < -CLOCK_JUMP_MS))
        doctor_add(doctor, "clock", DOCTOR_WARNING, NULL, set_it,
                   "the clock was set %s by %" PRId64
                   " s since the daemon started",
                   jump_ms > 0 ? "forwards" : "back",
                   (jump_ms > 0 ? jump_ms : -jump_ms) / 1000);
    else
        doctor_add(doctor, "clock", DOCTOR_OK, NULL, NULL,
                   "the clock goes on as it should");
    if (clock->synchronized == 0)
        doctor_add(doctor, "clock_sync", DOCTOR_WARNING, NULL,
                   "Switch time synchronization on: timedatectl set-ntp true.",
                   "the system does not keep its clock in step with a server");
    else
        doctor_add(doctor, "clock_sync", DOCTOR_OK, NULL, NULL,
                   clock->synchronized > 0
                       ? "the clock is kept in step with a server"
                       : "whether the clock is kept in step is not known here");
}

/* ---- Queues -------------------------------------------------------------- */

void doctor_judge_waiting(struct doctor *doctor,
                          const struct doctor_waiting *waiting)
{
    int64_t minutes = waiting->age_ms / MINUTE_MS;
    char action[96], subject[32];

    if (!waiting->run || minutes < WAITING_MINUTES) {
        doctor_add(doctor, "waiting", DOCTOR_OK, NULL, NULL,
                   "nothing that goes on by itself is older than %d min",
                   WAITING_MINUTES);
        return;
    }
    snprintf(subject, sizeof(subject), "run %" PRIu64, waiting->run);
    snprintf(action, sizeof(action), "See: connectctl show %" PRIu64,
             waiting->run);
    doctor_add(
        doctor, "waiting",
        minutes < WAITING_FAILED_MINUTES ? DOCTOR_WARNING : DOCTOR_FAILED,
        subject, action, "%s for %" PRId64 " min: %.600s", waiting->state,
        minutes, waiting->why ? waiting->why : "no reason is known");
}

void doctor_judge_people(struct doctor *doctor,
                         const struct doctor_people *people)
{
    if (people->parked || people->held)
        doctor_add(doctor, "parked", DOCTOR_WARNING, NULL,
                   "See: connectctl parked, connectctl reasons",
                   "%" PRIu64 " parked and %" PRIu64 " held runs wait for a "
                   "person",
                   people->parked, people->held);
    else
        doctor_add(doctor, "parked", DOCTOR_OK, NULL, NULL,
                   "nothing waits for a person");
    if (people->in_doubt)
        doctor_add(doctor, "doubt", DOCTOR_FAILED, NULL,
                   "Look in the other system, then: connectctl settle RUN "
                   "--happened or --absent",
                   "of %" PRIu64 " deliveries it is not known whether they "
                   "took effect; first: %.600s",
                   people->in_doubt, people->doubt ? people->doubt : "");
    else
        doctor_add(doctor, "doubt", DOCTOR_OK, NULL, NULL,
                   "no delivery has been in doubt for long");
    if (people->quarantined)
        doctor_add(doctor, "quarantine", DOCTOR_WARNING, NULL,
                   "See: connectctl quarantine",
                   "%" PRIu64 " contents arrived and could not be used",
                   people->quarantined);
    else
        doctor_add(doctor, "quarantine", DOCTOR_OK, NULL, NULL,
                   "all that arrived could be used");
    if (people->alerts)
        doctor_add(doctor, "alerts", DOCTOR_WARNING, NULL,
                   "See: connectctl alerts", "%" PRIu64 " open; first: %.600s",
                   people->alerts, people->alert ? people->alert : "");
    else
        doctor_add(doctor, "alerts", DOCTOR_OK, NULL, NULL, "no alert is open");
}
