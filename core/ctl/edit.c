/* edit.c - connectctl edit: a record in an editor, and back.
 *
 * One idea: the daemon says whether the run may be edited before the record is
 * shown, and whether what was written can be used before anything is stored;
 * the difference is what a person says yes to.  The record is shown unmasked,
 * which is recorded; its file is only ours to read and gone afterwards, also
 * when a signal ends us.  One thread. */
#include "ctl/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <connect/json.h>

#include "ctl/ask.h"
#include "ctl/difference.h"
#include "ctl/print.h"

enum {
    RECORD_BYTES_MAX = 1024 * 1024, /* as the daemon takes */
    TEMPLATE_MAX = 512
};

struct edit {
    struct command_context *context;
    uint64_t run;
    cJSON *whole;      /* the run */
    const char *step;  /* NULL: the record it began with */
    const cJSON *body; /* borrowed from whole */
    char file[TEMPLATE_MAX];
    bool is_ours; /* the file: to be removed */
};

/* ---- What is edited ------------------------------------------------------ */

static const cJSON *find_delivery(const cJSON *whole, const char *path)
{
    CN_JSON_EACH(delivery, cn_json_member(whole, "deliveries"))
    {
        const char *state = print_member(delivery, "state");
        if (path ? !strcmp(print_member(delivery, "path"), path)
                 : !strcmp(state, "parked") || !strcmp(state, "held"))
            return delivery;
    }
    return NULL;
}

/* What waits for a person: the delivery that was refused, or, when there is
 * none, the record the run began with. */
static int edit_choose(struct edit *edit)
{
    const char *step = edit->context->options->step;
    bool trigger = step && !strcmp(step, "trigger");
    const cJSON *delivery = trigger ? NULL : find_delivery(edit->whole, step);

    if (step && !trigger && !delivery) {
        fprintf(stderr,
                "connectctl: run %" PRIu64 " has no such delivery; "
                "see: connectctl show %" PRIu64 "\n",
                edit->run, edit->run);
        return EXIT_FAILED;
    }
    edit->step = delivery ? print_member(delivery, "path") : NULL;
    edit->body =
        delivery
            ? cn_json_member(delivery, "body")
            : cn_json_member(cn_json_member(edit->whole, "trigger"), "body");
    return EXIT_DONE;
}

/* The run, masked or not, and what of it is edited. */
static int edit_get(struct edit *edit, bool unmasked)
{
    char path[ASK_PATH_MAX];
    int code;

    cJSON_Delete(edit->whole);
    edit->whole = NULL;
    snprintf(path, sizeof(path), "/v1/runs/%" PRIu64 "%s", edit->run,
             unmasked ? "?unmasked=1" : "");
    code = ask_only(edit->context, "GET", path, NULL, &edit->whole);
    return code == EXIT_DONE ? edit_choose(edit) : code;
}

/* ---- The file ------------------------------------------------------------ */

/* What a signal that ends us must remove. */
static char file_left[TEMPLATE_MAX];

/* [a signal's] */
static void file_forget(int number)
{
    unlink(file_left);
    signal(number, SIG_DFL);
    raise(number);
}

static void file_watch(const struct edit *edit)
{
    static const int numbers[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};

    memcpy(file_left, edit->file, sizeof(file_left));
    for (size_t index = 0; index < sizeof(numbers) / sizeof(*numbers); index++)
        if (signal(numbers[index], file_forget) == SIG_IGN)
            signal(numbers[index], SIG_IGN); /* as with nohup */
}

static int file_write(struct edit *edit)
{
    const char *directory = getenv("TMPDIR");
    char *text = cJSON_Print(edit->body); /* with lines, for people */
    FILE *file = NULL;
    int descriptor, status = 0;

    snprintf(edit->file, sizeof(edit->file), "%.400s/connectctl-XXXXXX.json",
             directory && *directory ? directory : "/tmp");
    descriptor = mkostemps(edit->file, 5, O_CLOEXEC); /* mode 0600 */
    edit->is_ours = descriptor >= 0;
    if (edit->is_ours)
        file_watch(edit);
    file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (!file || !text || fprintf(file, "%s\n", text) < 0)
        status = -errno;
    if (file && fclose(file))
        status = -errno;
    free(text);
    if (status)
        fprintf(stderr, "connectctl: %s: %s\n", edit->file, strerror(-status));
    return status ? EXIT_FAILED : EXIT_DONE;
}

static int file_edit(const struct edit *edit)
{
    const char *editor = getenv("VISUAL");
    void (*interrupt)(int), (*quit)(int);
    int status = 0;
    pid_t child;

    if (!editor || !*editor)
        editor = getenv("EDITOR");
    if (!editor || !*editor)
        editor = "vi";
    fflush(stdout);
    /* What is typed there is for the editor: Ctrl-C in vi ends nothing. */
    interrupt = signal(SIGINT, SIG_IGN);
    quit = signal(SIGQUIT, SIG_IGN);
    child = fork();
    if (child == 0) { /* an editor may come with options: "code --wait" */
        signal(SIGINT, SIG_DFL);
        signal(SIGQUIT, SIG_DFL);
        setenv("CONNECTCTL_EDITOR", editor, 1);
        execl("/bin/sh", "sh", "-c", "exec $CONNECTCTL_EDITOR \"$1\"", "sh",
              edit->file, (char *)NULL);
        _exit(127);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    signal(SIGINT, interrupt);
    signal(SIGQUIT, quit);
    if (child > 0 && WIFEXITED(status) && !WEXITSTATUS(status))
        return EXIT_DONE;
    fprintf(stderr,
            "connectctl: the editor \"%s\" failed; $EDITOR names "
            "another, --file FILE takes a file\n",
            editor);
    return EXIT_FAILED;
}

static int file_read(const struct edit *edit, cJSON **ret_value)
{
    bool is_input = !strcmp(edit->file, "-");
    FILE *file = is_input ? stdin : fopen(edit->file, "re");
    char *text = calloc(1, RECORD_BYTES_MAX + 1);
    cn_json_error error = {.offset = 0};
    size_t len = 0;
    int status = EXIT_FAILED;

    if (file && text)
        len = fread(text, 1, RECORD_BYTES_MAX, file);
    if (!file || !text || ferror(file) || !feof(file))
        fprintf(stderr,
                "connectctl: %s cannot be read (or has more than %d "
                "bytes)\n",
                edit->file, RECORD_BYTES_MAX);
    else if (cn_json_read((cn_str){text, len}, NULL, ret_value, &error))
        fprintf(stderr, "connectctl: that is no JSON: %s (byte %zu)\n",
                error.sentence, error.offset);
    else
        status = EXIT_DONE;
    if (file && !is_input)
        fclose(file);
    free(text);
    return status;
}

/* ---- Back to the daemon -------------------------------------------------- */

static char *edit_text(const struct edit *edit, const cJSON *value, bool dry)
{
    cJSON *body = cJSON_CreateObject();
    char *text;

    if (edit->step)
        cn_json_put_text(body, "path", edit->step);
    cn_json_put(body, "body", cJSON_Duplicate(value, 1));
    cn_json_put_text(body, "reason", edit->context->options->reason);
    cJSON_AddBoolToObject(body, "dry", dry);
    text = cn_json_print(body);
    cJSON_Delete(body);
    return text;
}

static int edit_put(struct edit *edit, const cJSON *value, bool dry, bool shown)
{
    char path[ASK_PATH_MAX], *text = edit_text(edit, value, dry);
    int code;

    snprintf(path, sizeof(path), "/v1/runs/%" PRIu64 "/body", edit->run);
    code = shown ? ask(edit->context, "PUT", path, text, NULL, NULL)
                 : ask_only(edit->context, "PUT", path, text, NULL);
    free(text);
    /* A record that does not fit is no wrong use of ours. */
    return code == EXIT_USAGE ? EXIT_FAILED : code;
}

/* May it be edited now?  The daemon looks at that before it looks at the
 * record, so that an empty one does; what it says of that one is no news. */
static int edit_may(struct edit *edit)
{
    cJSON *nothing = cJSON_CreateObject(), *answer = NULL;
    char path[ASK_PATH_MAX], *text = edit_text(edit, nothing, true);
    struct error err = {""};
    int status;

    snprintf(path, sizeof(path), "/v1/runs/%" PRIu64 "/body", edit->run);
    status =
        client_ask(edit->context->client, "PUT", path, text, &answer, &err);
    if (!strcmp(cn_json_text_at(answer, "/error/code", ""), "body"))
        status = 0;
    else if (status && answer && edit->context->options->json)
        ask_print_raw(edit->context);
    cJSON_Delete(nothing);
    cJSON_Delete(answer);
    free(text);
    return ask_exit_code(status, &err);
}

/* Once through the editor: EXIT_DONE with what was written, and it can be used.
 */
static int edit_once(struct edit *edit, cJSON **ret_value)
{
    int code = edit->is_ours ? file_edit(edit) : EXIT_DONE;

    cJSON_Delete(*ret_value);
    *ret_value = NULL;
    if (code == EXIT_DONE)
        code = file_read(edit, ret_value);
    return code == EXIT_DONE ? edit_put(edit, *ret_value, true, false) : code;
}

/* With --json the difference is for the eyes only. */
static int edit_store(struct edit *edit, const cJSON *value)
{
    bool json = edit->context->options->json;
    struct text_out out = edit->context->out;
    int code;

    out.file = json ? stderr : out.file;
    text_print(&out, TEXT_BOLD,
               edit->step ? "delivery " : "the event's record");
    if (edit->step)
        text_print_cell(&out, TEXT_BOLD, edit->step, 0, false);
    fputc('\n', out.file);
    if (!difference_print(&out, 2, edit->body, value)) {
        fputs("  nothing was changed\n", out.file);
        return json ? edit_put(edit, value, true, true) : EXIT_DONE;
    }
    if (!ask_person(edit->context, "Store this?"))
        return EXIT_FAILED;
    code = edit_put(edit, value, false, true);
    if (code == EXIT_DONE)
        fprintf(out.file,
                "stored; let the run go on: connectctl retry %" PRIu64 "\n",
                edit->run);
    return code;
}

static int edit_run(struct edit *edit)
{
    struct command_context *context = edit->context;
    cJSON *value = NULL;
    int code = EXIT_DONE;

    if (context->options->file)
        snprintf(edit->file, sizeof(edit->file), "%s", context->options->file);
    else
        code = file_write(edit);
    if (code == EXIT_DONE)
        code = edit_once(edit, &value);
    while (code == EXIT_FAILED && edit->is_ours &&
           !(context->options->given & OPTION_YES) && isatty(STDIN_FILENO) &&
           ask_person(context, "Edit it again?"))
        code = edit_once(edit, &value);
    if (code == EXIT_DONE)
        code = edit_store(edit, value);
    if (edit->is_ours)
        unlink(edit->file);
    cJSON_Delete(value);
    return code;
}

int edit_command(struct command_context *context)
{
    struct edit edit = {.context = context};
    int code;

    if (!ask_run_number(context->arguments[0], &edit.run))
        return EXIT_USAGE;
    if (!context->options->reason) {
        fprintf(stderr, "connectctl: edit needs --reason TEXT\n");
        return EXIT_USAGE;
    }
    code = edit_get(&edit, false);
    if (code == EXIT_DONE)
        code = edit_may(&edit);
    if (code == EXIT_DONE)
        code = edit_get(&edit, true);
    if (code == EXIT_DONE && !cJSON_IsObject(edit.body)) {
        fprintf(stderr,
                "connectctl: this record cannot be shown, so it cannot be "
                "edited here\n");
        code = EXIT_FAILED;
    }
    if (code == EXIT_DONE)
        code = edit_run(&edit);
    cJSON_Delete(edit.whole);
    return code;
}
