#include "fuzz.h"

#include "hello/answer.h"
#include "words/buf.h"

#include <stdlib.h>
#include <string.h>

/*
 * What a server answers to a ClientHello. The first byte says where a beginning of it is read as well: more bytes must not make
 * another answer of it than the beginning was, nor must other cuts between records.
 */

struct reading {
    struct hello_answer answer;
    uint8_t *copy;   /* of the exact size, so that a read past the end is seen */
    uint8_t *joined; /* the same */
    size_t length;
};

static void check_span(const struct hello_span *span, const uint8_t *bytes, size_t length)
{
    if (span->bytes == NULL) {
        REQUIRE(span->length == 0);
        return;
    }
    REQUIRE(span->bytes >= bytes && span->length <= length);
    REQUIRE(span->bytes + span->length <= bytes + length);
}

static void check_hello(const struct server_hello *hello, const uint8_t *bytes, size_t length)
{
    REQUIRE(hello->random.length == 32 && hello->session_id.length <= 32);
    check_span(&hello->random, bytes, length);
    check_span(&hello->session_id, bytes, length);
    check_span(&hello->share, bytes, length);
    check_span(&hello->cookie, bytes, length);
    check_span(&hello->alpn, bytes, length);
}

static void check_answer(const struct reading *reading)
{
    const struct hello_answer *answer = &reading->answer;
    REQUIRE(hello_answer_name(answer->kind) != NULL);
    REQUIRE(answer->at <= reading->length && (answer->at == 0 || answer->kind == HELLO_MALFORMED));
    REQUIRE(answer->certificate_count <= HELLO_MAX_CERTIFICATES);
    REQUIRE(answer->certificates_dropped == 0 || answer->certificate_count == HELLO_MAX_CERTIFICATES);
    REQUIRE(!answer->done ||
            (answer->has_hello && (answer->kind == HELLO_FLIGHT || answer->kind == HELLO_TLCP)));
    if (answer->has_hello)
        check_hello(&answer->hello, reading->joined, reading->length);
    for (size_t i = 0; i < answer->certificate_count; i++)
        check_span(&answer->certificates[i], reading->joined, reading->length);
    check_span(&answer->staple, reading->joined, reading->length);
    check_span(&answer->key_exchange, reading->joined, reading->length);
    check_span(&answer->parameters, reading->joined, reading->length);
    check_span(&answer->signed_bytes, reading->joined, reading->length);
}

static void read_answer(const uint8_t *bytes, size_t length, struct reading *reading)
{
    reading->length = length;
    reading->copy = malloc(length > 0 ? length : 1);
    reading->joined = malloc(length > 0 ? length : 1);
    REQUIRE(reading->copy != NULL && reading->joined != NULL);
    if (length > 0)
        memcpy(reading->copy, bytes, length);
    hello_answer_read(reading->copy, length, reading->joined, &reading->answer);
    check_answer(reading);
}

static void done(struct reading *reading)
{
    free(reading->copy);
    free(reading->joined);
}

static void check_beginning(const struct hello_answer *beginning, const struct hello_answer *whole)
{
    if (beginning->has_hello)
        REQUIRE(whole->has_hello && whole->hello.cipher == beginning->hello.cipher);
    REQUIRE(whole->certificate_count >= beginning->certificate_count);
    if (beginning->kind == HELLO_PARTIAL || beginning->kind == HELLO_NOTHING ||
        whole->kind == beginning->kind) {
        REQUIRE(beginning->kind != HELLO_MALFORMED || whole->at == beginning->at);
        return;
    }
    REQUIRE(beginning->kind == HELLO_SERVER_HELLO || beginning->kind == HELLO_RETRY);
    REQUIRE(whole->kind == HELLO_ALERT || whole->kind == HELLO_MALFORMED);
}

/* Handshake records, each cut into smaller ones. */
static void cut(const uint8_t *bytes, size_t length, size_t piece, struct buf *out)
{
    struct cursor all;
    cursor_init(&all, bytes, length);
    while (cursor_left(&all) > 0) {
        const uint8_t *header = cursor_bytes(&all, 5);
        if (header == NULL)
            return;
        size_t left = (size_t)(header[3] << 8 | header[4]);
        if (left > cursor_left(&all))
            left = cursor_left(&all);
        const uint8_t *body = cursor_bytes(&all, left);
        size_t most = header[0] == 22 ? piece : left;
        while (left > 0) {
            size_t now = left < most ? left : most;
            const uint8_t sizes[] = {(uint8_t)(now >> 8), (uint8_t)now};
            REQUIRE(buf_append(out, header, 3) && buf_append(out, sizes, 2) && buf_append(out, body, now));
            body += now;
            left -= now;
        }
    }
}

static void check_cut(const uint8_t *bytes, size_t length, size_t piece, const struct hello_answer *answer)
{
    struct buf smaller;
    struct reading reading;
    buf_init(&smaller, 0);
    cut(bytes, length, piece, &smaller);
    read_answer(smaller.data, smaller.len, &reading);
    REQUIRE(reading.answer.kind == answer->kind && reading.answer.signature == answer->signature);
    REQUIRE(reading.answer.certificate_count == answer->certificate_count);
    REQUIRE(reading.answer.parameters.length == answer->parameters.length);
    done(&reading);
    buf_done(&smaller);
}

static void check_message(const uint8_t *bytes, size_t length)
{
    struct server_hello hello;
    if (server_hello_read(bytes, length, &hello))
        check_hello(&hello, bytes, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct reading whole, beginning;
    if (length == 0)
        return 0;
    read_answer(bytes + 1, length - 1, &whole);
    read_answer(bytes + 1, (length - 1) * bytes[0] / 255, &beginning);
    check_beginning(&beginning.answer, &whole.answer);
    if (whole.answer.kind == HELLO_FLIGHT)
        check_cut(bytes + 1, length - 1, 1 + bytes[0] % 61u, &whole.answer);
    check_message(bytes + 1, length - 1);
    done(&whole);
    done(&beginning);
    return 0;
}
