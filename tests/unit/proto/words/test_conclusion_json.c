#include "cmocka_all.h"

#include "words/conclusion_json.h"

#include <stdlib.h>
#include <string.h>

/* What a program reads of a verdict: ids that stay, texts filled in, and valid JSON whatever a server sent. */

static const struct endpoint endpoint = {.site = "", .host = "a\xff.test", .port = 443, .sni = ""};

static json_t *read_back(json_t *made)
{
    assert_non_null(made);
    char *text = json_dumps(made, JSON_COMPACT);
    assert_non_null(text);
    for (const char *at = text; *at != '\0'; at++)
        assert_true((unsigned char)*at >= ' ');
    json_t *read = json_loads(text, 0, NULL);
    assert_non_null(read);
    free(text);
    json_decref(made);
    return read;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    assert_non_null(text);
    return text;
}

static void facts_of_strangers_stay_valid_json(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    struct case_file file = {.endpoint = &endpoint, .count = 1, .attempts = {attempt}};
    file.outcomes[0] = outcome_make(OUTCOME_CERT_NAME, RAW_X509, 62);
    struct conclusion conclusion = {
        .cause = CAUSE_CERT_NAME,
        .fact_count = 2,
        .facts = {{"host", "{names}"}, {"names", "\x1b[2J\"\\\xc3\x28\xed\xa0\x80"}},
    };
    json_t *verdict = read_back(conclusion_json(&file, &conclusion));
    assert_string_equal(text_at(verdict, "cause"), "cert.name");
    assert_string_equal(text_at(verdict, "certainty"), "consistent");
    assert_non_null(strstr(text_at(verdict, "text"), "{names}; ")); /* filled in once only */
    assert_string_equal(text_at(json_object_get(verdict, "facts"), "names"),
                        "\x1b[2J\"\\\\xc3(\\xed\\xa0\\x80");
    assert_int_equal(json_array_size(json_object_get(verdict, "variants")), 1);
    json_decref(verdict);
    json_t *line = read_back(verdict_line_json(&file, &conclusion));
    assert_string_equal(text_at(line, "kind"), "verdict");
    assert_string_equal(text_at(line, "host"), "a\\xff.test");
    assert_true(json_is_null(json_object_get(line, "address")));
    json_decref(line);
    attempt_free(attempt);
}

static void a_healthy_case_has_no_cause(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    struct case_file file = {.endpoint = &endpoint, .count = 1, .attempts = {attempt}};
    struct conclusion conclusion = {.cause = CAUSE_NONE};
    conclusion_also(&conclusion, CAUSE_CERT_EXPIRES_SOON);
    json_t *read = read_back(case_json(&file, &conclusion));
    const json_t *verdict = json_object_get(read, "verdict");
    assert_string_equal(text_at(verdict, "cause"), "none");
    assert_string_equal(text_at(verdict, "remedy"), "");
    assert_string_equal(json_string_value(json_array_get(json_object_get(verdict, "also"), 0)),
                        "cert.expires_soon");
    assert_int_equal(json_array_size(json_object_get(read, "attempts")), 1);
    json_decref(read);
    attempt_free(attempt);
}

/* Every cause can be said, with none of its facts known: no text is empty, and no parenthesis is left half filled. */
static void every_cause_can_be_said(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    struct case_file file = {.endpoint = &endpoint, .count = 1, .attempts = {attempt}};
    for (size_t i = 0; i < cause_count(); i++) {
        struct conclusion conclusion = {.cause = cause_at(i)->cause};
        json_t *verdict = read_back(conclusion_json(&file, &conclusion));
        const char *text = text_at(verdict, "text");
        assert_true(text[0] != '\0');
        assert_null(strchr(text, '{'));
        assert_null(strstr(text, "(?"));
        json_decref(verdict);
    }
    attempt_free(attempt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_of_strangers_stay_valid_json),
        cmocka_unit_test(a_healthy_case_has_no_cause),
        cmocka_unit_test(every_cause_can_be_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
