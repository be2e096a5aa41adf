#ifndef PARALLAX_COLLECTOR_REPORT_HTML_H
#define PARALLAX_COLLECTOR_REPORT_HTML_H

#include "words/buf.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The one way to write HTML. What we write ourselves is markup; all else goes through html_text and html_attr, which leave nothing
 * of a stranger's text that a browser would act upon: markup is escaped, and control characters, bidi controls, NULs and bytes
 * that are not UTF-8 are written out as on a terminal (\xNN, \u{NNNN}).
 */
struct html {
    struct buf out;
    bool failed; /* out of memory, sticky */
};

void html_begin(struct html *html);
void html_done(struct html *html);

/** Our own markup: a literal. */
void html_raw(struct html *html, const char *markup);
/** The same, printf-like, for numbers and our own words alone. */
void html_rawf(struct html *html, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** A text between tags. */
void html_text(struct html *html, const char *text);
void html_bytes(struct html *html, const char *text, size_t length);
void html_textf(struct html *html, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** An attribute inside of a tag: ` name="text"`. @param name  ours. */
void html_attr(struct html *html, const char *name, const char *text);

/** A whole element around a text. @param tag  ours, with attributes if need be: "td class=n". */
void html_element(struct html *html, const char *tag, const char *text);

#endif
