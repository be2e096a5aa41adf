#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/duty/fake_collector.h"
#include "duty/identity.h"
#include "duty/uplink.h"
#include "inject.h"

#include <stdio.h>
#include <unistd.h>

/*
 * An agent's way from a result to the collector's ack: keeper, spool and uplink, over TLS to a collector whose channel fails as well. Each
 * call fails once; then several in a row from each on, as when memory is out for a while. The agent goes on by itself: at the end each
 * attempt has come once, or a report has said that it was dropped; and nothing waits.
 */

enum { EACH = 3, GIVEN = 2 * EACH, LAST_ROUND = 9, ROW = 5, HANG_S = 60, CERTIFICATE_BYTES = 700 };

enum stage { GIVE_FIRST, GIVE_SECOND, GIVE_LAST, LEAVE, LEAVING };

/* Made once: nothing of it is what fails here. */
static uv_loop_t loop;
static uv_timer_t steps;
static struct fake fake;
static struct settings settings;
static struct pace *pace;
static struct offset offset;
static struct prober *prober;
static struct rounds *rounds;
static struct state state;
static struct renew *renew;
static char folder[] = "/tmp/parallax-inject-XXXXXX";
static struct collector_address collector = {.host = "127.1"}; /* a name, to the address parser */

/* Of one run. */
static enum stage stage;
static struct spool *spool;
static struct keeper *keeper;
static struct uplink *uplink;
static uint8_t certificates[GIVEN][CERTIFICATE_BYTES];
static uint8_t hashes[GIVEN][32];
static unsigned reports_given;

static void on_kept(const char *why, void *arg)
{
    (void)why, (void)arg;
    if (uplink != NULL)
        uplink_push(uplink);
}

static void never(const uint8_t sha256[32], void *arg)
{
    (void)sha256, (void)arg;
    fail_msg("a list is wanted");
}

static void on_revoked(const char *text, void *arg)
{
    (void)arg;
    fail_msg("revoked: %s", text);
}

static bool allow(const struct probe_job *job, const struct address *address, char why[PROBER_WHY_BYTES],
                  void *arg)
{
    (void)job, (void)address, (void)why, (void)arg;
    return false;
}

static int64_t collector_now(uint64_t *ret_error_us, void *arg)
{
    (void)arg;
    *ret_error_us = 0;
    return 0;
}

static void ignore(void *arg)
{
    (void)arg;
}

static void on_closed(void *arg)
{
    (void)arg;
    uplink = NULL;
}

/* --- what is given --- */

static void give_attempt(unsigned nth)
{
    inject_pause();
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    struct chain_certificate *certificate = arena_take(&attempt->arena, sizeof *certificate);
    assert_non_null(certificate);
    memcpy(certificate->sha256, hashes[nth], 32);
    certificate->der = certificates[nth];
    certificate->der_length = CERTIFICATE_BYTES;
    attempt->tls.chain = certificate;
    attempt->tls.chain_count = 1;
    attempt->endpoint_id = nth + 1;
    attempt->round_id = 1;
    inject_resume();
    (void)keeper_attempt(keeper, attempt);
    attempt_free(attempt);
}

static void give_report(uint64_t round_id)
{
    const struct round_report report = {.round_id = round_id, .attempts = EACH};
    reports_given += keeper_report(keeper, &report);
}

static void give(unsigned first)
{
    for (unsigned i = 0; i < EACH; i++)
        give_attempt(first + i);
    give_report(1);
}

/* --- what came --- */

static bool last_came(void)
{
    for (size_t i = 0; i < fake.record_count; i++)
        if (fake.records[i].kind == RECORD_ROUND_REPORT && fake.records[i].report.round_id == LAST_ROUND)
            return true;
    return false;
}

static uint64_t told_dropped(const struct round_report *report, uint64_t endpoint_id)
{
    uint64_t count = 0;
    for (size_t i = 0; i < report->dropped_at_count; i++)
        count += report->dropped_at[i].endpoint_id == endpoint_id ? report->dropped_at[i].count : 0;
    return count;
}

static void check(void)
{
    unsigned reports = 0;
    for (uint64_t endpoint = 1; endpoint <= GIVEN; endpoint++) {
        uint64_t came = 0, dropped = 0;
        for (size_t i = 0; i < fake.record_count; i++) {
            const struct record *record = &fake.records[i];
            if (record->kind == RECORD_ATTEMPT)
                came += record->attempt->endpoint_id == endpoint;
            else
                dropped += told_dropped(&record->report, endpoint);
        }
        if (came + dropped != 1)
            fail_msg("after a failure of %s: attempt %u came %u times and was told as dropped %u times",
                     inject_what, (unsigned)endpoint, (unsigned)came, (unsigned)dropped);
    }
    for (size_t i = 0; i < fake.record_count; i++) {
        assert_true(i == 0 || record_sequence(&fake.records[i]) > record_sequence(&fake.records[i - 1]));
        reports += fake.records[i].kind == RECORD_ROUND_REPORT;
    }
    assert_in_range(reports, 1, reports_given);
}

/* --- a run --- */

/* What is acknowledged and could not be deleted goes with the next transaction. */
static bool is_delivered(void)
{
    inject_pause();
    bool delivered = keeper_idle(keeper) && spool_count(spool) == spool_count_up_to(spool, fake.committed);
    inject_resume();
    return delivered;
}

static void step(uv_timer_t *timer)
{
    if (stage == LEAVING && uplink == NULL && fake.channel == NULL && keeper_idle(keeper)) {
        (void)uv_timer_stop(timer);
        uv_stop(&loop);
    }
    if (stage == LEAVING || !is_delivered())
        return;
    if (stage == GIVE_FIRST)
        give(0);
    else if (stage == GIVE_SECOND)
        give(EACH);
    else if (stage == GIVE_LAST && !last_came())
        give_report(LAST_ROUND); /* again, until one was kept */
    else if (stage == LEAVE)
        uplink_close(uplink, on_closed, NULL);
    if (stage != GIVE_LAST || last_came())
        stage++;
}

static void run_begin(char path[PATH_MAX])
{
    char *why = NULL;
    (void)snprintf(path, PATH_MAX, "%s/spool-XXXXXX", folder);
    assert_non_null(mkdtemp(path));
    spool = spool_open(path, &(struct spool_options){0}, clock_wall_us(), &why);
    assert_non_null(spool);
    fake.committed = 0;
    fake.record_count = 0;
    reports_given = 0;
    stage = GIVE_FIRST;
}

static void run(void)
{
    const struct uplink_deps deps = {.loop = &loop,
                                     .renew = renew,
                                     .collectors = &collector,
                                     .collector_count = 1,
                                     .spool = spool,
                                     .keeper = NULL,
                                     .rounds = rounds,
                                     .offset = &offset,
                                     .on_revoked = on_revoked};
    struct uplink_deps whole = deps;
    do
        keeper = keeper_new(&loop, spool, on_kept, NULL);
    while (keeper == NULL);
    whole.keeper = keeper;
    do
        uplink = uplink_new(&whole);
    while (uplink == NULL);
    (void)uv_timer_start(&steps, step, 0, 50);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
}

static void run_end(const char *path)
{
    const char *files[] = {"data.mdb", "lock.mdb"};
    char file[PATH_MAX + 16];
    keeper_free(keeper);
    spool_close(spool);
    for (size_t i = 0; i < fake.record_count; i++)
        record_done(&fake.records[i]);
    fake.record_count = 0;
    for (int i = 0; i < 2; i++) {
        (void)snprintf(file, sizeof file, "%s/%s", path, files[i]);
        assert_int_equal(unlink(file), 0);
    }
    assert_int_equal(rmdir(path), 0);
}

static void fail_in_rows_of(unsigned long length)
{
    char path[PATH_MAX];
    unsigned long n = 0;
    for (bool failed = true; failed;) {
        inject_watch(HANG_S);
        run_begin(path);
        inject_arm(++n, length);
        run();
        failed = inject_disarm();
        check();
        run_end(path);
    }
    assert_in_range(n, 100, 10000);
    print_message("uplink: %lu calls, %lu in a row failed from each on\n", n - 1, length);
}

static void each_call_fails_once(void **arg)
{
    (void)arg;
    fail_in_rows_of(1);
}

static void several_calls_fail(void **arg)
{
    (void)arg;
    fail_in_rows_of(ROW);
}

/* --- what stays --- */

static int identity_init(void)
{
    char path[PATH_MAX], *why = NULL;
    const char *reason = "";
    size_t length = 0;
    char *pem = pki_certificate_pem(fake.pki.ca, &length, &why);
    assert_true(state_init(&state, folder, &reason));
    assert_true(state_path(&state, "ca.pem", path));
    assert_true(pki_file_write(path, pem, length, 0644, &why));
    assert_true(identity_write(&state, fake.pki.vantage_key, fake.pki.vantage, &why));
    free(pem);
    renew = renew_new(&state, &why);
    assert_non_null(renew);
    return 0;
}

static int setup(void **arg)
{
    char *why = NULL;
    const struct pace_rates rates = {.per_second_milli = 1000000, .burst = 2};
    const struct prober_options options = {.allow = allow, .now = collector_now};
    (void)arg;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_timer_init(&loop, &steps), 0);
    fake_init(&fake, &loop);
    settings_init(&settings);
    fake.commits = true;
    fake.wants = (const uint8_t(*)[32])hashes;
    fake.want_count = GIVEN;
    collector.port = fake.port;
    pace = pace_new(&rates);
    prober = prober_new(&loop, &options, &why);
    assert_non_null(prober);
    const struct rounds_deps deps = {&loop, prober, NULL, pace, &settings.policy, &offset, never, NULL};
    rounds = rounds_new(&deps);
    assert_non_null(rounds);
    for (unsigned i = 0; i < GIVEN; i++) {
        memset(certificates[i], (int)i + 1, CERTIFICATE_BYTES);
        assert_int_equal(EVP_Digest(certificates[i], CERTIFICATE_BYTES, hashes[i], NULL, EVP_sha256(), NULL),
                         1);
    }
    return identity_init();
}

static int teardown(void **arg)
{
    const char *files[] = {"identity.pem", "ca.pem"};
    char path[PATH_MAX];
    (void)arg;
    rounds_close(rounds, ignore, NULL);
    prober_close(prober, ignore, NULL);
    uv_close((uv_handle_t *)&fake.listener, NULL);
    uv_close((uv_handle_t *)&steps, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    pace_free(pace);
    renew_free(renew);
    settings_done(&settings);
    fake_done(&fake);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        assert_int_equal(unlink(path), 0);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_call_fails_once),
                                       cmocka_unit_test(several_calls_fail)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
