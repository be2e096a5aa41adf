#include "duty/renew.h"

#include "cli/i18n.h"
#include "duty/identity.h"
#include "link/pki.h"
#include "words/units.h"

#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 *            signed                                  due                     ends
 *   |-- backdated --|------------------------------------|---------|-------------|
 *                                                       2/3      3/4
 *
 * Where between two thirds and three quarters, each certificate draws for itself, so that a fleet that was enrolled in one
 * go does not renew in one go. A request that comes to nothing is made again after a random half to whole of a minute,
 * two, four ... up to an hour, and never later than a quarter of what is left.
 *
 * What a kill can leave, and why the agent can connect after each:
 *
 *   before the request, or before the collector's commit   nothing has changed
 *   after the commit, before the answer is on disk         identity.pem holds the old pair; the collector has both in force
 *   during the write                                       as above, and a temporary file
 *   after the rename                                       identity.pem holds the new pair; the collector has both in force
 */

enum { NAME_BYTES = 64, RETRY_DOUBLINGS = 6 };

static const int64_t retry_first_us = 60 * US_PER_S, retry_most_us = 3600 * US_PER_S,
                     retry_least_us = US_PER_S;

struct renew {
    const struct state *state;
    X509 *ca;
    SSL_CTX *context;
    char name[NAME_BYTES];   /* of this vantage */
    int64_t due_us, ends_us; /* collector time */
    unsigned tries;
    int64_t not_before_us; /* monotonic */
    EVP_PKEY *next_key;    /* NULL: nothing was asked for */
    unsigned char *csr;
};

/* --- dates ------------------------------------------------------------------------------------------------------ */

/* Between 0 and `most`, evenly. */
static int64_t random_us(int64_t most)
{
    uint32_t random = 0;
    if (RAND_bytes((unsigned char *)&random, sizeof random) != 1)
        return most;
    return (int64_t)((double)most * ((double)random / UINT32_MAX));
}

static bool set_dates(struct renew *renew, X509 *certificate)
{
    int64_t signed_s = 0, ends_s = 0;
    if (!pki_times(certificate, &signed_s, &ends_s))
        return false;
    int64_t whole_us = (ends_s - signed_s) * US_PER_S;
    renew->ends_us = ends_s * US_PER_S;
    renew->due_us = renew->ends_us - whole_us / 3 + random_us(whole_us / 12);
    return true;
}

int64_t renew_ends_us(const struct renew *renew)
{
    return renew->ends_us;
}

int64_t renew_wait_us(const struct renew *renew, int64_t collector_us, int64_t mono_us)
{
    int64_t due = renew->due_us - collector_us, again = renew->not_before_us - mono_us;
    int64_t wait = due > again ? due : again;
    return wait > 0 ? wait : 0;
}

static int64_t retry_us(const struct renew *renew, int64_t collector_us)
{
    unsigned doublings = renew->tries < RETRY_DOUBLINGS ? renew->tries : RETRY_DOUBLINGS;
    int64_t most = retry_first_us << doublings, left = renew->ends_us - collector_us;
    most = most > retry_most_us ? retry_most_us : most;
    most = most > left / 4 ? left / 4 : most;
    most = most < retry_least_us ? retry_least_us : most;
    return most / 2 + random_us(most / 2);
}

/* --- the identity in force -------------------------------------------------------------------------------------- */

/* @return false with *ret_why when they are of no use together. */
static bool put_in_force(struct renew *renew, EVP_PKEY *key, X509 *certificate, char **ret_why)
{
    SSL_CTX *context = pki_client_context(renew->ca, certificate, key, ret_why);
    if (context == NULL || !set_dates(renew, certificate)) {
        SSL_CTX_free(context);
        return false;
    }
    SSL_CTX_free(renew->context);
    renew->context = context;
    return true;
}

static bool read_identity(struct renew *renew, char **ret_why)
{
    char ca_path[PATH_MAX];
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    bool done = false;
    if (!identity_read(renew->state, &key, &certificate, ret_why))
        return false;
    if (state_path(renew->state, "ca.pem", ca_path))
        renew->ca = pki_certificate_read(ca_path, ret_why);
    if (renew->ca != NULL && !pki_vantage_name(certificate, renew->name, sizeof renew->name))
        *ret_why = strdup(_("identity.pem: its certificate names no vantage"));
    else if (renew->ca != NULL)
        done = put_in_force(renew, key, certificate, ret_why);
    EVP_PKEY_free(key);
    X509_free(certificate);
    return done;
}

struct renew *renew_new(const struct state *state, char **ret_why)
{
    struct renew *renew = calloc(1, sizeof *renew);
    *ret_why = NULL;
    if (renew == NULL)
        return NULL;
    renew->state = state;
    if (read_identity(renew, ret_why))
        return renew;
    renew_free(renew);
    return NULL;
}

static void forget_request(struct renew *renew)
{
    EVP_PKEY_free(renew->next_key);
    OPENSSL_free(renew->csr);
    renew->next_key = NULL;
    renew->csr = NULL;
}

void renew_free(struct renew *renew)
{
    if (renew == NULL)
        return;
    forget_request(renew);
    SSL_CTX_free(renew->context);
    X509_free(renew->ca);
    free(renew);
}

SSL_CTX *renew_context(const struct renew *renew)
{
    return renew->context;
}

/* --- the next one ----------------------------------------------------------------------------------------------- */

bool renew_begin(struct renew *renew, int64_t collector_us, int64_t mono_us, struct bytes *ret_csr,
                 char **ret_why)
{
    int length = 0;
    *ret_why = NULL;
    forget_request(renew);
    renew->not_before_us = mono_us + retry_us(renew, collector_us);
    renew->tries++;
    renew->next_key = pki_key_new(ret_why);
    if (renew->next_key != NULL)
        renew->csr = pki_csr_der(renew->next_key, &length, ret_why);
    *ret_csr = (struct bytes){renew->csr, (size_t)length};
    return renew->csr != NULL;
}

/* @return what is wrong with it; NULL: nothing. */
static const char *fault_of(const struct renew *renew, X509 *certificate)
{
    char name[NAME_BYTES];
    EVP_PKEY *key = X509_get0_pubkey(certificate), *ca_key = X509_get0_pubkey(renew->ca);
    if (key == NULL || EVP_PKEY_eq(key, renew->next_key) != 1)
        return "the collector's answer holds a certificate for another key";
    if (X509_check_issued(renew->ca, certificate) != X509_V_OK || X509_verify(certificate, ca_key) != 1)
        return "the collector's answer holds a certificate of another CA";
    if (!pki_vantage_name(certificate, name, sizeof name) || strcmp(name, renew->name) != 0)
        return "the collector's answer holds a certificate of another vantage";
    return NULL;
}

bool renew_accept(struct renew *renew, const struct bytes *certificate_pem, char **ret_why)
{
    *ret_why = NULL;
    if (renew->next_key == NULL) {
        *ret_why = strdup("the collector sends a certificate that was not asked for");
        return false;
    }
    X509 *certificate = pki_certificate_from_pem(certificate_pem->data, certificate_pem->length, ret_why);
    const char *fault = certificate == NULL ? NULL : fault_of(renew, certificate);
    bool accepted = false;
    if (fault != NULL)
        *ret_why = strdup(fault);
    else if (certificate != NULL)
        accepted = identity_write(renew->state, renew->next_key, certificate, ret_why) &&
                   put_in_force(renew, renew->next_key, certificate, ret_why);
    X509_free(certificate);
    forget_request(renew);
    if (accepted)
        renew->tries = 0;
    return accepted;
}
