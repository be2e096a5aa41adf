#include "fuzz.h"

#include "probe/abuse.h"
#include "probe/tls_log.h"
#include "words/classify.h"

/* Handshake messages as they go by. Input: for each, its direction and content (one byte) and the message (a piece). */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct cursor input;
    struct attempt *attempt = attempt_new();
    struct wire wire;
    REQUIRE(attempt != NULL);
    cursor_init(&input, bytes, length);
    wire_init(&wire, -1);
    attempt->tls.records = arena_array(&attempt->arena, EVIDENCE_MAX_RECORDS, sizeof *attempt->tls.records);
    attempt->clock.connected_us = 10;
    for (int64_t at_us = 100; !input.failed && cursor_left(&input) > 0; at_us++) {
        uint8_t what = cursor_u8(&input);
        struct cursor piece = fuzz_piece(&input);
        tls_log_message(attempt, (what & 0x80) != 0, what & 0x7f, piece.at, cursor_left(&piece), at_us);
        REQUIRE(attempt->tls.record_count <= EVIDENCE_MAX_RECORDS);
    }
    attempt->end.abuse = abuse_of(attempt, &wire);
    (void)classify(attempt);
    fuzz_attempt_survives(attempt);
    attempt_free(attempt);
    return 0;
}
