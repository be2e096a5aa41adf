#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/incidents.h"

#include <stdlib.h>
#include <string.h>

/* How an incident is worded: the same for reports, the page, `watch` and alerts. */

#define OUTCOME(class, raw_kind, raw)                                                                        \
    "\"outcome\":{\"stage\":\"tls\",\"class\":\"" class "\",\"raw_kind\":\"" raw_kind "\",\"raw\":" raw "}"
#define RESET OUTCOME("hello.reset", "none", "0")
#define ENDPOINT                                                                                             \
    "{\"site\":\"shop\",\"role\":\"edge\",\"host\":\"www.shop.example\",\"port\":443,\"address\":\"\"}"
#define OTHER "{\"site\":\"blog\",\"role\":\"plain\",\"host\":\"blog.example\",\"port\":443,\"address\":\"\"}"

static json_t *worded(const char *text)
{
    struct writer writer = {false};
    json_error_t error;
    json_t *incident = json_loads(text, 0, &error);
    if (incident == NULL)
        fail_msg("%s: %s", text, error.text);
    incident_set_words(&writer, incident);
    assert_false(writer.failed);
    return incident;
}

static void says(const char *text, const char *key, const char *expected)
{
    json_t *incident = worded(text);
    const char *said = json_string_value(json_object_get(incident, key));
    if (expected == NULL)
        assert_null(said);
    else
        assert_string_equal(said == NULL ? "" : said, expected);
    json_decref(incident);
}

static void test_places(void **state)
{
    (void)state;
    says("{\"kind\":\"fails\",\"place\":{\"kind\":\"asn\",\"asn\":4837},\"endpoints\":[" ENDPOINT "]," RESET
         "}",
         "summary", "AS4837 -> edge www.shop.example:443: reset after ClientHello");
    says("{\"kind\":\"fails\",\"place\":{\"kind\":\"endpoint\"},\"endpoints\":[" ENDPOINT "," OTHER "]," RESET
         ",\"state\":\"flapping\"}",
         "summary", "2 endpoints: reset after ClientHello (comes and goes)");
    says("{\"kind\":\"fails\",\"place\":{\"kind\":\"edge\",\"edge\":\"Fastly\",\"pop\":\"HKG\"},"
         "\"endpoints\":[" ENDPOINT "," ENDPOINT "]," RESET "}",
         "summary", "Fastly HKG -> 2 endpoints of shop: reset after ClientHello");
    says("{\"kind\":\"fails\",\"place\":{\"kind\":\"vantage-or-path\",\"vantage\":\"hk-1\"},\"endpoints\":"
         "[" OTHER "]," RESET "}",
         "summary", "hk-1 or its path -> blog.example:443: reset after ClientHello");
    says("{\"kind\":\"fails\",\"place\":{\"kind\":\"region\",\"region\":\"cn\"},\"endpoints\":[]," RESET "}",
         "where", "region cn -> endpoints that are gone");
}

static void test_kinds(void **state)
{
    (void)state;
    says("{\"kind\":\"differs\",\"place\":{\"kind\":\"asn\",\"asn\":4837},\"condition\":{\"aspect\":"
         "\"issuer\",\"value\":\"Proxy "
         "\\\"CA\\\"\\n\",\"other_value\":\"R11\",\"paired\":false}}",
         "what", "certificate issuer differs (Proxy \"CA\"\n; elsewhere R11)");
    says("{\"kind\":\"certificate-expires\",\"place\":{\"kind\":\"endpoint\"},\"condition\":{\"not_after\":"
         "\"2026-02-"
         "01T00:00:00Z\"}}",
         "what", "certificate expires on 2026-02-01");
    says("{\"kind\":\"set-aside\",\"place\":{\"kind\":\"vantage-or-path\",\"vantage\":\"hk-1\"}}", "where",
         "hk-1");
}

static void test_severity(void **state)
{
    (void)state;
    says("{\"kind\":\"fails\",\"place\":{\"kind\":\"asn\"}}", "severity", "critical");
    says("{\"kind\":\"fails\",\"place\":{\"kind\":\"vantage-or-path\"}}", "severity", "warning");
    says("{\"kind\":\"differs\",\"place\":{\"kind\":\"region\"}}", "severity", "warning");
    says("{\"kind\":\"set-aside\",\"place\":{\"kind\":\"vantage-or-path\"}}", "severity", "info");
}

/* The cause is said where the outcome does not say it; without one, the number behind the outcome. */
static void test_failures(void **state)
{
    (void)state;
    says("{\"kind\":\"fails\"," OUTCOME("tls.alert", "alert", "112") "}", "what",
         "TLS alert (alert 112 unrecognized_name)");
    says("{\"kind\":\"fails\"," OUTCOME("tls.alert", "alert", "112") ",\"cause\":\"cert.expired\"}", "what",
         "TLS alert (expired)");
}

/* A name without its fact is never shown as a hole: then nothing is said. */
static void test_remedy(void **state)
{
    static const char *const begin = "{\"kind\":\"fails\",\"cause\":\"tcp.rejected\"";
    char text[256];
    (void)state;
    says("{\"kind\":\"fails\",\"cause\":\"tcp.refused\"}", "remedy", "start the server");
    says("{\"kind\":\"fails\",\"cause\":\"\"}", "remedy", NULL);
    (void)snprintf(text, sizeof text, "%s}", begin);
    says(text, "remedy", NULL);
    (void)snprintf(text, sizeof text, "%s,\"facts\":{\"offender\":\"?\"}}", begin);
    says(text, "remedy", NULL);
    (void)snprintf(text, sizeof text, "%s,\"facts\":{\"offender\":\"192.0.2.1\"}}", begin);
    says(text, "remedy", "change the firewall rule; when the network is unreachable, the route at 192.0.2.1");
}

/* No cause's remedy has a hole, whatever is known. */
static void test_every_remedy(void **state)
{
    (void)state;
    for (size_t i = 0; i < cause_count(); i++) {
        struct conclusion nothing = {.cause = cause_at(i)->cause};
        struct buf text;
        buf_init(&text, 0);
        conclusion_remedy(&text, &nothing);
        conclusion_verdict(&text, &nothing);
        assert_null(text.len == 0 ? NULL : strchr((const char *)text.data, '?'));
        assert_null(text.len == 0 ? NULL : strchr((const char *)text.data, '{'));
        buf_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),   cmocka_unit_test(test_kinds),  cmocka_unit_test(test_severity),
        cmocka_unit_test(test_failures), cmocka_unit_test(test_remedy), cmocka_unit_test(test_every_remedy),
    };
    return cmocka_run_group_tests_name("incidents", tests, NULL, NULL);
}
