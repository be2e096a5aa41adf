#include "../../proto/cli/capture.h"
#include "cmocka_all.h"

#include "link/pki.h"
#include "replay/import_file.h"
#include "words/units.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file with nothing in it but its first line, which names vantage hk-1. */
static char *write_header(FILE *file)
{
    static char line[4096];
    char *why = NULL;
    size_t length = 0, at = 0;
    EVP_PKEY *key = pki_key_new(&why);
    X509 *ca = pki_ca_new(key, "CA", 1, &why);
    X509 *certificate = pki_sign(ca, key, key, PKI_VANTAGE, "hk-1", 86400, &why);
    char *pem = pki_certificate_pem(certificate, &length, &why);
    assert_non_null(pem);
    at = (size_t)snprintf(line, sizeof line,
                          "{\"kind\":\"%s\",\"schema\":%d,\"vantage\":\"hk-1\",\"first\":1,\"last\":1,"
                          "\"certificate\":\"",
                          CARRY_KIND, CARRY_SCHEMA);
    for (size_t i = 0; i < length; i++)
        at += (size_t)snprintf(line + at, sizeof line - at, pem[i] == '\n' ? "\\n" : "%c", pem[i]);
    (void)snprintf(line + at, sizeof line - at, "\"}\n");
    assert_true(fputs(line, file) >= 0);
    free(pem);
    X509_free(certificate);
    X509_free(ca);
    EVP_PKEY_free(key);
    return line;
}

/* What is told beside it is the hash of the lines before, not what lies on the stack. */
static void an_end_without_a_hash_is_refused(void **state)
{
    (void)state;
    static const atomic_bool stop = false;
    struct import_file file;
    struct import_line line;
    uint8_t sha256[32];
    char path[] = "/tmp/plx-import-XXXXXX", hex[65];
    int made = mkstemp(path);
    FILE *out = fdopen(made, "w");
    assert_non_null(out);
    const char *header = write_header(out);
    assert_true(fputs("{\"kind\":\"end\",\"records\":0,\"certificates\":0}\n", out) >= 0);
    assert_int_equal(fclose(out), 0);
    (void)SHA256((const unsigned char *)header, strlen(header), sha256);
    assert_true(import_open(&file, path, "/tmp", &stop));
    struct capture capture = capture_begin(stderr);
    enum import_kind kind = import_next(&file, &line);
    char *said = capture_end(&capture);
    assert_int_equal(kind, IMPORT_FAILED);
    assert_non_null(strstr(said, hex_text(sha256, 32, hex)));
    free(said);
    import_close(&file);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_without_a_hash_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
