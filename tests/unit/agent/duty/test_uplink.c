#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/duty/fake_collector.h"
#include "duty/identity.h"
#include "duty/uplink.h"
#include "link/pack.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static const int64_t hour_us = INT64_C(3600) * 1000000;

/* An agent and a collector on one loop. */
struct scene {
    uv_loop_t loop;
    struct fake fake;
    struct settings settings;
    char folder[64];
    struct spool *spool;
    struct keeper *keeper;
    struct pace *pace;
    struct offset offset;
    struct prober *prober;
    struct rounds *rounds;
    struct state state; /* the same folder */
    struct renew *renew;
    struct uplink *uplink;
    int revoked, closed;
};

static void on_kept(const char *why, void *arg)
{
    struct scene *scene = arg;
    assert_null(why);
    if (scene->uplink != NULL)
        uplink_push(scene->uplink);
}

static void on_list_wanted(const uint8_t sha256[32], void *arg)
{
    uplink_want_list(((struct scene *)arg)->uplink, sha256);
}

static void on_revoked(const char *text, void *arg)
{
    (void)text;
    ((struct scene *)arg)->revoked++;
}

static void count_closed(void *arg)
{
    ((struct scene *)arg)->closed++;
}

static bool allow(const struct probe_job *job, const struct address *address, char why[PROBER_WHY_BYTES],
                  void *arg)
{
    (void)job;
    return address == NULL || policy_allows_address(&((struct scene *)arg)->settings.policy, address, why);
}

static int64_t collector_now(uint64_t *ret_error_us, void *arg)
{
    struct scene *scene = arg;
    int64_t offset_us = 0;
    assert_true(offset_get(&scene->offset, clock_mono_us(), &offset_us, ret_error_us));
    return clock_mono_us() + offset_us;
}

/* An identity of the fake collector's CA, in the folder and in force. */
static void scene_identity(struct scene *scene, EVP_PKEY *key, X509 *certificate)
{
    char path[PATH_MAX], *why = NULL;
    const char *reason = "";
    size_t length = 0;
    char *pem = pki_certificate_pem(scene->fake.pki.ca, &length, &why);
    assert_true(state_init(&scene->state, scene->folder, &reason));
    assert_true(state_path(&scene->state, "ca.pem", path));
    assert_true(pki_file_write(path, pem, length, 0644, &why));
    assert_true(identity_write(&scene->state, key, certificate, &why));
    free(pem);
    renew_free(scene->renew);
    scene->renew = renew_new(&scene->state, &why);
    if (scene->renew == NULL)
        fail_msg("%s", why);
}

static void scene_init(struct scene *scene)
{
    char *why = NULL;
    const char *reason = "";
    *scene = (struct scene){.folder = "/tmp/parallax-uplink-XXXXXX"};
    assert_non_null(mkdtemp(scene->folder));
    assert_int_equal(uv_loop_init(&scene->loop), 0);
    fake_init(&scene->fake, &scene->loop);
    settings_init(&scene->settings);
    assert_true(policy_allow(&scene->settings.policy, "127.0.0.0/8", &reason));
    assert_true(policy_add_ports(&scene->settings.policy, "any", &reason));
    scene->settings.collector_count = 1;
    scene->settings.collectors[0] = (struct collector_address){"127.0.0.1", scene->fake.port};
    scene->spool = spool_open(scene->folder, &(struct spool_options){0}, clock_wall_us(), &why);
    assert_non_null(scene->spool);
    scene->keeper = keeper_new(&scene->loop, scene->spool, on_kept, scene);
    const struct pace_rates rates = {.per_second_milli = 1000000, .burst = 2};
    scene->pace = pace_new(&rates);
    struct prober_options options = {
        .allow = allow, .allow_arg = scene, .now = collector_now, .now_arg = scene};
    scene->prober = prober_new(&scene->loop, &options, &why);
    if (scene->prober == NULL)
        fail_msg("%s", why);
    struct rounds_deps rounds = {
        &scene->loop,   scene->prober,  scene->keeper, scene->pace, &scene->settings.policy,
        &scene->offset, on_list_wanted, scene};
    scene->rounds = rounds_new(&rounds);
    scene_identity(scene, scene->fake.pki.vantage_key, scene->fake.pki.vantage);
}

static void scene_start(struct scene *scene)
{
    struct uplink_deps uplink = {.loop = &scene->loop,
                                 .renew = scene->renew,
                                 .collectors = scene->settings.collectors,
                                 .collector_count = scene->settings.collector_count,
                                 .spool = scene->spool,
                                 .keeper = scene->keeper,
                                 .rounds = scene->rounds,
                                 .offset = &scene->offset,
                                 .on_revoked = on_revoked,
                                 .arg = scene};
    scene->uplink = uplink_new(&uplink);
    assert_non_null(scene->uplink);
}

static void scene_done(struct scene *scene)
{
    char path[128];
    const char *files[] = {"data.mdb", "lock.mdb", "identity.pem", "ca.pem"};
    struct uplink *uplink = scene->uplink;
    while (!keeper_idle(scene->keeper))
        uv_run(&scene->loop, UV_RUN_ONCE);
    scene->uplink = NULL;
    uplink_close(uplink, count_closed, scene);
    rounds_close(scene->rounds, count_closed, scene);
    prober_close(scene->prober, count_closed, scene);
    uv_close((uv_handle_t *)&scene->fake.listener, NULL);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(scene->closed, 3);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    keeper_free(scene->keeper);
    pace_free(scene->pace);
    spool_close(scene->spool);
    renew_free(scene->renew);
    settings_done(&scene->settings);
    fake_done(&scene->fake);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", scene->folder, files[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(scene->folder), 0);
}

#define RUN_UNTIL(scene, condition)                                                                          \
    while (!(condition))                                                                                     \
    uv_run(&(scene)->loop, UV_RUN_ONCE)

/* Results as they would lie in the spool after a round. */
static uint64_t keep_attempts(struct scene *scene, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct attempt *attempt = attempt_new();
        attempt->round_id = 1;
        attempt->endpoint_id = 1;
        assert_true(keeper_attempt(scene->keeper, attempt));
        attempt_free(attempt);
    }
    RUN_UNTIL(scene, keeper_idle(scene->keeper));
    return spool_next_sequence(scene->spool) - 1;
}

/* A bound port that nobody listens on: connecting to it is refused, whoever else tests on this machine. */
static int refusing_port(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static const struct record *find(const struct fake *fake, enum record_kind kind, uint64_t endpoint,
                                 enum attempt_role role)
{
    for (size_t i = 0; i < fake->record_count; i++) {
        const struct record *record = &fake->records[i];
        if (record->kind == kind &&
            (kind == RECORD_ROUND_REPORT ||
             (record->attempt->endpoint_id == endpoint && record->attempt->role == role)))
            return record;
    }
    return NULL;
}

/* Plan, list, slots, a confirm attempt, a refusal by the owner, report, ack; in a collector's time an hour ahead of ours. */
static void test_round(void **state)
{
    (void)state;
    struct scene scene;
    struct endpoint endpoints[2] = {{.id = 7, .site = "shop", .host = "127.0.0.1", .sni = ""},
                                    {.id = 8, .site = "shop", .host = "localhost", .port = 1, .sni = ""}};
    struct endpoint_list list = {.count = 2, .endpoints = endpoints};
    scene_init(&scene);
    int fd = refusing_port(&endpoints[0].port);
    assert_true(endpoint_list_seal(&list));
    int64_t start_us = clock_wall_us() + hour_us + 100000;
    struct round_plan plan = {.round_id = 41,
                              .start_us = start_us,
                              .spread_us = 50000,
                              .timeout_us = 5000000,
                              .deadline_us = start_us + 60000000};
    memcpy(plan.list_sha256, list.sha256, 32);
    scene.fake.ahead_us = hour_us;
    scene.fake.list = &list;
    scene.fake.plan = &plan;
    scene_start(&scene);
    RUN_UNTIL(&scene, find(&scene.fake, RECORD_ROUND_REPORT, 0, 0) != NULL);
    const struct record *first = find(&scene.fake, RECORD_ATTEMPT, 7, ATTEMPT_FIRST);
    const struct record *confirm = find(&scene.fake, RECORD_ATTEMPT, 7, ATTEMPT_CONFIRM);
    const struct record *refused = find(&scene.fake, RECORD_ATTEMPT, 8, ATTEMPT_FIRST);
    const struct record *report = find(&scene.fake, RECORD_ROUND_REPORT, 0, 0);
    assert_non_null(first);
    assert_non_null(confirm);
    assert_non_null(refused);
    assert_int_equal(scene.fake.record_count, 4);
    assert_int_equal(first->attempt->flow.error, ECONNREFUSED);
    assert_int_equal(confirm->attempt->variant, VARIANT_RETRY);
    assert_int_not_equal(confirm->attempt->flow.source_port, first->attempt->flow.source_port);
    assert_int_equal(refused->attempt->local, LOCAL_POLICY);
    assert_non_null(strstr(refused->attempt->local_detail, "list does not have this name"));
    assert_int_equal(refused->attempt->flow.source_port, 0); /* never done */
    assert_int_equal(report->report.round_id, 41);
    assert_int_equal(report->report.attempts, 3);
    assert_int_equal(report->report.refused, 1);
    assert_int_equal(report->report.late, 0);
    assert_int_equal(first->attempt->clock.slot_us, round_slot_us(&plan, 7));
    assert_true(first->attempt->clock.start_us + (int64_t)first->attempt->clock.start_error_us + 1000 >=
                start_us);
    assert_true(first->attempt->clock.start_us < start_us + hour_us / 2); /* the collector's time, not ours */
    RUN_UNTIL(&scene, rounds_pending(scene.rounds) == 0); /* what climbs after the report, too */
    RUN_UNTIL(&scene, spool_count(scene.spool) == 0 && keeper_idle(scene.keeper));
    assert_int_equal(scene.fake.lists_wanted, 1);
    assert_true(rounds_plan(scene.rounds, &plan)); /* sent again after a lost session: not done again */
    assert_int_equal(rounds_pending(scene.rounds), 0);
    scene_done(&scene);
    assert_int_equal(close(fd), 0);
}

/* Every attempt and report of a round, in the order they came: "normal retry report". */
static const char *came(const struct fake *fake, uint64_t round_id)
{
    static char text[256];
    text[0] = '\0';
    for (size_t i = 0; i < fake->record_count; i++) {
        const struct record *record = &fake->records[i];
        bool report = record->kind == RECORD_ROUND_REPORT;
        size_t length = strlen(text);
        if ((report ? record->report.round_id : record->attempt->round_id) == round_id)
            (void)snprintf(text + length, sizeof text - length, "%s%s", length == 0 ? "" : " ",
                           report ? "report" : variant_name((int)record->attempt->variant));
    }
    return text;
}

static void run_round(struct scene *scene, struct round_plan *plan, uint64_t round_id, bool now)
{
    int64_t start_us = collector_now(NULL, scene) + 50000;
    plan->round_id = round_id;
    plan->start_us = start_us;
    plan->deadline_us = start_us + 60000000;
    plan->now = now;
    assert_true(rounds_plan(scene->rounds, plan));
    RUN_UNTIL(scene, rounds_pending(scene->rounds) == 0);
    RUN_UNTIL(scene, spool_count(scene->spool) == 0 && keeper_idle(scene->keeper));
}

/* A failure is looked into after its round, once; in a round that a person waits for, before its end and again. */
static void test_ladder(void **state)
{
    (void)state;
    struct scene scene;
    struct endpoint endpoints[1] = {{.id = 7, .site = "", .host = "127.0.0.1", .sni = ""}};
    struct endpoint_list list = {.count = 1, .endpoints = endpoints};
    struct round_plan plan = {.timeout_us = 5000000};
    scene_init(&scene);
    int fd = refusing_port(&endpoints[0].port);
    assert_true(endpoint_list_seal(&list));
    memcpy(plan.list_sha256, list.sha256, 32);
    assert_true(rounds_list(scene.rounds, &list));
    scene_start(&scene);
    int64_t offset_us;
    RUN_UNTIL(&scene, offset_get(&scene.offset, clock_mono_us(), &offset_us, NULL));
    run_round(&scene, &plan, 1, false);
    assert_string_equal(came(&scene.fake, 1), "normal retry report other-port");
    run_round(&scene, &plan, 2, false);
    assert_string_equal(came(&scene.fake, 2), "normal retry report");
    run_round(&scene, &plan, 3, true);
    assert_string_equal(came(&scene.fake, 3), "normal retry other-port report");
    scene_done(&scene);
    assert_int_equal(close(fd), 0);
}

static void test_late_slots_are_not_tried(void **state)
{
    (void)state;
    struct scene scene;
    struct endpoint endpoints[1] = {{.id = 7, .site = "", .host = "127.0.0.1", .port = 1, .sni = ""}};
    struct endpoint_list list = {.count = 1, .endpoints = endpoints};
    scene_init(&scene);
    assert_true(endpoint_list_seal(&list));
    int64_t start_us = clock_wall_us() - 30000000;
    struct round_plan plan = {
        .round_id = 5, .start_us = start_us, .timeout_us = 1000000, .deadline_us = start_us + 60000000};
    memcpy(plan.list_sha256, list.sha256, 32);
    scene.fake.list = &list;
    scene.fake.plan = &plan;
    scene_start(&scene);
    RUN_UNTIL(&scene, scene.fake.record_count > 0);
    assert_int_equal(scene.fake.records[0].kind, RECORD_ROUND_REPORT);
    assert_int_equal(scene.fake.records[0].report.late, 1);
    assert_int_equal(scene.fake.records[0].report.attempts, 0);
    scene_done(&scene);
}

/* The ack is lost with the connection: the same records come again, in order, with the same sequences. */
static void test_sent_again_without_ack(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    uint64_t last = keep_attempts(&scene, 20);
    scene.fake.closes_on_batch = true;
    scene_start(&scene);
    RUN_UNTIL(&scene, scene.fake.batches == 1);
    assert_int_equal(scene.fake.record_count, 20);
    scene.fake.closes_on_batch = false;
    RUN_UNTIL(&scene, scene.fake.batches == 2);
    assert_int_equal(scene.fake.sessions, 2);
    assert_int_equal(scene.fake.record_count, 40);
    for (size_t i = 0; i < 20; i++)
        assert_true(record_sequence(&scene.fake.records[i]) == record_sequence(&scene.fake.records[20 + i]));
    assert_true(record_sequence(&scene.fake.records[39]) == last);
    RUN_UNTIL(&scene, spool_count(scene.spool) == 0);
    scene_done(&scene);
}

/* It had committed them after all: the welcome says so, and nothing comes twice. */
static void test_welcome_commits(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    uint64_t last = keep_attempts(&scene, 20);
    scene.fake.committed = last - 5;
    scene_start(&scene);
    RUN_UNTIL(&scene, spool_count(scene.spool) == 0);
    assert_int_equal(scene.fake.record_count, 5);
    assert_true(record_sequence(&scene.fake.records[0]) == last - 4);
    scene_done(&scene);
}

static void test_raised_above_another_life(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    (void)keep_attempts(&scene, 3); /* of the copy that came back: the collector has gone on since */
    scene.fake.committed = spool_next_sequence(scene.spool) + (UINT64_C(1000) << 32);
    scene_start(&scene);
    RUN_UNTIL(&scene, scene.fake.pings > 0);
    RUN_UNTIL(&scene, spool_count(scene.spool) == 0); /* taken as delivered */
    assert_int_equal(scene.fake.record_count, 0);
    assert_true(keep_attempts(&scene, 1) > scene.fake.committed);
    RUN_UNTIL(&scene, scene.fake.record_count == 1);
    scene_done(&scene);
}

static void test_ack_beyond_what_was_sent(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    (void)keep_attempts(&scene, 3);
    scene.fake.ack_extra = 1;
    scene_start(&scene);
    RUN_UNTIL(&scene, scene.fake.goodbyes > 0);
    assert_int_equal(scene.fake.goodbye, GOODBYE_PROTOCOL);
    assert_int_equal(spool_count(scene.spool), 3); /* not believed */
    scene_done(&scene);
}

static void test_many_batches(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    (void)keep_attempts(&scene, 3000);
    scene_start(&scene);
    RUN_UNTIL(&scene, spool_count(scene.spool) == 0);
    assert_true(scene.fake.batches > 3000 / MESSAGE_MAX_RECORDS);
    scene_done(&scene);
}

/* What is kept begins anew with each session. */
static void test_packed_batches(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    (void)keep_attempts(&scene, 200);
    scene.fake.says_history = scene.fake.keeps_history = PACK_LEAST_BYTES;
    scene.fake.closes_on_batch = true;
    scene_start(&scene);
    RUN_UNTIL(&scene, scene.fake.batches == 1);
    scene.fake.closes_on_batch = false;
    RUN_UNTIL(&scene, spool_count(scene.spool) == 0);
    assert_int_equal(scene.fake.sessions, 2);
    (void)keep_attempts(&scene, 200);
    RUN_UNTIL(&scene, spool_count(scene.spool) == 0);
    assert_int_equal(scene.fake.sessions, 2);
    scene_done(&scene);
}

/* A collector that keeps nothing understands no packed batch. @param says  what it says that it keeps. */
static void keeps_nothing(uint32_t says, bool understands)
{
    struct scene scene;
    scene_init(&scene);
    (void)keep_attempts(&scene, 20);
    scene.fake.says_history = says;
    scene_start(&scene);
    RUN_UNTIL(&scene, scene.fake.batches > 0 || scene.fake.sessions > 1);
    assert_int_equal(scene.fake.record_count, understands ? 20 : 0);
    scene_done(&scene);
}

static void test_packed_only_for_who_takes_it(void **state)
{
    (void)state;
    keeps_nothing(0, true); /* as every collector before packing */
    keeps_nothing(PACK_MOST_BYTES + 1, true);
    keeps_nothing(PACK_MOST_BYTES, false);
}

static void test_revoked(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.fake.refuses = GOODBYE_REVOKED;
    scene_start(&scene);
    RUN_UNTIL(&scene, scene.revoked > 0);
    for (int i = 0; i < 20; i++)
        uv_run(&scene.loop, UV_RUN_NOWAIT);
    assert_int_equal(scene.fake.sessions, 1);
    scene_done(&scene);
}

static void test_certificates(void **state)
{
    (void)state;
    struct scene scene;
    static const char der[] = "not really DER";
    static uint8_t hashes[2][32] = {{0}};
    scene_init(&scene);
    struct attempt *attempt = attempt_new();
    struct chain_certificate *certificate = arena_take(&attempt->arena, sizeof *certificate);
    assert_int_equal(EVP_Digest(der, sizeof der, certificate->sha256, NULL, EVP_sha256(), NULL), 1);
    memcpy(hashes[0], certificate->sha256, 32);
    certificate->der = (const uint8_t *)der;
    certificate->der_length = sizeof der;
    attempt->tls.chain = certificate;
    attempt->tls.chain_count = 1;
    attempt->endpoint_id = attempt->round_id = 1;
    assert_true(keeper_attempt(scene.keeper, attempt));
    attempt_free(attempt);
    scene.fake.wants = (const uint8_t(*)[32])hashes; /* the second is nowhere */
    scene.fake.want_count = 2;
    RUN_UNTIL(&scene, keeper_idle(scene.keeper));
    scene_start(&scene);
    RUN_UNTIL(&scene, scene.fake.certificates > 0);
    assert_int_equal(scene.fake.certificates, 1);
    scene_done(&scene);
}

/* An identity that was signed for a minute, and a collector whose clock is 50 s before everyone's: by its time, and by no
 * other, renewing is due. */
static void scene_due(struct scene *scene, uint8_t ret_fingerprint[32])
{
    char *why = NULL;
    const struct fixture *pki = &scene->fake.pki;
    X509 *certificate = pki_sign(pki->ca, pki->ca_key, pki->vantage_key, PKI_VANTAGE, "hk-1", 60, &why);
    scene_identity(scene, pki->vantage_key, certificate);
    assert_true(pki_fingerprint(certificate, ret_fingerprint));
    X509_free(certificate);
    scene->fake.ahead_us = INT64_C(50) * 1000000;
}

static void expect_on_disk(struct scene *scene, const uint8_t fingerprint[32])
{
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    char *why = NULL;
    uint8_t found[32];
    assert_true(identity_read(&scene->state, &key, &certificate, &why));
    assert_true(pki_fingerprint(certificate, found));
    assert_memory_equal(found, fingerprint, 32);
    EVP_PKEY_free(key);
    X509_free(certificate);
}

static void test_renewed(void **state)
{
    (void)state;
    struct scene scene;
    uint8_t old[32];
    scene_init(&scene);
    scene_due(&scene, old);
    (void)keep_attempts(&scene, 20);
    scene_start(&scene);
    RUN_UNTIL(&scene, scene.fake.sessions == 2);
    assert_int_equal(scene.fake.renewals, 1);
    assert_int_equal(scene.fake.goodbye, GOODBYE_OTHER);
    assert_memory_not_equal(scene.fake.shown, old, 32);
    expect_on_disk(&scene, scene.fake.shown);
    int pings = scene.fake.pings;
    RUN_UNTIL(&scene, scene.fake.pings >= pings + 3);
    assert_int_equal(scene.fake.renewals, 1); /* and it is not due again */
    RUN_UNTIL(&scene, spool_count(scene.spool) == 0);
    scene_done(&scene);
}

static void test_not_renewed_before_its_time(void **state)
{
    (void)state;
    struct scene scene;
    uint8_t old[32];
    scene_init(&scene);
    scene_due(&scene, old);
    scene.fake.ahead_us = 0;
    scene_start(&scene);
    RUN_UNTIL(&scene, scene.fake.pings >= 5);
    assert_int_equal(scene.fake.renewals, 0);
    assert_int_equal(scene.fake.sessions, 1);
    scene_done(&scene);
}

/* The collector dies with the answer: the old certificate still connects, and another request is made. */
static void test_renewal_lost(void **state)
{
    (void)state;
    struct scene scene;
    uint8_t old[32];
    scene_init(&scene);
    scene_due(&scene, old);
    scene.fake.closes_on_renew = true;
    scene_start(&scene);
    RUN_UNTIL(&scene, scene.fake.sessions == 2);
    assert_memory_equal(scene.fake.shown, old, 32);
    expect_on_disk(&scene, old);
    scene.fake.closes_on_renew = false;
    RUN_UNTIL(&scene, scene.fake.sessions == 3);
    assert_int_equal(scene.fake.renewals, 2);
    expect_on_disk(&scene, scene.fake.shown);
    assert_memory_not_equal(scene.fake.shown, old, 32);
    scene_done(&scene);
}

/* What is logged goes into a file while one is open. */
struct logged {
    char path[64];
    int fd, kept;
    char text[16384];
};

static void logged_begin(struct logged *logged)
{
    *logged = (struct logged){.path = "/tmp/parallax-uplink-log-XXXXXX"};
    logged->fd = mkstemp(logged->path);
    logged->kept = dup(STDERR_FILENO);
    assert_int_equal(dup2(logged->fd, STDERR_FILENO), STDERR_FILENO);
}

static bool logged_has(struct logged *logged, const char *text)
{
    ssize_t length = pread(logged->fd, logged->text, sizeof logged->text - 1, 0);
    logged->text[length < 0 ? 0 : length] = '\0';
    return strstr(logged->text, text) != NULL;
}

static void logged_end(struct logged *logged)
{
    assert_int_equal(dup2(logged->kept, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(close(logged->fd), 0);
    assert_int_equal(close(logged->kept), 0);
    assert_int_equal(unlink(logged->path), 0);
}

/* How long the agent rests after its n-th failure (from 0), by its own words; -1: it has not failed so often yet. */
static double logged_rest(struct logged *logged, int failure, uint16_t port)
{
    char who[16];
    const char *at = logged_has(logged, "next try in ") ? logged->text : NULL, *begin = at;
    (void)snprintf(who, sizeof who, "port %u)", port);
    for (int i = 0; at != NULL; i++) {
        const char *next = strstr(at, "next try in ");
        if (next == NULL || strchr(next, '\n') == NULL)
            return -1;
        if (i == failure) {
            while (begin = at, (at = strchr(at, '\n')) != NULL && at < next)
                at++;
            assert_non_null(strstr(begin, who));
            assert_true(strstr(begin, who) < next);
            return strtod(next + strlen("next try in "), NULL);
        }
        at = strchr(next, '\n');
    }
    return -1;
}

static void test_ended(void **state)
{
    (void)state;
    struct scene scene;
    struct logged logged;
    char *why = NULL;
    scene_init(&scene);
    const struct fixture *pki = &scene.fake.pki;
    X509 *certificate = pki_sign(pki->ca, pki->ca_key, pki->vantage_key, PKI_VANTAGE, "hk-1", -60, &why);
    scene_identity(&scene, pki->vantage_key, certificate);
    X509_free(certificate);
    logged_begin(&logged);
    scene_start(&scene);
    RUN_UNTIL(&scene, logged_rest(&logged, 0, scene.fake.port) >= 300);
    assert_true(logged_has(&logged, "this vantage's certificate ended on 20"));
    assert_true(logged_has(&logged, "enrol again with a new token"));
    assert_int_equal(scene.fake.sessions, 0);
    logged_end(&logged);
    scene_done(&scene);
}

/* Two collectors that refuse the connection before one that sends everybody away, at first. */
static void test_fail_over(void **state)
{
    (void)state;
    struct scene scene;
    struct logged logged;
    scene_init(&scene);
    struct collector_address *list = scene.settings.collectors;
    list[2] = list[0];
    (void)snprintf(list[1].host, sizeof list[1].host, "127.0.0.1");
    int fd[2] = {refusing_port(&list[0].port), refusing_port(&list[1].port)};
    scene.settings.collector_count = 3;
    (void)keep_attempts(&scene, 3);
    scene.fake.refuses = GOODBYE_OVERLOADED;
    logged_begin(&logged);
    scene_start(&scene);
    RUN_UNTIL(&scene, logged_rest(&logged, 2, list[2].port) >= 0);
    scene.fake.refuses = GOODBYE_OTHER; /* that is: nobody */
    RUN_UNTIL(&scene, spool_count(scene.spool) == 0);
    assert_int_equal(scene.fake.sessions, 2);
    channel_close(scene.fake.channel);
    RUN_UNTIL(&scene, logged_rest(&logged, 5, list[2].port) >= 0);
    for (int i = 0; i < 2; i++) {
        assert_true(logged_rest(&logged, i, list[i].port) <= 0.5);
        assert_true(logged_rest(&logged, 3 + i, list[i].port) <= 0.5);
    }
    logged_end(&logged);
    scene_done(&scene);
    assert_int_equal(close(fd[0]), 0);
    assert_int_equal(close(fd[1]), 0);
}

static void say_goodbye(struct scene *scene, enum goodbye_reason reason)
{
    fake_send(&scene->fake, (struct message){.kind = MESSAGE_GOODBYE, .goodbye = {reason, "a newer one"}});
    channel_close(scene->fake.channel);
}

/* Another agent has our identity: we leave it to the other for a minute, though another collector is on the list. */
static void test_replaced(void **state)
{
    (void)state;
    struct scene scene;
    struct logged logged;
    scene_init(&scene);
    scene.settings.collectors[1] = scene.settings.collectors[0];
    scene.settings.collector_count = 2;
    scene_start(&scene);
    RUN_UNTIL(&scene, scene.fake.pings > 0);
    /* the other may be a session of the process before us: once is no proof */
    say_goodbye(&scene, GOODBYE_REPLACED);
    RUN_UNTIL(&scene, scene.fake.sessions == 2);
    int pings = scene.fake.pings;
    RUN_UNTIL(&scene, scene.fake.pings > pings);
    logged_begin(&logged);
    say_goodbye(&scene, GOODBYE_REPLACED);
    RUN_UNTIL(&scene, logged_rest(&logged, 0, scene.fake.port) >= 0);
    assert_true(logged_rest(&logged, 0, scene.fake.port) >= 60);
    assert_true(logged_has(&logged, "another agent uses the identity of this vantage"));
    logged_end(&logged);
    assert_int_equal(scene.fake.sessions, 2);
    scene_done(&scene);
}

/* A Hello of ours that was never answered may have become a session after all, which is newer than ours: that is no other agent. */
static void test_replaced_by_itself(void **state)
{
    (void)state;
    struct scene scene;
    struct logged logged;
    scene_init(&scene);
    scene.settings.collectors[1] = scene.settings.collectors[0];
    scene.settings.collector_count = 2;
    scene.fake.closes_on_hello = true;
    scene_start(&scene);
    RUN_UNTIL(&scene, scene.fake.sessions == 1 && scene.fake.messages == 1);
    scene.fake.closes_on_hello = false;
    RUN_UNTIL(&scene, scene.fake.pings > 0);
    logged_begin(&logged);
    say_goodbye(&scene, GOODBYE_REPLACED);
    RUN_UNTIL(&scene, scene.fake.sessions == 3);
    assert_false(logged_has(&logged, "another agent"));
    int pings = scene.fake.pings;
    RUN_UNTIL(&scene, scene.fake.pings > pings);
    say_goodbye(&scene, GOODBYE_REPLACED); /* once is no proof of another */
    RUN_UNTIL(&scene, logged_has(&logged, "another agent"));
    logged_end(&logged);
    scene_done(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_ladder),
        cmocka_unit_test(test_late_slots_are_not_tried),
        cmocka_unit_test(test_sent_again_without_ack),
        cmocka_unit_test(test_welcome_commits),
        cmocka_unit_test(test_raised_above_another_life),
        cmocka_unit_test(test_ack_beyond_what_was_sent),
        cmocka_unit_test(test_many_batches),
        cmocka_unit_test(test_packed_batches),
        cmocka_unit_test(test_packed_only_for_who_takes_it),
        cmocka_unit_test(test_revoked),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_renewed),
        cmocka_unit_test(test_not_renewed_before_its_time),
        cmocka_unit_test(test_renewal_lost),
        cmocka_unit_test(test_ended),
        cmocka_unit_test(test_fail_over),
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_replaced_by_itself),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
