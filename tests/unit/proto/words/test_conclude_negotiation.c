#include "case_of_paper.h"

#include "words/conclude_negotiation.h"

#include <openssl/ssl.h>

/* Handshakes of paper: how the first ended, which variants came through with what, and which cause follows. */

enum { VARIANTS_MAX = 4 };

#define ALERT(number)                                                                                        \
    {                                                                                                        \
        OUTCOME_STAGE_TLS, OUTCOME_TLS_ALERT, RAW_ALERT, number                                              \
    }

static const struct outcome fine = {OUTCOME_STAGE_DONE, OUTCOME_OK, RAW_NONE, 0};

/* A variant that shakes hands, and on what. */
struct passed {
    enum variant variant; /* NORMAL: none */
    uint16_t version, cipher, group, signature;
};

static const struct alert_sketch {
    const char *what;
    enum cause cause;
    enum certainty certainty;
    struct outcome first;
    enum variant asked;
    bool nameless;
    struct passed passed[VARIANTS_MAX];
} alert_sketches[] = {
    {"40 to everything", CAUSE_TLS_HANDSHAKE_FAILURE, CERTAINTY_CONSISTENT, ALERT(40),
     .asked = VARIANT_NORMAL},
    {"only CCM", CAUSE_TLS_NO_CIPHER, CERTAINTY_CONFIRMED, ALERT(40),
     .passed = {{VARIANT_WIDE, 0x0303, 0xC0AC, 23, 0x0403}}},
    {"only brainpool", CAUSE_TLS_NO_GROUP, CERTAINTY_CONFIRMED, ALERT(40),
     .passed = {{VARIANT_WIDE, 0x0303, 0xC02F, 26, 0x0804}}},
    {"only SHA-1", CAUSE_TLS_NO_SIGALG, CERTAINTY_CONFIRMED, ALERT(40),
     .passed = {{VARIANT_WIDE, 0x0303, 0xC02F, 23, 0x0201}}},
    {"71 is as 40", CAUSE_TLS_NO_CIPHER, CERTAINTY_CONFIRMED, ALERT(71),
     .passed = {{VARIANT_WIDE, 0x0304, 0x1304, 29, 0x0403}}},
    {"legacy by 70", CAUSE_TLS_LEGACY, CERTAINTY_CONFIRMED, ALERT(70),
     .passed = {{VARIANT_LEGACY, 0, 0, 0, 0}}},
    {"legacy by 40", CAUSE_TLS_LEGACY, CERTAINTY_CONFIRMED, ALERT(40),
     .passed = {{VARIANT_LEGACY, 0, 0, 0, 0}}},
    {"70 and nothing passes", CAUSE_TLS_LEGACY, CERTAINTY_CONSISTENT, ALERT(70), .asked = VARIANT_NORMAL},
    {"1.2 asked of a 1.3 server", CAUSE_TLS_ONLY_13, CERTAINTY_CONFIRMED, ALERT(70), VARIANT_TLS12,
     .passed = {{VARIANT_TLS13, 0x0304, 0x1301, 29, 0x0403}}},
    {"1.3 asked of a 1.2 server", CAUSE_TLS_NO_13, CERTAINTY_CONFIRMED, ALERT(70), VARIANT_TLS13,
     .passed = {{VARIANT_TLS12, 0x0303, 0xC02B, 29, 0x0403}}},
    {"1.3 asked, no other tried", CAUSE_TLS_NO_13, CERTAINTY_CONSISTENT, ALERT(70), .asked = VARIANT_TLS13},
    {"a hello with 1.3 is refused", CAUSE_TLS_INTOLERANT_13, CERTAINTY_CONFIRMED, ALERT(40),
     .passed = {{VARIANT_TLS12, 0x0303, 0xC02B, 29, 0x0403}}},
    {"ALPN by 120", CAUSE_TLS_ALPN_REFUSED, CERTAINTY_CONFIRMED, ALERT(120),
     .passed = {{VARIANT_NO_ALPN, 0x0304, 0x1301, 29, 0x0403}}},
    {"ALPN by 40", CAUSE_TLS_ALPN_REFUSED, CERTAINTY_CONFIRMED, ALERT(40),
     .passed = {{VARIANT_NO_ALPN, 0x0304, 0x1301, 29, 0x0403}}},
    {"name by 112", CAUSE_TLS_NAME_UNKNOWN, CERTAINTY_CONFIRMED, ALERT(112),
     .passed = {{VARIANT_NO_SNI, 0x0304, 0x1301, 29, 0x0403}}},
    {"name by 40", CAUSE_TLS_NAME_UNKNOWN, CERTAINTY_CONSISTENT, ALERT(40),
     .passed = {{VARIANT_NO_SNI, 0x0304, 0x1301, 29, 0x0403}}},
    {"40 once and not again", CAUSE_UNCLASSIFIED, CERTAINTY_CONSISTENT, ALERT(40),
     .passed = {{VARIANT_RETRY, 0x0304, 0x1301, 29, 0x0403}}},
    {"112 without a name", CAUSE_TLS_SNI_REQUIRED, CERTAINTY_CONSISTENT, ALERT(112), .nameless = true},
    {"a name helps", CAUSE_TLS_SNI_REQUIRED, CERTAINTY_CONFIRMED, ALERT(112), .nameless = true,
     .passed = {{VARIANT_CONTROL_SNI, 0x0304, 0x1301, 29, 0x0403}}},
};

static void give(struct paper *paper, const struct passed *passed)
{
    for (size_t i = 0; i < VARIANTS_MAX && passed[i].variant != VARIANT_NORMAL; i++) {
        struct evidence_tls *tls = &paper_add(paper, passed[i].variant, fine)->tls;
        tls->version = passed[i].version;
        tls->cipher = passed[i].cipher;
        tls->group = passed[i].group;
        tls->signature = passed[i].signature;
    }
}

static void alerts_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof alert_sketches / sizeof alert_sketches[0]; i++) {
        const struct alert_sketch *sketch = &alert_sketches[i];
        struct paper paper;
        struct attempt *first = paper_begin(&paper, sketch->first);
        first->variant = sketch->asked;
        paper.endpoint.no_sni = sketch->nameless;
        if (sketch->nameless)
            first->tls.sni = "";
        give(&paper, sketch->passed);
        if (paper_conclude(&paper) != sketch->cause || paper.conclusion.certainty != sketch->certainty)
            fail_msg("%s: %s, certainty %d", sketch->what, cause_row(paper.conclusion.cause)->id,
                     (int)paper.conclusion.certainty);
        paper_done(&paper);
    }
}

static void what_fails_as_well_is_ruled_out(void **state)
{
    (void)state;
    struct paper paper;
    struct outcome refused = ALERT(40);
    (void)paper_begin(&paper, refused);
    (void)paper_add(&paper, VARIANT_WIDE, refused);
    (void)paper_add(&paper, VARIANT_NO_ALPN, refused);
    assert_int_equal(paper_conclude(&paper), CAUSE_TLS_HANDSHAKE_FAILURE);
    assert_false(
        paper_ruled_out(&paper, CAUSE_TLS_NO_CIPHER, VARIANT_WIDE)); /* no hello offers every cipher */
    assert_true(paper_ruled_out(&paper, CAUSE_TLS_NO_GROUP, VARIANT_WIDE));
    assert_true(paper_ruled_out(&paper, CAUSE_TLS_ALPN_REFUSED, VARIANT_NO_ALPN));
    assert_false(paper_ruled_out(&paper, CAUSE_TLS_LEGACY, VARIANT_LEGACY));
    paper_done(&paper);
}

/* --- client certificates ------------------------------------------------------------------------------------------- */

static void send_certificate(struct attempt *attempt, uint32_t length)
{
    attempt->tls.records = arena_array(&attempt->arena, 1, sizeof *attempt->tls.records);
    assert_non_null(attempt->tls.records);
    attempt->tls.records[0] = (struct tls_record){.content = 22, .type = 11, .length = length};
    attempt->tls.record_count = 1;
}

static const struct client_sketch {
    const char *what;
    enum cause cause;
    struct outcome first;
    bool asked, tried;
    struct outcome with;
} client_sketches[] = {
    {"116",
     CAUSE_TLS_CLIENT_CERT,
     {OUTCOME_STAGE_HTTP, OUTCOME_HTTP_CLIENT_CERT, RAW_ALERT, 116},
     true,
     false,
     {0}},
    {"400",
     CAUSE_TLS_CLIENT_CERT,
     {OUTCOME_STAGE_HTTP, OUTCOME_HTTP_CLIENT_CERT, RAW_HTTP_STATUS, 400},
     true,
     false,
     {0}},
    {"40 after a request", CAUSE_TLS_CLIENT_CERT, ALERT(40), true, false, {0}},
    {"40 without a request", CAUSE_TLS_HANDSHAKE_FAILURE, ALERT(40), false, false, {0}},
    {"closed after a request",
     CAUSE_TLS_CLIENT_CERT,
     {OUTCOME_STAGE_TLS, OUTCOME_TLS_CLOSED, RAW_NONE, 0},
     true,
     false,
     {0}},
    {"closed after all",
     CAUSE_TLS_CLOSED_AFTER,
     {OUTCOME_STAGE_HTTP, OUTCOME_HTTP_CLOSED, RAW_NONE, 0},
     true,
     false,
     {0}},
    {"closed after all, helped",
     CAUSE_TLS_CLIENT_CERT,
     {OUTCOME_STAGE_HTTP, OUTCOME_HTTP_CLOSED, RAW_NONE, 0},
     true,
     true,
     {OUTCOME_STAGE_DONE, OUTCOME_OK, RAW_NONE, 0}},
    {"shown and refused", CAUSE_TLS_CLIENT_CERT_REJECTED, ALERT(40), true, true, ALERT(48)},
    {"shown and accepted",
     CAUSE_TLS_CLIENT_CERT,
     ALERT(40),
     true,
     true,
     {OUTCOME_STAGE_DONE, OUTCOME_OK, RAW_NONE, 0}},
};

static void client_certificates_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof client_sketches / sizeof client_sketches[0]; i++) {
        const struct client_sketch *sketch = &client_sketches[i];
        struct paper paper;
        struct attempt *first = paper_begin(&paper, sketch->first);
        first->tls.certificate_request = sketch->asked;
        send_certificate(first, 8);
        if (sketch->tried)
            send_certificate(paper_add(&paper, VARIANT_CLIENT_CERT, sketch->with), 900);
        if (paper_conclude(&paper) != sketch->cause)
            fail_msg("%s: %s", sketch->what, cause_row(paper.conclusion.cause)->id);
        paper_done(&paper);
    }
}

/* --- what is not TLS ------------------------------------------------------------------------------------------------ */

static void greetings_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *protocol;
    } rows[] = {
        {"HTTP/1.1 400 Bad Request", "HTTP"},
        {"SSH-2.0-OpenSSH_9.2", "SSH"},
        {"220 mx.a.example ESMTP", "SMTP"},
        {"220 (vsFTPd 3.0.3)", "FTP"},
        {"+OK ready", "POP3"},
        {"* OK IMAP4rev1", "IMAP"},
        {"H", "an unknown protocol"},
        {"\x01\x02", "an unknown protocol"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct paper paper;
        struct attempt *first = paper_begin(
            &paper, outcome_make(OUTCOME_TLS_NOT_TLS, RAW_SSL_REASON, SSL_R_WRONG_VERSION_NUMBER));
        first->end.first_byte_count = strlen(rows[i].bytes);
        memcpy(first->end.first_bytes, rows[i].bytes, first->end.first_byte_count);
        assert_int_equal(paper_conclude(&paper), CAUSE_TLS_PLAINTEXT);
        assert_string_equal(paper_fact(&paper, "protocol"), rows[i].protocol);
        paper_done(&paper);
    }
}

static void bytes_of_strangers_are_shown_harmless(void **state)
{
    (void)state;
    struct paper paper;
    struct attempt *first =
        paper_begin(&paper, outcome_make(OUTCOME_TLS_NOT_TLS, RAW_SSL_REASON, SSL_R_WRONG_VERSION_NUMBER));
    memset(first->end.first_bytes, 0x1b, sizeof first->end.first_bytes);
    memcpy(first->end.first_bytes, "a\0\\", 3);
    first->end.first_byte_count = 4;
    (void)paper_conclude(&paper);
    assert_string_equal(paper_fact(&paper, "bytes"), "a\\x00\\x5c\\x1b");
    paper_done(&paper);
}

static void records_of_version_1_1_are_tlcp(void **state)
{
    (void)state;
    struct paper paper;
    struct attempt *first = paper_begin(
        &paper, outcome_make(OUTCOME_TLS_UNCLASSIFIED, RAW_SSL_REASON, SSL_R_WRONG_VERSION_NUMBER));
    memcpy(first->end.first_bytes, "\x15\x01\x01\x00\x02\x02\x28", 7);
    first->end.first_byte_count = 7;
    assert_int_equal(paper_conclude(&paper), CAUSE_TLS_TLCP);
    paper_done(&paper);
}

/* --- the rest ------------------------------------------------------------------------------------------------------- */

static void numbers_of_the_library_have_their_causes(void **state)
{
    (void)state;
    static const struct {
        int32_t reason;
        enum cause cause;
    } rows[] = {
        {SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, CAUSE_TLS_NO_RENEGOTIATION},
        {SSL_R_DH_KEY_TOO_SMALL, CAUSE_CERT_WEAK_KEY},
        {SSL_R_BAD_LENGTH, CAUSE_UNCLASSIFIED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct paper paper;
        (void)paper_begin(&paper, outcome_make(OUTCOME_TLS_UNCLASSIFIED, RAW_SSL_REASON, rows[i].reason));
        assert_int_equal(paper_conclude(&paper), rows[i].cause);
        paper_done(&paper);
    }
}

static void a_wrong_key_shows_by_signing_or_by_decrypting(void **state)
{
    (void)state;
    struct paper paper;
    struct outcome signature = {OUTCOME_STAGE_TLS, OUTCOME_TLS_BAD_SIGNATURE, RAW_SSL_REASON,
                                SSL_R_BAD_SIGNATURE};
    struct outcome garbled = ALERT(20);
    (void)paper_begin(&paper, signature);
    assert_int_equal(paper_conclude(&paper), CAUSE_TLS_KEY_MISMATCH);
    paper_done(&paper);
    paper_begin(&paper, garbled)->tls.cipher = 0x009C;
    assert_int_equal(paper_conclude(&paper), CAUSE_TLS_KEY_MISMATCH);
    paper_done(&paper);
    paper_begin(&paper, garbled)->tls.cipher = 0xC02F;
    assert_int_equal(paper_conclude(&paper), CAUSE_TLS_HANDSHAKE_FAILURE);
    paper_done(&paper);
}

static void an_end_after_the_request_is_early_or_late(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct paper paper;
        struct attempt *first = paper_begin(&paper, outcome_make(OUTCOME_HTTP_RESET, RAW_ERRNO, 104));
        first->tcp[MOMENT_CONNECTED].min_rtt_us = 40000;
        first->clock.request_us = 100000;
        first->clock.closed_us = late ? 141000 : 112000;
        assert_int_equal(paper_conclude(&paper), CAUSE_TLS_RESET_AFTER);
        assert_string_equal(paper_fact(&paper, "when"), late ? "late" : "early");
        paper_done(&paper);
    }
}

static void one_version_is_a_remark_about_a_healthy_server(void **state)
{
    (void)state;
    struct paper paper;
    struct outcome refused = ALERT(70);
    (void)paper_begin(&paper, fine);
    (void)paper_add(&paper, VARIANT_TLS13, refused);
    assert_int_equal(paper_conclude(&paper), CAUSE_NONE);
    assert_true(paper_also(&paper, CAUSE_TLS_NO_13));
    paper_done(&paper);
}

/* The tables of what the normal hello offers are those of the library that makes it. */
static void the_tables_of_offers_are_the_librarys(void **state)
{
    (void)state;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_non_null(context);
    SSL_CTX_set_security_level(context, 2);
    assert_int_equal(SSL_CTX_set_cipher_list(context, "DEFAULT"), 1);
    SSL *ssl = SSL_new(context);
    assert_non_null(ssl);
    assert_int_equal(SSL_set_min_proto_version(ssl, TLS1_2_VERSION), 1);
    STACK_OF(SSL_CIPHER) *ciphers = SSL_get1_supported_ciphers(ssl);
    assert_true(sk_SSL_CIPHER_num(ciphers) > 0);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++)
        assert_true(negotiation_offers_cipher(SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(ciphers, i))));
    assert_false(negotiation_offers_cipher(0xC0AC)); /* ECDHE-ECDSA-AES128-CCM */
    assert_false(negotiation_offers_group(26));
    assert_false(negotiation_offers_signature(0x0201));
    sk_SSL_CIPHER_free(ciphers);
    SSL_free(ssl);
    SSL_CTX_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alerts_are_told_apart),
        cmocka_unit_test(what_fails_as_well_is_ruled_out),
        cmocka_unit_test(client_certificates_are_told_apart),
        cmocka_unit_test(greetings_are_known),
        cmocka_unit_test(bytes_of_strangers_are_shown_harmless),
        cmocka_unit_test(records_of_version_1_1_are_tlcp),
        cmocka_unit_test(numbers_of_the_library_have_their_causes),
        cmocka_unit_test(a_wrong_key_shows_by_signing_or_by_decrypting),
        cmocka_unit_test(an_end_after_the_request_is_early_or_late),
        cmocka_unit_test(one_version_is_a_remark_about_a_healthy_server),
        cmocka_unit_test(the_tables_of_offers_are_the_librarys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
