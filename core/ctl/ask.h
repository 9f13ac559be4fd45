/* ask.h - a question of a command to the daemon, and its answer on paper.
 * [one thread] */
#ifndef CONNECT_CTL_ASK_H
#define CONNECT_CTL_ASK_H

#include <stdbool.h>
#include <stdint.h>
#include <cjson/cJSON.h>

#include "base/error.h"
#include "ctl/command.h"

enum { ASK_PATH_MAX = 2048 };

typedef void ask_print_fn(const struct text_out *out, const cJSON *answer);

/* Ask; an exit code.  What is wrong is said, with --json also as the answer
 * that came; what is well is the caller's to print.  ret_answer may be NULL;
 * the caller deletes it, also when refused. */
int ask_only(struct command_context *context, const char *method,
             const char *path, const char *body, cJSON **ret_answer);
/* Ask and print; with --json the answer as it came.  fn NULL: the caller
 * prints. */
int ask(struct command_context *context, const char *method, const char *path,
        const char *body, ask_print_fn *fn, cJSON **ret_answer);
int ask_get(struct command_context *context, const char *path,
            ask_print_fn *fn);
/* The body is taken. */
int ask_post(struct command_context *context, const char *path, cJSON *body,
             ask_print_fn *fn, cJSON **ret_answer);

/* Say what is wrong, if something is; an exit code. */
int ask_exit_code(int status, const struct error *err);
/* The last answer as it came; still the same JSON, yet harmless. */
void ask_print_raw(struct command_context *context);
/* A value as JSON, likewise harmless, on one line. */
void ask_print_json(struct command_context *context, const cJSON *value);
/* Put a parameter to a path of ASK_PATH_MAX; NULL: nothing. */
void ask_add(char *path, const char *name, const char *value);
/* The number of a run; false: wrong use, which was said. */
bool ask_run_number(const char *text, uint64_t *ret_run);
/* Become connectd with one option, "--json" or NULL, and a file; returns only
 * when it fails. */
int ask_connectd(const char *option, const char *json, const char *file);
/* A question to a person at a terminal; false: no, or there is no terminal,
 * which is said, with --yes as the way. */
bool ask_person(const struct command_context *context, const char *question);

#endif
