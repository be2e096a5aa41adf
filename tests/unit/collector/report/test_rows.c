#include "cmocka_all.h"

#include "report/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The same rows in every format. */

static const struct rows_field fields[] = {
    {"name", "NAME", ROWS_TEXT, NULL, NULL},
    {"host", "ENDPOINT", ROWS_ENDPOINT, NULL, "endpoint.host"},
    {"p50_us", "p50 / p90", ROWS_US, "p90_us", NULL},
    {"share", "OK", ROWS_SHARE, NULL, NULL},
    {"asn", "ASN", ROWS_ASN, NULL, NULL},
    {"last_class", "LAST", ROWS_OUTCOME, NULL, NULL},
    {"outcomes", "WITH", ROWS_OUTCOMES, NULL, NULL},
    {"others_times", "TIMES", ROWS_TIMES, NULL, NULL},
    {"hidden", NULL, ROWS_INT, NULL, NULL},
    {NULL, NULL, ROWS_TEXT, NULL, NULL},
};

static json_t *rows;

static int setup(void **state)
{
    (void)state;
    rows = json_loads(
        "[{\"name\": \"a|b\\n*c*\", \"endpoint\": {\"host\": \"www.x.example\", \"port\": 443, \"address\": "
        "\"\", \"role\": \"edge\"},"
        "  \"p50_us\": 31000, \"p90_us\": 40000, \"share\": 0.983, \"asn\": 4837, \"hidden\": 7,"
        "  \"last_class\": {\"class\": \"tls.alert\", \"raw_kind\": \"alert\", \"raw\": 40},"
        "  \"outcomes\": [{\"class\": \"hello.reset\", \"raw_kind\": \"errno\", \"raw\": 104, \"count\": 3},"
        "                 {\"class\": \"ok\", \"raw_kind\": \"none\", \"raw\": 0, \"count\": 1}],"
        "  \"others_times\": 3.1, \"others_low\": 2.9, \"others_high\": 3.3},"
        " {\"name\": \"=1+1\", \"endpoint\": {\"host\": \"2001:db8::1\", \"port\": 8443}, \"p50_us\": null, "
        "\"share\": null,"
        "  \"asn\": null, \"last_class\": null, \"outcomes\": [], \"others_times\": null, \"hidden\": null}]",
        0, NULL);
    return rows == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(rows);
    return 0;
}

static char *written(bool (*write)(FILE *stream))
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    assert_non_null(stream);
    assert_true(write(stream));
    assert_int_equal(fclose(stream), 0);
    return text;
}

static bool write_csv(FILE *stream)
{
    return rows_csv(rows, fields, stream);
}

static bool write_md(FILE *stream)
{
    return rows_md(rows, fields, stream);
}

static bool write_ndjson(FILE *stream)
{
    return rows_ndjson(rows, stream);
}

static void test_csv(void **state)
{
    (void)state;
    char *text = written(write_csv);
    assert_string_equal(
        text,
        "name,host,p50_us,p90_us,share,asn,last_class,outcomes,others_times,hidden\r\n"
        "a|b\\x0a*c*,www.x.example,31000,40000,0.983,4837,tls.alert,"
        "\"[{\"\"class\"\": \"\"hello.reset\"\", \"\"raw_kind\"\": \"\"errno\"\", \"\"raw\"\": 104, "
        "\"\"count\"\": 3}, {\"\"class\"\": \"\"ok\"\", \"\"raw_kind\"\": \"\"none\"\", \"\"raw\"\": 0, "
        "\"\"count\"\": 1}]\",3.1,7\r\n"
        "\"'=1+1\",2001:db8::1,,,,,,[],,\r\n");
    free(text);
}

static void test_md(void **state)
{
    (void)state;
    char *text = written(write_md);
    assert_string_equal(text, "| NAME | ENDPOINT | p50 / p90 | OK | ASN | LAST | WITH | TIMES |\n"
                              "| --- | --- | ---: | ---: | --- | --- | --- | ---: |\n"
                              "| a\\|b\\\\x0a\\*c\\* | &#119;ww.x.example:443 | 31 ms / 40 ms | 98.3 % | "
                              "AS4837 | ALERT 40 | RESET CH 3, ok 1 | "
                              "3.10x \\(2.90-3.30\\) |\n"
                              "| =1\\+1 | \\[2001&#58;db8&#58;:1\\]:8443 | - | - | AS ? | - | - | - |\n");
    free(text);
}

static void test_ndjson(void **state)
{
    (void)state;
    char *text = written(write_ndjson), *end = strchr(text, '\n');
    assert_non_null(end);
    json_t *first = json_loadb(text, (size_t)(end - text), 0, NULL), *second = json_loads(end + 1, 0, NULL);
    assert_true(json_equal(first, json_array_get(rows, 0)));
    assert_true(json_equal(second, json_array_get(rows, 1)));
    assert_int_equal(text[strlen(text) - 1], '\n');
    json_decref(first);
    json_decref(second);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_md),
        cmocka_unit_test(test_ndjson),
    };
    return cmocka_run_group_tests_name("rows", tests, setup, teardown);
}
