#include "words/conclude_negotiation.h"

/*
 * What the normal ClientHello offers (agent/probe/trust.c: the library's default list at security level 2). When a wide hello
 * succeeds where the normal one is refused, that which was agreed and stands in none of these tables is what was missing.
 */

static bool is_among(const uint16_t *numbers, size_t count, uint16_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] == number)
            return true;
    }
    return false;
}
#define IS_AMONG(numbers, number) is_among(numbers, sizeof(numbers) / sizeof((numbers)[0]), number)

bool negotiation_offers_cipher(uint16_t cipher)
{
    static const uint16_t ciphers[] = {
        0x1301, 0x1302, 0x1303, 0xC02C, 0xC030, 0x009F, 0xCCA9, 0xCCA8, 0xCCAA, 0xC02B,
        0xC02F, 0x009E, 0xC024, 0xC028, 0x006B, 0xC023, 0xC027, 0x0067, 0xC00A, 0xC014,
        0x0039, 0xC009, 0xC013, 0x0033, 0x009D, 0x009C, 0x003D, 0x003C, 0x0035, 0x002F,
    };
    return IS_AMONG(ciphers, cipher);
}

bool negotiation_offers_group(uint16_t group)
{
    static const uint16_t groups[] = {23, 24, 25, 29, 30, 256, 257, 258, 259, 260};
    return IS_AMONG(groups, group);
}

bool negotiation_offers_signature(uint16_t signature)
{
    static const uint16_t signatures[] = {
        0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805,
        0x0806, 0x0401, 0x0501, 0x0601, 0x0303, 0x0301, 0x0302, 0x0402, 0x0502, 0x0602,
    };
    return IS_AMONG(signatures, signature);
}

bool negotiation_static_rsa(uint16_t cipher)
{
    static const uint16_t ciphers[] = {0x002F, 0x0035, 0x003C, 0x003D, 0x009C, 0x009D,
                                       0x000A, 0x0041, 0x0084, 0xC09C, 0xC09D};
    return IS_AMONG(ciphers, cipher);
}
