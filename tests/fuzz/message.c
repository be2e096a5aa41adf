#include "fuzz.h"

#include "words/message.h"

#include <string.h>

/* A frame's payload as either side of the link reads it, of every kind; what decodes must encode, and decode to the same. */

enum { MESSAGE_ARENA_BYTES = 16 * 1024 * 1024 };

static bool decode(const void *bytes, size_t length, struct arena *arena, struct message *ret_message)
{
    const char *why = NULL;
    arena_init(arena, MESSAGE_ARENA_BYTES);
    if (message_decode(bytes, length, arena, ret_message, &why))
        return true;
    REQUIRE(why != NULL && why[0] != '\0');
    arena_done(arena);
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct arena arena, again_arena;
    struct message message, again;
    struct buf first, second;
    if (!decode(bytes, length, &arena, &message))
        return 0;
    buf_init(&first, 0);
    buf_init(&second, 0);
    REQUIRE(message_kind_name((int)message.kind) != NULL);
    REQUIRE(message_encode(&message, &first));
    REQUIRE(decode(first.data, first.len, &again_arena, &again));
    REQUIRE(again.kind == message.kind);
    REQUIRE(message_encode(&again, &second));
    REQUIRE(first.len == second.len && (first.len == 0 || memcmp(first.data, second.data, first.len) == 0));
    message_done(&again);
    message_done(&message);
    arena_done(&again_arena);
    arena_done(&arena);
    buf_done(&first);
    buf_done(&second);
    return 0;
}
