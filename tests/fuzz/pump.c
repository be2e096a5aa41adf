#include "fuzz.h"

#include "link/pki.h"
#include "link/pump.h"

#include <openssl/err.h>

/*
 * What a stranger sends to the collector's port, and what a false collector answers an agent, up to TLS. The first byte
 * says who listens, and how large the pieces are.
 */

enum { SESSION_SECONDS = 86400, MAX_PIECES = 64 };

static SSL_CTX *server_context, *client_context;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char *why = NULL;
    (void)argc;
    (void)argv;
    EVP_PKEY *ca_key = pki_key_new(&why), *key = pki_key_new(&why);
    X509 *ca = pki_ca_new(ca_key, "Fuzz CA", 3650, &why);
    X509 *certificate = pki_sign(ca, ca_key, key, PKI_SERVER, "collector", SESSION_SECONDS, &why);
    server_context = pki_server_context(certificate, key, ca, &why);
    client_context = pki_client_context(ca, NULL, NULL, &why);
    REQUIRE(server_context != NULL && client_context != NULL);
    X509_free(certificate);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 2)
        return 0;
    bool server = (bytes[0] & 0x80) == 0;
    size_t piece = length / (1 + (bytes[0] & 0x7f) % MAX_PIECES) + 1;
    struct pump *pump =
        pump_new(server ? server_context : client_context, server, server ? NULL : PKI_SERVER_NAME);
    struct buf plain, out;
    REQUIRE(pump != NULL);
    buf_init(&plain, 0);
    buf_init(&out, 0);
    (void)pump_advance(pump);
    for (size_t at = 1; at < length;) {
        size_t now = length - at < piece ? length - at : piece;
        (void)pump_feed(pump, bytes + at, now, &plain);
        REQUIRE(pump_take(pump, &out));
        at += now;
    }
    REQUIRE(pump_state(pump) != PUMP_OPEN && plain.len == 0); /* nobody gets in without the keys */
    if (pump_state(pump) == PUMP_FAILED)
        REQUIRE(pump_error(pump)[0] != '\0');
    buf_done(&plain);
    buf_done(&out);
    pump_free(pump);
    ERR_clear_error();
    return 0;
}
