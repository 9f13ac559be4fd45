/* e2e_check.c - the checker on stored ledgers: e2e-check FILE.
 *
 * Exit code 0: they agree; 1: complaints, one a line; 2: cannot be read. */
#include <stdio.h>
#include <stdlib.h>

#include "checker.h"
#include "process.h"

int main(int argc, char **argv)
{
    size_t len = 0, count;
    char *text = argc == 2 ? process_read_file(argv[1], &len) : NULL;
    cJSON *ledgers = text ? cJSON_ParseWithLength(text, len) : NULL;
    char *complaints = NULL;

    if (!ledgers) {
        fprintf(stderr, "usage: e2e-check LEDGERS.json\n");
        free(text);
        return 2;
    }
    count = checker_compare(ledgers, &complaints);
    fputs(complaints ? complaints : "", stdout);
    printf("%zu complaints\n", count);
    free(complaints);
    cJSON_Delete(ledgers);
    free(text);
    return count ? 1 : 0;
}
