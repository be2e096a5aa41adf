#include "cmocka_all.h"

#include "report/case.h"

#include <errno.h>
#include <string.h>

/* Attempts made by hand, of one vantage in one round, and the cases they are sorted into. */

enum { MOST = 40 };

static const struct address v4 = {4, {192, 0, 2, 1}}, v4_other = {4, {192, 0, 2, 2}},
                            v6 = {16, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}, v4_origin = {4, {198, 51, 100, 9}},
                            nowhere = {0};
static const struct endpoint
    edge = {.site = "", .host = "www.a.test", .port = 443, .sni = "", .role = ROLE_EDGE},
    origin = {.site = "", .host = "198.51.100.9", .port = 443, .sni = "www.a.test", .role = ROLE_ORIGIN};

struct round {
    size_t count;
    struct attempt *owned[MOST];
    struct case_attempt made[MOST];
    struct case_file files[CASES_MAX];
};

static struct attempt *add_at(struct round *round, const struct endpoint *at_origin, enum variant variant,
                              enum attempt_role role, const struct address *address)
{
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    attempt->variant = variant;
    attempt->role = role;
    attempt->flow.destination = *address;
    attempt->clock.start_us = (int64_t)(1000 + round->count);
    round->owned[round->count] = attempt;
    round->made[round->count++] = (struct case_attempt){attempt, at_origin};
    return attempt;
}

static struct attempt *add(struct round *round, enum variant variant, enum attempt_role role,
                           const struct address *address)
{
    return add_at(round, NULL, variant, role, address);
}

/* "normal retry": of one case, with "@" before what went to the origin */
static const char *gathered(const struct case_file *file)
{
    static char path[512];
    path[0] = '\0';
    for (size_t i = 0; i < file->count; i++) {
        size_t length = strlen(path);
        (void)snprintf(path + length, sizeof path - length, "%s%s%s", i == 0 ? "" : " ",
                       file->origins[i] != NULL ? "@" : "", variant_name((int)file->attempts[i]->variant));
    }
    return path;
}

static size_t gather(struct round *round)
{
    return cases_gather(&edge, round->made, round->count, round->files);
}

static void done(struct round *round)
{
    for (size_t i = 0; i < round->count; i++)
        attempt_free(round->owned[i]);
}

static void one_address(void **state)
{
    struct round round = {0};
    (void)state;
    assert_int_equal(gather(&round), 0);
    /* what the ladder made may be read before the first attempt: clocks were set between them */
    (void)add(&round, VARIANT_CONTROL_SNI, ATTEMPT_CONTROL, &v4);
    assert_int_equal(gather(&round), 0);
    (void)add(&round, VARIANT_NORMAL, ATTEMPT_FIRST, &v4);
    (void)add(&round, VARIANT_RETRY, ATTEMPT_CONFIRM, &v4);
    (void)add(&round, VARIANT_OTHER_ADDRESS, ATTEMPT_CONTROL, &v4_other);
    (void)add(&round, VARIANT_ISSUER, ATTEMPT_LADDER, &v4_origin);
    assert_int_equal(gather(&round), 1);
    assert_string_equal(gathered(&round.files[0]), "normal control-sni retry other-address issuer");
    assert_int_equal(round.files[0].now_us, 1001);
    assert_ptr_equal(round.files[0].endpoint, &edge);
    done(&round);
}

static void two_families(void **state)
{
    struct round round = {0};
    (void)state;
    (void)add(&round, VARIANT_NORMAL, ATTEMPT_FIRST, &v4);
    (void)add(&round, VARIANT_NORMAL, ATTEMPT_FIRST, &v6);
    (void)add(&round, VARIANT_RETRY, ATTEMPT_CONFIRM, &v6);
    (void)add(&round, VARIANT_RETRY, ATTEMPT_CONFIRM, &v4);
    (void)add(&round, VARIANT_OTHER_ADDRESS, ATTEMPT_CONTROL, &v4_other);
    (void)add(&round, VARIANT_OTHER_FAMILY, ATTEMPT_CONTROL, &v4); /* asked for by IPv6 */
    (void)add(&round, VARIANT_NO_SNI, ATTEMPT_CONTROL, &v6);
    assert_int_equal(gather(&round), 2);
    assert_string_equal(gathered(&round.files[0]), "normal retry other-address");
    assert_string_equal(gathered(&round.files[1]), "normal retry other-family no-sni");
    done(&round);
}

static void what_goes_elsewhere_belongs_to_what_fails(void **state)
{
    struct round round = {0};
    (void)state;
    struct attempt *well = add(&round, VARIANT_NORMAL, ATTEMPT_FIRST, &v4);
    struct attempt *ill = add(&round, VARIANT_NORMAL, ATTEMPT_FIRST, &v6);
    well->http.status = 200;
    well->clock.connected_us = well->clock.handshake_us = ill->clock.connect_us = 1;
    ill->flow.error = ECONNREFUSED;
    (void)add(&round, VARIANT_ISSUER, ATTEMPT_LADDER, &v4_origin);
    assert_int_equal(gather(&round), 2);
    assert_false(outcome_is_failure(round.files[0].outcomes[0]));
    assert_true(outcome_is_failure(round.files[1].outcomes[0]));
    assert_string_equal(gathered(&round.files[1]), "normal issuer");
    done(&round);
}

static void a_name_that_did_not_resolve(void **state)
{
    struct round round = {0};
    (void)state;
    (void)add(&round, VARIANT_NORMAL, ATTEMPT_FIRST, &nowhere);
    (void)add(&round, VARIANT_RETRY, ATTEMPT_CONFIRM, &v4);
    (void)add(&round, VARIANT_RETRY, ATTEMPT_CONFIRM, &v6);
    assert_int_equal(gather(&round), 1);
    assert_string_equal(gathered(&round.files[0]), "normal retry retry");
    done(&round);
}

static void with_the_origin(void **state)
{
    struct round round = {0};
    (void)state;
    (void)add_at(&round, &origin, VARIANT_NORMAL, ATTEMPT_FIRST, &v4_origin);
    (void)add_at(&round, &origin, VARIANT_RETRY, ATTEMPT_CONFIRM, &v4_origin);
    (void)add_at(&round, &origin, VARIANT_NO_SNI, ATTEMPT_CONTROL, &v4_origin);
    assert_int_equal(gather(&round), 0);
    (void)add(&round, VARIANT_NORMAL, ATTEMPT_FIRST, &v4);
    (void)add(&round, VARIANT_NORMAL, ATTEMPT_FIRST, &v6);
    (void)add(&round, VARIANT_RETRY, ATTEMPT_CONFIRM, &v6);
    assert_int_equal(gather(&round), 2);
    assert_string_equal(gathered(&round.files[0]), "normal @normal @no-sni");
    assert_string_equal(gathered(&round.files[1]), "normal retry @normal @no-sni");
    assert_ptr_equal(round.files[1].origins[2], &origin);
    done(&round);
}

static void a_flood(void **state)
{
    struct round round = {0};
    (void)state;
    for (size_t i = 0; i < MOST; i++) {
        struct address address = v4;
        address.bytes[3] = (uint8_t)(i % 4 + 1);
        (void)add(&round, VARIANT_NORMAL, ATTEMPT_FIRST, &address);
    }
    assert_int_equal(gather(&round), CASES_MAX);
    for (size_t i = 0; i < CASES_MAX; i++)
        assert_in_range(round.files[i].count, 1, CASE_MAX_ATTEMPTS);
    done(&round);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_address),
        cmocka_unit_test(two_families),
        cmocka_unit_test(what_goes_elsewhere_belongs_to_what_fails),
        cmocka_unit_test(a_name_that_did_not_resolve),
        cmocka_unit_test(with_the_origin),
        cmocka_unit_test(a_flood),
    };
    return cmocka_run_group_tests_name("case", tests, NULL, NULL);
}
