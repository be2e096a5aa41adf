#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../store/private.h"
#include "judge/judge.h"
#include "judge/rollup.h"
#include "store/cluster.h"
#include "store/command.h"
#include "store/connect.h"
#include "words/outcome.h"

#include <string.h>

/* Scripted rounds in a real database: what the judge makes of them, whatever happens to it meanwhile. */

static char state[32];
static struct cluster *cluster;
static PGconn *connection; /* the script's own */

static void run_sql(const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    PQclear(result);
}

static void run_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run_format(const char *format, ...)
{
    char sql[4096];
    va_list args;
    va_start(args, format);
    assert_true(vsnprintf(sql, sizeof sql, format, args) < (int)sizeof sql);
    va_end(args);
    run_sql(sql);
}

static char *text_of(const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    char *text = strdup(PQntuples(result) == 0 ? "" : PQgetvalue(result, 0, 0));
    PQclear(result);
    return text;
}

static int number_of(const char *sql)
{
    char *text = text_of(sql);
    int number = atoi(text);
    free(text);
    return number;
}

static void expect_text(const char *sql, const char *wanted)
{
    char *text = text_of(sql);
    assert_string_equal(text, wanted);
    free(text);
}

/* A connection that was closed a moment ago may still hold the lock. */
static void wait_for_lock(void)
{
    int tries = 0;
    while (number_of("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") > 0) {
        if (++tries == 5000)
            fail_msg("somebody still holds the judge's lock");
        (void)usleep(1000);
    }
}

/* Eight vantages: cn in AS4134 and AS4837 (two each), hk (two), overseas (two); three sites with one endpoint each. */
static int set_up_story(void **arg)
{
    (void)arg;
    wait_for_lock();
    run_sql(
        "TRUNCATE incident_event, incident_endpoint, incident, round_vantage, round_endpoint, round, "
        "attempt, vantage_cursor, vantage, "
        "endpoint, site, chain, certificate, rollup_count, rollup_count_hour, rollup_look, rollup_look_hour, "
        "rollup_latency, rollup_latency_hour, rollup_due "
        "RESTART IDENTITY CASCADE");
    run_sql("INSERT INTO vantage (name, region, asn, certificate_sha256, connected_since) "
            "SELECT 'v-' || n, (ARRAY['cn','cn','cn','cn','hk','hk','us','us'])[n], "
            "(ARRAY[4134,4134,4837,4837,9304,4760,14061,16509])[n], '\\x00', now() FROM generate_series(1, "
            "8) AS n");
    run_sql("INSERT INTO site (name) SELECT 's-' || n FROM generate_series(1, 3) AS n");
    run_sql(
        "INSERT INTO endpoint (site_id, host, port) SELECT id, 'www.' || name || '.example', 443 FROM site");
    return 0;
}

/* Round `minute` after 2030-01-01, over and reported; vantages `failing` (SQL condition on v) see a reset at endpoint 1. */
static void script_round(int minute, const char *failing)
{
    run_format("INSERT INTO round (interval_s, start_at, spread_us, timeout_us, deadline_at, endpoints, "
               "vantages, closed_at) "
               "VALUES (60, timestamptz '2030-01-01Z' + %d * interval '1 minute', 0, 0, "
               "timestamptz '2030-01-01Z' + %d * interval '1 minute' + interval '20 s', 3, 8, now())",
               minute, minute);
    run_sql("INSERT INTO round_vantage (round_id, vantage_id, sent_at, reported_at) SELECT max(r.id), v.id, "
            "now(), now() "
            "FROM round r, vantage v GROUP BY v.id");
    run_format(
        "INSERT INTO attempt (endpoint_id, start_at, vantage_id, sequence, round_id, variant, role, rules, "
        "stage, class, "
        "raw_kind, raw, start_error_us, loop_lag_us, asn, address, errno, errno_call, sent_bytes, "
        "received_bytes, ending, "
        "staple, sct_count, connect_us, connected_us, handshake_us, tls_version, cipher, alpn, evidence) "
        "SELECT e.id, r.start_at, v.id, r.id * 1000 + e.id * 100 + v.id, r.id, 0, 0, 1, "
        "CASE WHEN bad THEN %d ELSE 0 END, CASE WHEN bad THEN %d ELSE 0 END, 0, 0, 500, 100, v.asn, "
        "'203.0.113.1', 0, 0, 0, 0, 0, 1, 0, "
        "0, 30000 + v.id, CASE WHEN NOT bad THEN 60000 + 2 * v.id END, 772, 4865, 'h2', '\\x00' "
        "FROM (SELECT * FROM round ORDER BY id DESC LIMIT 1) r, vantage v, endpoint e, "
        "LATERAL (SELECT e.id = 1 AND (%s) AS bad) AS b",
        OUTCOME_STAGE_HELLO, OUTCOME_HELLO_RESET, failing);
}

static struct db *open_db(void)
{
    const struct db_where where = {.url = cluster_conninfo(cluster), .state = state};
    struct db *db = db_open(&where);
    assert_non_null(db);
    return db;
}

static const struct judge_options options = {.expiry_days = JUDGE_EXPIRY_DAYS};

static size_t judge_all(struct judge *judge)
{
    size_t count = 0;
    assert_true(judge_rounds(judge, &count));
    return count;
}

/* What the judge says of incidents, but for what it learns anew after a restart (the exact confidence). */
static char *story(void)
{
    return text_of(
        "SELECT concat("
        "(SELECT string_agg(concat_ws(' ', key, kind, opened_at, coalesce(closed_at::text, 'open'), "
        "first_round, last_round, "
        "place, asn, class, rounds_failed, rounds, transitions), E'\n' ORDER BY id) FROM incident), E'\n', "
        "(SELECT string_agg(concat_ws(' ', i.key, e.at, e.change, e.round_id), E'\n' ORDER BY e.at, "
        "e.change) "
        "FROM incident_event e JOIN incident i ON i.id = e.incident_id WHERE e.change <> 2), E'\n', "
        "(SELECT count(*) FROM incident_endpoint), ' ', (SELECT count(*) FROM round WHERE judged_at IS "
        "NULL))");
}

enum { STORY_ROUNDS = 60 };

static const char *failing_at(int minute)
{
    return minute >= 10 && minute < 30 ? "v.asn = 4837" : "false";
}

static void opens_once_and_closes(void **arg)
{
    (void)arg;
    struct db *db = open_db();
    struct judge *judge = judge_new(db, &options);
    for (int minute = 0; minute < STORY_ROUNDS; minute++) {
        script_round(minute, failing_at(minute));
        assert_int_equal(judge_all(judge), 1);
        assert_int_equal(judge_all(judge), 0);
        if (minute == 20)
            expect_text("SELECT concat_ws(' ', place, asn, class, closed_at IS NULL, confidence >= 0.95) "
                        "FROM incident",
                        "3 4837 40 t t");
    }
    expect_text("SELECT concat_ws(' ', count(*), count(closed_at), min(key)) FROM incident",
                "1 1 fails/asn/4837/hello.reset");
    assert_int_equal(number_of("SELECT count(*) FROM incident_event WHERE change = 1"), 1);
    assert_int_equal(number_of("SELECT count(*) FROM incident_event WHERE change = 3"), 1);
    assert_int_equal(number_of("SELECT endpoint_id FROM incident_endpoint"), 1);
    assert_int_equal(number_of("SELECT count(*) FROM vantage WHERE baseline IS NOT NULL"), 8);
    judge_free(judge);
    db_close(db);
}

/* The same rounds with a new judge each time, killed in the middle of what it writes whenever it writes an event. */
static void survives_anything(void **arg)
{
    /* What is learned in the first rounds weighs less than what is remembered: let both runs begin with the same. */
    run_sql("UPDATE vantage SET baseline = 0.01");
    struct db *db = open_db();
    struct judge *judge = judge_new(db, &options);
    for (int minute = 0; minute < STORY_ROUNDS; minute++) {
        script_round(minute, failing_at(minute));
        assert_int_equal(judge_all(judge), 1);
    }
    judge_free(judge);
    db_close(db);
    char *undisturbed = story();

    set_up_story(arg);
    run_sql("UPDATE vantage SET baseline = 0.01");
    run_sql("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$");
    int kills = 0;
    for (int minute = 0; minute < STORY_ROUNDS; minute++) {
        size_t count = 0;
        script_round(minute, failing_at(minute));
        run_sql(minute % 2 == 0 ? "CREATE TRIGGER die AFTER INSERT ON incident_event EXECUTE FUNCTION die()"
                                : "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON incident_event DEFERRABLE "
                                  "INITIALLY DEFERRED "
                                  "FOR EACH ROW EXECUTE FUNCTION die()");
        db = open_db();
        judge = judge_new(db, &options);
        bool judged = judge_rounds(judge, &count);
        judge_free(judge);
        db_close(db);
        wait_for_lock();
        run_sql("DROP TRIGGER die ON incident_event");
        if (judged)
            continue;
        kills++;
        db = open_db();
        judge = judge_new(db, &options);
        assert_int_equal(judge_all(judge), 1);
        judge_free(judge);
        db_close(db);
        wait_for_lock();
    }
    run_sql("DROP FUNCTION die");
    assert_true(kills >= 2);
    char *disturbed = story();
    assert_string_equal(disturbed, undisturbed);
    free(disturbed);
    free(undisturbed);
}

static void one_judges_at_a_time(void **arg)
{
    (void)arg;
    struct db *first = open_db(), *second = open_db();
    struct judge *one = judge_new(first, &options), *other = judge_new(second, &options);
    script_round(0, "false");
    assert_int_equal(judge_all(one), 1);
    script_round(1, "false");
    assert_int_equal(judge_all(other), 0);
    judge_free(one);
    db_close(first);
    wait_for_lock();
    assert_int_equal(judge_all(other), 1);
    judge_free(other);
    db_close(second);
}

static void waits_for_the_connected(void **arg)
{
    (void)arg;
    struct db *db = open_db();
    struct judge *judge = judge_new(db, &options);
    script_round(0, "false");
    run_sql("UPDATE round SET deadline_at = now()");
    run_sql("UPDATE round_vantage SET reported_at = NULL WHERE vantage_id = 3");
    assert_int_equal(judge_all(judge), 0);
    run_sql("UPDATE vantage SET connected_since = NULL WHERE id = 3");
    assert_int_equal(judge_all(judge), 1);
    script_round(1, "false");
    run_sql("UPDATE vantage SET connected_since = now() WHERE id = 3");
    run_sql("UPDATE round_vantage SET reported_at = NULL WHERE vantage_id = 3");
    run_sql("UPDATE round SET deadline_at = now() - interval '1 hour'");
    assert_int_equal(judge_all(judge), 1); /* patience ends */
    run_sql(
        "INSERT INTO round (interval_s, start_at, spread_us, timeout_us, deadline_at, endpoints, closed_at) "
        "VALUES (60, '2030-01-02Z', 0, 0, '2030-01-02Z', 3, NULL)");
    assert_int_equal(judge_all(judge), 0); /* not over */
    judge_free(judge);
    db_close(db);
}

static void says_what_expires(void **arg)
{
    (void)arg;
    struct db *db = open_db();
    struct judge *judge = judge_new(db, &options);
    run_sql("INSERT INTO certificate (sha256, not_after) VALUES (sha256('soon'), '2030-01-11Z'), "
            "(sha256('late'), '2030-06-01Z')");
    run_sql("INSERT INTO chain (digest, sha256) SELECT sha256, ARRAY[sha256] FROM certificate ORDER BY "
            "not_after");
    for (int minute = 0; minute < 4; minute++) {
        script_round(minute, "false");
        run_sql("UPDATE attempt SET chain_id = CASE WHEN endpoint_id < 3 THEN 1 ELSE 2 END");
        assert_int_equal(judge_all(judge), 1);
    }
    expect_text("SELECT concat_ws(' ', count(*), min(kind), min(cause)) FROM incident",
                "1 4 cert.expires_soon");
    expect_text("SELECT string_agg(endpoint_id::text, ' ' ORDER BY endpoint_id) FROM incident_endpoint",
                "1 2");
    expect_text("SELECT detail -> 'condition' ->> 'not_after' FROM incident", "2030-01-11T00:00:00Z");
    for (int minute = 4; minute < 20; minute++) { /* renewed */
        script_round(minute, "false");
        run_sql("UPDATE attempt SET chain_id = 2 WHERE chain_id IS NULL");
        assert_int_equal(judge_all(judge), 1);
    }
    assert_int_equal(number_of("SELECT count(closed_at) FROM incident"), 1);
    judge_free(judge);
    db_close(db);
}

static void says_what_differs(void **arg)
{
    (void)arg;
    struct db *db = open_db();
    struct judge *judge = judge_new(db, &options);
    for (int minute = 0; minute < 6; minute++) {
        script_round(minute, "false");
        run_sql("UPDATE attempt SET tls_version = 771 WHERE endpoint_id = 2 AND vantage_id IN (5, 6)");
        assert_int_equal(judge_all(judge), 1);
    }
    expect_text("SELECT concat_ws(' ', key, place, region) FROM incident WHERE kind = 2",
                "differs/region/hk/2/tls_version 2 hk");
    expect_text("SELECT concat_ws(' ', detail -> 'condition' ->> 'aspect', detail -> 'condition' ->> "
                "'value') FROM incident WHERE kind = 2",
                "tls_version TLSv1.2");
    judge_free(judge);
    db_close(db);
}

/* --- rollups ----------------------------------------------------------------------------------------------------------------- */

static void make_due(void)
{
    struct db *db = open_db();
    assert_true(rollup_repair(db, NULL));
    db_close(db);
}

static size_t count_due(bool under_way)
{
    struct db *db = open_db();
    size_t count = 0;
    assert_true(rollup_run(db, under_way, NULL, &count));
    db_close(db);
    return count;
}

#define ROLLED                                                                                               \
    "SELECT concat((SELECT string_agg(c::text, ' ' ORDER BY c::text) FROM rollup_count c), "                 \
    "(SELECT string_agg(l::text, ' ' ORDER BY l::text) FROM rollup_look l), "                                \
    "(SELECT string_agg(l::text, ' ' ORDER BY l::text) FROM rollup_latency l), "                             \
    "(SELECT string_agg(l::text, ' ' ORDER BY l::text) FROM rollup_latency_hour l))"

static void counts_again_and_again(void **arg)
{
    (void)arg;
    for (int minute = 0; minute < 25; minute++)
        script_round(minute, failing_at(minute));
    make_due();
    run_sql("UPDATE rollup_due SET bucket_at = bucket_at"); /* in 2030: none is over */
    assert_int_equal(count_due(false), 0);
    assert_int_equal(count_due(true), 3);
    assert_int_equal(count_due(true), 0);
    char *once = text_of(ROLLED);
    assert_int_equal(number_of("SELECT sum(count) FROM rollup_count"), 25 * 24);
    assert_int_equal(number_of("SELECT sum(count) FROM rollup_look"), 25 * 24);
    assert_int_equal(number_of("SELECT sum(count) FROM rollup_count WHERE class = 40 AND asn = 4837"),
                     15 * 2);
    assert_int_equal(number_of("SELECT sum(count) FROM rollup_latency WHERE stage = 2"), 25 * 24 - 15 * 2);
    assert_int_equal(number_of("SELECT sum(count) FROM rollup_latency_hour WHERE stage = 2"),
                     25 * 24 - 15 * 2);
    make_due();
    assert_int_equal(count_due(true), 3);
    char *twice = text_of(ROLLED);
    assert_string_equal(twice, once);
    free(once);
    free(twice);
    run_sql(
        "INSERT INTO attempt SELECT * FROM attempt WHERE round_id = 1 AND vantage_id = 1"); /* late, as ingest would: */
    run_sql("INSERT INTO rollup_due (bucket_at) VALUES ('2030-01-01Z') ON CONFLICT (bucket_at) DO UPDATE SET "
            "touched_at = now()");
    assert_int_equal(count_due(true), 1);
    assert_int_equal(number_of("SELECT sum(count) FROM rollup_count"), 25 * 24 + 3);
}

/* A stranger's text is part of a key, which PostgreSQL bounds at 2.7 kB. */
static void bounds_strangers_texts(void **arg)
{
    (void)arg;
    script_round(0, "false");
    run_sql(
        "UPDATE attempt SET location = (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 500) n), "
        "pop = (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 300) n), "
        "alpn = (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 300) n)");
    make_due();
    assert_int_equal(count_due(true), 1);
    assert_int_equal(number_of("SELECT max(length(location)) FROM rollup_look"), 300);
}

/* --- */

static int group_up(void **arg)
{
    (void)arg;
    char *why = NULL;
    private_state(state);
    cluster = cluster_open(state, NULL, &why);
    if (cluster == NULL) {
        (void)fprintf(stderr, "%s\n", why);
        return -1;
    }
    db_close(open_db()); /* migrates */
    connection = PQconnectdb(cluster_conninfo(cluster));
    connect_quiet(connection);
    run_sql("SET TimeZone TO 'UTC'; SET client_min_messages TO error");
    return 0;
}

static int group_down(void **arg)
{
    (void)arg;
    PQfinish(connection);
    cluster_close(cluster);
    return folder_remove(state) ? 0 : -1;
}

/* The vantages of cn go all the way, as agents from before there were depths do, and meet a certificate that has expired. */
static void judge_at_depth(const char *others)
{
    struct db *db = open_db();
    struct judge *judge = judge_new(db, &options);
    for (int minute = 0; minute < 12; minute++) {
        script_round(minute, "false");
        run_sql("UPDATE attempt SET stage = 6, class = 60 WHERE endpoint_id = 1 AND vantage_id <= 4");
        run_sql(others);
        assert_int_equal(judge_all(judge), 1);
    }
    judge_free(judge);
    db_close(db);
}

static void compares_what_all_were_asked_for(void **arg)
{
    judge_at_depth("SELECT");
    expect_text("SELECT string_agg(key, ' ') FROM incident", "fails/region/cn/cert.expired");
    set_up_story(arg);
    judge_at_depth("UPDATE attempt SET handshake_us = NULL, alpn = '' WHERE vantage_id > 4");
    assert_int_equal(number_of("SELECT count(*) FROM incident"), 0);
    set_up_story(arg);
    judge_at_depth("UPDATE attempt SET handshake_us = NULL, alpn = '', "
                   "tls_version = CASE WHEN endpoint_id = 2 AND vantage_id > 6 THEN 771 ELSE 772 END "
                   "WHERE vantage_id > 4");
    expect_text("SELECT string_agg(key, ' ') FROM incident", "differs/region/us/2/tls_version");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(opens_once_and_closes, set_up_story),
        cmocka_unit_test_setup(survives_anything, set_up_story),
        cmocka_unit_test_setup(one_judges_at_a_time, set_up_story),
        cmocka_unit_test_setup(waits_for_the_connected, set_up_story),
        cmocka_unit_test_setup(says_what_expires, set_up_story),
        cmocka_unit_test_setup(says_what_differs, set_up_story),
        cmocka_unit_test_setup(compares_what_all_were_asked_for, set_up_story),
        cmocka_unit_test_setup(counts_again_and_again, set_up_story),
        cmocka_unit_test_setup(bounds_strangers_texts, set_up_story),
    };
    private_drop_root();
    return cmocka_run_group_tests(tests, group_up, group_down);
}
