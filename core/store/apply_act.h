/* apply_act.h - what a person does to a run. */
#ifndef CONNECT_STORE_APPLY_ACT_H
#define CONNECT_STORE_APPLY_ACT_H

#include "store/apply_run.h"

/* A HELD or PARKED run goes on: its deliveries become READY, those in doubt
 * IN_DOUBT, and the run READY.  fresh: attempts begin anew. */
int act_resume(struct writer *writer, struct run *run, bool fresh,
               const char *actor, const char *queue) MUST_USE;
/* 1: the run has a delivery that happened or may have. */
int act_has_happened(struct writer *writer, uint64_t run) MUST_USE;
/* 1: a person corrected a delivery of the run; begun anew it would be lost. */
int act_was_edited(struct writer *writer, uint64_t run) MUST_USE;
/* What the run did is forgotten, the audit keeps it; nothing of it happened. */
int act_forget(struct writer *writer, uint64_t run, const char *actor) MUST_USE;
/* The audit entry of what a person did: detail and the hash of the reason. */
int act_note(struct writer *writer, const char *actor, const char *name,
             uint64_t run, const char *path, const char *detail,
             const char *reason) MUST_USE;
int apply_act(struct writer *writer, const struct change_act *act) MUST_USE;

#endif
