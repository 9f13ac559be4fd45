/* streak_change.h - changes of boxes, contacts and organizations with all that
 * follows from them: times, events, the ledger.
 *
 * The interface and the person's control routes both change things here, so
 * that a change fires the same events whoever made it. */
#ifndef CONNECT_SANDBOX_STREAK_CHANGE_H
#define CONNECT_SANDBOX_STREAK_CHANGE_H

#include "streak_state.h"

/* The verdict on a wish, before anything is changed. */
enum streak_verdict {
    STREAK_FINE,
    STREAK_BAD_KEY,     /* a key that is not one, or a stage or field gone */
    STREAK_UNKNOWN_KEY, /* a key that nothing has */
    STREAK_BAD_VALUE,   /* not a value of the field's type */
    STREAK_READ_ONLY,   /* a formula */
    STREAK_SILENT       /* Streak answers null and changes nothing */
};

/* May this value stand in this field?  lenient: type and option keys do not
 * matter. */
enum streak_verdict streak_check_value(const struct streak *streak,
                                       const cJSON *definition,
                                       const cJSON *value);
/* Look at a box update (name, notes, stageKey, fields, contacts, ...).  fields
 * given as JSON text are replaced by the object they hold. */
enum streak_verdict streak_check_box(const struct streak *streak,
                                     const struct streak_pipeline *pipeline,
                                     cJSON *wish);
/* Carry out a checked update.  created: the box is new, so that BOX_CREATE is
 * fired in place of BOX_EDIT and BOX_CHANGE_STAGE.  false: nothing was
 * different. */
bool streak_change_box(struct streak *streak, struct streak_box *box,
                       const cJSON *wish, bool created);
void streak_delete_box(struct streak *streak, struct streak_box *box);

struct streak_comment *streak_create_comment(struct streak *streak,
                                             struct streak_box *box,
                                             struct streak_user *creator,
                                             const char *message);

/* A contact or an organization was made or changed: times, event, ledger. */
void streak_note_party(struct streak *streak, struct streak_party *party,
                       const struct streak_user *user, bool created);

#endif
