#include "sweep/hello.h"

#include <string.h>

/*
 * Where the random bytes go is not known here but found out: the hello is written with two patterns, in which each byte tells its
 * place and differs from that of the other. A byte of the hello that is different in them has to be one of the pattern's, and is a
 * place to patch; when it is not (reserved values of RFC 8701, an encrypted hello, a key of ML-KEM are made from what is random), the
 * profile's hellos are each written whole.
 */

enum { HANDSHAKE = 22, FLIP = 0xff };

void sweep_hello_init(struct sweep_hello *hello, const struct hello_profile *profile)
{
    *hello = (struct sweep_hello){.profile = profile};
    buf_init(&hello->bytes, 0);
    buf_init(&hello->message, 0);
}

void sweep_hello_done(struct sweep_hello *hello)
{
    buf_done(&hello->bytes);
    buf_done(&hello->message);
}

static bool write_whole(struct sweep_hello *hello, const char *sni,
                        const uint8_t random[HELLO_DECOY_RANDOM_BYTES])
{
    struct hello_decoy decoy;
    buf_clear(&hello->message);
    buf_clear(&hello->bytes);
    return hello_decoy_make(hello->profile, sni, random, &decoy) &&
           hello_write(hello->profile, &decoy.values, &hello->message) &&
           hello_write_records(HANDSHAKE, hello->profile->record_version, hello->message.data,
                               hello->message.len, &hello->bytes);
}

static bool write_pattern(struct sweep_hello *hello, const char *sni, uint8_t flip)
{
    uint8_t pattern[HELLO_DECOY_RANDOM_BYTES];
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)i ^ flip;
    return write_whole(hello, sni, pattern);
}

/* @return false: there are more places than a hello has. */
static bool add_place(struct sweep_hello *hello, size_t at, size_t from)
{
    struct sweep_hello_patch *last = hello->patch_count == 0 ? NULL : &hello->patches[hello->patch_count - 1];
    if (last != NULL && last->at + last->length == at && last->from + last->length == from) {
        last->length++;
        return true;
    }
    if (hello->patch_count == SWEEP_HELLO_PATCHES)
        return false;
    hello->patches[hello->patch_count++] = (struct sweep_hello_patch){at, from, 1};
    return true;
}

/* @return whether what is random stands in both as it is, and nothing else differs. */
static bool find_places(struct sweep_hello *hello, const struct buf *one, const struct buf *other)
{
    hello->patch_count = 0;
    if (one->len != other->len)
        return false;
    for (size_t i = 0; i < one->len; i++) {
        uint8_t byte = one->data[i];
        if (byte == other->data[i])
            continue;
        if (byte >= HELLO_DECOY_RANDOM_BYTES || (byte ^ other->data[i]) != FLIP || !add_place(hello, i, byte))
            return false;
    }
    return true;
}

static bool prepare(struct sweep_hello *hello, const char *sni)
{
    struct buf one;
    buf_init(&one, 0);
    bool written = write_pattern(hello, sni, 0) && buf_append(&one, hello->bytes.data, hello->bytes.len) &&
                   write_pattern(hello, sni, FLIP);
    hello->patched = written && find_places(hello, &one, &hello->bytes);
    buf_done(&one);
    return written;
}

static void patch(struct sweep_hello *hello, const uint8_t random[HELLO_DECOY_RANDOM_BYTES])
{
    for (size_t i = 0; i < hello->patch_count; i++) {
        const struct sweep_hello_patch *at = &hello->patches[i];
        memcpy(hello->bytes.data + at->at, random + at->from, at->length);
    }
}

bool sweep_hello_make(struct sweep_hello *hello, const char *sni,
                      const uint8_t random[HELLO_DECOY_RANDOM_BYTES])
{
    if (hello->uses == 0 || strcmp(hello->name, sni) != 0) {
        size_t length = strlen(sni);
        if (length >= sizeof hello->name)
            return false;
        memcpy(hello->name, sni, length + 1);
        hello->uses = 0;
        hello->patched = false;
    }
    enum { WORTH_IT = 2 }; /* of a name that is met once, one is enough */
    if (hello->uses < WORTH_IT && ++hello->uses == WORTH_IT && !prepare(hello, sni))
        return false;
    if (!hello->patched)
        return write_whole(hello, sni, random);
    patch(hello, random);
    return true;
}
