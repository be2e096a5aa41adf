#include "tls_peers.h"

/* Our client against libssl's server, in memory. */

static struct peers_client us;

static void set_up_client(void)
{
    peers_client_init(&us);
}

static void read_facts(struct tls_client_facts *facts)
{
    tls_client_facts(us.client, facts);
}

/* A request, an answer, and the end. */
static void talk(SSL *server)
{
    uint8_t bytes[64];
    assert_true(tls_client_send(us.client, (const uint8_t *)"ping", 4));
    peers_to_server(us.client, server);
    assert_int_equal(SSL_read(server, bytes, sizeof bytes), 4);
    assert_memory_equal(bytes, "ping", 4);
    assert_int_equal(SSL_write(server, "answer", 6), 6);
    assert_int_equal(peers_to_client(server, us.client, 7), TLS_CLIENT_OPEN);
    assert_int_equal(us.data.len, 6);
    assert_memory_equal(us.data.data, "answer", 6);
    tls_client_close(us.client);
    tls_client_close(us.client);
    peers_to_server(us.client, server);
    assert_int_equal(SSL_read(server, bytes, sizeof bytes), 0);
    assert_int_equal(SSL_get_error(server, 0), SSL_ERROR_ZERO_RETURN);
    assert_int_equal(SSL_shutdown(server), 1);
    assert_int_equal(peers_to_client(server, us.client, 4096), TLS_CLIENT_CLOSED);
}

static void shake_one(SSL_CTX *context, const char *suite, const char *group, uint16_t signature)
{
    struct tls_client_facts facts;
    struct tls_client_options options = peers_options(&us);
    assert_int_equal(SSL_CTX_set_ciphersuites(context, suite), 1);
    assert_int_equal(SSL_CTX_set1_groups_list(context, group), 1);
    SSL *server = peers_server(context);
    peers_client_start(&us, &options);
    if (peers_shake(us.client, server, 4096) != TLS_CLIENT_OPEN)
        fail_msg("%s %s", suite, group);
    assert_true(SSL_is_init_finished(server));
    read_facts(&facts);
    assert_int_equal(facts.version, TLS1_3_VERSION);
    assert_int_equal(facts.cipher, SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(server)));
    assert_int_equal(facts.group, strcmp(group, "X25519") == 0  ? 0x1d
                                  : strcmp(group, "P-256") == 0 ? 0x17
                                                                : 0x18);
    assert_int_equal(facts.hello_retry, strcmp(group, "X25519") != 0);
    assert_int_equal(facts.signature, signature);
    assert_int_equal(facts.handshake_state, TLS_ST_OK);
    assert_true(facts.ticket);
    assert_non_null(facts.chain);
    assert_int_equal(X509_cmp(chain_leaf(facts.chain), SSL_get_certificate(server)), 0);
    talk(server);
    SSL_free(server);
}

static void shakes_with_every_suite_group_and_key(void **state)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                         "TLS_CHACHA20_POLY1305_SHA256"};
    static const char *const groups[] = {"X25519", "P-256", "P-384"};
    static const struct {
        const char *kind;
        uint16_t signature;
    } keys[] = {{"P-256", 0x0403},   {"P-384", 0x0503},   {"P-521", 0x0603}, {"RSA", 0x0804},
                {"RSA-PSS", 0x0809}, {"ED25519", 0x0807}, {"ED448", 0x0808}};
    (void)state;
    set_up_client();
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        SSL_CTX *context = peers_server_context(keys[k].kind);
        for (size_t s = 0; s < 3; s++)
            for (size_t g = 0; g < 3; g++)
                shake_one(context, suites[s], groups[g], keys[k].signature);
        SSL_CTX_free(context);
    }
    peers_client_done(&us);
}

/* A server with a P-256 key, which prepare changes, and a client of the options. @return the client's state after a handshake. */
static enum tls_client_state meet(SSL_CTX *context, const struct tls_client_options *options, size_t piece,
                                  SSL **ret_server)
{
    *ret_server = peers_server(context);
    peers_client_start(&us, options);
    return peers_shake(us.client, *ret_server, piece);
}

/* --- what is shown ----------------------------------------------------------------------------------------------- */

static void on_libssl_message(int sent, int version, int content, const void *bytes, size_t length, SSL *ssl,
                              void *arg)
{
    (void)version;
    (void)ssl;
    peers_log_add(arg, sent, content, bytes, length);
}

static int accept_all(int verified, X509_STORE_CTX *store)
{
    (void)verified;
    (void)store;
    return 1;
}

static void show_libssl(SSL_CTX *context, struct peers_log *log)
{
    char *why = NULL;
    uint8_t bytes[8192];
    struct trust *trust = trust_new(&(struct trust_files){0}, &why);
    SSL *server = peers_server(context), *client = SSL_new(trust_context(trust, VARIANT_NORMAL));
    log->count = 0;
    SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client);
    SSL_set_tlsext_host_name(client, "site.example");
    SSL_set_verify(client, SSL_VERIFY_PEER, accept_all);
    SSL_set_msg_callback(client, on_libssl_message);
    SSL_set_msg_callback_arg(client, log);
    for (int turn = 0; turn < 8; turn++) {
        (void)SSL_do_handshake(client);
        if (SSL_is_init_finished(client))
            (void)SSL_read(client, bytes, sizeof bytes);
        for (int got; (got = BIO_read(SSL_get_wbio(client), bytes, sizeof bytes)) > 0;)
            BIO_write(SSL_get_rbio(server), bytes, got);
        (void)SSL_do_handshake(server);
        for (int got; (got = BIO_read(SSL_get_wbio(server), bytes, sizeof bytes)) > 0;)
            BIO_write(SSL_get_rbio(client), bytes, got);
    }
    SSL_free(client);
    SSL_free(server);
    trust_free(trust);
}

static void shows_what_libssl_shows(void **state)
{
    static const struct {
        const char *what, *groups, *suites;
        int verify;
        size_t tickets;
        int version;
    } rows[] = {
        {"plain", "X25519", "TLS_AES_128_GCM_SHA256", SSL_VERIFY_NONE, 2, 0},
        {"no ticket", "X25519", "TLS_AES_256_GCM_SHA384", SSL_VERIFY_NONE, 0, 0},
        {"asked again", "P-384", "TLS_AES_256_GCM_SHA384", SSL_VERIFY_NONE, 1, 0},
        {"asked for a certificate", "X25519", "TLS_CHACHA20_POLY1305_SHA256", SSL_VERIFY_PEER, 1, 0},
        {"certificate wanted", "P-256", "TLS_AES_128_GCM_SHA256",
         SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, 1, 0},
        {"nothing in common", "X25519", "TLS_AES_128_CCM_SHA256", SSL_VERIFY_NONE, 1, TLS1_3_VERSION},
    };
    (void)state;
    set_up_client();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tls_client_options options = peers_options(&us);
        struct peers_log theirs;
        SSL *server;
        SSL_CTX *context = peers_server_context("RSA");
        SSL_CTX_set1_groups_list(context, rows[i].groups);
        SSL_CTX_set_ciphersuites(context, rows[i].suites);
        SSL_CTX_set_min_proto_version(context, rows[i].version);
        SSL_CTX_set_verify(context, rows[i].verify, NULL);
        SSL_CTX_set_num_tickets(context, rows[i].tickets);
        (void)meet(context, &options, 4096, &server);
        show_libssl(context, &theirs);
        peers_log_equal(&us.log, &theirs, rows[i].what);
        SSL_free(server);
        SSL_CTX_free(context);
    }
    peers_client_done(&us);
}

/* --- who the client is ------------------------------------------------------------------------------------------- */

static void shows_its_certificate(void **state)
{
    static const char *const kinds[] = {"P-256", "P-384", "RSA", "RSA-PSS", "ED25519"};
    (void)state;
    set_up_client();
    SSL_CTX *context = peers_server_context("P-256");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_all);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct tls_client_options options = peers_options(&us);
        struct tls_client_facts facts;
        SSL *server;
        options.key = peers_key(kinds[i]);
        options.certificate = peers_certificate(options.key, NULL, "us");
        options.certificate_chain = sk_X509_new_null();
        for (int k = 0; k < 40; k++) /* more than a record holds */
            sk_X509_push(options.certificate_chain, peers_certificate(options.key, NULL, "above us"));
        assert_int_equal(meet(context, &options, 4096, &server), TLS_CLIENT_OPEN);
        assert_true(SSL_is_init_finished(server));
        X509 *seen = SSL_get1_peer_certificate(server);
        assert_int_equal(X509_cmp(seen, options.certificate), 0);
        assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(server)), 40);
        read_facts(&facts);
        assert_true(facts.certificate_request);
        talk(server);
        X509_free(seen);
        X509_free(options.certificate);
        EVP_PKEY_free(options.key);
        sk_X509_pop_free(options.certificate_chain, X509_free);
        SSL_free(server);
    }
    SSL_CTX_free(context);
    peers_client_done(&us);
}

/* The server cannot check a signature with the client's key: it gets the empty list, and minds it or not. */
static void shows_nothing_that_cannot_be_checked(void **state)
{
    struct tls_client_options options;
    struct tls_client_facts facts;
    SSL *server;
    (void)state;
    set_up_client();
    options = peers_options(&us);
    options.key = peers_key("P-256");
    options.certificate = peers_certificate(options.key, NULL, "us");
    SSL_CTX *context = peers_server_context("RSA");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_all);
    SSL_CTX_set1_sigalgs_list(context, "rsa_pss_rsae_sha256");
    assert_int_equal(meet(context, &options, 4096, &server), TLS_CLIENT_OPEN);
    assert_true(SSL_is_init_finished(server));
    assert_null(SSL_get0_peer_certificate(server));
    SSL_free(server);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_all);
    assert_int_equal(meet(context, &options, 4096, &server), TLS_CLIENT_ALERT);
    read_facts(&facts);
    assert_int_equal(facts.alert, SSL_AD_CERTIFICATE_REQUIRED);
    assert_int_equal(facts.alert_level, SSL3_AL_FATAL);
    assert_int_equal(facts.reason, SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED);
    assert_int_equal(facts.handshake_state, TLS_ST_OK);
    SSL_free(server);
    X509_free(options.certificate);
    EVP_PKEY_free(options.key);
    SSL_CTX_free(context);
    peers_client_done(&us);
}

/* --- what the server adds ------------------------------------------------------------------------------------------ */

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                       const unsigned char *in, unsigned int length, void *arg)
{
    (void)ssl, (void)arg, (void)length;
    *out = in + 1;
    *out_length = in[0];
    return SSL_TLSEXT_ERR_OK;
}

static int staple(SSL *ssl, void *arg)
{
    (void)arg;
    unsigned char *response = OPENSSL_memdup("response", 8);
    SSL_set_tlsext_status_ocsp_resp(ssl, response, 8);
    return SSL_TLSEXT_ERR_OK;
}

static int add_scts(SSL *ssl, unsigned int type, unsigned int where, const unsigned char **out,
                    size_t *length, X509 *certificate, size_t index, int *alert, void *arg)
{
    (void)ssl, (void)type, (void)where, (void)certificate, (void)index, (void)alert, (void)arg;
    *out = (const unsigned char *)"\0\4\0\2ab";
    *length = 6;
    return 1;
}

static void tells_what_the_server_added(void **state)
{
    struct tls_client_options options;
    struct tls_client_facts facts;
    SSL *server;
    (void)state;
    set_up_client();
    options = peers_options(&us);
    SSL_CTX *context = peers_server_context("P-256");
    EVP_PKEY *key = peers_key("P-256");
    X509 *above = peers_certificate(key, NULL, "above");
    SSL_CTX_add1_chain_cert(context, above);
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, NULL);
    SSL_CTX_set_tlsext_status_cb(context, staple);
    SSL_CTX_add_client_CA(context, above);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_all);
    SSL_CTX_add_custom_ext(context, 18, SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_CERTIFICATE, add_scts, NULL,
                           NULL, NULL, NULL);
    assert_int_equal(meet(context, &options, 4096, &server), TLS_CLIENT_OPEN);
    assert_string_equal(SSL_get_servername(server, TLSEXT_NAMETYPE_host_name), "site.example");
    read_facts(&facts);
    assert_string_equal(facts.alpn, "http/1.1");
    assert_int_equal(facts.staple.length, 8);
    assert_memory_equal(facts.staple.bytes, "response", 8);
    assert_int_equal(facts.scts.length, 6);
    assert_memory_equal(facts.scts.bytes, "\0\4\0\2ab", 6);
    assert_int_equal(sk_X509_num(chain_sent(facts.chain)), 2);
    assert_int_equal(X509_cmp(sk_X509_value(chain_sent(facts.chain), 1), above), 0);
    const unsigned char *name_at = facts.ca_names.bytes + 4;
    X509_NAME *name = d2i_X509_NAME(NULL, &name_at, (long)facts.ca_names.length - 4);
    assert_int_equal(X509_NAME_cmp(name, X509_get_subject_name(above)), 0);
    X509_NAME_free(name);
    SSL_free(server);
    options.sni = "192.0.2.1";
    assert_int_equal(meet(context, &options, 4096, &server), TLS_CLIENT_OPEN);
    assert_null(SSL_get_servername(server, TLSEXT_NAMETYPE_host_name));
    SSL_free(server);
    X509_free(above);
    EVP_PKEY_free(key);
    SSL_CTX_free(context);
    peers_client_done(&us);
}

static struct buf server_secrets;

static void on_server_secret(const SSL *ssl, const char *line)
{
    const char *random = strchr(line, ' ');
    (void)ssl;
    (void)buf_printf(&server_secrets, "%.*s%s\n", (int)(random - line), line, strchr(random + 1, ' '));
}

static void has_the_secrets_that_the_server_has(void **state)
{
    struct tls_client_options options;
    SSL *server;
    (void)state;
    set_up_client();
    options = peers_options(&us);
    SSL_CTX *context = peers_server_context("P-256");
    SSL_CTX_set_keylog_callback(context, on_server_secret);
    assert_int_equal(meet(context, &options, 4096, &server), TLS_CLIENT_OPEN);
    size_t lines = 0;
    for (char *at = (char *)us.secrets.data, *end; (end = strchr(at, '\n')) != NULL; at = end + 1, lines++) {
        *end = '\0';
        if (strstr((char *)server_secrets.data, at) == NULL)
            fail_msg("%s", at);
    }
    assert_int_equal(lines, 5);
    buf_done(&server_secrets);
    SSL_free(server);
    SSL_CTX_free(context);
    peers_client_done(&us);
}

/* --- records -------------------------------------------------------------------------------------------------------- */

static void reads_any_pieces(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 5, 6, 100, 600, 4096};
    struct tls_client_options options;
    (void)state;
    set_up_client();
    options = peers_options(&us);
    for (int fragment = 0; fragment <= 512; fragment += 512)
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
            SSL *server;
            SSL_CTX *context = peers_server_context("RSA");
            if (fragment > 0)
                SSL_CTX_set_max_send_fragment(context, fragment);
            assert_int_equal(meet(context, &options, pieces[i], &server), TLS_CLIENT_OPEN);
            talk(server);
            SSL_free(server);
            SSL_CTX_free(context);
        }
    peers_client_done(&us);
}

/* @return bytes that the server read. */
static size_t drain(SSL *server, const uint8_t *expected, size_t length)
{
    static uint8_t bytes[16384];
    size_t total = 0;
    for (int got; (got = SSL_read(server, bytes, sizeof bytes)) > 0; total += (size_t)got) {
        assert_true(total + (size_t)got <= length);
        assert_memory_equal(bytes, expected + total, got);
    }
    return total;
}

static void moves_much_data_and_changes_keys(void **state)
{
    enum { MUCH = 200000 };
    static uint8_t much[MUCH];
    struct tls_client_options options;
    SSL *server;
    (void)state;
    set_up_client();
    options = peers_options(&us);
    for (size_t i = 0; i < MUCH; i++)
        much[i] = (uint8_t)(i * 7 + i / 256);
    SSL_CTX *context = peers_server_context("P-256");
    assert_int_equal(meet(context, &options, 4096, &server), TLS_CLIENT_OPEN);
    for (int turn = 0; turn < 4; turn++) {
        buf_clear(&us.data);
        assert_int_equal(SSL_write(server, much, MUCH), MUCH);
        assert_int_equal(peers_to_client(server, us.client, 4096), TLS_CLIENT_OPEN);
        assert_int_equal(us.data.len, MUCH);
        assert_memory_equal(us.data.data, much, MUCH);
        assert_true(tls_client_send(us.client, much, MUCH));
        peers_to_server(us.client, server);
        assert_int_equal(drain(server, much, MUCH), MUCH);
        int kind = turn % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
        assert_int_equal(SSL_key_update(server, kind), 1);
    }
    size_t updates = 0;
    for (size_t i = 0; i < us.log.count; i++)
        updates += strcmp(us.log.lines[i], ">22:24:-1:5") == 0;
    assert_int_equal(updates, 2);
    assert_non_null(strstr((char *)us.secrets.data, "CLIENT_TRAFFIC_SECRET_N"));
    SSL_free(server);
    SSL_CTX_free(context);
    peers_client_done(&us);
}

/* --- servers that want another ----------------------------------------------------------------------------------- */

static void leaves_what_it_does_not_speak(void **state)
{
    static const struct {
        int max;
        const char *groups, *suites, *profile;
    } rows[] = {{TLS1_2_VERSION, "X25519", "TLS_AES_128_GCM_SHA256", HELLO_PROFILE_NORMAL},
                {TLS1_2_VERSION, "X25519", "TLS_AES_128_GCM_SHA256", "openssl-tls12"},
                {TLS1_3_VERSION, "P-521", "TLS_AES_128_GCM_SHA256", HELLO_PROFILE_NORMAL},
                {TLS1_3_VERSION, "X448", "TLS_AES_128_GCM_SHA256", HELLO_PROFILE_NORMAL},
                {TLS1_3_VERSION, "ffdhe2048", "TLS_AES_128_GCM_SHA256", HELLO_PROFILE_NORMAL},
                {TLS1_3_VERSION, "X25519", "TLS_AES_128_CCM_SHA256", "openssl-wide"}};
    (void)state;
    set_up_client();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tls_client_options options = peers_options(&us);
        size_t length = 0;
        SSL *server;
        options.profile = hello_profile_find(rows[i].profile);
        assert_non_null(options.profile);
        SSL_CTX *context = peers_server_context("P-256");
        SSL_CTX_set_max_proto_version(context, rows[i].max);
        SSL_CTX_set1_groups_list(context, rows[i].groups);
        SSL_CTX_set_ciphersuites(context, rows[i].suites);
        assert_int_equal(meet(context, &options, 4096, &server), TLS_CLIENT_OTHER);
        (void)tls_client_output(us.client, &length);
        assert_int_equal(length, 0);
        assert_int_equal(tls_client_receive(us.client, (const uint8_t *)"more", 4), TLS_CLIENT_OTHER);
        assert_false(tls_client_send(us.client, (const uint8_t *)"x", 1));
        SSL_free(server);
        SSL_CTX_free(context);
    }
    peers_client_done(&us);
}

/* Whatever a profile offers of TLS 1.3, a server of libssl agrees with. */
static void speaks_every_profile_of_its_version(void **state)
{
    size_t count = 0;
    (void)state;
    set_up_client();
    SSL_CTX *context = peers_server_context("P-256");
    SSL_CTX *rsa = peers_server_context("RSA");
    for (size_t i = 0; hello_profile_at(i) != NULL; i++) {
        struct tls_client_options options = peers_options(&us);
        SSL *server;
        bool of_13 = false;
        options.profile = hello_profile_at(i);
        for (size_t k = 0; k < options.profile->versions.count; k++)
            of_13 |= options.profile->versions.values[k] == TLS1_3_VERSION;
        if (!of_13)
            continue;
        bool wants_rsa = options.profile->signatures.values[0] == 0x0804;
        if (meet(wants_rsa ? rsa : context, &options, 4096, &server) != TLS_CLIENT_OPEN)
            fail_msg("%s", options.profile->name);
        talk(server);
        count++;
        SSL_free(server);
    }
    assert_true(count >= 6);
    SSL_CTX_free(context);
    SSL_CTX_free(rsa);
    peers_client_done(&us);
}

/* --- key shares that are said again ------------------------------------------------------------------------------- */

/* The key share's extension is the last of this hello, and its key the last of that. */
static void last_key(const struct tls_client *client, uint8_t ret_key[32])
{
    size_t length = 0;
    const uint8_t *hello = tls_client_output(client, &length);
    assert_true(length > 200);
    memcpy(ret_key, hello + length - 32, 32);
}

static void clients_of_one_moment_say_one_key_share(void **state)
{
    static const int64_t moments_us[] = {0, 0, 7, 7, 999999, 1000007, 1000008};
    enum { MOMENTS = sizeof moments_us / sizeof moments_us[0] };
    struct tls_client *clients[MOMENTS];
    uint8_t keys[MOMENTS][32];
    (void)state;
    set_up_client();
    SSL_CTX *context = peers_server_context("P-256");
    struct tls_client_options options = peers_options(&us);
    for (size_t i = 0; i < MOMENTS; i++) {
        options.mono_us = moments_us[i];
        clients[i] = tls_client_new(&options);
        assert_non_null(clients[i]);
        last_key(clients[i], keys[i]);
    }
    for (size_t i = 1; i < MOMENTS; i++) {
        bool same = memcmp(keys[i], keys[i - 1], 32) == 0;
        assert_int_equal(same, i == 3 || i == 4 || i == 6);
    }
    for (size_t i = 0; i < MOMENTS; i++) {
        SSL *server = peers_server(context);
        us.client = clients[i];
        us.log.count = 0;
        buf_clear(&us.data);
        assert_int_equal(peers_shake(us.client, server, 4096), TLS_CLIENT_OPEN);
        talk(server);
        tls_client_free(us.client);
        us.client = NULL;
        SSL_free(server);
    }
    SSL_CTX_free(context);
    peers_client_done(&us);
}

/* Another group after a retry has a key pair of its own, and leaves the others theirs. */
static void a_retry_is_answered_with_a_key_of_its_own(void **state)
{
    struct tls_client_options options;
    uint8_t key[32], again[32];
    SSL *server;
    (void)state;
    set_up_client();
    options = peers_options(&us);
    options.mono_us = 7;
    struct tls_client *beside = tls_client_new(&options);
    SSL_CTX *context = peers_server_context("P-256");
    SSL_CTX_set1_groups_list(context, "P-256");
    assert_int_equal(meet(context, &options, 4096, &server), TLS_CLIENT_OPEN);
    talk(server);
    SSL_free(server);
    last_key(beside, key);
    peers_client_start(&us, &options);
    last_key(us.client, again);
    assert_memory_equal(key, again, 32);
    tls_client_free(beside);
    SSL_CTX_free(context);
    peers_client_done(&us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shakes_with_every_suite_group_and_key),
        cmocka_unit_test(shows_what_libssl_shows),
        cmocka_unit_test(shows_its_certificate),
        cmocka_unit_test(shows_nothing_that_cannot_be_checked),
        cmocka_unit_test(tells_what_the_server_added),
        cmocka_unit_test(has_the_secrets_that_the_server_has),
        cmocka_unit_test(reads_any_pieces),
        cmocka_unit_test(moves_much_data_and_changes_keys),
        cmocka_unit_test(leaves_what_it_does_not_speak),
        cmocka_unit_test(speaks_every_profile_of_its_version),
        cmocka_unit_test(clients_of_one_moment_say_one_key_share),
        cmocka_unit_test(a_retry_is_answered_with_a_key_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
