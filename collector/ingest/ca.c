#include "ingest/ca.h"

#include "cli/i18n.h"
#include "link/pki.h"
#include "store/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t day_s = 86400;

/* The key first: an authority whose certificate is there is whole. */
static bool ca_make(const char *key_path, const char *certificate_path, char **ret_why)
{
    size_t length = 0;
    EVP_PKEY *key = pki_key_new(ret_why);
    X509 *certificate = key == NULL ? NULL : pki_ca_new(key, "Parallax collector CA", CA_DAYS, ret_why);
    char *pem = certificate == NULL ? NULL : pki_certificate_pem(certificate, &length, ret_why);
    bool made = pem != NULL && pki_key_write(key_path, key, ret_why) &&
                pki_file_write(certificate_path, pem, length, 0644, ret_why);
    free(pem);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return made;
}

static bool ca_load(struct ca *ca, const char *key_path, const char *certificate_path, char **ret_why)
{
    if (access(certificate_path, F_OK) != 0 && !ca_make(key_path, certificate_path, ret_why))
        return false;
    ca->key = pki_key_read(key_path, ret_why);
    ca->certificate = ca->key == NULL ? NULL : pki_certificate_read(certificate_path, ret_why);
    if (ca->certificate == NULL)
        return false;
    if (X509_check_private_key(ca->certificate, ca->key) == 1 &&
        pki_fingerprint(ca->certificate, ca->fingerprint))
        return true;
    *ret_why = text_format(_("%s and %s do not belong together"), key_path, certificate_path);
    return false;
}

/* One maker at a time. */
static int ca_lock(const char *folder, char **ret_why)
{
    int fd = -1;
    char *path = text_format("%s/lock", folder);
    if (path != NULL && (mkdir(folder, 0700) == 0 || errno == EEXIST))
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) != 0)
        *ret_why = text_format(_("cannot open %s: %s"), path == NULL ? folder : path, strerror(errno));
    free(path);
    return fd;
}

bool ca_init(struct ca *ca, const char *state, char **ret_why)
{
    *ca = (struct ca){0};
    char *folder = text_format("%s/pki", state);
    char *key_path = text_format("%s/pki/ca.key", state);
    char *certificate_path = text_format("%s/pki/ca.pem", state);
    bool ready = false;
    if (folder != NULL && key_path != NULL && certificate_path != NULL) {
        int fd = ca_lock(folder, ret_why);
        ready = fd >= 0 && ca_load(ca, key_path, certificate_path, ret_why);
        if (fd >= 0)
            (void)close(fd);
    }
    free(folder);
    free(key_path);
    free(certificate_path);
    if (!ready)
        ca_done(ca);
    return ready;
}

void ca_done(struct ca *ca)
{
    EVP_PKEY_free(ca->key);
    X509_free(ca->certificate);
    *ca = (struct ca){0};
}

SSL_CTX *ca_server_context(const struct ca *ca, char **ret_why)
{
    SSL_CTX *context = NULL;
    EVP_PKEY *key = pki_key_new(ret_why);
    X509 *certificate = key == NULL ? NULL
                                    : pki_sign(ca->certificate, ca->key, key, PKI_SERVER, PKI_SERVER_NAME,
                                               CA_SERVER_DAYS * day_s, ret_why);
    if (certificate != NULL)
        context = pki_server_context(certificate, key, ca->certificate, ret_why);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}
