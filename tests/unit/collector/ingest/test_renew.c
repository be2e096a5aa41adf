#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../store/private.h"
#include "ingest/listen.h"
#include "ingest/token.h"
#include "link/clock.h"
#include "link/pki.h"
#include "outlet/metrics.h"
#include "store/cluster.h"
#include "store/connect.h"
#include "store/migrate.h"
#include "words/units.h"

#include <signal.h>
#include <string.h>

/*
 * Two collectors' ports with one real database behind them, and agents that say what a test makes them say: enrolling and
 * renewing. All but what says otherwise is with the first.
 */

static char state[32];
static struct cluster *cluster;
static uv_loop_t loop;
static struct ca ca;

struct collector {
    struct pg *pg;
    struct session_hub hub;
    struct listen *listen;
    uint16_t port;
    bool ready;
};
static struct collector here, there;

#define RUN_UNTIL(condition)                                                                                 \
    while (!(condition))                                                                                     \
    uv_run(&loop, UV_RUN_ONCE)

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

struct agent {
    struct channel *channel; /* NULL: closed */
    bool open, welcome, answered;
    struct identity got; /* key: what it asks for a certificate of */
    bool goodbye;
    enum goodbye_reason reason;
    char text[256];
    int alert;
};

/* --- the database --- */

static char *ask(const char *sql)
{
    PGconn *connection = PQconnectdb(cluster_conninfo(cluster));
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s", PQresultErrorMessage(result));
    char *value = strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(connection);
    return value;
}

static void expect(const char *sql, const char *text)
{
    char *value = ask(sql);
    assert_string_equal(value, text);
    free(value);
}

static bool is(const char *sql)
{
    char *value = ask(sql);
    bool true_now = strcmp(value, "t") == 0;
    free(value);
    return true_now;
}

static void make_token(const char *vantage, const char *expires, char out[TOKEN_TEXT_BYTES])
{
    uint8_t secret[32];
    char hex[65], sql[512];
    assert_true(token_make(ca.fingerprint, out, secret));
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO token (secret_sha256, vantage, region, expires_at) VALUES ('\\x%s', '%s', "
                   "'hk', now() + interval '%s')",
                   hex_text(secret, 32, hex), vantage, expires);
    free(ask(sql));
}

/* --- an agent --- */

static void on_agent_open(struct channel *channel, void *arg)
{
    (void)channel;
    ((struct agent *)arg)->open = true;
}

static void take_certificate(struct agent *agent, const struct bytes *pem)
{
    char *why = NULL;
    agent->answered = true;
    X509_free(agent->got.certificate);
    agent->got.certificate = pki_certificate_from_pem(pem->data, pem->length, &why);
    assert_non_null(agent->got.certificate);
}

static void on_agent_message(struct channel *channel, struct message *message, void *arg)
{
    struct agent *agent = arg;
    (void)channel;
    if (message->kind == MESSAGE_WELCOME)
        agent->welcome = true;
    else if (message->kind == MESSAGE_ENROL_ANSWER)
        take_certificate(agent, &message->enrol_answer.certificate_pem);
    else if (message->kind == MESSAGE_RENEW_ANSWER)
        take_certificate(agent, &message->renew_answer.certificate_pem);
    else if (message->kind == MESSAGE_GOODBYE) {
        agent->goodbye = true;
        agent->reason = message->goodbye.reason;
        (void)snprintf(agent->text, sizeof agent->text, "%s", message->goodbye.text);
    }
}

static void on_agent_closed(struct channel *channel, enum channel_failure failure, const char *why, void *arg)
{
    struct agent *agent = arg;
    (void)failure, (void)why;
    agent->alert = channel_peer_alert(channel);
    agent->channel = NULL;
}

static void dial_to(const struct collector *collector, struct agent *agent, const struct identity *identity)
{
    static const struct channel_handlers handlers = {
        .on_open = on_agent_open, .on_message = on_agent_message, .on_closed = on_agent_closed};
    struct address address;
    char *why = NULL;
    SSL_CTX *context = pki_client_context(ca.certificate, identity == NULL ? NULL : identity->certificate,
                                          identity == NULL ? NULL : identity->key, &why);
    *agent = (struct agent){.alert = -1};
    assert_non_null(context);
    assert_true(address_parse("127.0.0.1", &address));
    agent->channel = channel_connect(&loop, &address, collector->port, context, PKI_SERVER_NAME,
                                     &channel_default_limits, &handlers, agent);
    assert_non_null(agent->channel);
    SSL_CTX_free(context);
    RUN_UNTIL(agent->open || agent->channel == NULL);
}

static void dial(struct agent *agent, const struct identity *identity)
{
    dial_to(&here, agent, identity);
}

static void leave(struct agent *agent)
{
    if (agent->channel != NULL)
        channel_close(agent->channel);
    RUN_UNTIL(agent->channel == NULL);
    X509_free(agent->got.certificate);
    EVP_PKEY_free(agent->got.key);
    agent->got = (struct identity){0};
}

/* @return what the agent has got, which the caller frees. */
static struct identity leave_with(struct agent *agent)
{
    struct identity identity = agent->got;
    agent->got = (struct identity){0};
    leave(agent);
    return identity;
}

static void identity_done(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

/* A request for a certificate of agent->got.key (made when there is none), with a subject when one is given. @return DER. */
static unsigned char *make_csr(struct agent *agent, const char *subject, int *ret_length)
{
    char *why = NULL;
    unsigned char *der = NULL;
    X509_REQ *request = X509_REQ_new();
    if (agent->got.key == NULL)
        agent->got.key = pki_key_new(&why);
    assert_int_equal(X509_REQ_set_pubkey(request, agent->got.key), 1);
    if (subject != NULL)
        assert_int_equal(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_UTF8,
                                                    (const unsigned char *)subject, -1, -1, 0),
                         1);
    assert_true(X509_REQ_sign(request, agent->got.key, EVP_sha256()) > 0);
    *ret_length = i2d_X509_REQ(request, &der);
    X509_REQ_free(request);
    return der;
}

static void send_enrol(struct agent *agent, const char *token)
{
    int length = 0;
    unsigned char *der = make_csr(agent, NULL, &length);
    struct message request = {.kind = MESSAGE_ENROL_REQUEST,
                              .enrol_request = {token, {der, (size_t)length}, "test", "test"}};
    assert_true(channel_send(agent->channel, &request));
    OPENSSL_free(der);
}

static struct identity enrolled(const char *vantage)
{
    struct agent agent;
    char token[TOKEN_TEXT_BYTES];
    make_token(vantage, "1 h", token);
    dial(&agent, NULL);
    send_enrol(&agent, token);
    RUN_UNTIL(agent.channel == NULL);
    if (!agent.answered)
        fail_msg("%s", agent.text);
    return leave_with(&agent);
}

static void say_hello(struct agent *agent)
{
    struct message hello = {.kind = MESSAGE_HELLO, .hello = {LINK_PROTOCOL, "test", "test", 1, 0, "test"}};
    assert_true(channel_send(agent->channel, &hello));
    RUN_UNTIL(agent->welcome || agent->channel == NULL);
}

static void open_session(struct agent *agent, const struct identity *identity)
{
    dial(agent, identity);
    say_hello(agent);
    if (!agent->welcome)
        fail_msg("%s", agent->text);
}

static void send_renew(struct agent *agent, const void *der, int length)
{
    struct message request = {.kind = MESSAGE_RENEW_REQUEST,
                              .renew_request = {.csr_der = {der, (size_t)length}}};
    assert_true(channel_send(agent->channel, &request));
}

static void ask_renewal(struct agent *agent, const char *subject)
{
    int length = 0;
    unsigned char *der = make_csr(agent, subject, &length);
    agent->answered = false;
    send_renew(agent, der, length);
    OPENSSL_free(der);
}

static struct identity renewed(struct agent *agent)
{
    ask_renewal(agent, NULL);
    RUN_UNTIL(agent->answered || agent->channel == NULL);
    if (!agent->answered)
        fail_msg("%s", agent->text);
    return leave_with(agent);
}

static void expect_goodbye(struct agent *agent, enum goodbye_reason reason, const char *text)
{
    RUN_UNTIL(agent->channel == NULL);
    assert_true(agent->goodbye);
    assert_int_equal(agent->reason, reason);
    if (strstr(agent->text, text) == NULL)
        fail_msg("%s", agent->text);
    leave(agent);
}

static void expect_refused(const struct identity *identity, enum goodbye_reason reason, const char *text)
{
    struct agent agent;
    dial(&agent, identity);
    say_hello(&agent);
    assert_false(agent.welcome);
    expect_goodbye(&agent, reason, text);
}

static void expect_welcome(const struct identity *identity)
{
    struct agent agent;
    open_session(&agent, identity);
    leave(&agent);
}

static unsigned refused_metric(const char *reason)
{
    struct buf text;
    char line[128];
    buf_init(&text, 0);
    assert_true(metrics_write(metrics_here(), METRICS_TEXT, &text) && buf_printf(&text, "%s", ""));
    (void)snprintf(line, sizeof line, "parallax_peers_refused_total{reason=\"%s\"} ", reason);
    const char *at = strstr((const char *)text.data, line);
    unsigned count = at == NULL ? 0 : (unsigned)strtoul(at + strlen(line), NULL, 10);
    buf_done(&text);
    return count;
}

/* --- tokens --- */

/* All of them dial from one address, whose wrong tokens would soon be too many. */
static void forgive(void)
{
    memset(here.hub.door.tried, 0, sizeof here.hub.door.tried);
    memset(there.hub.door.tried, 0, sizeof there.hub.door.tried);
}

static void one_of_two_agents_with_a_token_wins(void **arg)
{
    (void)arg;
    for (int i = 0; i < 40; i++) {
        struct agent agents[2];
        char token[TOKEN_TEXT_BYTES];
        make_token("race-1", "1 h", token);
        dial_to(&here, &agents[0], NULL);
        dial_to(i % 2 == 0 ? &here : &there, &agents[1], NULL);
        send_enrol(&agents[i / 2 % 2], token);
        send_enrol(&agents[1 - i / 2 % 2], token);
        RUN_UNTIL(agents[0].channel == NULL && agents[1].channel == NULL);
        assert_int_equal(agents[0].answered + agents[1].answered, 1);
        struct agent *loser = &agents[agents[0].answered ? 1 : 0];
        assert_int_equal(loser->reason, GOODBYE_TOKEN);
        assert_non_null(strstr(loser->text, "the token was used on "));
        leave(&agents[0]);
        leave(&agents[1]);
        forgive();
    }
}

static void refuse_token(const char *token, EVP_PKEY *key, const char *text)
{
    struct agent agent;
    dial(&agent, NULL);
    agent.got.key = key;
    send_enrol(&agent, token);
    RUN_UNTIL(agent.channel == NULL);
    assert_false(agent.answered);
    expect_goodbye(&agent, GOODBYE_TOKEN, text);
}

static void tokens_that_are_refused(void **arg)
{
    (void)arg;
    char token[TOKEN_TEXT_BYTES];
    make_token("late-1", "-1 s", token);
    refuse_token(token, NULL, "the token expired on ");
    make_token("late-1", "1 h", token);
    memset(strrchr(token, '.') + 1, 'A', TOKEN_SECRET_CHARS);
    refuse_token(token, NULL, "not one of this collector's");
    refuse_token("plx1.x.y", NULL, "no token");
    expect("SELECT count(*) FROM vantage WHERE name = 'late-1'", "0");
}

static void a_key_enrols_once(void **arg)
{
    (void)arg;
    struct identity identity = enrolled("key-1");
    char token[TOKEN_TEXT_BYTES];
    make_token("key-2", "1 h", token);
    assert_int_equal(EVP_PKEY_up_ref(identity.key), 1);
    refuse_token(token, identity.key, "the key was used before");
    expect("SELECT count(*) FROM vantage WHERE name = 'key-2'", "0");
    expect("SELECT used_at IS NULL FROM token WHERE vantage = 'key-2'", "t"); /* it still buys one */
    identity_done(&identity);
}

/* --- renewing --- */

static void both_are_in_force_until_the_new_one_is_shown(void **arg)
{
    (void)arg;
    struct identity old = enrolled("hk-1");
    struct agent agent;
    open_session(&agent, &old);
    struct identity next = renewed(&agent);
    int64_t signed_s = 0, ends_s = 0;
    assert_true(pki_times(next.certificate, &signed_s, &ends_s));
    assert_int_equal(ends_s - signed_s, here.hub.validity_s);
    expect_welcome(&old);
    expect_welcome(&old); /* the answer may have been lost any number of times */
    assert_true(is("SELECT next_certificate_sha256 IS NOT NULL FROM vantage WHERE name = 'hk-1'"));
    expect_welcome(&next);
    assert_true(is("SELECT next_certificate_sha256 IS NULL AND next_certificate_not_after IS NULL "
                   "AND certificate_not_after > now() FROM vantage WHERE name = 'hk-1'"));
    expect_refused(&old, GOODBYE_REVOKED, "replaced by a newer one");
    expect_welcome(&next);
    identity_done(&old);
    identity_done(&next);
}

static void renewed_with_one_collector_shown_to_another(void **arg)
{
    (void)arg;
    struct identity old = enrolled("hk-0");
    struct agent agent;
    open_session(&agent, &old);
    struct identity next = renewed(&agent);
    dial_to(&there, &agent, &next);
    say_hello(&agent);
    assert_true(agent.welcome);
    leave(&agent);
    expect_refused(&old, GOODBYE_REVOKED, "replaced by a newer one");
    identity_done(&old);
    identity_done(&next);
}

/* The collector has committed, the agent dies before the answer: the old one connects, and what it asks for next counts. */
static void an_answer_that_nobody_took(void **arg)
{
    (void)arg;
    struct identity old = enrolled("hk-2");
    struct agent agent;
    open_session(&agent, &old);
    struct identity lost = renewed(&agent);
    open_session(&agent, &old);
    struct identity next = renewed(&agent);
    expect_refused(&lost, GOODBYE_REVOKED, "replaced by a newer one");
    expect_welcome(&next);
    identity_done(&old);
    identity_done(&lost);
    identity_done(&next);
}

static void a_vantage_is_renewed_as_itself(void **arg)
{
    (void)arg;
    struct identity old = enrolled("hk-3"), other = enrolled("hk-4");
    struct agent agent;
    char name[64];
    open_session(&agent, &old);
    ask_renewal(&agent, "hk-4");
    RUN_UNTIL(agent.answered);
    assert_true(pki_vantage_name(agent.got.certificate, name, sizeof name));
    assert_string_equal(name, "hk-3");
    leave(&agent);
    expect("SELECT count(*) FROM vantage WHERE next_certificate_sha256 IS NOT NULL AND name = 'hk-4'", "0");
    expect_welcome(&other);
    identity_done(&old);
    identity_done(&other);
}

static void breach(const struct identity *identity, const void *der, int length, const char *rule)
{
    struct agent agent;
    unsigned before = refused_metric("protocol");
    open_session(&agent, identity);
    send_renew(&agent, der, length);
    expect_goodbye(&agent, GOODBYE_PROTOCOL, rule);
    assert_int_equal(refused_metric("protocol"), before + 1);
}

static void requests_that_break_a_rule(void **arg)
{
    (void)arg;
    struct identity old = enrolled("hk-5"), other = enrolled("hk-6");
    struct agent agent = {.got = {.key = old.key}};
    int length = 0;
    unsigned char *der = make_csr(&agent, NULL, &length);
    breach(&old, der, length, "a key that was used before");
    breach(&other, der, length, "a key that was used before"); /* nor another's */
    breach(&old, der, length - 1, "malformed");
    breach(&old, "x", 1, "malformed");
    OPENSSL_free(der);
    agent.got.key = NULL;
    der = make_csr(&agent, NULL, &length);
    der[length - 1] ^= 1;
    breach(&old, der, length, "malformed, or not signed");
    der[length - 1] ^= 1;
    EVP_PKEY_free(agent.got.key);
    dial(&agent, &old);
    send_renew(&agent, der, length); /* no Hello */
    expect_goodbye(&agent, GOODBYE_PROTOCOL, "before its time");
    OPENSSL_free(der);
    expect(
        "SELECT count(*) FROM vantage WHERE next_certificate_sha256 IS NOT NULL AND name IN ('hk-5', 'hk-6')",
        "0");
    identity_done(&old);
    identity_done(&other);
}

static void once_a_minute(void **arg)
{
    (void)arg;
    struct identity old = enrolled("hk-7");
    struct agent agent;
    open_session(&agent, &old);
    ask_renewal(&agent, NULL);
    RUN_UNTIL(agent.answered);
    EVP_PKEY_free(agent.got.key);
    agent.got.key = NULL;
    ask_renewal(&agent, NULL);
    expect_goodbye(&agent, GOODBYE_PROTOCOL, "a minute");
    identity_done(&old);
}

/* --- the end of a vantage, and of a certificate --- */

static void revoking_refuses_all_its_certificates(void **arg)
{
    (void)arg;
    struct identity old = enrolled("hk-8");
    struct agent agent, live;
    open_session(&agent, &old);
    struct identity next = renewed(&agent);
    open_session(&live, &old);
    free(ask("UPDATE vantage SET revoked_at = now() WHERE name = 'hk-8'"));
    unsigned before = refused_metric("revoked");
    session_check_all(&here.hub, here.pg);
    expect_goodbye(&live, GOODBYE_REVOKED, "revoked");
    expect_refused(&old, GOODBYE_REVOKED, "the vantage was revoked on ");
    expect_refused(&next, GOODBYE_REVOKED, "the vantage was revoked on ");
    assert_int_equal(refused_metric("revoked"), before + 3);
    struct identity again = enrolled("hk-8");
    expect_welcome(&again);
    expect_refused(&next, GOODBYE_REVOKED, "replaced by a newer one");
    identity_done(&old);
    identity_done(&next);
    identity_done(&again);
}

static void a_session_ends_with_its_certificate(void **arg)
{
    (void)arg;
    struct agent agent;
    here.hub.validity_s = 2;
    struct identity identity = enrolled("hk-9");
    here.hub.validity_s = 30 * 86400;
    unsigned before = refused_metric("certificate-ended");
    open_session(&agent, &identity);
    int64_t signed_s = 0, ends_s = 0;
    assert_true(pki_times(identity.certificate, &signed_s, &ends_s));
    while (clock_wall_us() < ends_s * US_PER_S + US_PER_S)
        uv_sleep(50);
    assert_true(channel_send(agent.channel, &(struct message){.kind = MESSAGE_PING, .ping = {.sent_us = 1}}));
    expect_goodbye(&agent, GOODBYE_OTHER, "the certificate of this vantage ended on 20");
    assert_int_equal(refused_metric("certificate-ended"), before + 1);
    before = refused_metric("tls");
    dial(&agent, &identity);
    RUN_UNTIL(agent.channel == NULL);
    assert_int_equal(agent.alert, SSL_AD_CERTIFICATE_EXPIRED);
    RUN_UNTIL(here.hub.count == 0);
    assert_int_equal(refused_metric("tls"), before + 1);
    leave(&agent);
    identity_done(&identity);
}

/* --- beginning and end --- */

static void on_ready(void *arg)
{
    ((struct collector *)arg)->ready = true;
}

static void on_lost(const char *why, void *arg)
{
    (void)arg;
    fail_msg("%s", why);
}

static void on_notify(const char *channel, const char *payload, void *arg)
{
    (void)channel, (void)payload, (void)arg;
}

static void on_joined(struct session *session, void *arg)
{
    (void)session, (void)arg;
}

static void on_list_wanted(struct session *session, const uint8_t sha256[PLAN_SHA256_BYTES], void *arg)
{
    (void)session, (void)sha256, (void)arg;
}

static void nothing(void *arg)
{
    (void)arg;
}

static void collector_init(struct collector *collector)
{
    static const char *const channels[] = {NULL};
    static const struct pg_handlers handlers = {on_ready, on_lost, on_notify};
    const struct pg_settings settings = {.conninfo = cluster_conninfo(cluster), .channels = channels};
    char *why = NULL, place[ADDRESS_TEXT_BYTES + 8];
    struct address address;
    collector->pg = pg_new(&loop, &settings, &handlers, collector);
    collector->hub = (struct session_hub){.loop = &loop,
                                          .pg = collector->pg,
                                          .ingest = ingest_new(&loop, collector->pg),
                                          .ca = &ca,
                                          .validity_s = 30 * 86400,
                                          .context = ca_server_context(&ca, &why),
                                          .on_joined = on_joined,
                                          .on_list_wanted = on_list_wanted,
                                          .on_empty = nothing};
    char *id = ask("INSERT INTO collector (name) VALUES ('test') RETURNING id");
    collector->hub.collector_id = strtoll(id, NULL, 10);
    free(id);
    collector->listen = listen_new(&collector->hub, "127.0.0.1:0", place, &why);
    assert_non_null(collector->listen);
    assert_true(listen_parse(place, &address, &collector->port));
    RUN_UNTIL(collector->ready);
}

static void collector_stop(struct collector *collector)
{
    RUN_UNTIL(collector->hub.count == 0);
    listen_close(collector->listen, nothing, NULL);
    ingest_stop(collector->hub.ingest, nothing, NULL);
    pg_close(collector->pg, nothing, NULL);
}

static void collector_done(struct collector *collector)
{
    ingest_free(collector->hub.ingest);
    SSL_CTX_free(collector->hub.context);
}

static int scene_init(void **arg)
{
    (void)arg;
    assert_int_equal(uv_loop_init(&loop), 0);
    collector_init(&here);
    collector_init(&there);
    return 0;
}

static int scene_done(void **arg)
{
    (void)arg;
    collector_stop(&here);
    collector_stop(&there);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    collector_done(&here);
    collector_done(&there);
    metrics_leave();
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static bool prepare(void)
{
    char *why = NULL;
    cluster = cluster_open(state, NULL, &why);
    if (cluster == NULL || !ca_init(&ca, state, &why))
        return false;
    PGconn *connection = PQconnectdb(cluster_conninfo(cluster));
    connect_quiet(connection);
    bool migrated = migrate(connection, &why);
    PQfinish(connection);
    return migrated;
}

int main(void)
{
    private_drop_root();
    private_state(state);
    (void)signal(SIGPIPE, SIG_IGN);
    if (!prepare())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_two_agents_with_a_token_wins),
        cmocka_unit_test(tokens_that_are_refused),
        cmocka_unit_test(a_key_enrols_once),
        cmocka_unit_test(both_are_in_force_until_the_new_one_is_shown),
        cmocka_unit_test(renewed_with_one_collector_shown_to_another),
        cmocka_unit_test(an_answer_that_nobody_took),
        cmocka_unit_test(a_vantage_is_renewed_as_itself),
        cmocka_unit_test(requests_that_break_a_rule),
        cmocka_unit_test(once_a_minute),
        cmocka_unit_test(revoking_refuses_all_its_certificates),
        cmocka_unit_test(a_session_ends_with_its_certificate),
    };
    int failed = cmocka_run_group_tests(tests, scene_init, scene_done);
    ca_done(&ca);
    cluster_close(cluster);
    (void)folder_remove(state);
    return failed;
}
