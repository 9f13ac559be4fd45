/* ask.c - a question of a command to the daemon, and its answer on paper.
 *
 * One idea: what is refused is one sentence on standard error and an exit code;
 * with --json what came is printed in any case.  One thread. */
#include "ctl/ask.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <connect/json.h>

enum { PROGRAM_PATH_MAX = 1024 };

#define NUMBER_MOST 999999999999999999ULL /* the daemon takes 18 digits */

int ask_exit_code(int status, const struct error *err)
{
    struct buf buf;

    if (!status)
        return EXIT_DONE;
    buf_init(&buf, TEXT_BYTES_MAX);
    text_escape(&buf, err->text, strlen(err->text));
    fprintf(stderr, "connectctl: %s\n", buf.len ? buf.data : "failed");
    buf_done(&buf);
    if (status == -EINVAL) /* the daemon knows best which words there are */
        return EXIT_USAGE;
    return status == -ECONNREFUSED ? EXIT_NO_DAEMON : EXIT_FAILED;
}

void ask_print_raw(struct command_context *context)
{
    struct buf buf;
    size_t len;
    const char *text = client_text(context->client, &len);

    buf_init(&buf, TEXT_BYTES_MAX);
    text_escape_json(&buf, text, len);
    if (buf.len)
        fwrite(buf.data, 1, buf.len, context->out.file);
    if (!buf.len || buf.data[buf.len - 1] != '\n')
        fputc('\n', context->out.file);
    buf_done(&buf);
}

void ask_print_json(struct command_context *context, const cJSON *value)
{
    char *text = cn_json_print(value);
    struct buf buf;

    buf_init(&buf, TEXT_BYTES_MAX);
    text_escape_json(&buf, text, strlen(text));
    buf_append_text(&buf, "\n");
    fwrite(buf.data, 1, buf.len, context->out.file);
    buf_done(&buf);
    free(text);
}

int ask_only(struct command_context *context, const char *method,
             const char *path, const char *body, cJSON **ret_answer)
{
    struct error err = {""};
    cJSON *answer = NULL;
    int status = client_ask(context->client, method, path, body, &answer, &err);

    if (status && answer && context->options->json)
        ask_print_raw(context);
    if (ret_answer)
        *ret_answer = answer;
    else
        cJSON_Delete(answer);
    return ask_exit_code(status, &err);
}

int ask(struct command_context *context, const char *method, const char *path,
        const char *body, ask_print_fn *fn, cJSON **ret_answer)
{
    cJSON *answer = NULL;
    int code = ask_only(context, method, path, body, &answer);

    if (code == EXIT_DONE && context->options->json)
        ask_print_raw(context);
    else if (code == EXIT_DONE && fn)
        fn(&context->out, answer);
    if (ret_answer)
        *ret_answer = answer;
    else
        cJSON_Delete(answer);
    return code;
}

int ask_get(struct command_context *context, const char *path, ask_print_fn *fn)
{
    return ask(context, "GET", path, NULL, fn, NULL);
}

int ask_post(struct command_context *context, const char *path, cJSON *body,
             ask_print_fn *fn, cJSON **ret_answer)
{
    char *text = cn_json_print(body);
    int code = ask(context, "POST", path, text, fn, ret_answer);

    free(text);
    cJSON_Delete(body);
    return code;
}

void ask_add(char *path, const char *name, const char *value)
{
    size_t len = strlen(path);

    if (!value)
        return;
    len += (size_t)snprintf(path + len, ASK_PATH_MAX - len,
                            "%c%s=", strchr(path, '?') ? '&' : '?', name);
    for (; *value && len + 4 < ASK_PATH_MAX; value++) {
        bool plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
                            "YZ0123456789-_.~,",
                            *value) != NULL;
        len += (size_t)snprintf(path + len, ASK_PATH_MAX - len,
                                plain ? "%c" : "%%%02X",
                                plain ? *value : (unsigned char)*value);
    }
}

bool ask_run_number(const char *text, uint64_t *ret_run)
{
    char *end;

    errno = 0;
    *ret_run = strtoull(text, &end, 10);
    if (text[0] >= '1' && text[0] <= '9' && !*end && !errno &&
        *ret_run <= NUMBER_MOST)
        return true;
    fprintf(stderr, "connectctl: %.40s is no number such as 17\n", text);
    return false;
}

/* connectd stands beside connectctl where it is installed, one folder up where
 * it was built, else somewhere on the path. */
int ask_connectd(const char *option, const char *json, const char *file)
{
    static const char *const places[] = {"/connectd", "/../connectd"};
    char *arguments[] = {(char[]){"connectd"}, (char *)(uintptr_t)option,
                         (char *)(uintptr_t)(json ? json : file),
                         (char *)(uintptr_t)(json ? file : NULL), NULL};
    char path[PROGRAM_PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 32);
    char *slash;

    path[len > 0 ? len : 0] = '\0';
    slash = strrchr(path, '/');
    for (size_t index = 0; slash && index < 2; index++) {
        snprintf(slash, 32, "%s", places[index]);
        if (access(path, X_OK) == 0)
            execv(path, arguments);
    }
    execvp("connectd", arguments);
    fprintf(stderr, "connectctl: connectd cannot be started: %s\n",
            strerror(errno));
    return EXIT_FAILED;
}

bool ask_person(const struct command_context *context, const char *question)
{
    char line[16] = "";

    if (context->options->given & OPTION_YES)
        return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        fprintf(stderr, "connectctl: nothing was changed: there is nobody to "
                        "ask; --yes says yes\n");
        return false;
    }
    fflush(stdout);
    fprintf(stderr, "%s [y/N] ", question);
    if (fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y'))
        return true;
    fprintf(stderr, "nothing was changed\n");
    return false;
}
