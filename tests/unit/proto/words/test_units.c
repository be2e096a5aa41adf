#include "cmocka_all.h"

#include "words/units.h"

static void times_go_out_and_back(void **state)
{
    (void)state;
    char text[UNITS_TIME_BYTES];
    int64_t us;
    assert_string_equal(time_rfc3339(INT64_C(1795169564123456), 6, text), "2026-11-20T10:12:44.123456Z");
    assert_string_equal(time_rfc3339(INT64_C(1795169564123456), 3, text), "2026-11-20T10:12:44.123Z");
    assert_string_equal(time_rfc3339(INT64_C(1795169564999999), 0, text), "2026-11-20T10:12:44Z");
    assert_string_equal(time_rfc3339(-1, 6, text), "1969-12-31T23:59:59.999999Z");
    assert_true(time_parse_rfc3339("2026-11-20T10:12:44.123456Z", &us));
    assert_true(us == INT64_C(1795169564123456));
    assert_true(time_parse_rfc3339("2026-11-20T18:12:44+08:00", &us));
    assert_true(us == INT64_C(1795169564000000));
    assert_true(time_parse_rfc3339("2026-11-20", &us));
    assert_true(us == INT64_C(1795132800000000));
    static const char *const wrong[] = {"",
                                        "now",
                                        "2026-13-01",
                                        "2026-02-30",
                                        "2026-11-20T10:12:44",
                                        "2026-11-20T25:00:00Z",
                                        "2026-11-20T10:12:44Zx",
                                        "2026-11-20T10:12:44+8",
                                        "2026-11-20T10:12:44+08:0",
                                        "2026-11-20T10:12:44+24:00",
                                        "2026-11-20T10:12:44+08:000",
                                        "26-11-20",
                                        "2026-1-20",
                                        "2026-11-20T1:12:44Z",
                                        "2026-11-20T 1:12:44Z",
                                        "0000-01-01T00:00:00+00:01",
                                        "9999-12-31T23:59:59-00:01"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (time_parse_rfc3339(wrong[i], &us))
            fail_msg("%s was taken", wrong[i]);
    }
    assert_true(time_parse_rfc3339("0000-01-01T00:00:00.5Z", &us));
    assert_string_equal(time_rfc3339(us, 6, text), "0000-01-01T00:00:00.500000Z");
    assert_true(time_parse_rfc3339("9999-12-31T23:59:59Z", &us));
    assert_string_equal(time_rfc3339(us, 0, text), "9999-12-31T23:59:59Z");
    assert_true(time_rfc3339(INT64_MAX, 6, text)[0] != '\0');
    assert_true(time_rfc3339(INT64_MIN, 6, text)[0] != '\0');
}

static void spans_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {{"0", 0},
                {"10", 10000000},
                {"250ms", 250000},
                {"1.5s", 1500000},
                {"5m", 300000000},
                {"2h", 7200000000},
                {"1d", INT64_C(86400000000)},
                {"7us", 7}};
    int64_t us;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!span_parse(rows[i].text, &us) || us != rows[i].us)
            fail_msg("%s", rows[i].text);
    }
    static const char *const wrong[] = {"",    "-1s", "s",    "10 s",           "10x",
                                        "nan", "inf", "0x10", "9999999999999d", "1e400"};
    for (size_t i = 0; i < 10; i++) {
        if (span_parse(wrong[i], &us))
            fail_msg("%s was taken", wrong[i]);
    }
}

static void spans_are_printed(void **state)
{
    (void)state;
    char text[UNITS_SPAN_BYTES];
    assert_string_equal(span_text(800, text), "0.8 ms");
    assert_string_equal(span_text(30800, text), "31 ms");
    assert_string_equal(span_text(999600, text), "1.00 s");
    assert_string_equal(span_text(1250000, text), "1.25 s");
    assert_string_equal(span_text(200 * US_PER_S, text), "3 m 20 s");
    assert_string_equal(span_text(7260 * US_PER_S, text), "2 h 1 m");
    assert_string_equal(span_text(3 * 86400 * US_PER_S, text), "3 d");
    assert_string_equal(span_text(-1, text), "-");
}

static void hex_goes_out_and_back(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0x00, 0xff, 0x1a};
    char text[7];
    uint8_t back[3];
    assert_string_equal(hex_text(bytes, 3, text), "00ff1a");
    assert_true(hex_parse("00FF1a", back, 3));
    assert_memory_equal(bytes, back, 3);
    assert_false(hex_parse("00ff1", back, 3));
    assert_false(hex_parse("00ff1g", back, 3));
    assert_false(hex_parse("00ff1a00", back, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_go_out_and_back),
        cmocka_unit_test(spans_are_read),
        cmocka_unit_test(spans_are_printed),
        cmocka_unit_test(hex_goes_out_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
