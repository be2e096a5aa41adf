#include "agent/probe/prober_fixture.h"

/* What a prober asks its owner about, when, and what it does when the answer changes. */

/* A name is rebound between the questions: each connection goes to the address that was asked about just before. */
struct asked {
    unsigned about_names, about_addresses;
    struct address last;
    bool refuses;
};

static bool allow_once(const struct probe_job *job, const struct address *address, char why[PROBER_WHY_BYTES],
                       void *arg)
{
    struct asked *asked = arg;
    (void)job;
    (void)snprintf(why, PROBER_WHY_BYTES, "deny: now");
    asked->about_names += address == NULL;
    asked->about_addresses += address != NULL;
    if (address != NULL)
        asked->last = *address;
    return !asked->refuses;
}

static void the_address_that_was_asked_about_is_connected(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    struct asked asked = {0};
    lab_start(&server, LAB_CLOSE, NULL);
    fixture->options.allow = allow_once;
    fixture->options.allow_arg = &asked;
    struct attempt *attempt = run_against(fixture, &server, named_job());
    assert_int_equal(asked.about_names, 1);
    assert_true(asked.about_addresses >= 1);
    assert_true(address_equal(&asked.last, &attempt->flow.destination));
    assert_int_equal(server.served, 1);
}

static void a_refused_name_is_not_resolved(void **state)
{
    struct fixture *fixture = *state;
    struct asked asked = {.refuses = true};
    fixture->options.allow = allow_once;
    fixture->options.allow_arg = &asked;
    fixture->options.resolver = "127.0.0.1:9";
    struct attempt *attempt = run_one(fixture, job_for("www.refused.test", 443));
    assert_class(attempt, OUTCOME_LOCAL_POLICY);
    assert_int_equal(attempt->dns_count, 0);
    assert_int_equal(asked.about_names, 1);
    assert_int_equal(asked.about_addresses, 0);
}

static struct asked *mind;

static void on_mind_changed(uv_timer_t *timer)
{
    struct fixture *fixture = timer->data;
    mind->refuses = true;
    prober_judge_again(fixture->prober);
    uv_close((uv_handle_t *)timer, NULL);
}

static void an_attempt_under_way_ends_when_the_owner_changes_his_mind(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    struct asked asked = {0};
    uv_timer_t timer;
    lab_start(&server, LAB_SILENT, NULL);
    mind = &asked;
    fixture->options.allow = allow_once;
    fixture->options.allow_arg = &asked;
    assert_int_equal(uv_timer_init(&fixture->loop, &timer), 0);
    timer.data = fixture;
    assert_int_equal(uv_timer_start(&timer, on_mind_changed, 300, 0), 0);
    struct attempt *attempt = run_against(fixture, &server, named_job());
    assert_class(attempt, OUTCOME_LOCAL_POLICY);
    assert_string_equal(attempt->local_detail, "deny: now");
    assert_int_not_equal(attempt->clock.connected_us, EVIDENCE_NEVER);
}

static void so_many_connections_to_an_address_and_no_more(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    struct probe_job jobs[5];
    unsigned refused = 0;
    lab_start(&server, LAB_SILENT, NULL);
    fixture->options.address_concurrency = 2;
    for (unsigned i = 0; i < 5; i++) {
        jobs[i] = named_job();
        jobs[i].endpoint.port = server.port;
        jobs[i].timeout_us = 500000;
    }
    run(fixture, jobs, 5);
    lab_stop(&server);
    for (unsigned i = 0; i < fixture->count; i++)
        refused += classify(fixture->attempts[i]).class == OUTCOME_LOCAL_POLICY;
    assert_int_equal(refused, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_address_that_was_asked_about_is_connected),
        TEST(a_refused_name_is_not_resolved),
        TEST(an_attempt_under_way_ends_when_the_owner_changes_his_mind),
        TEST(so_many_connections_to_an_address_and_no_more),
    };
    return cmocka_run_group_tests(tests, make_authorities, free_authorities);
}
