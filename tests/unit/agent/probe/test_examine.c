#include "agent/probe/prober_fixture.h"
#include "cmocka_all.h"
#include "probe/examine.h"

#include <string.h>

/* Targets examined over real sockets: which attempts a case gets, when it ends, and that it always does. */

enum { PATH_BYTES = 512, TARGETS = 40 };

struct watch {
    uv_loop_t loop;
    struct prober_options prober_options;
    struct examine_options options;
    struct prober *prober;
    struct examiner *examiner;
    uv_timer_t stopper;
    unsigned cases, dones, targets;
    bool failed;
    size_t count;
    char path[PATH_BYTES]; /* of the last case */
    char origins[CASE_MAX_ATTEMPTS + 1];
    uint16_t ports[CASE_MAX_ATTEMPTS];
    enum cause cause;
    enum outcome_class class;
};

static void on_case(const struct case_file *file, const struct conclusion *conclusion, void *arg)
{
    struct watch *watch = arg;
    assert_non_null(conclusion);
    assert_true(file->count > 0);
    watch->cases++;
    watch->cause = conclusion->cause;
    watch->class = file->outcomes[0].class;
    watch->count = file->count;
    watch->path[0] = '\0';
    memset(watch->origins, 0, sizeof watch->origins);
    for (size_t i = 0; i < file->count; i++) {
        size_t length = strlen(watch->path);
        (void)snprintf(watch->path + length, sizeof watch->path - length, "%s%s", length == 0 ? "" : " ",
                       variant_name((int)file->attempts[i]->variant));
        watch->origins[i] = file->origins[i] == NULL ? '-' : 'o';
        watch->ports[i] = file->attempts[i]->flow.destination_port;
    }
}

static void on_prober_closed(void *arg)
{
    (void)arg;
}

static void on_done(bool failed, void *arg)
{
    struct watch *watch = arg;
    watch->failed |= failed;
    if (++watch->dones < watch->targets)
        return;
    assert_int_equal(examiner_pending(watch->examiner), 0);
    prober_close(watch->prober, on_prober_closed, NULL);
    if (watch->stopper.type != UV_UNKNOWN_HANDLE)
        uv_close((uv_handle_t *)&watch->stopper, NULL);
}

static void open_watch(struct watch *watch)
{
    char *why = NULL;
    assert_int_equal(uv_loop_init(&watch->loop), 0);
    watch->prober_options.ca_file = ca_path;
    watch->prober = prober_new(&watch->loop, &watch->prober_options, &why);
    assert_non_null(watch->prober);
    if (watch->options.rest_us == 0)
        watch->options.rest_us = 1000;
    watch->examiner = examiner_new(&watch->loop, watch->prober, &watch->options);
    assert_non_null(watch->examiner);
}

static void submit(struct watch *watch, const struct probe_job *job)
{
    watch->targets++;
    assert_true(examine(watch->examiner, job, on_case, on_done, watch));
}

static void finish(struct watch *watch)
{
    (void)uv_run(&watch->loop, UV_RUN_DEFAULT);
    assert_int_equal(watch->dones, watch->targets);
    assert_false(watch->failed);
    examiner_free(watch->examiner);
    assert_int_equal(uv_loop_close(&watch->loop), 0);
}

static void examine_one(struct watch *watch, struct lab_server *server)
{
    struct probe_job job = named_job();
    job.endpoint.port = server->port;
    open_watch(watch);
    submit(watch, &job);
    finish(watch);
    lab_stop(server);
}

/* --- which attempts ----------------------------------------------------------------------------------------------- */

static void a_healthy_server_gets_one_attempt(void **state)
{
    struct watch watch = {.dones = 0};
    struct lab_server server;
    (void)state;
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    examine_one(&watch, &server);
    assert_int_equal(watch.cases, 1);
    assert_string_equal(watch.path, "normal");
    assert_int_equal(watch.cause, CAUSE_NONE);
}

static void always_climbs_on_a_healthy_server(void **state)
{
    struct watch watch = {.options.ladder = EXAMINE_ALWAYS};
    struct lab_server server;
    (void)state;
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    examine_one(&watch, &server);
    assert_string_equal(watch.path, "normal tls12 tls13 no-sni large-hello split-hello");
    assert_int_equal(watch.cause, CAUSE_NONE);
}

static void a_failure_is_climbed(void **state)
{
    struct watch watch = {.dones = 0};
    struct lab_server server;
    (void)state;
    start_good(&server, LAB_RESET, TLS1_3_VERSION);
    examine_one(&watch, &server);
    assert_string_equal(watch.path, "normal retry control-sni no-sni control-sni tls12 legacy");
    assert_int_equal(watch.class, OUTCOME_HELLO_RESET);
    assert_int_not_equal(watch.cause, CAUSE_NONE);
}

static void never_does_not_climb(void **state)
{
    struct watch watch = {.options.ladder = EXAMINE_NEVER};
    struct lab_server server;
    (void)state;
    start_good(&server, LAB_RESET, TLS1_3_VERSION);
    examine_one(&watch, &server);
    assert_string_equal(watch.path, "normal");
}

static void a_burst_is_made_at_once(void **state)
{
    struct watch watch = {.options.may_burst = true};
    struct lab_server server;
    (void)state;
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    examine_one(&watch, &server);
    assert_string_equal(watch.path, "normal burst burst burst burst burst burst burst burst");
    assert_int_equal(watch.cause, CAUSE_NONE);
}

static void the_origin_is_probed_with_the_name_and_without(void **state)
{
    struct watch watch = {.dones = 0};
    struct lab_server edge, origin;
    (void)state;
    start_good(&edge, LAB_TLS, TLS1_3_VERSION);
    start_good(&origin, LAB_TLS, TLS1_3_VERSION);
    assert_true(address_parse("127.0.0.1", &watch.options.origin));
    watch.options.origin_port = origin.port;
    uint16_t edge_port = edge.port;
    examine_one(&watch, &edge);
    assert_string_equal(watch.path, "normal normal no-sni");
    assert_string_equal(watch.origins, "-oo");
    assert_int_equal(watch.ports[0], edge_port);
    assert_int_equal(watch.ports[1], origin.port);
    assert_int_equal(watch.ports[2], origin.port);
    lab_stop(&origin);
}

static void a_name_that_does_not_resolve_has_a_case(void **state)
{
    struct watch watch = {.prober_options.resolver = "127.0.0.1:1"};
    (void)state;
    struct probe_job job = job_for("a.test", 443);
    job.timeout_us = 200000;
    open_watch(&watch);
    submit(&watch, &job);
    finish(&watch);
    assert_int_equal(watch.cases, 1);
    assert_string_equal(watch.path, "normal retry");
}

static void many_targets_share_few_connections(void **state)
{
    struct watch watch = {.prober_options.concurrency = 3};
    struct lab_server server;
    (void)state;
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    struct probe_job job = named_job();
    job.endpoint.port = server.port;
    open_watch(&watch);
    for (int i = 0; i < TARGETS; i++)
        submit(&watch, &job);
    assert_int_equal(examiner_pending(watch.examiner), TARGETS);
    finish(&watch);
    lab_stop(&server);
    assert_int_equal(watch.cases, TARGETS);
}

/* --- ends --------------------------------------------------------------------------------------------------------- */

static void on_stop(uv_timer_t *timer)
{
    struct watch *watch = timer->data;
    examiner_cancel(watch->examiner);
}

static void cancel_after(struct watch *watch, uint64_t ms)
{
    assert_int_equal(uv_timer_init(&watch->loop, &watch->stopper), 0);
    watch->stopper.data = watch;
    assert_int_equal(uv_timer_start(&watch->stopper, on_stop, ms, 0), 0);
}

/* It rests for an hour after its control: nothing but the cancel ends it. */
static void a_rest_ends_when_cancelled_and_what_is_known_is_concluded(void **state)
{
    struct watch watch = {.options.rest_us = INT64_C(3600000000), .options.budget_us = INT64_C(36000000000)};
    struct lab_server server;
    (void)state;
    start_good(&server, LAB_RESET, TLS1_3_VERSION);
    struct probe_job job = named_job();
    job.endpoint.port = server.port;
    open_watch(&watch);
    cancel_after(&watch, 3000);
    submit(&watch, &job);
    finish(&watch);
    lab_stop(&server);
    assert_int_equal(watch.cases, 1);
    assert_true(watch.count >= 1);
    assert_memory_equal(watch.path, "normal", strlen("normal"));
}

static void a_first_attempt_that_is_cancelled_has_no_case(void **state)
{
    struct watch watch = {.dones = 0};
    struct lab_server server;
    (void)state;
    start_good(&server, LAB_SILENT, TLS1_3_VERSION);
    struct probe_job job = named_job();
    job.endpoint.port = server.port;
    open_watch(&watch);
    cancel_after(&watch, 50);
    submit(&watch, &job);
    submit(&watch, &job);
    finish(&watch);
    lab_stop(&server);
    assert_int_equal(watch.cases, 0);
}

static void a_rest_beyond_the_budget_is_not_begun(void **state)
{
    struct watch watch = {.options.rest_us = INT64_C(3600000000)};
    struct lab_server server;
    (void)state;
    start_good(&server, LAB_RESET, TLS1_3_VERSION);
    examine_one(&watch, &server);
    assert_string_equal(watch.path, "normal retry control-sni no-sni");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_server_gets_one_attempt),
        cmocka_unit_test(always_climbs_on_a_healthy_server),
        cmocka_unit_test(a_failure_is_climbed),
        cmocka_unit_test(never_does_not_climb),
        cmocka_unit_test(a_burst_is_made_at_once),
        cmocka_unit_test(the_origin_is_probed_with_the_name_and_without),
        cmocka_unit_test(a_name_that_does_not_resolve_has_a_case),
        cmocka_unit_test(many_targets_share_few_connections),
        cmocka_unit_test(a_rest_ends_when_cancelled_and_what_is_known_is_concluded),
        cmocka_unit_test(a_first_attempt_that_is_cancelled_has_no_case),
        cmocka_unit_test(a_rest_beyond_the_budget_is_not_begun),
    };
    return cmocka_run_group_tests(tests, make_authorities, free_authorities);
}
