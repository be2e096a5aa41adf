#include "cmocka_all.h"
#include "words/cause.h"

#include <string.h>

static const char *remedy_of(enum cause cause, const char *key, const char *value)
{
    struct conclusion conclusion = {.cause = cause, .fact_count = 1, .facts = {{key, value}}};
    return cause_remedy(&conclusion);
}

static void test_software_has_its_own_words(void **state)
{
    (void)state;
    assert_non_null(strstr(remedy_of(CAUSE_CERT_EXPIRED, "software", "Apache/2.4.62 (Debian)"), "apachectl"));
    assert_non_null(strstr(remedy_of(CAUSE_CERT_EXPIRED, "software", "nginx/1.22.1"), "nginx -s reload"));
    assert_non_null(
        strstr(remedy_of(CAUSE_CERT_MISSING_INTERMEDIATE, "software", "Apache"), "SSLCertificateFile"));
}

static void test_unknown_software_keeps_the_catalogue(void **state)
{
    (void)state;
    assert_string_equal(remedy_of(CAUSE_CERT_EXPIRED, "software", "\x1b[31m"),
                        cause_row(CAUSE_CERT_EXPIRED)->remedy);
    assert_string_equal(remedy_of(CAUSE_CERT_EXPIRED, "protocol", "Apache"),
                        cause_row(CAUSE_CERT_EXPIRED)->remedy);
}

static void test_protocol_chooses(void **state)
{
    (void)state;
    assert_string_equal(remedy_of(CAUSE_TLS_PLAINTEXT, "protocol", "HTTP"), "listen 443 ssl;");
    assert_non_null(strstr(remedy_of(CAUSE_TLS_PLAINTEXT, "protocol", "SMTP"), "465"));
    assert_null(strstr(remedy_of(CAUSE_TLS_PLAINTEXT, "protocol", "SSH"), "ssl"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_software_has_its_own_words),
        cmocka_unit_test(test_unknown_software_keeps_the_catalogue),
        cmocka_unit_test(test_protocol_chooses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
