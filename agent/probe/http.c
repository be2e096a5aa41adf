#include "probe/http.h"

#include "words/cursor.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char version_prefix[] = "HTTP/1.";
enum { PREFIX_BYTES = sizeof version_prefix - 1 };

void http_reader_init(struct http_reader *reader, struct arena *arena, struct evidence_http *http)
{
    *reader = (struct http_reader){.arena = arena, .http = http};
    buf_init(&reader->line, HTTP_HEAD_MAX_BYTES);
}

void http_reader_done(struct http_reader *reader)
{
    buf_done(&reader->line);
}

static enum http_state malformed(struct http_reader *reader)
{
    reader->http->malformed = true;
    return HTTP_MALFORMED;
}

static const char *kept_text(struct http_reader *reader, const char *text, size_t length)
{
    const char *kept =
        arena_text(reader->arena, text, length > EVIDENCE_TEXT_MAX ? EVIDENCE_TEXT_MAX : length);
    return kept == NULL ? "" : kept;
}

/* "HTTP/1.1 200 OK", where the reason and the blank before it may be missing. */
static enum http_state read_status_line(struct http_reader *reader, const char *line, size_t length)
{
    enum { CODE_AT = PREFIX_BYTES + 2, CODE_END = CODE_AT + 3 };
    if (length < CODE_END || memcmp(line, version_prefix, PREFIX_BYTES) != 0 || line[PREFIX_BYTES + 1] != ' ')
        return malformed(reader);
    unsigned status = 0;
    for (size_t i = CODE_AT; i < CODE_END; i++) {
        if (!isdigit((unsigned char)line[i]))
            return malformed(reader);
        status = status * 10 + (unsigned)(line[i] - '0');
    }
    if (status < 100 || (length > CODE_END && line[CODE_END] != ' '))
        return malformed(reader);
    struct evidence_http *http = reader->http;
    http->status = (uint16_t)status;
    http->header_count = 0;
    http->reason = length > CODE_END ? kept_text(reader, line + CODE_END + 1, length - CODE_END - 1) : "";
    return HTTP_HEADERS;
}

static const char *lower_name(struct http_reader *reader, const char *text, size_t length)
{
    char *name = arena_text(reader->arena, text, length > EVIDENCE_TEXT_MAX ? EVIDENCE_TEXT_MAX : length);
    if (name == NULL)
        return "";
    for (char *at = name; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return name;
}

static void keep_header(struct http_reader *reader, const char *line, size_t name_length, size_t length)
{
    struct evidence_http *http = reader->http;
    if (http->headers == NULL)
        http->headers = arena_array(reader->arena, EVIDENCE_MAX_HEADERS, sizeof *http->headers);
    if (http->headers == NULL || http->header_count == EVIDENCE_MAX_HEADERS)
        return;
    const char *value = line + name_length + 1;
    const char *end = line + length;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    http->headers[http->header_count++] =
        (struct http_header){.name = lower_name(reader, line, name_length),
                             .value = kept_text(reader, value, (size_t)(end - value))};
}

static enum http_state end_of_head(struct http_reader *reader)
{
    if (reader->http->status >= 200 || reader->http->status == 101)
        return HTTP_BODY;
    return ++reader->informational > HTTP_INFORMATIONAL_MAX ? malformed(reader) : HTTP_STATUS_LINE;
}

static enum http_state read_header_line(struct http_reader *reader, const char *line, size_t length)
{
    if (length == 0)
        return end_of_head(reader);
    if (line[0] == ' ' ||
        line[0] == '\t') /* a folded line (obsolete) belongs to the value before; not kept */
        return HTTP_HEADERS;
    const char *colon = memchr(line, ':', length);
    if (colon == NULL || colon == line)
        return malformed(reader);
    keep_header(reader, line, (size_t)(colon - line), length);
    return HTTP_HEADERS;
}

/* What cannot become a status line is known before its line ends, which in binary may never come. */
static bool looks_wrong(const struct http_reader *reader)
{
    size_t have = reader->line.len < PREFIX_BYTES ? reader->line.len : PREFIX_BYTES;
    return reader->state == HTTP_STATUS_LINE && have > 0 &&
           memcmp(reader->line.data, version_prefix, have) != 0;
}

static void read_lines(struct http_reader *reader)
{
    struct cursor cursor;
    cursor_init(&cursor, reader->line.data, reader->line.len);
    const char *line;
    size_t length;
    while ((reader->state == HTTP_STATUS_LINE || reader->state == HTTP_HEADERS) &&
           (line = cursor_line(&cursor, &length)) != NULL)
        reader->state = reader->state == HTTP_STATUS_LINE ? read_status_line(reader, line, length)
                                                          : read_header_line(reader, line, length);
    buf_drop(&reader->line, reader->line.len - cursor_left(&cursor));
}

/* What is beyond the room for it is counted and not kept. */
static void take_body(struct http_reader *reader, const void *bytes, size_t length)
{
    reader->http->body_bytes += length;
    if (reader->body != NULL && length > 0)
        (void)buf_append(reader->body, bytes, length);
}

enum http_state http_reader_feed(struct http_reader *reader, const void *bytes, size_t length)
{
    if (reader->state == HTTP_BODY)
        take_body(reader, bytes, length);
    if (reader->state == HTTP_BODY || reader->state == HTTP_MALFORMED)
        return reader->state;
    reader->head_bytes += length;
    if (!buf_append(&reader->line, bytes, length))
        return reader->state = malformed(reader);
    read_lines(reader);
    if (reader->state == HTTP_BODY) {
        take_body(reader, reader->line.data, reader->line.len);
        buf_clear(&reader->line);
    } else if (looks_wrong(reader) || reader->head_bytes > HTTP_HEAD_MAX_BYTES) {
        reader->state = malformed(reader);
    }
    return reader->state;
}

void http_reader_end(struct http_reader *reader)
{
    if (reader->state == HTTP_STATUS_LINE && reader->line.len > 0)
        reader->state = malformed(reader);
}

bool http_reader_satisfied(const struct http_reader *reader)
{
    return reader->state == HTTP_BODY && reader->http->body_bytes >= HTTP_BODY_MAX_BYTES;
}
