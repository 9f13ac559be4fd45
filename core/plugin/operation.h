/* operation.h - the open operations, as the core knows them.  [loop thread] */
#ifndef CONNECT_PLUGIN_OPERATION_H
#define CONNECT_PLUGIN_OPERATION_H

#include "plugin/instance.h"

struct core_op *operation_find(struct instances *instances, uint64_t id);
/* Send it to the runner.  -EAGAIN: no room there.  fn NULL: nobody waits. */
int operation_start(struct generation *generation, enum op_kind kind,
                    const struct op_request *request, uint64_t timeout_ms,
                    op_ended_fn *fn, void *arg, uint64_t *ret_op);
/* Abort its requests and ask the plugin to end it. */
void operation_cancel(struct core_op *op, uint64_t now_ms);
/* The plugin ended one. */
void operation_take(struct generation *generation,
                    const struct message *message);
/* Take all operations out of a generation that will be no more, into a list;
 * blamed: it is this plugin's fault. */
void operations_detach(struct generation *generation, bool blamed,
                       struct core_op **list);
/* Tell their owners. */
void operations_lose(struct instances *instances, struct core_op *list,
                     const char *message);

#endif
