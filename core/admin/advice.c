/* advice.c - the next action to take, in words.
 *
 * One idea: the state says who must act, the code why; together they name one
 * command.  Never gives advice that could make something happen twice: what is
 * in doubt is asked for, not repeated.  Pure. */
#include "admin/advice.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Why a run is parked, and what helps. */
static const struct {
    const char *code;
    const char *text;
} parked[] = {
    {"rejected",
     "The other system refuses this record for the reason above."
     " Correct it there or in the source (or here: connectctl edit), then:"
     " connectctl retry"},
    {"mapping", "A value is missing or wrong. Correct it in the source (or in"
                " the flow), then: connectctl retry"},
    {"condition", "A condition of the flow cannot be decided. Correct the value"
                  " or the flow, then: connectctl retry"},
    {"retry", "It was tried as often as the limit allows. Remove the reason"
              " above, then: connectctl retry"},
    {"unsupported", "The plugin does not do this: check the flow and the"
                    " configuration, then: connectctl retry"},
    {"call", "The question does not fit the plugin: check the flow, then:"
             " connectctl retry"},
    {"delivery", "The record does not fit the plugin: check the flow, then:"
                 " connectctl retry"},
    {"flow", "The flow it began with cannot be used any more: check the flow,"
             " then: connectctl retry"},
};

static const char *advice_parked(const char *code)
{
    for (size_t index = 0; index < sizeof(parked) / sizeof(*parked); index++)
        if (code && !strcmp(code, parked[index].code))
            return parked[index].text;
    return "Remove the reason above, then: connectctl retry";
}

static bool is_doubt(const char *code)
{
    return code && (!strcmp(code, "in doubt") || !strcmp(code, "in_doubt"));
}

/* Such a run cannot be discarded: something of it may have happened. */
static void advice_doubt(uint64_t run, char text[ADVICE_MAX])
{
    snprintf(text, ADVICE_MAX,
             "It is not known whether this took effect. Look in the other"
             " system, then say what you found: connectctl settle %" PRIu64
             " --happened (or --absent) --reason TEXT. Or let it be asked"
             " again, which sends nothing twice: connectctl retry --as-was"
             " %" PRIu64,
             run, run);
}

void advice_for_run(const struct store_run_row *run, char text[ADVICE_MAX])
{
    text[0] = '\0';
    switch (run->state) {
    case RUN_PARKED:
        if (is_doubt(run->code)) {
            advice_doubt(run->run, text);
            break;
        }
        snprintf(text, ADVICE_MAX,
                 "%s %" PRIu64 " (or give it up: connectctl"
                 " discard %" PRIu64 " --reason TEXT)",
                 advice_parked(run->code), run->run, run->run);
        break;
    case RUN_HELD:
        snprintf(text, ADVICE_MAX,
                 "The other system holds this for the reason above. Resolve it"
                 " there; it is tried again by itself%s, or at once with:"
                 " connectctl release %" PRIu64,
                 run->due_in_ms < 0 ? " when released" : "", run->run);
        break;
    case RUN_QUEUED:
    case RUN_WAITING:
        if (run->behind)
            snprintf(text, ADVICE_MAX,
                     "Waits for run %" PRIu64 ", which comes before it:"
                     " connectctl show %" PRIu64,
                     run->behind, run->behind);
        break;
    case RUN_READY:
        if (is_doubt(run->code))
            snprintf(text, ADVICE_MAX,
                     "It is not known whether this took effect; it is asked"
                     " for again by itself. If the other system cannot tell,"
                     " look there and say what you found: connectctl settle"
                     " %" PRIu64 " --happened (or --absent) --reason TEXT",
                     run->run);
        else if (run->queue && *run->queue)
            snprintf(text, ADVICE_MAX,
                     "Goes on by itself as soon as %.64s can be used. Whether"
                     " a person must do something for that: connectctl alerts",
                     run->queue);
        else if (run->due_in_ms > 0)
            snprintf(text, ADVICE_MAX, "Goes on by itself: nothing to do.");
        break;
    case RUN_ACTIVE:
    case RUN_DONE:
    case RUN_DISCARDED:
        break;
    }
}
