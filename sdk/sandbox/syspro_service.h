/* syspro_service.h - the e.net REST service in front of a company. */
#ifndef CONNECT_SANDBOX_SYSPRO_SERVICE_H
#define CONNECT_SANDBOX_SYSPRO_SERVICE_H

#include "sim_server.h"
#include "syspro_company.h"
#include "syspro_session.h"

struct syspro_service {
    struct sim_server *server; /* borrowed */
    struct syspro_company company;
    struct syspro_sessions sessions;
};

/* Names of the faults of its own, ends with NULL. */
extern const char *const syspro_service_faults[];

void syspro_service_init(struct syspro_service *service,
                         struct sim_server *server);
void syspro_service_done(struct syspro_service *service);
/* An order as the ledger and the control routes tell it; the caller deletes. */
cJSON *syspro_service_describe(const struct syspro_company *company,
                               const struct syspro_order *order);
/* Answer a request under /SYSPROWCFService. */
void syspro_service_handle(struct syspro_service *service,
                           struct sim_request *request,
                           struct sim_answer *answer);

#endif
