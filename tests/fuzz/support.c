#include "fuzz.h"

#include "words/message.h"
#include "words/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The real stderr, whatever fuzz_listen put in its place. */
_Noreturn void fuzz_broken(const char *file, int line, const char *what)
{
    (void)dprintf(STDERR_FILENO, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

static ssize_t heard(void *cookie, const char *bytes, size_t length)
{
    (void)cookie;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        REQUIRE(byte == '\n' || (byte >= 0x20 && byte != 0x7f));
    }
    return (ssize_t)length;
}

void fuzz_listen(void)
{
    FILE *listener = fopencookie(NULL, "w", (cookie_io_functions_t){.write = heard});
    REQUIRE(listener != NULL);
    stderr = listener;
}

void fuzz_printable(const char *text, size_t length)
{
    const uint8_t *at = (const uint8_t *)text;
    while (length > 0) {
        uint32_t code = 0;
        size_t taken = utf8_sequence(at, length, &code);
        REQUIRE(taken != 0);
        REQUIRE(code >= 0x20 && !(code >= 0x7f && code < 0xa0));
        REQUIRE(!(code >= 0x202a && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069));
        at += taken;
        length -= taken;
    }
}

struct cursor fuzz_piece(struct cursor *input)
{
    size_t wanted = cursor_u16(input);
    size_t left = input->failed ? 0 : cursor_left(input);
    return cursor_block(input, wanted < left ? wanted : left);
}

const char *fuzz_file(const void *bytes, size_t length)
{
    static char path[64];
    static int file = -1;
    if (file < 0)
        file = memfd_create("input", 0);
    REQUIRE(file >= 0 && ftruncate(file, 0) == 0);
    REQUIRE(pwrite(file, bytes, length, 0) == (ssize_t)length);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return path;
}

char *fuzz_text(const struct cursor *rest)
{
    char *text = strndup((const char *)rest->at, cursor_left(rest));
    REQUIRE(text != NULL);
    return text;
}

void fuzz_attempt_survives(const struct attempt *attempt)
{
    struct buf first, second;
    const char *why = NULL;
    buf_init(&first, 0);
    buf_init(&second, 0);
    REQUIRE(attempt_encode(attempt, &first));
    struct attempt *back = attempt_decode(first.data, first.len, &why);
    REQUIRE(back != NULL);
    REQUIRE(attempt_encode(back, &second));
    REQUIRE(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    attempt_free(back);
    buf_done(&first);
    buf_done(&second);
}

void fuzz_json_whole(json_t *json)
{
    REQUIRE(json != NULL);
    char *text = json_dumps(json, JSON_COMPACT);
    REQUIRE(text != NULL);
    json_error_t error;
    json_t *back = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    REQUIRE(back != NULL);
    REQUIRE(json_equal(json, back));
    json_decref(back);
    json_decref(json);
    free(text);
}
