#include "cmocka_all.h"
#include "words/ladder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Climbs made of paper: what each attempt gives is decided here, and the ladder says what comes next. */

enum { PATH_BYTES = 512 };

static const struct address v4 = {4, {192, 0, 2, 1}}, v4_other = {4, {192, 0, 2, 2}},
                            v6 = {16, {0x20, 1, 0xd, 0xb8}};

struct climb {
    struct endpoint endpoint;
    struct case_file file;
    struct attempt *attempts[CASE_MAX_ATTEMPTS];
    struct ladder_limits limits;
    struct ladder_step steps[CASE_MAX_ATTEMPTS];
    size_t step_count;
    char path[PATH_BYTES]; /* "retry control-sni ..." */
};

static void add(struct climb *climb, enum variant variant, enum attempt_role role, struct outcome outcome)
{
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    assert_true(climb->file.count < CASE_MAX_ATTEMPTS);
    attempt->variant = variant;
    attempt->role = role;
    attempt->flow.destination = v4;
    if (outcome.stage > OUTCOME_STAGE_TCP || outcome_is_ok(outcome))
        attempt->clock.connected_us = 1;
    if (outcome.stage > OUTCOME_STAGE_TLS || outcome_is_ok(outcome))
        attempt->clock.handshake_us = 2;
    climb->file.attempts[climb->file.count] = climb->attempts[climb->file.count] = attempt;
    climb->file.outcomes[climb->file.count++] = outcome;
}

static void begin(struct climb *climb, struct outcome first)
{
    *climb = (struct climb){
        .endpoint = {.site = "", .host = "www.a.test", .port = 443, .sni = ""},
        .limits = {
            .max_attempts = LADDER_MAX_ATTEMPTS, .rest_us = 1000, .pause_us = 10, .budget_us = 1000 * 1000}};
    climb->file.endpoint = &climb->endpoint;
    add(climb, VARIANT_NORMAL, ATTEMPT_FIRST, first);
}

static void add_addresses(struct climb *climb)
{
    struct attempt *first = climb->attempts[0];
    struct dns_answer *answers = arena_array(&first->arena, 3, sizeof *answers);
    assert_non_null(answers);
    answers[0] = (struct dns_answer){.name = "", .address = v4};
    answers[1] = (struct dns_answer){.name = "", .address = v6};
    answers[2] = (struct dns_answer){.name = "", .address = v4_other};
    first->dns[0] = (struct dns_query){.resolver = "", .answer_count = 3, .answers = answers};
    first->dns_count = 1;
}

/* Outcomes by variant; what has no row fails as the first did. Ended by a row of VARIANT_NORMAL. */
struct gives {
    enum variant variant;
    enum attempt_role role;
    struct outcome outcome;
};

static struct outcome outcome_of(const struct climb *climb, const struct ladder_step *step,
                                 const struct gives *gives)
{
    for (; gives != NULL && gives->variant != VARIANT_NORMAL; gives++)
        if (gives->variant == step->variant && gives->role == step->role)
            return gives->outcome;
    return climb->file.outcomes[0];
}

static void climb_up(struct climb *climb, const struct gives *gives)
{
    struct ladder_step step;
    while (ladder_next(&climb->file, &climb->limits, &step)) {
        assert_true(climb->step_count < CASE_MAX_ATTEMPTS);
        climb->steps[climb->step_count++] = step;
        size_t length = strlen(climb->path);
        (void)snprintf(climb->path + length, sizeof climb->path - length, "%s%s", length == 0 ? "" : " ",
                       variant_name((int)step.variant));
        size_t count = step.variant == VARIANT_BURST ? LADDER_BURST : 1;
        struct outcome outcome = outcome_of(climb, &step, gives);
        while (count-- > 0)
            add(climb, step.variant, step.role, outcome);
    }
}

static void end(struct climb *climb)
{
    for (size_t i = 0; i < climb->file.count; i++)
        attempt_free(climb->attempts[i]);
}

static struct outcome of_class(enum outcome_class class)
{
    return outcome_make(class, RAW_NONE, 0);
}

static struct outcome alert(int32_t number)
{
    return outcome_make(OUTCOME_TLS_ALERT, RAW_ALERT, number);
}

static const struct outcome ok = {OUTCOME_STAGE_DONE, OUTCOME_OK, RAW_NONE, 0};

static void expect_path(struct outcome first, const struct gives *gives, const char *path)
{
    struct climb climb;
    begin(&climb, first);
    climb_up(&climb, gives);
    assert_string_equal(climb.path, path);
    end(&climb);
}

/* --- what every climb keeps to ------------------------------------------------------------------------------------ */

static bool name_is_suspected(enum outcome_class class)
{
    return class == OUTCOME_HELLO_RESET || class == OUTCOME_HELLO_CLOSED || class == OUTCOME_HELLO_SILENT ||
           class == OUTCOME_HELLO_UNACKED;
}

static void check_no_repeats(const struct climb *climb)
{
    for (size_t i = 0; i < climb->step_count; i++) {
        assert_non_null(climb->steps[i].why);
        assert_int_not_equal(climb->steps[i].variant, VARIANT_NORMAL);
        for (size_t j = 0; j < i; j++) {
            if (climb->steps[i].variant != climb->steps[j].variant)
                continue;
            assert_int_equal(climb->steps[i].variant, VARIANT_CONTROL_SNI);
            assert_int_equal(climb->steps[j].role, ATTEMPT_CONTROL);
            assert_int_equal(climb->steps[i].role, ATTEMPT_CONFIRM);
            assert_int_equal(climb->steps[i].rest_us, climb->limits.rest_us);
        }
    }
}

/* After the retry no attempt carries the suspected name before a control did without it. */
static void check_control_before_trigger(const struct climb *climb)
{
    bool controlled = false;
    for (size_t i = 0; i < climb->step_count; i++) {
        const struct ladder_step *step = &climb->steps[i];
        bool with_name = step->variant != VARIANT_CONTROL_SNI && step->variant != VARIANT_NO_SNI &&
                         step->variant != VARIANT_RETRY;
        controlled |= step->variant == VARIANT_CONTROL_SNI;
        assert_true(controlled || !with_name);
        if (step->variant == VARIANT_SPLIT_HELLO && !climb->limits.always)
            assert_int_equal(step->rest_us, climb->limits.rest_us);
    }
}

static void check_steps(const struct climb *climb)
{
    for (size_t i = 0; i < climb->step_count; i++) {
        const struct ladder_step *step = &climb->steps[i];
        assert_int_equal(step->sni != NULL, step->variant == VARIANT_CONTROL_SNI);
        assert_int_equal(step->port != 0, step->variant == VARIANT_OTHER_PORT);
        bool elsewhere = step->variant == VARIANT_OTHER_ADDRESS || step->variant == VARIANT_OTHER_FAMILY;
        assert_int_equal(step->address.length > 0, elsewhere);
        assert_false(elsewhere && address_equal(&step->address, &v4));
    }
}

static void check_one(struct outcome first, bool everything, bool rest_is_ok)
{
    static const struct gives all_pass[] = {
        {VARIANT_CONTROL_SNI, ATTEMPT_CONTROL, {.class = OUTCOME_OK}},
        {VARIANT_NO_SNI, ATTEMPT_CONTROL, {.class = OUTCOME_OK}},
        {.variant = VARIANT_NORMAL},
    };
    struct climb climb;
    begin(&climb, first);
    add_addresses(&climb);
    climb.attempts[0]->tls.certificate_request = everything;
    climb.limits.always = climb.limits.has_client_cert = climb.limits.may_burst = everything;
    climb.limits.may_fetch_issuer = everything;
    climb.limits.max_attempts = everything ? CASE_MAX_ATTEMPTS : LADDER_MAX_ATTEMPTS;
    climb_up(&climb, rest_is_ok ? all_pass : NULL);
    assert_true(climb.file.count <= climb.limits.max_attempts);
    check_no_repeats(&climb);
    check_steps(&climb);
    if (name_is_suspected(first.class))
        check_control_before_trigger(&climb);
    end(&climb);
}

static void check_class(enum outcome_class class, void *arg)
{
    (void)arg;
    for (int way = 0; way < 4; way++)
        for (int32_t raw = class == OUTCOME_TLS_ALERT ? 255 : 0; raw >= 0; raw--)
            check_one(outcome_make(class, class == OUTCOME_TLS_ALERT ? RAW_ALERT : RAW_NONE, raw), way & 1,
                      way & 2);
}

static void test_every_outcome_is_climbed_once_and_ends(void **state)
{
    (void)state;
    outcome_each_class(check_class, NULL);
}

/* --- the climbs ----------------------------------------------------------------------------------------------------- */

static void test_climbs(void **state)
{
    (void)state;
    expect_path(ok, NULL, "");
    expect_path(of_class(OUTCOME_DNS_NXDOMAIN), NULL, "");
    expect_path(of_class(OUTCOME_DNS_TIMEOUT), NULL, "retry");
    expect_path(of_class(OUTCOME_TCP_TIMEOUT), NULL, "retry other-port");
    expect_path(of_class(OUTCOME_HELLO_RESET), NULL, "retry control-sni no-sni control-sni tls12 legacy");
    expect_path(of_class(OUTCOME_HELLO_SILENT), NULL, "retry control-sni no-sni control-sni small-mss");
    expect_path(of_class(OUTCOME_HELLO_FLIGHT_LOST), NULL, "retry small-mss control-sni");
    expect_path(alert(40), NULL,
                "retry control-sni no-sni tls12 tls13 wide rsa-only ecdsa-only no-alpn legacy");
    expect_path(alert(70), NULL, "control-sni tls12 tls13 legacy");
    expect_path(alert(112), NULL, "control-sni no-sni");
    expect_path(alert(120), NULL, "control-sni no-alpn");
    expect_path(of_class(OUTCOME_TLS_OLD_VERSION), NULL, "tls12 tls13 legacy");
    expect_path(of_class(OUTCOME_CERT_NAME), NULL, "control-sni no-sni");
    expect_path(of_class(OUTCOME_CERT_WEAK_KEY), NULL, "legacy");
    expect_path(of_class(OUTCOME_HTTP_RESET), NULL, "retry control-sni no-sni idle");
    expect_path(of_class(OUTCOME_HTTP_GATEWAY), NULL, "");
}

static void test_a_retry_that_works_ends_it(void **state)
{
    (void)state;
    const struct gives works[] = {{VARIANT_RETRY, ATTEMPT_CONFIRM, ok}, {.variant = VARIANT_NORMAL}};
    const struct gives handshakes[] = {{VARIANT_RETRY, ATTEMPT_CONFIRM, of_class(OUTCOME_CERT_EXPIRED)},
                                       {.variant = VARIANT_NORMAL}};
    const struct gives fails[] = {{VARIANT_RETRY, ATTEMPT_CONFIRM, of_class(OUTCOME_HTTP_CLOSED)},
                                  {.variant = VARIANT_NORMAL}};
    expect_path(of_class(OUTCOME_HELLO_RESET), works, "retry");
    expect_path(of_class(OUTCOME_TCP_TIMEOUT), works, "retry");
    expect_path(of_class(OUTCOME_HELLO_RESET), handshakes, "retry");
    expect_path(of_class(OUTCOME_HTTP_RESET), fails, "retry control-sni no-sni idle");
}

static void test_the_name_is_sent_again_after_controls_and_a_rest(void **state)
{
    (void)state;
    const struct gives passes[] = {{VARIANT_CONTROL_SNI, ATTEMPT_CONTROL, ok}, {.variant = VARIANT_NORMAL}};
    struct climb climb;
    begin(&climb, of_class(OUTCOME_HELLO_UNACKED));
    climb_up(&climb, passes);
    assert_string_equal(climb.path, "retry control-sni no-sni split-hello small-mss");
    assert_int_equal(climb.steps[0].rest_us, climb.limits.pause_us);
    assert_string_equal(climb.steps[1].sni, LADDER_CONTROL_SNI);
    assert_int_equal(climb.steps[3].rest_us, climb.limits.rest_us);
    assert_false(climb.steps[2].rests);
    assert_true(climb.steps[3].rests);
    end(&climb);
}

static void test_other_addresses(void **state)
{
    (void)state;
    struct climb climb;
    begin(&climb, of_class(OUTCOME_TCP_REFUSED));
    add_addresses(&climb);
    climb_up(&climb, NULL);
    assert_string_equal(climb.path, "retry other-port other-address other-family");
    assert_int_equal(climb.steps[1].port, 80);
    assert_true(address_equal(&climb.steps[2].address, &v4_other));
    assert_true(address_equal(&climb.steps[3].address, &v6));
    end(&climb);
    begin(&climb, of_class(OUTCOME_TCP_REFUSED));
    climb.endpoint.port = 8443;
    climb_up(&climb, NULL);
    assert_string_equal(climb.path, "retry other-port");
    assert_int_equal(climb.steps[1].port, 443);
    end(&climb);
}

static bool may_connect(const struct address *address, void *arg)
{
    return !address_equal(address, arg);
}

static void test_addresses_that_may_not_be_tried(void **state)
{
    (void)state;
    struct address kept_back = v4_other;
    struct climb climb;
    begin(&climb, of_class(OUTCOME_TCP_REFUSED));
    add_addresses(&climb);
    climb.limits.may_connect = may_connect;
    climb.limits.may_connect_arg = &kept_back;
    climb_up(&climb, NULL);
    assert_string_equal(climb.path, "retry other-port other-family");
    end(&climb);
}

static void test_always(void **state)
{
    (void)state;
    struct climb climb;
    begin(&climb, ok);
    climb.limits.always = true;
    climb_up(&climb, NULL);
    assert_string_equal(climb.path, "tls12 tls13 no-sni large-hello split-hello");
    end(&climb);
    const struct gives large_fails[] = {{VARIANT_LARGE_HELLO, ATTEMPT_LADDER, of_class(OUTCOME_HELLO_RESET)},
                                        {.variant = VARIANT_NORMAL}};
    begin(&climb, ok);
    climb.limits.always = true;
    climb_up(&climb, large_fails);
    assert_string_equal(climb.path, "tls12 tls13 no-sni large-hello large-small-mss split-hello");
    end(&climb);
    /* No variant that its own climb made is made again. */
    begin(&climb, alert(70));
    climb.limits.always = true;
    climb_up(&climb, NULL);
    assert_string_equal(climb.path,
                        "control-sni tls12 tls13 legacy no-sni large-hello large-small-mss split-hello");
    end(&climb);
}

static void test_what_needs_leave(void **state)
{
    (void)state;
    struct climb climb;
    begin(&climb, ok);
    climb.limits.may_burst = true;
    climb_up(&climb, NULL);
    assert_string_equal(climb.path, "burst");
    assert_int_equal(climb.file.count, 1 + LADDER_BURST);
    end(&climb);
    begin(&climb, of_class(OUTCOME_CERT_NO_ISSUER));
    climb.limits.may_fetch_issuer = true;
    climb_up(&climb, NULL);
    assert_string_equal(climb.path, "control-sni no-sni"); /* the certificate does not say where it is */
    end(&climb);
    begin(&climb, of_class(OUTCOME_CERT_NO_ISSUER));
    climb.limits.may_fetch_issuer = true;
    climb.attempts[0]->tls.leaf.issuer_url = "http://ca.test/i.der";
    climb_up(&climb, NULL);
    assert_string_equal(climb.path, "issuer control-sni no-sni");
    end(&climb);
    static const struct {
        enum outcome_class class; /* however the first attempt ended */
        bool may;
        const char *url, *path;
    } rows[] = {{OUTCOME_OK, true, "http://ocsp.test/", "ocsp"},
                {OUTCOME_CERT_EXPIRED, true, "http://ocsp.test/", "no-sni ocsp"},
                {OUTCOME_OK, true, "", ""},
                {OUTCOME_OK, false, "http://ocsp.test/", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin(&climb, rows[i].class == OUTCOME_OK ? ok : of_class(rows[i].class));
        climb.limits.may_ask_ocsp = rows[i].may;
        climb.attempts[0]->tls.leaf.ocsp_url = rows[i].url;
        climb_up(&climb, NULL);
        assert_string_equal(climb.path, rows[i].path);
        end(&climb);
    }
    for (int asked = 0; asked < 2; asked++) {
        begin(&climb, of_class(OUTCOME_HTTP_CLIENT_CERT));
        climb.limits.has_client_cert = true;
        climb.attempts[0]->tls.certificate_request = asked;
        climb_up(&climb, NULL);
        assert_string_equal(climb.path, asked ? "client-cert" : "");
        end(&climb);
    }
}

static void test_no_name_no_control_of_it(void **state)
{
    (void)state;
    struct climb climb;
    begin(&climb, of_class(OUTCOME_CERT_NAME));
    climb.endpoint.host = "192.0.2.1";
    climb.limits.control_sni = "other.test";
    climb_up(&climb, NULL);
    assert_string_equal(climb.path, "control-sni");
    assert_string_equal(climb.steps[0].sni, "other.test");
    end(&climb);
}

static void test_a_forced_variant_has_no_retry(void **state)
{
    (void)state;
    struct climb climb;
    begin(&climb, alert(40));
    climb.attempts[0]->variant = VARIANT_TLS12;
    climb_up(&climb, NULL);
    assert_string_equal(climb.path, "control-sni no-sni tls13 wide rsa-only ecdsa-only no-alpn legacy");
    end(&climb);
}

static void test_attempts_on_the_origin_are_not_the_endpoints(void **state)
{
    (void)state;
    const struct endpoint origin = {.site = "", .host = "www.a.test", .port = 443, .sni = ""};
    struct climb climb;
    begin(&climb, alert(112));
    add(&climb, VARIANT_NO_SNI, ATTEMPT_CONTROL, ok);
    climb.file.origins[1] = &origin;
    assert_null(case_variant(&climb.file, VARIANT_NO_SNI));
    climb_up(&climb, NULL);
    assert_string_equal(climb.path, "control-sni no-sni");
    end(&climb);
}

static void test_bounds(void **state)
{
    (void)state;
    struct climb climb;
    begin(&climb, alert(40));
    climb.limits.max_attempts = 3;
    climb_up(&climb, NULL);
    assert_string_equal(climb.path, "retry control-sni");
    end(&climb);
    begin(&climb, alert(40));
    climb.limits.elapsed_us = climb.limits.budget_us;
    climb_up(&climb, NULL);
    assert_string_equal(climb.path, "");
    end(&climb);
    /* A rest that does not fit is not begun. */
    const struct gives passes[] = {{VARIANT_CONTROL_SNI, ATTEMPT_CONTROL, ok}, {.variant = VARIANT_NORMAL}};
    begin(&climb, of_class(OUTCOME_HELLO_RESET));
    climb.limits.rest_us = climb.limits.budget_us;
    climb_up(&climb, passes);
    assert_string_equal(climb.path, "retry control-sni no-sni");
    end(&climb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_outcome_is_climbed_once_and_ends),
        cmocka_unit_test(test_climbs),
        cmocka_unit_test(test_a_retry_that_works_ends_it),
        cmocka_unit_test(test_the_name_is_sent_again_after_controls_and_a_rest),
        cmocka_unit_test(test_other_addresses),
        cmocka_unit_test(test_addresses_that_may_not_be_tried),
        cmocka_unit_test(test_always),
        cmocka_unit_test(test_what_needs_leave),
        cmocka_unit_test(test_no_name_no_control_of_it),
        cmocka_unit_test(test_a_forced_variant_has_no_retry),
        cmocka_unit_test(test_attempts_on_the_origin_are_not_the_endpoints),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
