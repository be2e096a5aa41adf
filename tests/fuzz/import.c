#include "fuzz.h"

#include "replay/import_file.h"

#include <string.h>

/* A file in which somebody carries a vantage's results to a collector, up to where they would be stored. */

enum { LINES_MAX = 100000 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_listen();
    return 0;
}

static void check_base64(const uint8_t *bytes, size_t length)
{
    struct buf text, back;
    buf_init(&text, 0);
    buf_init(&back, 0);
    REQUIRE(base64_text(&text, bytes, length));
    REQUIRE(base64_parse(&back, (const char *)text.data, text.len));
    REQUIRE(back.len == length && (length == 0 || memcmp(back.data, bytes, length) == 0));
    buf_clear(&back);
    if (base64_parse(&back, (const char *)bytes, length))
        REQUIRE(back.len <= length / 4 * 3);
    buf_done(&back);
    buf_done(&text);
}

/* Sequences ascend, and only a file that is whole comes to an end. */
static void read_lines(struct import_file *file)
{
    struct import_line line;
    uint64_t last = 0;
    enum import_kind kind = IMPORT_RECORD;
    for (int i = 0; i < LINES_MAX && kind != IMPORT_END && kind != IMPORT_FAILED; i++) {
        kind = import_next(file, &line);
        if (kind == IMPORT_RECORD) {
            REQUIRE(record_sequence(&line.record) > last);
            last = record_sequence(&line.record);
            record_done(&line.record);
        }
        if (kind == IMPORT_CERTIFICATE)
            REQUIRE(line.der.data != NULL && line.der.length <= MESSAGE_CERTIFICATE_MAX_BYTES);
    }
    REQUIRE(import_percent(file) <= 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const atomic_bool stop = false;
    struct import_file file;
    check_base64(bytes, length);
    if (import_open(&file, fuzz_file(bytes, length), "/nonexistent", &stop)) {
        REQUIRE(file.vantage[0] != '\0' && file.certificate != NULL);
        read_lines(&file);
        if (import_rewind(&file))
            read_lines(&file);
    }
    import_close(&file);
    (void)fflush(stderr);
    return 0;
}
