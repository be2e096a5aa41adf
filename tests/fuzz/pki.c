#include "fuzz.h"

#include "link/pki.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

/* A certificate request as a stranger with a token sends it, and a certificate as a false collector answers. */

static void check_why(char *why, bool failed)
{
    REQUIRE((why != NULL) == failed);
    if (why != NULL)
        fuzz_printable(why, strlen(why));
    free(why);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *why = NULL;
    uint8_t fingerprint[32];
    EVP_PKEY *key = pki_csr_key(bytes, length, &why);
    check_why(why, key == NULL);
    EVP_PKEY_free(key);
    why = NULL;
    X509 *certificate = pki_certificate_from_pem(bytes, length, &why);
    check_why(why, certificate == NULL);
    if (certificate != NULL)
        REQUIRE(pki_fingerprint(certificate, fingerprint));
    X509_free(certificate);
    ERR_clear_error();
    return 0;
}
