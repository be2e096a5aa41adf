#include "report/md.h"

#include "cli/term.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void md_begin(struct md *md)
{
    *md = (struct md){.failed = false};
    buf_init(&md->line, 0);
    buf_init(&md->ruler, 0);
}

void md_done(struct md *md)
{
    buf_done(&md->line);
    buf_done(&md->ruler);
}

static void keep(struct md *md, bool done)
{
    md->failed = md->failed || !done;
}

/* Backslashes disarm ASCII punctuation (GFM section 2.4); what links by itself (@name, www., ://) needs an entity instead. */
static bool add_character(struct buf *out, const char *at)
{
    if (strchr("\\`*_{}[]()<>#+!|~&$", *at) != NULL)
        return buf_byte(out, '\\') && buf_byte(out, (uint8_t)*at);
    if (*at == '@' ||
        (*at == ':' && strchr("0123456789 ", at[1]) == NULL)) /* the NUL counts as one of them */
        return buf_printf(out, "&#%d;", *at);
    if (strncasecmp(at, "www.", 4) == 0)
        return buf_printf(out, "&#%d;", *at);
    return buf_byte(out, (uint8_t)*at);
}

bool md_text(struct buf *out, const char *text)
{
    struct buf safe;
    buf_init(&safe, 0);
    bool done = text_safe(&safe, text, strlen(text));
    for (const char *at = safe.data == NULL ? "" : (const char *)safe.data; done && *at != '\0'; at++)
        done = add_character(out, at);
    buf_done(&safe);
    return done;
}

void md_cell(struct md *md, const char *text)
{
    keep(md, buf_text(&md->line, "| ") && md_text(&md->line, text) && buf_byte(&md->line, ' '));
}

void md_head(struct md *md, const char *title, bool right)
{
    md_cell(md, title);
    keep(md, buf_text(&md->ruler, right ? "| ---: " : "| --- "));
}

static bool write_line(struct md *md, struct buf *line, FILE *stream)
{
    keep(md, buf_text(line, "|\n"));
    if (!md->failed && fwrite(line->data, 1, line->len, stream) != line->len)
        md->failed = true;
    buf_clear(line);
    return !md->failed;
}

bool md_end_row(struct md *md, FILE *stream)
{
    return write_line(md, &md->line, stream);
}

bool md_end_head(struct md *md, FILE *stream)
{
    return write_line(md, &md->line, stream) && write_line(md, &md->ruler, stream);
}
