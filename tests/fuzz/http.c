#include "fuzz.h"

#include "probe/http.h"

#include <string.h>

/* The head of an HTTP answer, whole and in pieces: what is understood must not depend on where the pieces end. */

enum { KEPT_BODY_BYTES = 256 };

static enum http_state read_answer(const uint8_t *bytes, size_t length, size_t piece, struct attempt *attempt,
                                   struct buf *body)
{
    struct http_reader reader;
    http_reader_init(&reader, &attempt->arena, &attempt->http);
    reader.body = body;
    for (size_t at = 0; at < length;) {
        size_t now = length - at < piece ? length - at : piece;
        (void)http_reader_feed(&reader, bytes + at, now);
        at += now;
        REQUIRE(reader.line.len <= HTTP_HEAD_MAX_BYTES);
    }
    http_reader_end(&reader);
    (void)http_reader_satisfied(&reader);
    enum http_state state = reader.state;
    REQUIRE(state != HTTP_MALFORMED || attempt->http.malformed);
    http_reader_done(&reader);
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct attempt *whole = attempt_new(), *pieces = attempt_new();
    struct buf whole_body, pieces_body;
    if (length == 0 || whole == NULL || pieces == NULL)
        goto done;
    buf_init(&whole_body, KEPT_BODY_BYTES);
    buf_init(&pieces_body, KEPT_BODY_BYTES);
    enum http_state state = read_answer(bytes + 1, length - 1, length, whole, &whole_body);
    REQUIRE(read_answer(bytes + 1, length - 1, 1 + bytes[0] % 17u, pieces, &pieces_body) == state);
    const struct evidence_http *a = &whole->http, *b = &pieces->http;
    REQUIRE(a->status == b->status && a->header_count == b->header_count &&
            strcmp(a->reason, b->reason) == 0);
    REQUIRE(a->header_count <= EVIDENCE_MAX_HEADERS && a->malformed == b->malformed);
    for (size_t i = 0; i < a->header_count; i++) {
        REQUIRE(strcmp(a->headers[i].name, b->headers[i].name) == 0);
        REQUIRE(strcmp(a->headers[i].value, b->headers[i].value) == 0);
        REQUIRE(strlen(a->headers[i].value) <= EVIDENCE_TEXT_MAX);
    }
    REQUIRE(state == HTTP_MALFORMED || a->body_bytes == b->body_bytes);
    REQUIRE(whole_body.len <= KEPT_BODY_BYTES);
    fuzz_attempt_survives(whole);
    buf_done(&whole_body);
    buf_done(&pieces_body);
done:
    attempt_free(whole);
    attempt_free(pieces);
    return 0;
}
