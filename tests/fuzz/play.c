/* play.c - answers a plugin's requests from an input.
 *
 * The kit watches the contract and aborts at a breach; here is added that every
 * operation ends, whatever was answered.  On the kit's thread. */
#include "play.h"

#include <string.h>

enum {
    ROUNDS_MAX = 1000, /* requests and timers of one operation */
    TICK_MS = 60 * 1000
};

static void answer(struct kit *kit, struct kit_request *request, cn_str part)
{
    static const char *const headers[] = {"Content-Type", "application/json",
                                          "Retry-After", "7", NULL};
    uint32_t code = 0;

    if (getenv("FUZZ_TRACE"))
        fprintf(stderr, "%s %.200s\n", request->method, request->url);
    if (part.len && part.ptr[0] == '!') {
        kit_cancel(kit, request->op);
        return;
    }
    for (size_t index = 0; index < 3 && index < part.len; index++)
        code =
            code * 10 + (uint32_t)((unsigned char)part.ptr[index] - '0') % 10;
    if (part.len < 4 || code < 200 || code > 599) {
        kit_answer_failure(kit, request, (enum kit_failure)(code % 3));
        return;
    }
    part.ptr += 4;
    part.len -= 4;
    kit_answer_headers(kit, request, code, headers, part);
}

void play(struct kit *kit, cn_op op, const struct fuzz_input *input,
          size_t part)
{
    static const cn_str silence = {"1", 1}; /* no answer after sending */
    struct kit_request *request;
    int rounds = 0;

    while (!kit_result(kit, op)->done && rounds++ < ROUNDS_MAX) {
        request = kit_pending(kit);
        if (request && part < input->count)
            answer(kit, request, input->parts[part++]);
        else if (request)
            answer(kit, request, silence);
        else
            kit_advance(kit, TICK_MS);
    }
    FUZZ_MUST(kit_result(kit, op)->done);
    if (getenv("FUZZ_TRACE"))
        fprintf(stderr, "ended %d %s %s\n",
                (int)kit_result(kit, op)->outcome.status,
                kit_result(kit, op)->outcome.message,
                kit_result(kit, op)->outcome.body);
}
