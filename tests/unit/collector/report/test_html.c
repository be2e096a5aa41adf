#include "cmocka_all.h"

#include "report/html.h"

#include <stdlib.h>
#include <string.h>

/* Whatever a stranger sends, a browser reads it as text. */

static char *taken(struct html *html)
{
    assert_false(html->failed);
    char *text = buf_take(&html->out);
    html_done(html);
    assert_non_null(text);
    return text;
}

static void check_text(const char *bytes, size_t length, const char *expected)
{
    struct html html;
    html_begin(&html);
    html_bytes(&html, bytes, length);
    char *text = taken(&html);
    assert_string_equal(text, expected);
    free(text);
}

#define CHECK(literal, expected) check_text(literal, sizeof(literal) - 1, expected)

static void test_markup_is_text(void **state)
{
    (void)state;
    CHECK("</script><script>alert(1)</script>", "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
    CHECK("<!-- x --> ]]> &amp; &#60;", "&lt;!-- x --&gt; ]]&gt; &amp;amp; &amp;#60;");
    CHECK("\" onload=\"x' onclick='y", "&quot; onload=&quot;x&#39; onclick=&#39;y");
    CHECK("plain, ünïcode, 中文", "plain, ünïcode, 中文");
}

static void test_bytes_that_mislead_are_written_out(void **state)
{
    (void)state;
    CHECK("a\0b", "a\\x00b");
    CHECK("\x1b[2J\r\n\t", "\\x1b[2J\\x0d\\x0a\\x09");
    CHECK("\xe2\x80\xae"
          "evil\xe2\x80\xac",
          "\\u{202E}evil\\u{202C}");
    CHECK("\xe2\x81\xa6x\xe2\x81\xa9", "\\u{2066}x\\u{2069}");
    CHECK("\xff\xc0\xaf\xed\xa0\x80", "\\xff\\xc0\\xaf\\xed\\xa0\\x80");
    CHECK("\xc3", "\\xc3");                                        /* cut off */
    CHECK("\xc0\xbcscript\xc0\xbe", "\\xc0\\xbcscript\\xc0\\xbe"); /* overlong < and > */
}

static void test_attributes_and_elements(void **state)
{
    struct html html;
    (void)state;
    html_begin(&html);
    html_raw(&html, "<p");
    html_attr(&html, "title", "a\"><img src=x onerror=y>");
    html_raw(&html, ">");
    html_element(&html, "td class=n", "1 < 2");
    html_textf(&html, "%s and %d", "<b>", 3);
    char *text = taken(&html);
    assert_string_equal(
        text, "<p title=\"a&quot;&gt;&lt;img src=x onerror=y&gt;\"><td class=n>1 &lt; 2</td>&lt;b&gt; and 3");
    free(text);
}

/* No byte may come out as a character of markup. */
static void test_every_byte(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        struct html html;
        char one = (char)byte;
        html_begin(&html);
        html_bytes(&html, &one, 1);
        char *text = taken(&html);
        assert_null(strpbrk(text, "<>\"'"));
        for (const char *c = text; *c != '\0'; c++)
            assert_true((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_markup_is_text),
        cmocka_unit_test(test_bytes_that_mislead_are_written_out),
        cmocka_unit_test(test_attributes_and_elements),
        cmocka_unit_test(test_every_byte),
    };
    return cmocka_run_group_tests_name("html", tests, NULL, NULL);
}
