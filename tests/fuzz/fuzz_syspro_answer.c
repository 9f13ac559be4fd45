/* fuzz_syspro_answer.c - bodies of e.net: unwrapped, classified, decided.
 *
 * Part 1 is a body, part 2 the order's PO number, part 3 a table of COMFND. */
#include <string.h>

#include <connect/json.h>

#include "answer.h"
#include "comfnd.h"
#include "fuzz.h"
#include "xml.h"

enum { SHORT = 40 };

static void for_people(const char *text, size_t size)
{
    FUZZ_MUST(strlen(text) < size);
    FUZZ_MUST(cn_utf8_valid((cn_str){text, strlen(text)}));
    for (; *text; text++)
        FUZZ_MUST((unsigned char)*text >= 0x20);
}

static void decided(const struct answer *answer, const char *po, bool validate)
{
    static struct decision decision;
    char sentence[600], brief[SHORT];

    memset(&decision, 0, sizeof(decision));
    answer_decide(answer, po, validate, &decision);
    FUZZ_MUST(decision.step >= 1 && decision.step <= 10);
    FUZZ_MUST(decision.verdict != VERDICT_CREATED || *decision.number);
    FUZZ_MUST(decision.verdict != VERDICT_CREATED || !decision.error_count);
    FUZZ_MUST(decision.verdict != VERDICT_VALIDATED || validate);
    answer_describe(&decision, sentence, sizeof(sentence));
    for_people(sentence, sizeof(sentence));
    answer_describe(&decision, brief, sizeof(brief));
    for_people(brief, sizeof(brief));
}

static void found(const struct answer *answer, const char *table)
{
    struct comfnd_rows rows = {0};
    char value[SHORT];

    if (!comfnd_read(answer, table, &rows))
        return;
    for (size_t index = 0; index < rows.count; index++) {
        comfnd_value(&rows, index, "SalesOrder", value, sizeof(value));
        for_people(value, sizeof(value));
    }
    comfnd_done(&rows);
}

static void written(cn_str bytes)
{
    struct text text;
    char clean[SHORT];

    text_clean(clean, sizeof(clean), bytes);
    for_people(clean, sizeof(clean));
    text_init(&text, 100000);
    if (cn_utf8_valid(bytes)) {
        text_put_element(&text, "a", bytes, 30);
        for (size_t index = 0; index < text.len; index++)
            FUZZ_MUST(text.ptr[index] >= 0x20 && text.ptr[index] < 0x7F);
    }
    if (text.len) {
        xmlDocPtr doc = xml_read((cn_str){text.ptr, text.len}, false);

        FUZZ_MUST(doc);
        xmlFreeDoc(doc);
    }
    text_put_encoded(&text, bytes);
    text_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char texts[] = "{\"session\":[\"supplied UserID is invalid\"],"
                                "\"licence\":[\"no*licen*available\"]}";
    struct fuzz_input input;
    struct answer answer;
    char *po, *table, *text;
    cJSON *words = fuzz_json((cn_str){texts, strlen(texts)});

    fuzz_split(&input, data, size);
    po = fuzz_text(input.parts[1]);
    table = fuzz_text(input.parts[2]);
    answer_open(&answer, input.parts[0]);
    FUZZ_MUST(answer.kind == ANSWER_BROKEN || answer.text.len);
    decided(&answer, po, false);
    decided(&answer, po, true);
    found(&answer, *table ? table : "SorMaster");
    text = fuzz_text(answer.text);
    FUZZ_MUST(answer_reason(words, text) < REASON_COUNT);
    FUZZ_MUST(text_matches(text, "e*r") || true);
    answer_close(&answer);
    written(input.parts[0]);
    cJSON_Delete(words);
    free(text);
    free(table);
    free(po);
    fuzz_done(&input);
    return 0;
}
