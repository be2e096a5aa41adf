#include "fuzz.h"

#include "words/attempt_from_json.h"
#include "words/attempt_json.h"
#include "words/classify.h"

#include <string.h>

/* An attempt as a person writes it, in JSON: what is read must be storable, and written again it must be the same. */

static struct attempt *read_attempt(const json_t *json, struct json_reader *reader)
{
    *reader = (struct json_reader){0};
    struct json_part part = json_document(reader, json);
    struct attempt *attempt = attempt_from_json(&part);
    json_part_end(&part);
    return attempt;
}

/* The sequence is not evidence, and attempt_json leaves it to the caller. */
static json_t *write_attempt(const struct attempt *attempt)
{
    json_t *json = attempt_json(attempt, NULL, classify(attempt));
    REQUIRE(json != NULL);
    if (attempt->sequence > 0)
        REQUIRE(json_object_set_new(json, "sequence", json_integer((json_int_t)attempt->sequence)) == 0);
    return json;
}

static void check(const struct attempt *attempt)
{
    struct json_reader reader;
    fuzz_attempt_survives(attempt);
    json_t *first = write_attempt(attempt);
    struct attempt *back = read_attempt(first, &reader);
    if (back == NULL)
        fuzz_broken(reader.path, 0, reader.why);
    json_t *second = write_attempt(back);
    REQUIRE(json_equal(first, second));
    fuzz_json_whole(first);
    json_decref(second);
    attempt_free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct json_reader reader;
    json_error_t error;
    json_t *json = json_loadb((const char *)bytes, length, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        return 0;
    struct attempt *attempt = read_attempt(json, &reader);
    REQUIRE((attempt == NULL) == reader.failed);
    if (attempt == NULL) {
        REQUIRE(strlen(reader.path) < JSON_PATH_BYTES && reader.why[0] != '\0' &&
                strlen(reader.why) < JSON_WHY_BYTES);
    } else {
        check(attempt);
    }
    attempt_free(attempt);
    json_decref(json);
    return 0;
}
