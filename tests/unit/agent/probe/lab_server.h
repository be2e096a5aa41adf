#ifndef PARALLAX_TEST_LAB_SERVER_H
#define PARALLAX_TEST_LAB_SERVER_H

#include "cmocka_all.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Certificates made on the spot, and servers on loopback with a thread each that answer one connection after another. */

struct lab_certificate {
    const char *name; /* common name */
    const char *san;  /* "DNS:a.test,IP:127.0.0.1"; NULL: a CA */
    long from_s;      /* from now */
    long to_s;
};

static inline void lab_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* issuer NULL: self-signed. aia: authorityInfoAccess as openssl.cnf has it; NULL: none. */
static inline X509 *lab_sign_aia(const struct lab_certificate *wanted, const char *aia, EVP_PKEY *key,
                                 X509 *issuer, EVP_PKEY *issuer_key)
{
    static long serial;
    X509 *made = X509_new();
    assert_non_null(made);
    X509 *by = issuer == NULL ? made : issuer;
    assert_int_equal(X509_set_version(made, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(made), wanted->from_s));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(made), wanted->to_s));
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                                                (const unsigned char *)wanted->name, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(made, X509_get_subject_name(by)), 1);
    assert_int_equal(X509_set_pubkey(made, key), 1);
    lab_extension(made, by, NID_basic_constraints, wanted->san == NULL ? "critical,CA:TRUE" : "CA:FALSE");
    if (wanted->san != NULL)
        lab_extension(made, by, NID_subject_alt_name, wanted->san);
    if (aia != NULL)
        lab_extension(made, by, NID_info_access, aia);
    assert_true(X509_sign(made, issuer_key == NULL ? key : issuer_key, EVP_sha256()) > 0);
    return made;
}

static inline X509 *lab_sign(const struct lab_certificate *wanted, EVP_PKEY *key, X509 *issuer,
                             EVP_PKEY *issuer_key)
{
    return lab_sign_aia(wanted, NULL, key, issuer, issuer_key);
}

enum lab_kind { LAB_TLS, LAB_RESET, LAB_SILENT, LAB_CLOSE, LAB_HTTP, LAB_RESET_LATE };

struct lab_server {
    enum lab_kind kind;
    SSL_CTX *context; /* LAB_TLS, LAB_RESET_LATE */
    int fd;
    uint16_t port;
    unsigned served;
    pthread_t thread;
};

static inline void lab_reset(int fd)
{
    struct linger now = {.l_onoff = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static inline void lab_serve_tls(struct lab_server *server, int fd)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nServer: lab\r\nConnection: close\r\n\r\nhello";
    char request[4096];
    SSL *ssl = SSL_new(server->context);
    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1 &&
        SSL_read(ssl, request, sizeof request) > 0) {
        if (server->kind == LAB_RESET_LATE) {
            lab_reset(fd);
        } else {
            (void)SSL_write(ssl, answer, sizeof answer - 1);
            (void)SSL_shutdown(ssl);
        }
    }
    SSL_free(ssl);
}

static inline void lab_serve(struct lab_server *server, int fd)
{
    static const char plain[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    char bytes[4096];
    if (server->kind == LAB_TLS || server->kind == LAB_RESET_LATE) {
        lab_serve_tls(server, fd);
        return;
    }
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (server->kind == LAB_RESET)
        lab_reset(fd);
    if (server->kind == LAB_HTTP)
        (void)send(fd, plain, sizeof plain - 1, MSG_NOSIGNAL);
    while (server->kind == LAB_SILENT && got > 0)
        got = recv(fd, bytes, sizeof bytes, 0);
}

static inline void *lab_thread(void *arg)
{
    struct lab_server *server = arg;
    for (int fd; (fd = accept(server->fd, NULL, NULL)) >= 0; server->served++) {
        lab_serve(server, fd);
        (void)close(fd);
    }
    return NULL;
}

static inline void lab_bind(int fd, uint16_t *ret_port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof name;
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    *ret_port = ntohs(name.sin_port);
}

/* @param context  taken. */
static inline void lab_start(struct lab_server *server, enum lab_kind kind, SSL_CTX *context)
{
    *server = (struct lab_server){.kind = kind, .context = context, .fd = socket(AF_INET, SOCK_STREAM, 0)};
    lab_bind(server->fd, &server->port);
    assert_int_equal(listen(server->fd, 16), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, lab_thread, server), 0);
}

static inline void lab_stop(struct lab_server *server)
{
    (void)shutdown(server->fd, SHUT_RDWR);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    (void)close(server->fd);
    SSL_CTX_free(server->context);
}

#endif
