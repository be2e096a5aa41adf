#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../store/private.h"
#include "ingest/copy.h"
#include "store/cluster.h"
#include "store/connect.h"
#include "store/migrate.h"
#include "words/message.h"

#include <string.h>

/* Rows go into the real schema and are read back as text. */

static char state[32];
static struct cluster *cluster;
static PGconn *connection;

static struct buf rows;

static void send_rows(void)
{
    char *sql = copy_attempt_sql();
    PGresult *result = PQexec(connection, sql);
    free(sql);
    assert_int_equal(PQresultStatus(result), PGRES_COPY_IN);
    PQclear(result);
    assert_int_equal(PQputCopyData(connection, (const char *)rows.data, (int)rows.len), 1);
    assert_int_equal(PQputCopyEnd(connection, NULL), 1);
    result = PQgetResult(connection);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s", PQresultErrorMessage(result));
    PQclear(result);
    assert_null(PQgetResult(connection));
}

static void expect(const char *columns, const char *text)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql, "SELECT concat_ws('|', %s) FROM attempt ORDER BY sequence DESC LIMIT 1",
                   columns);
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s", PQresultErrorMessage(result));
    assert_string_equal(PQgetvalue(result, 0, 0), text);
    PQclear(result);
}

static int64_t chain_id;

static void store(const struct copy_row *row)
{
    buf_clear(&rows);
    assert_true(copy_begin(&rows));
    assert_true(copy_attempt(&rows, row));
    assert_true(copy_chain(&rows, chain_id));
    assert_true(copy_end(&rows));
    send_rows();
}

static struct attempt *attempt_at(uint64_t sequence)
{
    struct attempt *attempt = attempt_new();
    attempt->sequence = sequence;
    attempt->endpoint_id = 7;
    attempt->clock.start_us = INT64_C(1795000000123456);
    return attempt;
}

static void a_whole_attempt(void **arg)
{
    (void)arg;
    struct attempt *attempt = attempt_at(INT64_C(255655660551667713));
    attempt->round_id = 11;
    attempt->variant = VARIANT_RETRY;
    attempt->role = ATTEMPT_CONFIRM;
    attempt->clock.start_error_us = 250;
    attempt->clock.slot_us = INT64_C(1795000000123000);
    attempt->clock.connected_us = 31000;
    assert_true(address_parse("2001:db8::7", &attempt->flow.destination));
    attempt->flow.source_port = 50000;
    attempt->flow.error = 104;
    attempt->flow.error_call = CALL_RECV;
    attempt->tcp[MOMENT_HELLO] =
        (struct tcp_snapshot){.taken = true, .min_rtt_us = 30800, .total_retrans = 2};
    attempt->end.sent_bytes = UINT64_C(1) << 40;
    attempt->end.how = ENDING_RESET;
    attempt->tls.version = 0x0304;
    attempt->tls.cipher = 0x1302;
    attempt->tls.alpn = "http/1.1";
    attempt->http.status = 502;
    attempt->clock.flight_us = 33000;
    attempt->tls.hello_length = 517;
    attempt->tls.certificate_request = true;
    attempt->tls.chain_dropped = 150;
    attempt->tls.leaf.must_staple = true;
    attempt->tls.staple = STAPLE_PRESENT;
    attempt->tls.ocsp.status = OCSP_REVOKED;
    attempt->end.abuse = ABUSE_CHAIN;
    attempt->flow.icmp_type = 3;
    attempt->flow.icmp_code = 13;
    struct copy_row row = {.attempt = attempt,
                           .outcome = outcome_make(OUTCOME_HELLO_RESET, RAW_ERRNO, 104),
                           .vantage_id = 3,
                           .asn = INT64_C(4200000000)};
    chain_id = 9;
    store(&row);
    chain_id = 0;
    expect("endpoint_id, vantage_id, sequence, round_id, variant, role", "7|3|255655660551667713|11|1|1");
    expect("stage, class, raw_kind, raw", "4|40|1|104");
    expect("extract(epoch FROM start_at), extract(epoch FROM slot_at), start_error_us",
           "1795000000.123456|1795000000.123000|250");
    expect("coalesce(resolved_us::text, '-'), connected_us, min_rtt_us, total_retrans", "-|31000|30800|2");
    expect("asn, address, source_port, errno, errno_call, sent_bytes, ending",
           "4200000000|2001:db8::7|50000|104|4|1099511627776|4");
    expect("tls_version, cipher, alpn, chain_id, http_status", "772|4866|http/1.1|9|502");
    expect("coalesce(edge, '-'), coalesce(pop, '-')", "-|-");
    expect(
        "coalesce(hello_acked_us::text, '-'), flight_us, icmp, hello_bytes, hello_retry, client_cert_asked",
        "-|33000|781|517|f|t");
    expect("coalesce(alert_out::text, '-'), chain_length, must_staple, ocsp, abuse", "-|150|t|2|1");

    PGresult *result = PQexecParams(connection, "SELECT evidence FROM attempt", 0, NULL, NULL, NULL, NULL, 1);
    const char *why = NULL;
    struct attempt *back = attempt_decode(PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0), &why);
    assert_non_null(back);
    assert_int_equal(back->flow.source_port, 50000);
    attempt_free(back);
    PQclear(result);
    attempt_free(attempt);
}

static void the_cdn_and_its_pop(void **arg)
{
    (void)arg;
    struct http_header headers[] = {
        {"server", "cloudflare"}, {"cf-ray", "8f1a2b3c4d5e6f70-HKG"}, {"location", "/zh/?from=a%20b"}};
    struct attempt *attempt = attempt_at(INT64_C(9000000000000000000));
    attempt->http.status = 200;
    attempt->http.headers = headers;
    attempt->http.header_count = 3;
    struct copy_row row = {.attempt = attempt, .outcome = outcome_make(OUTCOME_OK, RAW_NONE, 0)};
    store(&row);
    expect("edge, pop, location", "Cloudflare|HKG|/zh/");
    attempt_free(attempt);
}

static void absent_is_null(void **arg)
{
    (void)arg;
    struct attempt *attempt = attempt_at(INT64_C(255655660551667714));
    struct copy_row row = {.attempt = attempt, .outcome = outcome_make(OUTCOME_LOCAL_NO_ROUTE, RAW_NONE, 0)};
    store(&row);
    expect(
        "num_nulls(round_id, slot_at, resolved_us, connect_us, connected_us, hello_sent_us, first_byte_us, "
        "handshake_us, request_us, first_data_us, closed_us, asn, address, source_port, min_rtt_us, "
        "total_retrans, "
        "dns_rcode, tls_version, cipher, tls_group, signature, alpn, alert_in, chain_id, verify_error, "
        "http_status, "
        "server)",
        "27");
    expect(
        "num_nulls(hello_acked_us, flight_us, icmp, hello_bytes, hello_retry, client_cert_asked, alert_out, "
        "chain_length, must_staple, ocsp, abuse)",
        "11");
    attempt_free(attempt);
}

/* What no honest vantage sends must not make the COPY of everybody else's rows fail. */
static void lies_fit(void **arg)
{
    (void)arg;
    struct attempt *attempt = attempt_at(INT64_C(255655660551667715));
    struct http_header header = {.name = "server", .value = "a\xff\xc0\xaf\xed\xa0\x80z"};
    attempt->clock.start_error_us = UINT64_MAX;
    attempt->clock.loop_lag_us = UINT64_MAX;
    attempt->clock.closed_us = INT64_MAX;
    attempt->tls.alpn = "\xf4\x90\x80\x80";
    attempt->tls.sct_count = UINT32_MAX;
    attempt->http.status = 65535;
    attempt->http.headers = &header;
    attempt->http.header_count = 1;
    attempt->tcp[MOMENT_END] = (struct tcp_snapshot){.taken = true, .min_rtt_us = UINT32_MAX};
    struct copy_row row = {.attempt = attempt, .outcome = outcome_make(OUTCOME_OK, RAW_NONE, 0)};
    store(&row);
    expect("start_error_us, loop_lag_us, closed_us, sct_count, http_status, min_rtt_us",
           "9223372036854775807|2147483647|2147483647|32767|32767|2147483647");
    expect("left(server, 1), right(server, 1)", "a|z");
    attempt_free(attempt);
}

static void several_rows(void **arg)
{
    (void)arg;
    buf_clear(&rows);
    assert_true(copy_begin(&rows));
    for (uint64_t i = 0; i < 100; i++) {
        struct attempt *attempt = attempt_at(INT64_C(255655660551667800) + i);
        struct copy_row row = {.attempt = attempt, .vantage_id = 42};
        assert_true(copy_attempt(&rows, &row));
        assert_true(copy_chain(&rows, 0));
        attempt_free(attempt);
    }
    assert_true(copy_end(&rows));
    send_rows();
    expect("(SELECT count(DISTINCT sequence) FROM attempt WHERE vantage_id = 42)", "100");
}

int main(void)
{
    private_drop_root();
    private_state(state);
    char *why = NULL;
    cluster = cluster_open(state, NULL, &why);
    if (cluster == NULL)
        return 1;
    connection = PQconnectdb(cluster_conninfo(cluster));
    connect_quiet(connection);
    if (!migrate(connection, &why))
        return 1;
    buf_init(&rows, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_attempt), cmocka_unit_test(absent_is_null),      cmocka_unit_test(lies_fit),
        cmocka_unit_test(several_rows),    cmocka_unit_test(the_cdn_and_its_pop),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_done(&rows);
    PQfinish(connection);
    cluster_close(cluster);
    (void)folder_remove(state);
    return failed;
}
