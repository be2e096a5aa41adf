#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/listen.h"

static void check(const char *text, const char *address, unsigned port)
{
    struct address got;
    uint16_t got_port = 0;
    char out[ADDRESS_TEXT_BYTES];
    assert_true(listen_parse(text, &got, &got_port));
    assert_string_equal(address_text(&got, out), address);
    assert_int_equal(got_port, port);
}

static void refuse(const char *text)
{
    struct address address;
    uint16_t port = 0;
    if (listen_parse(text, &address, &port))
        fail_msg("accepted %s", text);
}

static void places(void **arg)
{
    (void)arg;
    check("127.0.0.1:7443", "127.0.0.1", 7443);
    check("0.0.0.0:0", "0.0.0.0", 0);
    check("[::]:7443", "::", 7443);
    check("[2001:db8::1]:65535", "2001:db8::1", 65535);
    const char *const wrong[] = {"",
                                 ":",
                                 ":7443",
                                 "127.0.0.1",
                                 "127.0.0.1:",
                                 "127.0.0.1:65536",
                                 "::1:80",
                                 "[::1]",
                                 "[::1:80",
                                 "localhost:80",
                                 "127.0.0.1:x",
                                 "127.0.0.1:80x",
                                 "[]:80",
                                 "[1.2.3.4]:80",
                                 "127.0.0.1:-1",
                                 "127.0.0.1: 80"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        refuse(wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
