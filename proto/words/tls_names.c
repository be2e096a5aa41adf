#include "words/evidence.h"

#include <stddef.h>

/* Names from the IANA "TLS Parameters" registries, for what servers are seen to choose. */

struct number_name {
    uint16_t number;
    const char *name;
};

static const char *name_of(const struct number_name *rows, size_t count, uint16_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].number == number)
            return rows[i].name;
    }
    return "";
}

#define NAME_OF(rows, number) name_of(rows, sizeof(rows) / sizeof((rows)[0]), number)

const char *tls_version_name(uint16_t version)
{
    static const struct number_name rows[] = {
        {0x0101, "TLCPv1.1"}, {0x0300, "SSLv3"},   {0x0301, "TLSv1"},
        {0x0302, "TLSv1.1"},  {0x0303, "TLSv1.2"}, {0x0304, "TLSv1.3"},
    };
    return NAME_OF(rows, version);
}

const char *tls_cipher_name(uint16_t cipher)
{
    static const struct number_name rows[] = {
        {0x1301, "TLS_AES_128_GCM_SHA256"},
        {0x1302, "TLS_AES_256_GCM_SHA384"},
        {0x1303, "TLS_CHACHA20_POLY1305_SHA256"},
        {0x1304, "TLS_AES_128_CCM_SHA256"},
        {0x1305, "TLS_AES_128_CCM_8_SHA256"},
        {0x0004, "TLS_RSA_WITH_RC4_128_MD5"},
        {0x0005, "TLS_RSA_WITH_RC4_128_SHA"},
        {0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"},
        {0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"},
        {0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"},
        {0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"},
        {0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"},
        {0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"},
        {0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256"},
        {0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"},
        {0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA"},
        {0x0045, "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA"},
        {0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256"},
        {0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"},
        {0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA"},
        {0x0088, "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA"},
        {0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"},
        {0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384"},
        {0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"},
        {0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"},
        {0xc008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA"},
        {0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"},
        {0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"},
        {0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"},
        {0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"},
        {0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"},
        {0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"},
        {0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"},
        {0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"},
        {0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"},
        {0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
        {0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
        {0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
        {0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
        {0xc05c, "TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256"},
        {0xc05d, "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384"},
        {0xc060, "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256"},
        {0xc061, "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384"},
        {0xc072, "TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_CBC_SHA256"},
        {0xc073, "TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384"},
        {0xc076, "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256"},
        {0xc077, "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384"},
        {0xc09c, "TLS_RSA_WITH_AES_128_CCM"},
        {0xc09d, "TLS_RSA_WITH_AES_256_CCM"},
        {0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM"},
        {0xc0ad, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM"},
        {0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
        {0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
        {0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
    };
    return NAME_OF(rows, cipher);
}

const char *tls_group_name(uint16_t group)
{
    static const struct number_name rows[] = {
        {0x0013, "secp192r1"},
        {0x0015, "secp224r1"},
        {0x0016, "secp256k1"},
        {0x001a, "brainpoolP256r1"},
        {0x001b, "brainpoolP384r1"},
        {0x001c, "brainpoolP512r1"},
        {0x001f, "brainpoolP256r1tls13"},
        {0x0020, "brainpoolP384r1tls13"},
        {0x0021, "brainpoolP512r1tls13"},
        {0x0029, "curveSM2"},
        {0x11eb, "SecP256r1MLKEM768"},
        {0x0017, "P-256"},
        {0x0018, "P-384"},
        {0x0019, "P-521"},
        {0x001d, "X25519"},
        {0x001e, "X448"},
        {0x0100, "ffdhe2048"},
        {0x0101, "ffdhe3072"},
        {0x0102, "ffdhe4096"},
        {0x0103, "ffdhe6144"},
        {0x0104, "ffdhe8192"},
        {0x11ec, "X25519MLKEM768"},
    };
    return NAME_OF(rows, group);
}

const char *tls_signature_name(uint16_t signature)
{
    static const struct number_name rows[] = {
        {0x0201, "rsa_pkcs1_sha1"},
        {0x0203, "ecdsa_sha1"},
        {0x0401, "rsa_pkcs1_sha256"},
        {0x0403, "ecdsa_secp256r1_sha256"},
        {0x0501, "rsa_pkcs1_sha384"},
        {0x0503, "ecdsa_secp384r1_sha384"},
        {0x0601, "rsa_pkcs1_sha512"},
        {0x0603, "ecdsa_secp521r1_sha512"},
        {0x0804, "rsa_pss_rsae_sha256"},
        {0x0805, "rsa_pss_rsae_sha384"},
        {0x0806, "rsa_pss_rsae_sha512"},
        {0x0807, "ed25519"},
        {0x0808, "ed448"},
        {0x0809, "rsa_pss_pss_sha256"},
        {0x080a, "rsa_pss_pss_sha384"},
        {0x080b, "rsa_pss_pss_sha512"},
    };
    return NAME_OF(rows, signature);
}

const char *tls_alert_name(uint8_t description)
{
    static const struct number_name rows[] = {
        {0, "close_notify"},
        {10, "unexpected_message"},
        {20, "bad_record_mac"},
        {22, "record_overflow"},
        {40, "handshake_failure"},
        {42, "bad_certificate"},
        {43, "unsupported_certificate"},
        {44, "certificate_revoked"},
        {45, "certificate_expired"},
        {46, "certificate_unknown"},
        {47, "illegal_parameter"},
        {48, "unknown_ca"},
        {49, "access_denied"},
        {50, "decode_error"},
        {51, "decrypt_error"},
        {70, "protocol_version"},
        {71, "insufficient_security"},
        {80, "internal_error"},
        {86, "inappropriate_fallback"},
        {90, "user_canceled"},
        {100, "no_renegotiation"},
        {109, "missing_extension"},
        {110, "unsupported_extension"},
        {112, "unrecognized_name"},
        {113, "bad_certificate_status_response"},
        {115, "unknown_psk_identity"},
        {116, "certificate_required"},
        {120, "no_application_protocol"},
    };
    return NAME_OF(rows, description);
}
