/* process.h - programs that a test starts, and that never outlive it.
 *
 * A child dies with the test program, whatever ends that.  Waits are bounded
 * and ask for what they wait for. */
#ifndef CONNECT_E2E_PROCESS_H
#define CONNECT_E2E_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
    pid_t id;         /* 0: not started, or waited for */
    int exit_code;    /* after process_wait: code, or 128 + signal */
    unsigned crashes; /* ends by a signal that leaves a core, of all starts */
};

/* Standard output and error are appended to the file log; arguments end with
 * NULL.  0 or a negative errno. */
int process_start(struct process *process, const char *log,
                  const char *const *arguments);
/* Send a signal; nothing if it is not running. */
void process_signal(struct process *process, int number);
/* Wait for its end: true when it ended in time. */
bool process_wait(struct process *process, int64_t limit_ms);
/* Does it still run?  (Takes note of its end.) */
bool process_runs(struct process *process);
/* Kill and wait. */
void process_end(struct process *process);

/* Run to its end; the output (both streams) into ret_text, owned, may be NULL.
 * The exit code, 128 + signal, or -1 when it did not end within the limit. */
int process_output(const char *const *arguments, int64_t limit_ms,
                   char **ret_text);

int64_t process_now_ms(void); /* monotonic */
void process_nap(int64_t ms); /* between two looks at a condition */

/* A whole file as text with a zero at its end, or NULL. */
char *process_read_file(const char *path, size_t *ret_len);

#endif
