#include "cmocka_all.h"

#include "report/md.h"

#include <stdlib.h>

/* Nothing of a stranger's is left that GitHub would act upon. */

static void check(const char *text, const char *expected)
{
    struct buf out;
    buf_init(&out, 0);
    assert_true(md_text(&out, text));
    assert_string_equal((const char *)out.data, expected);
    buf_done(&out);
}

static void test_markup(void **state)
{
    (void)state;
    check("a | b", "a \\| b");
    check("`rm` *x* _y_ ~z~", "\\`rm\\` \\*x\\* \\_y\\_ \\~z\\~");
    check("[a](javascript:alert(1))", "\\[a\\]\\(javascript&#58;alert\\(1\\)\\)");
    check("![i](x)", "\\!\\[i\\]\\(x\\)");
    check("<img src=x>", "\\<img src=x\\>");
    check("&lt;", "\\&lt;");
    check("#1 \\", "\\#1 \\\\");
}

static void test_nothing_links_by_itself(void **state)
{
    (void)state;
    check("https://evil.example", "https&#58;//evil.example");
    check("WWW.evil.example", "&#87;WW.evil.example");
    check("@everyone a@b.example", "&#64;everyone a&#64;b.example");
    check("host:443, at 09:00", "host:443, at 09:00");
}

static void test_one_line(void **state)
{
    (void)state;
    check("a\r\nb\x1b[m", "a\\\\x0d\\\\x0ab\\\\x1b\\[m");
    check("\xe2\x80\xae", "\\\\u\\{202E\\}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_markup),
        cmocka_unit_test(test_nothing_links_by_itself),
        cmocka_unit_test(test_one_line),
    };
    return cmocka_run_group_tests_name("md", tests, NULL, NULL);
}
