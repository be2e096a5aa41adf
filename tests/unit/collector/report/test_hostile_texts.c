#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/term.h"
#include "log.h"
#include "outlet/alert.h"
#include "outlet/metrics.h"
#include "report/csv.h"
#include "report/html.h"
#include "report/md.h"
#include "words/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a certificate or a server may say, through every way out: nobody who reads it acts upon it. */
static const char *const texts[] = {
    "plain.example",
    "",
    " ",
    "\x1b[2J\x1b]0;title\x07",
    "two\r\nlines\n",
    "tab\there, \x7f, \x9b and \xc2\x9b",
    "\xe2\x80\xae"
    "gpj.exe \xe2\x81\xa6isolate\xe2\x81\xa9",
    "\xe2\x80\xa8line\xe2\x80\xa9paragraph\xef\xbb\xbf",
    "not utf-8: \xff\xfe \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "--><!-- ]]> &amp;&lt;&#x3c;",
    "=cmd|' /C calc'!A0",
    "+1+cmd|x",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    "\"=1+1",
    "'=1+1",
    " '\" @x",
    "\xef\xbc\x9d"
    "1+1",
    "\xef\xbc\x8b"
    "1",
    "\xef\xbc\xa0x",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "a,b;c\"d\"\"e",
    "| cell | [link](javascript:alert(1)) ![i](x) `code` **b** @someone #1 <b> https://evil.example "
    "www.evil.example",
    "{\"json\": \"\\u0000\", 'x': [}",
    "back\\slash \\n \\x1b",
    "} # HELP x\nx{y=\"z\"} 1",
    "%s%n%x%1000000d",
    "$(reboot) `reboot` ; rm -rf / && x || y",
    "1' OR '1'='1'; DROP TABLE attempt; --",
    "\xe4\xb8\xad\xe6\x96\x87",
};

#define EACH_TEXT(text)                                                                                      \
    for (size_t text##_at = 0; text##_at < sizeof texts / sizeof texts[0]; text##_at++)                      \
        for (const char *text = texts[text##_at]; text != NULL; text = NULL)

/* Nothing below blank but `allowed`, no C1, no bidi control, no line separator, and UTF-8 throughout. */
static void assert_shown(const char *what, const char *out, size_t length, const char *allowed)
{
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        size_t step = utf8_sequence((const uint8_t *)out + at, length - at, &code);
        bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
        bool bidi = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
        if (step == 0 || bidi || code == 0x2028 || code == 0x2029 ||
            (control && (code == 0 || code >= 0x7f || strchr(allowed, (int)code) == NULL)))
            fail_msg("%s: U+%04X at %zu of: %s", what, code, at, out);
        at += step;
    }
}

static void test_terminal(void **state)
{
    (void)state;
    EACH_TEXT(text)
    {
        struct buf out = {0};
        assert_true(text_safe(&out, text, strlen(text)));
        assert_shown("terminal", out.len > 0 ? (const char *)out.data : "", out.len, "");
        buf_done(&out);
    }
}

static void test_html(void **state)
{
    (void)state;
    EACH_TEXT(text)
    {
        struct html html;
        html_begin(&html);
        html_text(&html, text);
        html_attr(&html, "title", text);
        assert_false(html.failed);
        const char *out = (const char *)html.out.data;
        assert_shown("html", out, html.out.len, "");
        assert_null(strpbrk(out, "<>"));
        const char *value = strstr(out, " title=\"");
        assert_non_null(value);
        assert_ptr_equal(strchr(value + 8, '"'), out + html.out.len - 1);
        for (const char *at = out; (at = strchr(at, '&')) != NULL; at++) /* whose entities are ours */
            assert_true(strncmp(at, "&amp;", 5) == 0 || strncmp(at, "&lt;", 4) == 0 ||
                        strncmp(at, "&gt;", 4) == 0 || strncmp(at, "&quot;", 6) == 0 ||
                        strncmp(at, "&#39;", 5) == 0);
        html_done(&html);
    }
}

static char *csv_of(const char *text)
{
    char *out = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&out, &length);
    struct csv csv;
    assert_non_null(stream);
    csv_begin(&csv);
    csv_text(&csv, text);
    csv_text(&csv, "end");
    assert_true(csv_end_row(&csv, stream));
    csv_done(&csv);
    assert_int_equal(fclose(stream), 0);
    return out;
}

/* The first field, as RFC 4180 reads it. */
static void csv_field(const char *line, char out[512])
{
    size_t length = 0;
    bool quoted = *line == '"';
    const char *at = line + quoted;
    while (quoted ? !(at[0] == '"' && at[1] != '"') : *at != ',') {
        assert_true(*at != '\0' && length < 511);
        if (quoted && *at == '"')
            at++;
        out[length++] = *at++;
    }
    out[length] = '\0';
    assert_string_equal(at + quoted, ",end\r\n");
}

static void test_csv(void **state)
{
    static const char *const signs[] = {
        "=", "+", "-", "@", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0", "\t", "\r"};
    (void)state;
    EACH_TEXT(text)
    {
        char field[512];
        char *out = csv_of(text);
        assert_shown("csv", out, strlen(out) - 2, "");
        csv_field(out, field);
        if (field[0] != '\'' ||
            strspn(field, " '\"") == strlen(field)) { /* an apostrophe is what makes it a text */
            const char *begin = field + strspn(field, " \"'");
            for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
                if (strncmp(begin, signs[i], strlen(signs[i])) == 0)
                    fail_msg("a formula: %s", out);
        }
        free(out);
    }
}

static void test_markdown(void **state)
{
    (void)state;
    EACH_TEXT(text)
    {
        struct buf out = {0};
        assert_true(md_text(&out, text) && buf_text(&out, ""));
        const char *shown = out.data == NULL ? "" : (const char *)out.data;
        assert_shown("markdown", shown, strlen(shown), "");
        for (const char *at = shown; *at != '\0'; at++)
            if (*at == '\\' && at[1] != '\0')
                at++;
            else if (strchr("|<>`*_[]@", *at) != NULL || strncmp(at, "://", 3) == 0 ||
                     strncmp(at, "www.", 4) == 0)
                fail_msg("markdown: %s", shown);
        buf_done(&out);
    }
}

/* A label is what is not bounded by us only in a bug; even then it is one line of one series. */
static void test_metrics(void **state)
{
    (void)state;
    EACH_TEXT(text)
    {
        struct metrics *metrics = metrics_new();
        struct buf out = {0};
        metrics_add(metrics, METRIC_REFUSED, LABELS(text), 1);
        assert_true(metrics_write(metrics, METRICS_OPENMETRICS, &out) && buf_byte(&out, '\0'));
        const char *sample = strstr((const char *)out.data, "parallax_peers_refused_total{reason=\"");
        assert_non_null(sample);
        const char *at = sample + strlen("parallax_peers_refused_total{reason=\"");
        for (; *at != '"'; at++) {
            assert_true(*at != '\n' && *at != '\0');
            if (*at == '\\')
                assert_non_null(strchr("\\\"n", *++at));
        }
        assert_string_equal(at, "\"} 1\n# EOF\n");
        for (const char *c = (const char *)out.data; *c != '\0';) {
            size_t step = utf8_sequence((const uint8_t *)c, strlen(c), &(uint32_t){0});
            assert_true(step > 0);
            c += step;
        }
        buf_done(&out);
        metrics_free(metrics);
    }
}

static void test_log(void **state)
{
    (void)state;
    EACH_TEXT(text)
    {
        char *out = NULL;
        size_t length = 0;
        FILE *usual = stderr, *memory = open_memstream(&out, &length);
        assert_non_null(memory);
        stderr = memory;
        log_line("a peer says %s", text);
        stderr = usual;
        assert_int_equal(fclose(memory), 0);
        assert_true(length > 0 && out[length - 1] == '\n');
        assert_shown("log", out, length - 1, "");
        free(out);
    }
}

/* JSON is for programs: what it holds is the text, cleaned to UTF-8, and its bytes are one line of valid JSON. */
static void test_alert(void **state)
{
    (void)state;
    EACH_TEXT(text)
    {
        struct buf clean = {0};
        assert_true(utf8_clean(&clean, text, strlen(text)) && buf_byte(&clean, '\0'));
        json_t *incident = alert_sample(0);
        assert_non_null(incident);
        assert_int_equal(json_object_set_new(incident, "summary", json_string((const char *)clean.data)), 0);
        assert_int_equal(json_object_set_new(incident, "remedy", json_string((const char *)clean.data)), 0);
        json_t *labels = alert_labels(incident);
        json_t *alert = alert_json(incident, labels, NULL, 0);
        assert_non_null(alert);
        char *line = json_dumps(alert, JSON_COMPACT);
        assert_non_null(line);
        for (const char *c = line; *c != '\0'; c++)
            assert_true((unsigned char)*c >= 0x20);
        json_t *again = json_loads(line, 0, NULL);
        assert_true(again != NULL && json_equal(again, alert));
        json_decref(again);
        json_decref(alert);
        json_decref(labels);
        json_decref(incident);
        free(line);
        buf_done(&clean);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terminal), cmocka_unit_test(test_html),    cmocka_unit_test(test_csv),
        cmocka_unit_test(test_markdown), cmocka_unit_test(test_metrics), cmocka_unit_test(test_log),
        cmocka_unit_test(test_alert),
    };
    return cmocka_run_group_tests_name("hostile_texts", tests, NULL, NULL);
}
