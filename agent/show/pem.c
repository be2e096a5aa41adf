#include "show/certificate.h"
#include "show/show.h"

#include <openssl/pem.h>

static void print_name(FILE *out, const char *before, const X509_NAME *name)
{
    struct buf text;
    buf_init(&text, 0);
    (void)certificate_name(&text, name, XN_FLAG_ONELINE);
    (void)fprintf(out, "%s%s\n", before, text.data == NULL ? "" : (const char *)text.data);
    buf_done(&text);
}

void show_pem(FILE *out, const struct attempt *attempt)
{
    const struct evidence_tls *tls = &attempt->tls;
    for (size_t i = 0; i < tls->chain_count; i++) {
        X509 *certificate = certificate_read(&tls->chain[i]);
        if (certificate == NULL)
            continue;
        (void)fprintf(out, "%2zu", i);
        print_name(out, " s:", X509_get_subject_name(certificate));
        print_name(out, "   i:", X509_get_issuer_name(certificate));
        (void)PEM_write_X509(out, certificate);
        X509_free(certificate);
    }
}
