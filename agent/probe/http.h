#ifndef PARALLAX_PROBE_HTTP_H
#define PARALLAX_PROBE_HTTP_H

#include "words/arena.h"
#include "words/buf.h"
#include "words/evidence.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads the head of an HTTP/1.x answer (RFC 9112) as its bytes come, and counts what follows. Informational
 * answers (1xx) are passed over. No I/O.
 */

enum { HTTP_HEAD_MAX_BYTES = 32 * 1024, HTTP_BODY_MAX_BYTES = 64 * 1024, HTTP_INFORMATIONAL_MAX = 8 };

enum http_state { HTTP_STATUS_LINE, HTTP_HEADERS, HTTP_BODY, HTTP_MALFORMED };

struct http_reader {
    enum http_state state;
    struct buf line; /* bytes not yet understood */
    size_t head_bytes;
    unsigned informational;
    struct arena *arena;
    struct evidence_http *http;
    struct buf *body; /* borrowed: what it has room for of the body is kept; NULL: none */
};

/** @param arena  owns the texts put into *http, which is written as lines come. */
void http_reader_init(struct http_reader *reader, struct arena *arena, struct evidence_http *http);
void http_reader_done(struct http_reader *reader);

/** Takes bytes in. @return the state after them; HTTP_MALFORMED stays. */
enum http_state http_reader_feed(struct http_reader *reader, const void *bytes, size_t length);

/** No more bytes come: half a status line is malformed; nothing at all, or half a head, is for the ending to
 * tell. */
void http_reader_end(struct http_reader *reader);

/** The head came and enough of the body. */
bool http_reader_satisfied(const struct http_reader *reader);

#endif
