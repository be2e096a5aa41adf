#include "duty/identity.h"

#include "link/pki.h"

bool identity_read(const struct state *state, EVP_PKEY **ret_key, X509 **ret_certificate, char **ret_why)
{
    char path[PATH_MAX];
    *ret_why = NULL;
    return state_path(state, IDENTITY_FILE, path) && pki_pair_read(path, ret_key, ret_certificate, ret_why);
}

bool identity_write(const struct state *state, EVP_PKEY *key, X509 *certificate, char **ret_why)
{
    char path[PATH_MAX];
    *ret_why = NULL;
    return state_path(state, IDENTITY_FILE, path) && pki_pair_write(path, key, certificate, ret_why);
}
