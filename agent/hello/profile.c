#include "hello/profile.h"

#include <string.h>

/*
 * The table of hellos. Numbers come from hellos that were really sent: by libssl 3.0 for the first part, by the clients named for
 * the second.
 */

/* A list where a profile wants one; literals outside of functions live as long as the program. */
#define LIST(...)                                                                                            \
    {                                                                                                        \
        .values = (const uint16_t[]){__VA_ARGS__},                                                           \
        .count = sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t)                                  \
    }

enum { X25519 = 0x001d, P256 = 0x0017, P384 = 0x0018, P521 = 0x0019, X25519_MLKEM768 = 0x11ec };

#define CIPHERS_DEFAULT                                                                                      \
    0x1302, 0x1303, 0x1301, 0xc02c, 0xc030, 0x009f, 0xcca9, 0xcca8, 0xccaa, 0xc02b, 0xc02f, 0x009e, 0xc024,  \
        0xc028, 0x006b, 0xc023, 0xc027, 0x0067, 0xc00a, 0xc014, 0x0039, 0xc009, 0xc013, 0x0033, 0x009d,      \
        0x009c, 0x003d, 0x003c, 0x0035, 0x002f, 0x00ff
#define GROUPS_DEFAULT 0x001d, 0x0017, 0x001e, 0x0019, 0x0018, 0x0100, 0x0101, 0x0102, 0x0103, 0x0104
#define GROUPS_CURVES  0x001d, 0x0017, 0x001e, 0x0019, 0x0018
#define SIGNATURES_DEFAULT                                                                                   \
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501,  \
        0x0601, 0x0303, 0x0301, 0x0302, 0x0402, 0x0502, 0x0602
#define CIPHERS_LEGACY                                                                                       \
    0xc02c, 0xc030, 0x00a3, 0x009f, 0xcca9, 0xcca8, 0xccaa, 0xc0af, 0xc0ad, 0xc0a3, 0xc09f, 0xc05d, 0xc061,  \
        0xc057, 0xc053, 0x00a7, 0xc02b, 0xc02f, 0x00a2, 0x009e, 0xc0ae, 0xc0ac, 0xc0a2, 0xc09e, 0xc05c,      \
        0xc060, 0xc056, 0xc052, 0x00a6, 0xc024, 0xc028, 0x006b, 0x006a, 0xc073, 0xc077, 0x00c4, 0x00c3,      \
        0x006d, 0x00c5, 0xc023, 0xc027, 0x0067, 0x0040, 0xc072, 0xc076, 0x00be, 0x00bd, 0x006c, 0x00bf,      \
        0xc00a, 0xc014, 0x0039, 0x0038, 0x0088, 0x0087, 0xc019, 0x003a, 0x0089, 0xc009, 0xc013, 0x0033,      \
        0x0032, 0x0045, 0x0044, 0xc018, 0x0034, 0x0046, 0x009d, 0xc0a1, 0xc09d, 0xc051, 0x009c, 0xc0a0,      \
        0xc09c, 0xc050, 0x003d, 0x00c0, 0x003c, 0x00ba, 0x0035, 0x0084, 0x002f, 0x0041, 0x00ff
#define CIPHERS_RSA                                                                                          \
    0x1302, 0x1303, 0x1301, 0xc030, 0x009f, 0xcca8, 0xccaa, 0xc0a3, 0xc09f, 0xc061, 0xc053, 0xc02f, 0x009e,  \
        0xc0a2, 0xc09e, 0xc060, 0xc052, 0xc028, 0x006b, 0xc077, 0x00c4, 0xc027, 0x0067, 0xc076, 0x00be,      \
        0xc014, 0x0039, 0x0088, 0xc013, 0x0033, 0x0045, 0x009d, 0xc0a1, 0xc09d, 0xc051, 0x009c, 0xc0a0,      \
        0xc09c, 0xc050, 0x003d, 0x00c0, 0x003c, 0x00ba, 0x0035, 0x0084, 0x002f, 0x0041, 0x00ff
#define SIGNATURES_RSA 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601
#define CIPHERS_ECDSA                                                                                        \
    0x1302, 0x1303, 0x1301, 0xc02c, 0xcca9, 0xc0af, 0xc0ad, 0xc05d, 0xc02b, 0xc0ae, 0xc0ac, 0xc05c, 0xc024,  \
        0xc073, 0xc023, 0xc072, 0xc00a, 0xc009, 0x00ff
#define SIGNATURES_ECDSA 0x0403, 0x0503, 0x0603, 0x0807, 0x0808
#define CIPHERS_WIDE                                                                                         \
    0x1302, 0x1303, 0x1301, 0x1304, 0x1305, 0xc02c, 0xc030, 0x00a3, 0x009f, 0xcca9, 0xcca8, 0xccaa, 0xc0af,  \
        0xc0ad, 0xc0a3, 0xc09f, 0xc05d, 0xc061, 0xc057, 0xc053, 0x00a7, 0xc02b, 0xc02f, 0x00a2, 0x009e,      \
        0xc0ae, 0xc0ac, 0xc0a2, 0xc09e, 0xc05c, 0xc060, 0xc056, 0xc052, 0x00a6, 0xc024, 0xc028, 0x006b,      \
        0x006a, 0xc073, 0xc077, 0x00c4, 0x00c3, 0x006d, 0x00c5, 0xc023, 0xc027, 0x0067, 0x0040, 0xc072,      \
        0xc076, 0x00be, 0x00bd, 0x006c, 0x00bf, 0xc00a, 0xc014, 0x0039, 0x0038, 0x0088, 0x0087, 0xc019,      \
        0x003a, 0x0089, 0xc009, 0xc013, 0x0033, 0x0032, 0x0045, 0x0044, 0xc018, 0x0034, 0x0046, 0x009d,      \
        0xc0a1, 0xc09d, 0xc051, 0x009c, 0xc0a0, 0xc09c, 0xc050, 0x003d, 0x00c0, 0x003c, 0x00ba, 0x0035,      \
        0x0084, 0x002f, 0x0041, 0xc006, 0xc010, 0xc015, 0x003b, 0x0002, 0x0001, 0x00ff
#define SIGNATURES_ALL                                                                                       \
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501,  \
        0x0601, 0x0303, 0x0203, 0x0301, 0x0201, 0x0302, 0x0202, 0x0402, 0x0502, 0x0602
#define GROUPS_WIDE                                                                                          \
    0x001d, 0x0017, 0x001e, 0x0018, 0x0019, 0x0100, 0x0101, 0x0102, 0x0103, 0x0104, 0x0016, 0x001a, 0x001b,  \
        0x001c
#define EXTENSIONS_OPENSSL    18, 0, 11, 10, 35, 5, 16, 22, 23, 13, 43, 45, 51
#define EXTENSIONS_OPENSSL_12 18, 0, 11, 10, 35, 5, 16, 22, 23, 13

/* RFC 8446, appendix D.4: what a middlebox takes for TLS 1.2. */
#define ANY        .record_version = 0x0301, .legacy_version = 0x0303
#define OPENSSL    ANY, .points = LIST(0, 1, 2)
#define OPENSSL_13 OPENSSL, .session_id_bytes = 32, .versions = LIST(0x0304, 0x0303), .shares = LIST(X25519)
#define BROWSER    ANY, .session_id_bytes = 32, .points = LIST(0), .alpn = h2

static const char *const http11[] = {"http/1.1", NULL};
static const char *const h2[] = {"h2", "http/1.1", NULL};

static const struct hello_profile profiles[] = {
    /* libssl 3.0 */
    {.name = HELLO_PROFILE_NORMAL,
     OPENSSL_13,
     .ciphers = LIST(CIPHERS_DEFAULT),
     .groups = LIST(GROUPS_DEFAULT),
     .signatures = LIST(SIGNATURES_DEFAULT),
     .alpn = http11,
     .extensions = LIST(EXTENSIONS_OPENSSL)},
    {.name = "openssl-tls12",
     OPENSSL,
     .oldest_version = 0x0303,
     .ciphers = LIST(0xc02c, 0xc030, 0x009f, 0xcca9, 0xcca8, 0xccaa, 0xc02b, 0xc02f, 0x009e, 0xc024, 0xc028,
                     0x006b, 0xc023, 0xc027, 0x0067, 0xc00a, 0xc014, 0x0039, 0xc009, 0xc013, 0x0033, 0x009d,
                     0x009c, 0x003d, 0x003c, 0x0035, 0x002f, 0x00ff),
     .groups = LIST(GROUPS_CURVES),
     .signatures = LIST(SIGNATURES_DEFAULT),
     .alpn = http11,
     .extensions = LIST(EXTENSIONS_OPENSSL_12)},
    {.name = "openssl-tls13",
     OPENSSL,
     .session_id_bytes = 32,
     .versions = LIST(0x0304),
     .shares = LIST(X25519),
     .ciphers = LIST(0x1302, 0x1303, 0x1301, 0x00ff),
     .groups = LIST(GROUPS_DEFAULT),
     .signatures = LIST(0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805,
                        0x0806, 0x0401, 0x0501, 0x0601),
     .alpn = http11,
     .extensions = LIST(EXTENSIONS_OPENSSL)},
    {.name = "openssl-legacy",
     OPENSSL,
     .oldest_version = 0x0301,
     .ciphers = LIST(CIPHERS_LEGACY),
     .groups = LIST(GROUPS_CURVES),
     .signatures = LIST(SIGNATURES_ALL),
     .alpn = http11,
     .extensions = LIST(EXTENSIONS_OPENSSL_12)},
    {.name = "openssl-rsa",
     OPENSSL_13,
     .ciphers = LIST(CIPHERS_RSA),
     .groups = LIST(GROUPS_DEFAULT),
     .signatures = LIST(SIGNATURES_RSA),
     .alpn = http11,
     .extensions = LIST(EXTENSIONS_OPENSSL)},
    {.name = "openssl-ecdsa",
     OPENSSL_13,
     .ciphers = LIST(CIPHERS_ECDSA),
     .groups = LIST(GROUPS_DEFAULT),
     .signatures = LIST(SIGNATURES_ECDSA),
     .alpn = http11,
     .extensions = LIST(EXTENSIONS_OPENSSL)},
    {.name = "openssl-large",
     OPENSSL_13,
     .ciphers = LIST(CIPHERS_DEFAULT),
     .groups = LIST(GROUPS_DEFAULT),
     .signatures = LIST(SIGNATURES_DEFAULT),
     .alpn = http11,
     .extensions = LIST(18, 23130, 0, 11, 10, 35, 5, 16, 22, 23, 13, 43, 45, 51),
     .filler_bytes = 1400},
    {.name = "openssl-no-alpn",
     OPENSSL_13,
     .ciphers = LIST(CIPHERS_DEFAULT),
     .groups = LIST(GROUPS_DEFAULT),
     .signatures = LIST(SIGNATURES_DEFAULT),
     .extensions = LIST(EXTENSIONS_OPENSSL)},
    {.name = "openssl-wide",
     OPENSSL_13,
     .ciphers = LIST(CIPHERS_WIDE),
     .groups = LIST(GROUPS_WIDE),
     .signatures = LIST(SIGNATURES_ALL),
     .alpn = http11,
     .extensions = LIST(EXTENSIONS_OPENSSL)},

    /* Chrome 156; its extensions are in another order each time */
    {.name = "chrome",
     BROWSER,
     .versions = LIST(HELLO_GREASE, 0x0304, 0x0303),
     .ciphers = LIST(HELLO_GREASE, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
                     0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035),
     .groups = LIST(HELLO_GREASE, X25519_MLKEM768, X25519, P256, P384),
     .shares = LIST(HELLO_GREASE, X25519_MLKEM768, X25519),
     .signatures = LIST(HELLO_GREASE, 0x0904, 0x0905, 0x0906, 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501,
                        0x0806, 0x0601),
     .compressions = LIST(2),
     .extensions = LIST(HELLO_GREASE, 0, 65037, 23, 65281, 10, 11, 35, 16, 5, 13, 18, 51, 45, 43, 27, 17613,
                        51764, HELLO_GREASE),
     .encrypted_bytes = 208},
    /* Firefox 144 */
    {.name = "firefox",
     BROWSER,
     .versions = LIST(0x0304, 0x0303),
     .ciphers = LIST(0x1301, 0x1303, 0x1302, 0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc02c, 0xc030, 0xc00a, 0xc009,
                     0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035),
     .groups = LIST(X25519_MLKEM768, X25519, P256, P384, P521, 0x0100, 0x0101),
     .shares = LIST(X25519_MLKEM768, X25519, P256),
     .signatures =
         LIST(0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201),
     .compressions = LIST(1, 2, 3),
     .extensions = LIST(0, 23, 65281, 10, 11, 35, 16, 5, 34, 18, 51, 43, 13, 45, 28, 27, 65037),
     .encrypted_bytes = 239},
    /* Safari 17 (it says one of its signature algorithms twice) */
    {.name = "safari",
     BROWSER,
     .versions = LIST(HELLO_GREASE, 0x0304, 0x0303, 0x0302, 0x0301),
     .ciphers = LIST(HELLO_GREASE, 0x1301, 0x1302, 0x1303, 0xc02c, 0xc02b, 0xcca9, 0xc030, 0xc02f, 0xcca8,
                     0xc00a, 0xc009, 0xc014, 0xc013, 0x009d, 0x009c, 0x0035, 0x002f, 0xc008, 0xc012, 0x000a),
     .groups = LIST(HELLO_GREASE, X25519, P256, P384, P521),
     .shares = LIST(HELLO_GREASE, X25519),
     .signatures =
         LIST(0x0403, 0x0804, 0x0401, 0x0503, 0x0203, 0x0805, 0x0805, 0x0501, 0x0806, 0x0601, 0x0201),
     .compressions = LIST(1),
     .extensions = LIST(HELLO_GREASE, 0, 23, 65281, 10, 11, 16, 5, 13, 18, 51, 45, 43, 27, HELLO_GREASE),
     .padded_bytes = 512},
    /* curl 7.88 with OpenSSL 3.0, as Debian 12 builds it */
    {.name = "curl",
     OPENSSL,
     .session_id_bytes = 32,
     .versions = LIST(0x0304, 0x0303, 0x0302, 0x0301),
     .ciphers = LIST(CIPHERS_DEFAULT),
     .groups = LIST(GROUPS_DEFAULT),
     .shares = LIST(X25519),
     .signatures = LIST(SIGNATURES_DEFAULT),
     .alpn = h2,
     .extensions = LIST(0, 11, 10, 16, 22, 23, 49, 13, 43, 45, 51),
     .padded_bytes = 512},
    /* Go 1.19, net/http */
    {.name = "go",
     BROWSER,
     .versions = LIST(0x0304, 0x0303),
     .ciphers = LIST(0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc009, 0xc013, 0xc00a, 0xc014, 0x009c,
                     0x009d, 0x002f, 0x0035, 0xc012, 0x000a, 0x1301, 0x1302, 0x1303),
     .groups = LIST(X25519, P256, P384, P521),
     .shares = LIST(X25519),
     .signatures =
         LIST(0x0804, 0x0403, 0x0807, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0503, 0x0603, 0x0201, 0x0203),
     .extensions = LIST(0, 5, 10, 11, 13, 65281, 16, 18, 43, 51)},
};

const struct hello_profile *hello_profile_at(size_t index)
{
    return index < sizeof profiles / sizeof profiles[0] ? &profiles[index] : NULL;
}

const struct hello_profile *hello_profile_find(const char *name)
{
    const struct hello_profile *profile;
    for (size_t i = 0; (profile = hello_profile_at(i)) != NULL; i++)
        if (strcmp(profile->name, name) == 0)
            return profile;
    return NULL;
}
