#include "link/pki.h"
#include "link/pki_why.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void pki_why(char **ret_why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (vasprintf(ret_why, format, args) < 0)
        *ret_why = NULL;
    va_end(args);
    ERR_clear_error();
}

void pki_why_library(char **ret_why, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    pki_why(ret_why, "%s: %s", what, reason != NULL ? reason : "unknown error");
}

/* Never asks a terminal: our keys carry no passphrase. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
    (void)out, (void)size, (void)writing, (void)arg;
    return 0;
}

static FILE *open_checked(const char *path, unsigned forbidden_mode, char **ret_why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        pki_why(ret_why, "%s: %s", path, strerror(errno));
        goto fail;
    }
    if (!S_ISREG(status.st_mode)) {
        pki_why(ret_why, "%s: not a file", path);
        goto fail;
    }
    if ((status.st_mode & forbidden_mode) != 0) {
        pki_why(ret_why, "%s: others may read this key (mode %04o); do: chmod 600 %s", path,
                (unsigned)(status.st_mode & 07777), path);
        goto fail;
    }
    FILE *file = fdopen(fd, "r");
    if (file != NULL)
        return file;
    pki_why(ret_why, "%s: %s", path, strerror(errno));
fail:
    if (fd >= 0)
        (void)close(fd);
    return NULL;
}

EVP_PKEY *pki_key_read(const char *path, char **ret_why)
{
    FILE *file = open_checked(path, 077, ret_why);
    if (file == NULL)
        return NULL;
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
    (void)fclose(file);
    if (key == NULL)
        pki_why(ret_why, "%s: no PEM private key without a passphrase in it", path);
    return key;
}

X509 *pki_certificate_read(const char *path, char **ret_why)
{
    FILE *file = open_checked(path, 0, ret_why);
    if (file == NULL)
        return NULL;
    X509 *certificate = PEM_read_X509(file, NULL, no_passphrase, NULL);
    (void)fclose(file);
    if (certificate == NULL)
        pki_why(ret_why, "%s: no PEM certificate in it", path);
    return certificate;
}

static bool write_all(int fd, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

/* A rename is on disk only when its folder is. */
static bool sync_folder(const char *path)
{
    char copy[PATH_MAX];
    int length = snprintf(copy, sizeof copy, "%s", path);
    if (length < 0 || (size_t)length >= sizeof copy) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = fsync(fd) == 0;
    (void)close(fd);
    return done;
}

bool pki_file_write(const char *path, const void *bytes, size_t length, unsigned mode, char **ret_why)
{
    char temporary[PATH_MAX];
    int size = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (size < 0 || (size_t)size >= sizeof temporary) {
        pki_why(ret_why, "%s: the path is too long", path);
        return false;
    }
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        pki_why(ret_why, "%s: %s", path, strerror(errno));
        return false;
    }
    bool written = fchmod(fd, (mode_t)mode) == 0 && write_all(fd, bytes, length) && fsync(fd) == 0;
    int error = errno;
    written = close(fd) == 0 && written;
    if (written && rename(temporary, path) == 0 && sync_folder(path))
        return true;
    if (written)
        error = errno;
    (void)unlink(temporary);
    pki_why(ret_why, "%s: %s", path, strerror(error));
    return false;
}

/* @param certificate  NULL: the key alone. */
static bool write_private(const char *path, EVP_PKEY *key, X509 *certificate, char **ret_why)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *pem = NULL;
    bool written = false;
    if (memory == NULL || PEM_write_bio_PKCS8PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) != 1 ||
        (certificate != NULL && PEM_write_bio_X509(memory, certificate) != 1))
        pki_why_library(ret_why, "cannot encode the key");
    else {
        size_t length = (size_t)BIO_get_mem_data(memory, &pem);
        written = pki_file_write(path, pem, length, 0600, ret_why);
    }
    BIO_free(memory);
    return written;
}

bool pki_key_write(const char *path, EVP_PKEY *key, char **ret_why)
{
    return write_private(path, key, NULL, ret_why);
}

bool pki_pair_write(const char *path, EVP_PKEY *key, X509 *certificate, char **ret_why)
{
    return write_private(path, key, certificate, ret_why);
}

bool pki_pair_read(const char *path, EVP_PKEY **ret_key, X509 **ret_certificate, char **ret_why)
{
    FILE *file = open_checked(path, 077, ret_why);
    if (file == NULL)
        return false;
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
    X509 *certificate = key == NULL ? NULL : PEM_read_X509(file, NULL, no_passphrase, NULL);
    (void)fclose(file);
    if (certificate == NULL)
        pki_why(ret_why, "%s: no PEM private key and certificate in it", path);
    else if (X509_check_private_key(certificate, key) != 1)
        pki_why(ret_why, "%s: the key and the certificate in it do not belong together", path);
    else {
        *ret_key = key;
        *ret_certificate = certificate;
        return true;
    }
    EVP_PKEY_free(key);
    X509_free(certificate);
    return false;
}

char *pki_certificate_pem(X509 *certificate, size_t *ret_length, char **ret_why)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *copy = NULL;
    if (memory != NULL && PEM_write_bio_X509(memory, certificate) == 1) {
        char *pem = NULL;
        size_t length = (size_t)BIO_get_mem_data(memory, &pem);
        copy = strndup(pem, length);
        if (copy != NULL)
            *ret_length = length;
    }
    if (copy == NULL)
        pki_why_library(ret_why, "cannot encode the certificate");
    BIO_free(memory);
    return copy;
}

X509 *pki_certificate_from_pem(const void *pem, size_t length, char **ret_why)
{
    BIO *memory = length > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)length);
    X509 *certificate = memory == NULL ? NULL : PEM_read_bio_X509(memory, NULL, no_passphrase, NULL);
    if (certificate == NULL)
        pki_why(ret_why, "not a PEM certificate");
    BIO_free(memory);
    return certificate;
}
