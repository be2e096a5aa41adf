#include "cmocka_all.h"

#include "ingest/network.h"
#include "store/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Real files, made by the library that their publishers use; one file has one layout. */

static char folder[] = "/tmp/plx-mmdb-XXXXXX";
static char path[64];

static void make_file(const char *version, const char *network, const char *record)
{
    char *script = text_format("%s/tests/lab/mmdb.pl", getenv("PARALLAX_SOURCE_DIR"));
    pid_t child = fork();
    if (child == 0) {
        (void)execlp("perl", "perl", script, path, version, network, record, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    free(script);
}

static struct network look_up(const char *text)
{
    char *why = NULL;
    struct address address;
    struct networks *networks = networks_open(path, &why);
    if (networks == NULL)
        fail_msg("%s", why);
    assert_true(address_parse(text, &address));
    struct network network = network_of(networks, &address);
    networks_close(networks);
    return network;
}

static void expect(const char *address, int64_t asn, const char *prefix, const char *country)
{
    struct network network = look_up(address);
    assert_true(network.asn == asn);
    assert_string_equal(network.prefix, prefix);
    assert_string_equal(network.country, country);
}

static void numbers(void **arg)
{
    (void)arg;
    const char *record =
        "{\"autonomous_system_number\": 4200000000, \"autonomous_system_organization\": \"X\"}";
    make_file("6", "203.0.113.0/25", record);
    expect("203.0.113.7", 4200000000, "203.0.113.0/25", "");
    expect("203.0.113.128", 0, "", "");
    expect("2001:db8::1", 0, "", "");
    make_file("6", "2001:db8:8000::/33", record);
    expect("2001:db8:8000::1", 4200000000, "2001:db8:8000::/33", "");
    expect("2001:db8::1", 0, "", "");
    make_file("4", "203.0.113.0/25", record);
    expect("203.0.113.7", 4200000000, "203.0.113.0/25", "");
    expect("2001:db8::1", 0, "", "");
}

static void texts(void **arg)
{
    (void)arg;
    make_file("6", "203.0.113.0/24",
              "{\"asn\": \"AS4294967295\", \"country\": \"Hong Kong\", \"country_code\": \"HK\"}");
    expect("203.0.113.7", 4294967295, "203.0.113.0/24", "HK");
    make_file("6", "203.0.113.0/24", "{\"asn\": \"AS4837\", \"country\": \"CN\"}");
    expect("203.0.113.7", 4837, "203.0.113.0/24", "CN");
    make_file("6", "203.0.113.0/24",
              "{\"autonomous_system_number\": 9304, \"country\": {\"iso_code\": \"HK\"}}");
    expect("203.0.113.7", 9304, "203.0.113.0/24", "HK");
}

/* What cannot be read as an ASN or a country is not known, and nothing is made of the rest. */
static void nonsense(void **arg)
{
    (void)arg;
    static const char *const records[] = {
        "{\"asn\": \"AS\"}",
        "{\"asn\": \"4837\"}",
        "{\"asn\": \"AS48x7\"}",
        "{\"asn\": \"AS-4837\"}",
        "{\"asn\": \"AS4294967296\"}",
        "{\"asn\": \"AS99999999999999999999\"}",
        "{\"asn\": {\"AS4837\": 1}}",
        "{\"country\": \"China\"}",
        "{\"country\": \"\\u0001\\u001b\"}",
        "{\"country\": \"h'\"}",
        "{\"autonomous_system_number\": \"4837\"}",
    };
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        make_file("6", "203.0.113.0/24", records[i]);
        struct network network = look_up("203.0.113.7");
        if (network.asn != 0 || network.country[0] != '\0')
            fail_msg("%s was read as AS%lld %s", records[i], (long long)network.asn, network.country);
    }
}

static void write_file(const uint8_t *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

/* A damaged file gives an error or an answer, and the answer is of the form that an answer has. */
static void try_file(const uint8_t *bytes, size_t length)
{
    static const char *const addresses[] = {"203.0.113.7", "0.0.0.0", "2001:db8::1"};
    char *why = NULL;
    write_file(bytes, length);
    struct networks *networks = networks_open(path, &why);
    assert_true((networks == NULL) == (why != NULL));
    free(why);
    for (size_t i = 0; networks != NULL && i < sizeof addresses / sizeof addresses[0]; i++) {
        struct address address;
        struct cidr prefix;
        assert_true(address_parse(addresses[i], &address));
        struct network network = network_of(networks, &address);
        assert_in_range(network.asn, 0, UINT32_MAX);
        assert_true(network.country[0] == '\0' || strspn(network.country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2);
        assert_true(network.prefix[0] == '\0' || cidr_parse(network.prefix, &prefix));
    }
    networks_close(networks);
}

/* Every byte damaged in turn, which makes pointers that loop and lengths that lead out; and every length cut off. */
static void damaged_files(void **arg)
{
    (void)arg;
    static const uint8_t values[] = {0x00, 0x20, 0xff};
    static uint8_t bytes[65536];
    make_file("6", "203.0.113.0/24", "{\"asn\": \"AS4837\", \"country\": {\"iso_code\": \"HK\"}}");
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(bytes, 1, sizeof bytes, file);
    assert_int_equal(fclose(file), 0);
    assert_in_range(length, 100, sizeof bytes - 1);
    size_t step = length > 1024 ? length / 1024 : 1;
    for (size_t at = 0; at < length; at += step) {
        uint8_t good = bytes[at];
        for (size_t i = 0; i < sizeof values; i++) {
            bytes[at] = values[i];
            try_file(bytes, length);
        }
        bytes[at] = good;
        try_file(bytes, at);
    }
    try_file(bytes, length);
}

static void without_a_file(void **arg)
{
    (void)arg;
    struct address address;
    assert_true(address_parse("203.0.113.7", &address));
    struct network network = network_of(NULL, &address);
    assert_true(network.asn == 0 && network.prefix[0] == '\0' && network.country[0] == '\0');
}

static int setup(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path) | rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),       cmocka_unit_test(texts),          cmocka_unit_test(nonsense),
        cmocka_unit_test(damaged_files), cmocka_unit_test(without_a_file),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
