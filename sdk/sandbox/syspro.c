/* syspro.c - the SYSPRO simulator as a program of the common base.
 *
 * The idea: one service object, made, put back and ended by the base.
 * Called on the server's only thread. */
#include "syspro.h"

#include <stdbool.h>
#include <string.h>

#include <libxml/parser.h>

#include "sim_server.h"
#include "syspro_control.h"
#include "syspro_service.h"

static int start(void *arg, struct sim_server *server)
{
    xmlInitParser();
    syspro_service_init(arg, server);
    return 0;
}

static void reset(void *arg)
{
    struct syspro_service *service = arg;
    struct sim_server *server = service->server;

    syspro_service_done(service);
    syspro_service_init(service, server);
}

static void stop(void *arg)
{
    syspro_service_done(arg);
    xmlCleanupParser();
}

static void handle(void *arg, struct sim_request *request,
                   struct sim_answer *answer)
{
    syspro_service_handle(arg, request, answer);
}

static bool control(void *arg, const char *path, struct sim_request *request,
                    struct sim_answer *answer)
{
    return syspro_control_handle(arg, path, request, answer);
}

int syspro_run(int argc, char **argv)
{
    static const char *const secrets[] = {"OperatorPassword", "CompanyPassword",
                                          "UserId", NULL};
    struct syspro_service service;
    const struct sim_program program = {
        .name = "syspro-sim",
        .about =
            "A SYSPRO e.net REST service at /SYSPROWCFService/Rest with one "
            "company in\nmemory: logon, SORTOI, COMFND, COMFCH, ARSQRY, "
            "INVQRY, SORTOS.  Company EDU1,\noperator CRMLINK, password "
            "s3cret+1.",
        .routes = syspro_control_help,
        .secret_parameters = secrets,
        .fault_names = syspro_service_faults,
        .arg = &service,
        .start = start,
        .reset = reset,
        .stop = stop,
        .handle = handle,
        .control = control,
    };

    memset(&service, 0, sizeof(service));
    return sim_main(argc, argv, &program);
}
