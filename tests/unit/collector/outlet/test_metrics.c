#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "outlet/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text form is held against OpenMetrics 1.0 and Prometheus's text format 0.0.4. */

static struct metrics *metrics;
static struct buf text;

static int setup(void **state)
{
    (void)state;
    metrics = metrics_new();
    buf_init(&text, 0);
    return metrics == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    metrics_free(metrics);
    buf_done(&text);
    return 0;
}

static const char *written(enum metrics_format format)
{
    buf_clear(&text);
    assert_true(metrics_write(metrics, format, &text));
    return text.data == NULL ? "" : (const char *)text.data;
}

static void test_nothing(void **state)
{
    (void)state;
    assert_string_equal(written(METRICS_OPENMETRICS), "# EOF\n");
    assert_string_equal(written(METRICS_TEXT), "");
}

static void test_counter(void **state)
{
    (void)state;
    metrics_add(metrics, METRIC_ATTEMPTS, LABELS("hk-1", "ok"), 2);
    metrics_add(metrics, METRIC_ATTEMPTS, LABELS("cn-1", "hello.reset"), 1);
    metrics_add(metrics, METRIC_ATTEMPTS, LABELS("hk-1", "ok"), 1);
    assert_string_equal(written(METRICS_OPENMETRICS),
                        "# HELP parallax_attempts Attempts committed, by the class of their outcome\n"
                        "# TYPE parallax_attempts counter\n"
                        "parallax_attempts_total{vantage=\"cn-1\",class=\"hello.reset\"} 1\n"
                        "parallax_attempts_total{vantage=\"hk-1\",class=\"ok\"} 3\n"
                        "# EOF\n");
    assert_string_equal(written(METRICS_TEXT),
                        "# HELP parallax_attempts_total Attempts committed, by the class of their outcome\n"
                        "# TYPE parallax_attempts_total counter\n"
                        "parallax_attempts_total{vantage=\"cn-1\",class=\"hello.reset\"} 1\n"
                        "parallax_attempts_total{vantage=\"hk-1\",class=\"ok\"} 3\n");
}

static void test_unit_and_gauge(void **state)
{
    (void)state;
    metrics_set(metrics, METRIC_JUDGE_LAG, NULL, 1.5);
    metrics_set(metrics, METRIC_JUDGE_LAG, NULL, -0.25);
    assert_non_null(strstr(written(METRICS_OPENMETRICS), "# TYPE parallax_judge_lag_seconds gauge\n"
                                                         "# UNIT parallax_judge_lag_seconds seconds\n"
                                                         "parallax_judge_lag_seconds -0.25\n"));
    assert_null(strstr(written(METRICS_TEXT), "# UNIT"));
    metrics_clear(metrics, METRIC_JUDGE_LAG);
    assert_string_equal(written(METRICS_OPENMETRICS), "# EOF\n");
}

static void test_histogram(void **state)
{
    (void)state;
    metrics_observe(metrics, METRIC_INGEST_LAG, 0.005);
    metrics_observe(metrics, METRIC_INGEST_LAG, 0.3);
    metrics_observe(metrics, METRIC_INGEST_LAG, 1e9);
    const char *page = written(METRICS_OPENMETRICS);
    assert_non_null(strstr(page, "parallax_ingest_lag_seconds_bucket{le=\"0.005\"} 1\n"));
    assert_non_null(strstr(page, "parallax_ingest_lag_seconds_bucket{le=\"0.25\"} 1\n"));
    assert_non_null(strstr(page, "parallax_ingest_lag_seconds_bucket{le=\"0.5\"} 2\n"));
    assert_non_null(strstr(page, "parallax_ingest_lag_seconds_bucket{le=\"1.0\"} 2\n"));
    assert_non_null(strstr(page, "parallax_ingest_lag_seconds_bucket{le=\"+Inf\"} 3\n"
                                 "parallax_ingest_lag_seconds_count 3\n"
                                 "parallax_ingest_lag_seconds_sum 1e+09\n"));
}

static void test_info_and_stateset(void **state)
{
    (void)state;
    metrics_set(metrics, METRIC_BUILD, LABELS("1.2.3"), 1);
    metrics_set(metrics, METRIC_ENDPOINT_STATE, LABELS("shop", "a:443", "edge", "a", "well"), 1);
    const char *page = written(METRICS_OPENMETRICS);
    assert_non_null(strstr(page, "# TYPE parallax_build info\nparallax_build_info{version=\"1.2.3\"} 1\n"));
    assert_non_null(strstr(page, "# TYPE parallax_endpoint_state stateset\n"
                                 "parallax_endpoint_state{site=\"shop\",endpoint=\"a:443\",role=\"edge\","
                                 "name=\"a\",parallax_endpoint_state=\"well\"} 1\n"));
    page = written(METRICS_TEXT);
    assert_non_null(strstr(page, "# TYPE parallax_build_info gauge\nparallax_build_info{"));
    assert_non_null(strstr(page, "# TYPE parallax_endpoint_state gauge\n"));
}

/* Whatever is in a label, a line stays a line and a value a value. */
static void test_escaping(void **state)
{
    (void)state;
    metrics_add(metrics, METRIC_RECORDS, LABELS("a\"b\\c\nd} 1\r"), 1);
    metrics_add(metrics, METRIC_RECORDS, LABELS("\xff\xc3("), 1);
    metrics_add(metrics, METRIC_RECORDS, LABELS("\xe5\xba\x97"), 1);
    metrics_add(metrics, METRIC_RECORDS, LABELS(NULL), 1);
    const char *page = written(METRICS_OPENMETRICS);
    assert_non_null(strstr(page, "parallax_records_total{vantage=\"a\\\"b\\\\c\\nd} 1\r\"} 1\n"));
    assert_non_null(strstr(page, "parallax_records_total{vantage=\"\\\\xff\\\\xc3(\"} 1\n"));
    assert_non_null(strstr(page, "parallax_records_total{vantage=\"\xe5\xba\x97\"} 1\n"));
    assert_non_null(strstr(page, "parallax_records_total{vantage=\"\"} 1\n"));
}

static void test_numbers(void **state)
{
    static const struct {
        double value;
        const char *line;
    } cases[] = {{0, "parallax_sessions 0\n"},           {123456789012.0, "parallax_sessions 123456789012\n"},
                 {0.1, "parallax_sessions 0.1\n"},       {NAN, "parallax_sessions NaN\n"},
                 {INFINITY, "parallax_sessions +Inf\n"}, {-INFINITY, "parallax_sessions -Inf\n"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        metrics_set(metrics, METRIC_SESSIONS, NULL, cases[i].value);
        assert_non_null(strstr(written(METRICS_OPENMETRICS), cases[i].line));
    }
}

static void test_bound(void **state)
{
    char name[32];
    (void)state;
    for (int i = 0; i < METRIC_SERIES_MAX + 3; i++) {
        (void)snprintf(name, sizeof name, "v%d", i);
        metrics_add(metrics, METRIC_RECORDS, LABELS(name), 1);
    }
    metrics_add(metrics, METRIC_RECORDS, LABELS("v7"), 1);
    const char *page = written(METRICS_OPENMETRICS);
    assert_non_null(strstr(page, "parallax_metrics_dropped_total 3\n"));
    assert_non_null(strstr(page, "parallax_records_total{vantage=\"v7\"} 2\n"));
    assert_null(strstr(page, "\"v20000\""));
}

/* Names, units and labels keep the rules of the specification, so that no later row breaks them. */
static void test_table(void **state)
{
#define ROW(symbol, type, name, unit, labels, help) {name, unit, labels, help, #type},
    static const struct {
        const char *name, *unit, *labels, *help, *type;
    } rows[] = {METRICS(ROW)};
    (void)state;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        size_t name = strlen(rows[i].name), unit = strlen(rows[i].unit);
        assert_int_equal(strncmp(rows[i].name, "parallax_", 9), 0);
        assert_int_equal(strspn(rows[i].name, "abcdefghijklmnopqrstuvwxyz_"), name);
        assert_true(rows[i].help[0] != '\0' && rows[i].help[strlen(rows[i].help) - 1] != '.');
        if (unit > 0)
            assert_string_equal(rows[i].name + name - unit, rows[i].unit);
        for (const char *reserved = "_total\0_info\0_count\0_sum\0_bucket\0_created\0"; *reserved != '\0';
             reserved += strlen(reserved) + 1)
            assert_true(name < strlen(reserved) ||
                        strcmp(rows[i].name + name - strlen(reserved), reserved) != 0);
        if (strcmp(rows[i].type, "STATESET") == 0)
            assert_non_null(strstr(rows[i].labels, rows[i].name));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(rows[i].name, rows[j].name);
    }
}

static void test_formats(void **state)
{
    (void)state;
    assert_int_equal(metrics_format_of(NULL), METRICS_OPENMETRICS);
    assert_int_equal(metrics_format_of("*/*"), METRICS_OPENMETRICS);
    assert_int_equal(metrics_format_of("text/plain;version=0.0.4"), METRICS_TEXT);
    assert_int_equal(metrics_format_of("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"),
                     METRICS_OPENMETRICS);
    assert_string_equal(metrics_content_type(METRICS_OPENMETRICS),
                        "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_nothing),
        TEST(test_counter),
        TEST(test_unit_and_gauge),
        TEST(test_histogram),
        TEST(test_info_and_stateset),
        TEST(test_escaping),
        TEST(test_numbers),
        TEST(test_bound),
        TEST(test_table),
        TEST(test_formats),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
