#include "tls_script.h"

/* The same hostile flight to our client and to libssl's: both must say the same of it. */

struct account {
    int reason, alert; /* 0: none; alert -1: none was sent */
    int handshake_state;
    size_t data_bytes;
    bool closed;
    struct peers_log log;
};

static struct peers_client us;
static struct trust *trust;
static struct actor actor;
static enum variant variant;
static const char *profile = HELLO_PROFILE_NORMAL; /* of that variant */

static int set_up(void **state)
{
    char *why = NULL;
    (void)state;
    peers_client_init(&us);
    trust = trust_new(&(struct trust_files){0}, &why);
    assert_non_null(trust);
    actor_init(&actor, us.algorithms, "P-256");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    actor_done(&actor);
    trust_free(trust);
    peers_client_done(&us);
    return 0;
}

static enum tls_client_state give_us(void)
{
    enum { PIECE = 97 };
    for (size_t at = 0; at < actor.out.len; at += PIECE)
        (void)tls_client_receive(us.client, actor.out.data + at,
                                 actor.out.len - at < PIECE ? actor.out.len - at : PIECE);
    return tls_client_state(us.client);
}

/* @return false when it is one for libssl. */
static bool play_to_us(const struct script *script, struct account *account)
{
    struct tls_client_options options = peers_options(&us);
    struct tls_client_facts facts;
    size_t length = 0;
    options.profile = hello_profile_find(profile);
    peers_client_start(&us, &options);
    const uint8_t *hello = tls_client_output(us.client, &length);
    act(&actor, script, hello, length);
    tls_client_sent(us.client, length);
    enum tls_client_state state = give_us();
    const uint8_t *again = tls_client_output(us.client, &length);
    if (actor.retries && state == TLS_CLIENT_HANDSHAKE && length > 0) {
        act_again(&actor, again, length);
        state = give_us();
    }
    tls_client_facts(us.client, &facts);
    *account = (struct account){.reason = facts.reason,
                                .alert = -1,
                                .handshake_state = facts.handshake_state,
                                .data_bytes = us.data.len,
                                .closed = state == TLS_CLIENT_CLOSED,
                                .log = us.log};
    if (state == TLS_CLIENT_FAILED && facts.alert_sent != 0)
        account->alert = facts.alert_sent;
    assert_true((account->reason != 0) == (state == TLS_CLIENT_FAILED || state == TLS_CLIENT_ALERT));
    return state != TLS_CLIENT_OTHER;
}

static void on_libssl_message(int sent, int version, int content, const void *bytes, size_t length, SSL *ssl,
                              void *arg)
{
    struct account *account = arg;
    const uint8_t *at = bytes;
    (void)version;
    (void)ssl;
    peers_log_add(&account->log, sent, content, at, length);
    if (sent && content == 21)
        account->alert = at[1];
}

static int accept_all(int verified, X509_STORE_CTX *store)
{
    (void)verified;
    (void)store;
    return 1;
}

static SSL *libssl_client(struct account *account)
{
    SSL *ssl = SSL_new(trust_context(trust, variant));
    assert_non_null(ssl);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(ssl), -1);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, accept_all);
    SSL_set_tlsext_host_name(ssl, "site.example");
    SSL_set_msg_callback(ssl, on_libssl_message);
    SSL_set_msg_callback_arg(ssl, account);
    SSL_set_connect_state(ssl);
    return ssl;
}

static int last_reason(void)
{
    int reason = 0;
    for (unsigned long error; (error = ERR_get_error()) != 0;)
        if (ERR_GET_LIB(error) == ERR_LIB_SSL)
            reason = ERR_GET_REASON(error);
    return reason;
}

static void play_to_libssl(const struct script *script, struct account *account)
{
    uint8_t bytes[4096];
    *account = (struct account){.alert = -1};
    SSL *ssl = libssl_client(account);
    (void)SSL_do_handshake(ssl);
    int length = BIO_read(SSL_get_wbio(ssl), bytes, sizeof bytes);
    assert_true(length > 0);
    act(&actor, script, bytes, (size_t)length);
    BIO_write(SSL_get_rbio(ssl), actor.out.data, (int)actor.out.len);
    ERR_clear_error();
    int result = SSL_do_handshake(ssl);
    length = BIO_read(SSL_get_wbio(ssl), bytes, sizeof bytes);
    if (actor.retries && SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ && length > 0) {
        act_again(&actor, bytes, (size_t)length);
        BIO_write(SSL_get_rbio(ssl), actor.out.data, (int)actor.out.len);
        result = SSL_do_handshake(ssl);
    }
    for (int turn = 0; turn < 40 && result == 1; turn++) {
        int got = SSL_read(ssl, bytes, sizeof bytes);
        account->data_bytes += got > 0 ? (size_t)got : 0;
        int error = SSL_get_error(ssl, got);
        if (got <= 0 && error != SSL_ERROR_WANT_READ)
            break;
    }
    account->reason = last_reason();
    account->handshake_state = (int)SSL_get_state(ssl);
    account->closed = account->reason == 0 && (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
    SSL_free(ssl);
}

static bool same(const struct account *ours, const struct account *theirs)
{
    if (ours->reason != theirs->reason || ours->alert != theirs->alert ||
        ours->handshake_state != theirs->handshake_state || ours->data_bytes != theirs->data_bytes ||
        ours->closed != theirs->closed || ours->log.count != theirs->log.count)
        return false;
    for (size_t i = 0; i < ours->log.count; i++)
        if (strcmp(ours->log.lines[i], theirs->log.lines[i]) != 0)
            return false;
    return true;
}

static void tell(const char *who, const struct account *account)
{
    print_error("  %s: %s, alert %d, state %d, %zu bytes%s;", who,
                account->reason == 0 ? "no reason"
                                     : ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, account->reason)),
                account->alert, account->handshake_state, account->data_bytes,
                account->closed ? ", closed" : "");
    for (size_t i = 0; i < account->log.count; i++)
        print_error(" %s", account->log.lines[i]);
    print_error("\n");
}

/* @return how many accounts differed. */
static int play(const struct script *script, struct account *ours)
{
    struct account theirs;
    bool mine = play_to_us(script, ours);
    play_to_libssl(script, &theirs);
    if (!mine || same(ours, &theirs))
        return 0;
    print_error("%s (part %d, at %d, flip %02x)\n", script->name, (int)script->part, script->at, actor.flip);
    tell("ours  ", ours);
    tell("libssl", &theirs);
    return 1;
}

#define ILLEGAL SSL_AD_ILLEGAL_PARAMETER
#define DECODE  SSL_AD_DECODE_ERROR

static void is_satisfied_with_a_good_flight(void **state)
{
    static const struct script good = {"good", PART_HELLO, AS_IT_IS, 0, NULL};
    struct account account;
    (void)state;
    for (int i = 0; i < 4; i++) {
        actor.asks = i % 2 == 1;
        actor.retries = i > 1;
        assert_int_equal(play(&good, &account), 0);
        assert_int_equal(account.reason, 0);
        assert_int_equal(account.data_bytes, 4);
    }
}

static void names_faults_as_libssl_does(void **state)
{
#include "client_faults.inc"
    struct account account;
    int differ = 0;
    (void)state;
    actor.asks = true;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        actor.retries = scripts[i].part == PART_RETRY || i % 3 == 0;
        differ += play(&scripts[i], &account);
        if (getenv("PARALLAX_TELL") != NULL) {
            print_error("%s\n", scripts[i].name);
            tell("both", &account);
        }
    }
    assert_int_equal(differ, 0);
}

/* Keys and schemes that fit each other, and a hello without them. */
static void minds_a_scheme_that_it_did_not_offer(void **state)
{
    static const struct script good = {"good", PART_HELLO, AS_IT_IS, 0, NULL};
    struct account account;
    (void)state;
    actor.asks = actor.retries = false;
    variant = VARIANT_RSA_ONLY;
    profile = "openssl-rsa";
    assert_int_equal(play(&good, &account), 0);
    assert_int_equal(account.reason, SSL_R_WRONG_SIGNATURE_TYPE);
    assert_int_equal(account.alert, SSL_AD_HANDSHAKE_FAILURE);
    variant = VARIANT_NO_ALPN;
    profile = "openssl-no-alpn";
    assert_int_equal(play(&good, &account), 0);
    assert_int_equal(account.reason, SSL_R_UNSOLICITED_EXTENSION);
    variant = VARIANT_NORMAL;
    profile = HELLO_PROFILE_NORMAL;
}

static void judges_every_changed_byte_as_libssl_does(void **state)
{
    static const uint8_t flips[] = {0x01, 0x80, 0xff};
    struct account account;
    int differ = 0;
    (void)state;
    actor_done(&actor);
    actor_init(&actor, us.algorithms, "ED25519");
    actor.asks = true;
    for (int part = PART_RETRY; part <= PART_AFTER; part++)
        for (int at = 0;; at++) {
            struct script script = {"changed byte", (enum part)part, SET, at, NULL};
            actor.script_length = 0;
            actor.retries = part == PART_RETRY;
            for (size_t f = 0; f < sizeof flips; f++) {
                actor.flip = flips[f];
                differ += play(&script, &account);
            }
            if ((size_t)at + 1 >= actor.script_length)
                break;
        }
    actor.flip = 0;
    assert_int_equal(differ, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_satisfied_with_a_good_flight),
        cmocka_unit_test(names_faults_as_libssl_does),
        cmocka_unit_test(minds_a_scheme_that_it_did_not_offer),
        cmocka_unit_test(judges_every_changed_byte_as_libssl_does),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
