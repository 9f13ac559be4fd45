/* apply.c - one change of a batch takes effect.
 *
 * Only a table of who does what.  Called by the writer inside a transaction. */
#include "store/apply.h"

#include <errno.h>

#include "store/apply_accept.h"
#include "store/apply_act.h"
#include "store/apply_answer.h"
#include "store/apply_delivery.h"
#include "store/apply_prune.h"
#include "store/apply_quarantine.h"
#include "store/apply_run.h"
#include "store/apply_settle.h"
#include "store/apply_step.h"
#include "store/apply_value.h"
#include "store/claim.h"

int apply_person(struct writer *writer, struct store_bytes person,
                 int64_t *ret_person_key)
{
    struct lookup_hash hash;
    sqlite3_stmt *row;
    int found;

    *ret_person_key = 0;
    if (!person.len)
        return 0;
    hash = lookup_hash(&writer->lookup, LOOKUP_PERSON, "", "", person);
    found = database_find(&writer->database,
                          "SELECT id FROM person WHERE hash = ?1", &row,
                          value_hash(&hash));
    if (found > 0) {
        *ret_person_key = column_number(row, 0);
        database_done(row);
    }
    if (found)
        return found < 0 ? found : 0;
    *ret_person_key = writer->counters.row_next++;
    return database_run(&writer->database,
                        "INSERT INTO person (id, hash) VALUES (?1, ?2)",
                        value_number(*ret_person_key), value_hash(&hash));
}

int apply_change(struct writer *writer, const struct change *change)
{
    switch (change->kind) {
    case CHANGE_ACCEPT:
        return apply_accept(writer, &change->as.accept);
    case CHANGE_QUARANTINE:
        return apply_quarantine(writer, &change->as.quarantine);
    case CHANGE_RUN:
        return apply_run(writer, &change->as.run);
    case CHANGE_STEP:
        return apply_step(writer, &change->as.step);
    case CHANGE_DELIVERY:
        return apply_delivery(writer, &change->as.delivery);
    case CHANGE_INTENT:
        return apply_intent(writer, &change->as.value);
    case CHANGE_SETTLE:
        return apply_settle(writer, &change->as.settle);
    case CHANGE_EDIT:
        return apply_edit(writer, &change->as.answer);
    case CHANGE_ANSWER:
        return apply_answer(writer, &change->as.answer);
    case CHANGE_ALERT_ACKNOWLEDGE:
        return apply_alert_acknowledge(writer, &change->as.value);
    case CHANGE_QUARANTINE_END:
        return apply_quarantine_end(writer, &change->as.quarantine_end);
    case CHANGE_CURSOR:
        return apply_cursor(writer, &change->as.value);
    case CHANGE_STATE:
        return apply_state(writer, &change->as.value);
    case CHANGE_FLOW:
        return apply_flow(writer, &change->as.value);
    case CHANGE_ALERT:
        return apply_alert(writer, &change->as.value);
    case CHANGE_ALERT_CLEAR:
        return apply_alert_clear(writer, &change->as.value);
    case CHANGE_ALERT_DOUBT:
        return apply_alert_doubt(writer, &change->as.value);
    case CHANGE_AUDIT:
        return apply_audit(writer, &change->as.value);
    case CHANGE_ACT:
        return apply_act(writer, &change->as.act);
    case CHANGE_CLAIM:
        return claim_runs(writer, &change->as.claim);
    case CHANGE_RECOVER:
        return claim_give_back(writer, change->as.value.run);
    case CHANGE_RENEW:
        return claim_renew(writer);
    case CHANGE_PRUNE:
        return apply_prune(writer, &change->as.prune);
    }
    return -EINVAL;
}
