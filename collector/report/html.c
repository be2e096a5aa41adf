#include "report/html.h"

#include "cli/term.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void html_begin(struct html *html)
{
    *html = (struct html){.failed = false};
    buf_init(&html->out, 0);
}

void html_done(struct html *html)
{
    buf_done(&html->out);
}

static void keep(struct html *html, bool done)
{
    html->failed = html->failed || !done;
}

void html_raw(struct html *html, const char *markup)
{
    keep(html, buf_text(&html->out, markup));
}

static bool add_escaped(struct buf *out, char c)
{
    switch (c) {
    case '&':
        return buf_text(out, "&amp;");
    case '<':
        return buf_text(out, "&lt;");
    case '>':
        return buf_text(out, "&gt;");
    case '"':
        return buf_text(out, "&quot;");
    case '\'':
        return buf_text(out, "&#39;");
    default:
        return buf_byte(out, (uint8_t)c);
    }
}

void html_bytes(struct html *html, const char *text, size_t length)
{
    struct buf safe;
    buf_init(&safe, 0);
    keep(html, text_safe(&safe, text, length));
    for (size_t i = 0; i < safe.len; i++)
        keep(html, add_escaped(&html->out, (char)safe.data[i]));
    buf_done(&safe);
}

void html_text(struct html *html, const char *text)
{
    html_bytes(html, text, strlen(text));
}

static void add_formatted(struct html *html, void (*add)(struct html *, const char *), const char *format,
                          va_list args)
{
    char *text = NULL;
    bool made = vasprintf(&text, format, args) >= 0;
    keep(html, made);
    if (made) {
        add(html, text);
        free(text);
    }
}

void html_rawf(struct html *html, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_formatted(html, html_raw, format, args);
    va_end(args);
}

void html_textf(struct html *html, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_formatted(html, html_text, format, args);
    va_end(args);
}

void html_attr(struct html *html, const char *name, const char *text)
{
    html_rawf(html, " %s=\"", name);
    html_text(html, text);
    html_raw(html, "\"");
}

void html_element(struct html *html, const char *tag, const char *text)
{
    html_rawf(html, "<%s>", tag);
    html_text(html, text);
    html_rawf(html, "</%.*s>", (int)strcspn(tag, " "), tag);
}
