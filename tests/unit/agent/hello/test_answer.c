#include "answering_server.h"
#include "hello/answer.h"

#include <stdlib.h>
#include <string.h>

static struct answering_server on_curve, on_rsa;
static struct hello_values values;
static struct buf records;
static struct hello_answer answer;
static uint8_t *copy, *joined; /* of the exact size, so that a read or write past the end is seen */

static int setup(void **state)
{
    static const uint8_t key[32] = {9};
    (void)state;
    answering_server_init(&on_curve, EVP_EC_gen("P-256"));
    answering_server_init(&on_rsa, EVP_RSA_gen(2048));
    values = (struct hello_values){.sni = "www.shop.example",
                                   .random = {1, 2, 3},
                                   .share_count = 1,
                                   .shares = {{.group = 29, .key = key, .key_bytes = sizeof key}}};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    answering_server_done(&on_curve);
    answering_server_done(&on_rsa);
    buf_done(&records);
    free(copy);
    free(joined);
    return 0;
}

static void read_bytes(const void *bytes, size_t length)
{
    free(copy);
    free(joined);
    copy = malloc(length > 0 ? length : 1);
    joined = malloc(length > 0 ? length : 1);
    assert_true(copy != NULL && joined != NULL);
    memcpy(copy, bytes, length);
    hello_answer_read(length > 0 ? copy : NULL, length, joined, &answer);
}
#define READ(...) read_bytes((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void assert_kind(enum hello_answer_kind kind)
{
    assert_string_equal(hello_answer_name(answer.kind), hello_answer_name(kind));
}

/* However little has come, it is the beginning of the same answer, and never a wrong one. */
static void assert_beginnings(const uint8_t *bytes, size_t length, enum hello_answer_kind kind)
{
    for (size_t count = 0; count <= length; count++) {
        read_bytes(bytes, count);
        if (count == 0)
            assert_kind(HELLO_NOTHING);
        else if (answer.kind != kind)
            assert_kind(HELLO_PARTIAL);
    }
    assert_kind(kind);
}

/* The same in records of one byte each. */
static void assert_in_crumbs(const uint8_t *bytes, size_t length, enum hello_answer_kind kind)
{
    struct buf crumbs;
    buf_init(&crumbs, 0);
    for (size_t at = 0; at + 5 <= length;) {
        size_t piece = (size_t)(bytes[at + 3] << 8 | bytes[at + 4]);
        if (bytes[at] != 22)
            break;
        for (size_t i = 0; i < piece; i++)
            assert_true(hello_write_records(22, 0x0303, bytes + at + 5 + i, 1, &crumbs));
        at += 5 + piece;
    }
    read_bytes(crumbs.data, crumbs.len);
    assert_kind(kind);
    buf_done(&crumbs);
}

static void ask(struct answering_server *server, const char *profile_name, enum hello_answer_kind kind)
{
    struct buf message;
    const struct hello_profile *profile = hello_profile_find(profile_name);
    buf_init(&message, 0);
    buf_clear(&records);
    assert_true(hello_write(profile, &values, &message));
    assert_true(hello_write_records(22, profile->record_version, message.data, message.len, &records));
    buf_done(&message);
    answering_server_ask(server, &records);
    if (kind != HELLO_ALERT)
        assert_in_crumbs(server->answer, server->length, kind);
    assert_beginnings(server->answer, server->length, kind);
}

static void set_versions(struct answering_server *server, int min, int max)
{
    assert_int_equal(SSL_CTX_set_min_proto_version(server->context, min), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(server->context, max), 1);
}

static void tls13(void **state)
{
    (void)state;
    set_versions(&on_curve, 0, 0);
    ask(&on_curve, HELLO_PROFILE_NORMAL, HELLO_SERVER_HELLO);
    assert_true(answer.has_hello);
    assert_int_equal(answer.hello.version, 0x0304);
    assert_int_equal(answer.hello.cipher, 0x1302);
    assert_int_equal(answer.hello.group, 29);
    assert_int_equal(answer.hello.share.length, 32);
    assert_int_equal(answer.hello.session_id.length, 32);
    assert_false(answer.hello.unoffered);
    assert_int_equal(answer.certificate_count, 0);
}

static void another_group_is_asked_for(void **state)
{
    (void)state;
    set_versions(&on_curve, 0, 0);
    assert_int_equal(SSL_CTX_set1_groups_list(on_curve.context, "P-256"), 1);
    ask(&on_curve, HELLO_PROFILE_NORMAL, HELLO_RETRY);
    assert_int_equal(answer.hello.group, 23);
    assert_int_equal(answer.hello.version, 0x0304);
    assert_null(answer.hello.share.bytes);
    assert_int_equal(SSL_CTX_set1_groups_list(on_curve.context, "X25519:P-256"), 1);
}

static void assert_certificate(const struct answering_server *server)
{
    unsigned char *der = NULL;
    int length = i2d_X509(server->certificate, &der);
    assert_int_equal(answer.certificate_count, 1);
    assert_int_equal(answer.certificates[0].length, length);
    assert_memory_equal(answer.certificates[0].bytes, der, (size_t)length);
    OPENSSL_free(der);
}

static bool is_signed(const struct answering_server *server, const EVP_MD *digest)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, digest, NULL, server->key), 1);
    assert_int_equal(EVP_DigestVerifyUpdate(context, values.random, HELLO_RANDOM_BYTES), 1);
    assert_int_equal(EVP_DigestVerifyUpdate(context, answer.hello.random.bytes, HELLO_RANDOM_BYTES), 1);
    assert_int_equal(EVP_DigestVerifyUpdate(context, answer.parameters.bytes, answer.parameters.length), 1);
    bool good = EVP_DigestVerifyFinal(context, answer.signed_bytes.bytes, answer.signed_bytes.length) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static void tls12_on_a_curve(void **state)
{
    (void)state;
    set_versions(&on_curve, 0, TLS1_2_VERSION);
    ask(&on_curve, HELLO_PROFILE_NORMAL, HELLO_FLIGHT);
    assert_int_equal(answer.hello.version, 0x0303);
    assert_int_equal(answer.hello.cipher, 0xc02c);
    assert_true(answer.done);
    assert_false(answer.hello.downgraded || answer.certificate_request || answer.has_staple);
    assert_certificate(&on_curve);
    assert_int_equal(answer.key_exchange_group, 29);
    assert_int_equal(answer.parameters.length, 1 + 2 + 1 + 32);
    assert_int_equal(answer.signature, 0x0403);
    assert_true(is_signed(&on_curve, EVP_sha256()));
}

static void downgrade_is_seen(void **state)
{
    (void)state;
    set_versions(&on_curve, 0, 0);
    ask(&on_curve, "openssl-tls12", HELLO_FLIGHT);
    assert_true(answer.hello.downgraded);
}

static void tls12_with_a_prime(void **state)
{
    (void)state;
    set_versions(&on_rsa, 0, TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_set_cipher_list(on_rsa.context, "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"), 1);
    ask(&on_rsa, HELLO_PROFILE_NORMAL, HELLO_FLIGHT);
    assert_int_equal(answer.hello.cipher, 0x009e);
    assert_int_equal(answer.key_exchange_group, 0);
    assert_int_equal(answer.signature, 0x0804);
    assert_true(answer.parameters.length > 3 * 2 + 128);
    assert_int_equal(SSL_CTX_set_cipher_list(on_rsa.context, "DEFAULT:@SECLEVEL=0"), 1);
}

/* A prime of 6,144 bits is 0x0300 bytes long, which reads like a curve that is named. */
static void long_prime_is_no_curve(void **state)
{
    static uint8_t bytes[2048] = {0x16, 3, 3, 0, 0, 2, 0, 0, 38, 3, 3, [9 + 2 + 32 + 1] = 0x00, 0x9e, 0};
    size_t at = 9 + 38;
    (void)state;
    bytes[at++] = 12;
    size_t length_at = at + 1, from;
    at += 3;
    from = at;
    bytes[at] = 3;
    at += 2 + 0x300; /* p */
    bytes[at + 1] = 1;
    at += 3; /* g */
    bytes[at] = 3;
    at += 2 + 0x300; /* Ys */
    bytes[at] = 8;
    bytes[at + 1] = 4;
    bytes[at + 3] = 1;
    at += 5;
    bytes[length_at] = (uint8_t)((at - from) >> 8);
    bytes[length_at + 1] = (uint8_t)(at - from);
    bytes[3] = (uint8_t)((at - 5) >> 8);
    bytes[4] = (uint8_t)(at - 5);
    read_bytes(bytes, at);
    assert_kind(HELLO_PARTIAL);
    assert_int_equal(answer.key_exchange_group, 0);
    assert_int_equal(answer.parameters.length, 3 * 2 + 2 * 0x300 + 1);
    assert_int_equal(answer.signature, 0x0804);
    assert_int_equal(answer.signed_bytes.length, 1);
}

static void keys_without_an_exchange(void **state)
{
    (void)state;
    set_versions(&on_rsa, 0, TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_set_cipher_list(on_rsa.context, "AES128-SHA:@SECLEVEL=0"), 1);
    ask(&on_rsa, HELLO_PROFILE_NORMAL, HELLO_FLIGHT);
    assert_int_equal(answer.hello.cipher, 0x002f);
    assert_null(answer.key_exchange.bytes);
    assert_certificate(&on_rsa);
    assert_int_equal(SSL_CTX_set_cipher_list(on_rsa.context, "DEFAULT:@SECLEVEL=0"), 1);
}

static void tls10_says_no_scheme(void **state)
{
    (void)state;
    set_versions(&on_curve, TLS1_VERSION, TLS1_VERSION);
    ask(&on_curve, "openssl-legacy", HELLO_FLIGHT);
    assert_int_equal(answer.hello.version, 0x0301);
    assert_int_equal(answer.record_version, 0x0301);
    assert_int_equal(answer.signature, 0);
    assert_true(is_signed(&on_curve, EVP_sha1()));
}

static int give_staple(SSL *ssl, void *arg)
{
    (void)arg;
    return SSL_set_tlsext_status_ocsp_resp(ssl, OPENSSL_strdup("status"), 6) == 1 ? SSL_TLSEXT_ERR_OK
                                                                                  : SSL_TLSEXT_ERR_NOACK;
}

static void staple_and_request(void **state)
{
    (void)state;
    set_versions(&on_curve, 0, TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_set_tlsext_status_cb(on_curve.context, give_staple), 1);
    SSL_CTX_set_verify(on_curve.context, SSL_VERIFY_PEER, NULL);
    ask(&on_curve, HELLO_PROFILE_NORMAL, HELLO_FLIGHT);
    assert_true(answer.has_staple && answer.certificate_request);
    assert_int_equal(answer.staple.length, 6);
    assert_memory_equal(answer.staple.bytes, "status", 6);
    SSL_CTX_set_verify(on_curve.context, SSL_VERIFY_NONE, NULL);
    assert_int_equal(SSL_CTX_set_tlsext_status_cb(on_curve.context, NULL), 1);
}

static void alert_instead_of_an_answer(void **state)
{
    (void)state;
    set_versions(&on_curve, TLS1_3_VERSION, TLS1_3_VERSION);
    ask(&on_curve, "openssl-tls12", HELLO_ALERT);
    assert_int_equal(answer.alert_level, 2);
    assert_int_equal(answer.alert, 70);
    assert_false(answer.has_hello);
}

/* --- by hand ------------------------------------------------------------------------------------------------- */

/* A ServerHello of TLS 1.3 without a key share: 48 bytes. */
#define ZEROS_32                                                                                             \
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define MESSAGE_13                2, 0, 0, 46, 3, 3, ZEROS_32, 0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4
#define HELLO_13                  0x16, 3, 3, 0, 50, MESSAGE_13
#define MESSAGE_12                2, 0, 0, 38, 3, 3, ZEROS_32, 0, 0xc0, 0x2f, 0
#define HELLO_12                  0x16, 3, 3, 0, 42, MESSAGE_12
#define ALERT(level, description) 0x15, 3, 3, 0, 2, level, description

static void alerts_after_a_hello(void **state)
{
    (void)state;
    READ(HELLO_13, 0x14, 3, 3, 0, 1, 1, ALERT(2, 40));
    assert_kind(HELLO_ALERT);
    assert_true(answer.has_hello);
    assert_int_equal(answer.hello.cipher, 0x1301);
    assert_int_equal(answer.alert, 40);
    READ(HELLO_13, ALERT(1, 112)); /* in TLS 1.3 no alert is a warning */
    assert_kind(HELLO_ALERT);
    READ(HELLO_13, 0x17, 3, 3, 0, 1, 9, ALERT(2, 40)); /* behind an encrypted record nothing is plain */
    assert_kind(HELLO_SERVER_HELLO);
    READ(HELLO_12, ALERT(2, 80));
    assert_kind(HELLO_ALERT);
    assert_true(answer.has_hello);
}

static void warnings_let_it_go_on(void **state)
{
    (void)state;
    READ(ALERT(1, 112));
    assert_kind(HELLO_PARTIAL);
    assert_int_equal(answer.alert_level, 1);
    assert_int_equal(answer.alert, 112);
    READ(ALERT(1, 112), HELLO_13);
    assert_kind(HELLO_SERVER_HELLO);
    assert_int_equal(answer.alert, 112);
    READ(ALERT(1, 0)); /* close_notify */
    assert_kind(HELLO_ALERT);
}

static void hello_request_says_nothing(void **state)
{
    (void)state;
    READ(0x16, 3, 3, 0, 4, 0, 0, 0, 0, HELLO_12, 0x16, 3, 3, 0, 8, 0, 0, 0, 0, 14, 0, 0, 0);
    assert_kind(HELLO_FLIGHT);
    assert_true(answer.done);
}

static void other_protocols_are_not_tls(void **state)
{
    static const char *const greetings[] = {"HTTP/1.1 400 Bad Request\r\n", "SSH-2.0-x\r\n",
                                            "220 mail.shop.example ESMTP\r\n", "\x15\x16",
                                            "\x16\x03\xff\x00"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        read_bytes(greetings[i], strlen(greetings[i]));
        assert_kind(HELLO_NOT_TLS);
        assert_int_equal(answer.record_version, 0);
    }
    READ('H');
    assert_kind(HELLO_NOT_TLS);
    READ(0x16);
    assert_kind(HELLO_PARTIAL);
    READ(0x16, 1, 3);
    assert_kind(HELLO_NOT_TLS);
    READ(0x80, 0x2a, 4, 0, 1, 0, 2); /* SSL 2 */
    assert_kind(HELLO_NOT_TLS);
}

static void tlcp_is_told_by_its_version(void **state)
{
    (void)state;
    READ(0x15, 1, 1, 0, 2, 2, 40);
    assert_kind(HELLO_TLCP);
    assert_int_equal(answer.alert, 40);
    assert_int_equal(answer.record_version, 0x0101);
    READ(0x16, 1, 1);
    assert_kind(HELLO_TLCP);
    READ(0x16, 1);
    assert_kind(HELLO_PARTIAL);
    READ(0x16, 1, 1, 0, 5, 1, 2, 3, 4, 5); /* whatever else is wrong with it */
    assert_kind(HELLO_TLCP);
}

static void assert_malformed(const uint8_t *bytes, size_t length, size_t at)
{
    read_bytes(bytes, length);
    assert_kind(HELLO_MALFORMED);
    assert_int_equal(answer.at, at);
}
#define MALFORMED(at, ...)                                                                                   \
    assert_malformed((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), at)

static void records_that_lie_are_malformed(void **state)
{
    (void)state;
    enum { SECOND_13 = 5 + 50, SECOND_12 = 5 + 42 };
    MALFORMED(0, 0x16, 3, 3, 0x40, 1);                       /* longer than a record may be */
    MALFORMED(0, 0x14, 3, 3, 0, 1, 1);                       /* ChangeCipherSpec before there are keys */
    MALFORMED(0, 0x17, 3, 3, 0, 1, 1);                       /* data as well */
    MALFORMED(0, 0x15, 3, 3, 0, 3, 2, 40, 0);                /* an alert has two bytes */
    MALFORMED(0, 0x15, 3, 3, 0, 1, 2);                       /* both in one record */
    MALFORMED(0, ALERT(3, 40));                              /* and one of two levels */
    MALFORMED(SECOND_12, HELLO_12, 'H', 'T', 'T', 'P', '/'); /* no record any more */
    MALFORMED(SECOND_12, HELLO_12, 0x16, 2, 3, 0, 1);        /* another version */
    MALFORMED(SECOND_12, HELLO_12, 0x14, 3, 3, 0, 1, 1);     /* a session resumed that nobody offered */
    MALFORMED(SECOND_13, HELLO_13, 0x16, 3, 3, 0, 1, 8);     /* plain text after the keys changed */
    MALFORMED(SECOND_13, HELLO_13, 0x17, 3, 3, 0x48, 1);     /* too long for an encrypted one as well */
    MALFORMED(0, 0x16, 3, 3, 0, 51, MESSAGE_13, 8);          /* in the record of the ServerHello */
    READ(HELLO_13, 0x17, 3, 3, 0x48, 0);
    assert_kind(HELLO_SERVER_HELLO);
}

static void messages_that_lie_are_malformed(void **state)
{
    (void)state;
    enum { SECOND = 5 + 42 };
    MALFORMED(0, 0x16, 3, 3, 0, 4, 11, 0, 0, 0);                         /* a certificate first */
    MALFORMED(0, 0x16, 3, 3, 0, 4, 14, 0, 0, 0);                         /* nothing but the end */
    MALFORMED(0, 0x16, 3, 3, 0, 4, 2, 2, 0, 1);                          /* longer than all that is read */
    MALFORMED(0, 0x16, 3, 3, 0, 5, 2, 0, 0, 1, 3);                       /* a ServerHello of one byte */
    MALFORMED(SECOND, HELLO_12, HELLO_12);                               /* twice */
    MALFORMED(SECOND, HELLO_12, 0x16, 3, 3, 0, 4, 8, 0, 0, 0);           /* a message of TLS 1.3 */
    MALFORMED(SECOND, HELLO_12, 0x16, 3, 3, 0, 5, 14, 0, 0, 1, 0);       /* the end, and not the end */
    MALFORMED(SECOND, HELLO_12, 0x16, 3, 3, 0, 7, 11, 0, 0, 3, 0, 0, 0); /* no certificate in the list */
    MALFORMED(SECOND, HELLO_12, 0x16, 3, 3, 0, 10, 11, 0, 0, 6, 0, 0, 3, 0, 0, 0); /* an empty one */
    MALFORMED(SECOND, HELLO_12, 0x16, 3, 3, 0, 10, 11, 0, 0, 6, 0, 0, 3, 0, 0, 1); /* longer than the list */
    MALFORMED(SECOND, HELLO_12, 0x16, 3, 3, 0, 12, 11, 0, 0, 8, 0, 0, 4, 0, 0, 1, 7,
              9);                                                              /* and the list shorter */
    MALFORMED(SECOND, HELLO_12, 0x16, 3, 3, 0, 9, 22, 0, 0, 5, 2, 0, 0, 1, 7); /* a status of another type */
    MALFORMED(SECOND, HELLO_12, 0x16, 3, 3, 0, 8, 22, 0, 0, 4, 1, 0, 0, 0);    /* an empty status */
    MALFORMED(SECOND, HELLO_12, 0x16, 3, 3, 0, 9, 12, 0, 0, 5, 1, 0, 29, 1,
              7); /* a curve that is not named */
    MALFORMED(SECOND, HELLO_12, 0x16, 3, 3, 0, 9, 12, 0, 0, 5, 3, 0, 29, 2, 7); /* a key cut short */
    MALFORMED(SECOND, HELLO_12, 0x16, 3, 3, 0, 13, 12, 0, 0, 9, 3, 0, 29, 1, 7, 4, 3, 0, 1); /* a signature */
}

static void end_that_is_malformed_is_none(void **state)
{
    (void)state;
    READ(HELLO_12, 0x16, 3, 3, 0, 5, 14, 0, 0, 1, 0);
    assert_false(answer.done);
}

static void only_so_many_certificates_are_kept(void **state)
{
    enum { COUNT = HELLO_MAX_CERTIFICATES + 3 };
    static const uint8_t start[] = {HELLO_12, 0x16,          3, 3, 0,        4 + 3 + 4 * COUNT, 11, 0,
                                    0,        3 + 4 * COUNT, 0, 0, 4 * COUNT};
    static uint8_t bytes[sizeof start + 4 * COUNT];
    (void)state;
    memcpy(bytes, start, sizeof start);
    for (size_t i = 0; i < COUNT; i++) {
        bytes[sizeof start + 4 * i + 2] = 1;
        bytes[sizeof start + 4 * i + 3] = (uint8_t)i;
    }
    read_bytes(bytes, sizeof bytes);
    assert_kind(HELLO_PARTIAL);
    assert_int_equal(answer.certificate_count, HELLO_MAX_CERTIFICATES);
    assert_int_equal(answer.certificates[15].bytes[0], 15);
    assert_int_equal(answer.certificates_dropped, 3);
}

static void endless_warnings_come_to_an_end(void **state)
{
    static const uint8_t warning[] = {ALERT(1, 112)};
    static uint8_t bytes[HELLO_MAX_ANSWER_BYTES + sizeof warning];
    (void)state;
    for (size_t at = 0; at + sizeof warning <= sizeof bytes; at += sizeof warning)
        memcpy(bytes + at, warning, sizeof warning);
    read_bytes(bytes, HELLO_MAX_ANSWER_BYTES - 1);
    assert_kind(HELLO_PARTIAL);
    read_bytes(bytes, sizeof bytes);
    assert_kind(HELLO_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls13),
        cmocka_unit_test(another_group_is_asked_for),
        cmocka_unit_test(tls12_on_a_curve),
        cmocka_unit_test(downgrade_is_seen),
        cmocka_unit_test(tls12_with_a_prime),
        cmocka_unit_test(long_prime_is_no_curve),
        cmocka_unit_test(keys_without_an_exchange),
        cmocka_unit_test(tls10_says_no_scheme),
        cmocka_unit_test(staple_and_request),
        cmocka_unit_test(alert_instead_of_an_answer),
        cmocka_unit_test(alerts_after_a_hello),
        cmocka_unit_test(warnings_let_it_go_on),
        cmocka_unit_test(hello_request_says_nothing),
        cmocka_unit_test(other_protocols_are_not_tls),
        cmocka_unit_test(tlcp_is_told_by_its_version),
        cmocka_unit_test(records_that_lie_are_malformed),
        cmocka_unit_test(messages_that_lie_are_malformed),
        cmocka_unit_test(end_that_is_malformed_is_none),
        cmocka_unit_test(only_so_many_certificates_are_kept),
        cmocka_unit_test(endless_warnings_come_to_an_end),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
