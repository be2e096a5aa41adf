/*
 * lab-hostile: servers that send what no proper server sends.
 *
 *   lab-hostile KIND        listens on a free port of 127.0.0.1, prints "127.0.0.1:PORT", serves until it is ended
 *   lab-hostile peak COMMAND [ARGUMENT]...   runs a command and prints its peak memory in KiB on standard error
 *
 * Each connection has a thread; bytes go out until the peer has enough. Handshakes are made of bytes written here; only
 * `names` speaks TLS to the end, with a certificate that no authority would sign.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    RECORD_BYTES = 16384,
    HANDSHAKE = 22,
    ALERT = 21,
    SERVER_HELLO = 2,
    CERTIFICATE = 11,
    ALERTS = 100000,
    ECHO_BYTES = 4096,
    CHAIN_COUNT = 150,
    SESSION_ID_AT = 5 + 4 + 2 + 32, /* in a ClientHello record: its length byte */
    ENDLESS_BYTES = 64 * 1024 * 1024,
};

struct bytes {
    uint8_t data[256 * 1024];
    size_t length;
};

static X509 *certificate;
static EVP_PKEY *key;
static const char *kind;

static void put(struct bytes *to, const void *data, size_t length)
{
    if (to->length + length > sizeof to->data)
        abort();
    memcpy(to->data + to->length, data, length);
    to->length += length;
}

static void put_number(struct bytes *to, uint32_t number, unsigned width)
{
    while (width-- > 0) {
        uint8_t byte = (uint8_t)(number >> (8 * width));
        put(to, &byte, 1);
    }
}

static bool send_all(int fd, const void *data, size_t length)
{
    const uint8_t *at = data;
    while (length > 0) {
        ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* One record of any content. */
static bool send_record(int fd, uint8_t content, const void *data, size_t length)
{
    uint8_t header[5] = {content, 3, 3, (uint8_t)(length >> 8), (uint8_t)length};
    return send_all(fd, header, sizeof header) && send_all(fd, data, length);
}

static bool send_records(int fd, const struct bytes *handshake)
{
    for (size_t at = 0; at < handshake->length; at += RECORD_BYTES) {
        size_t left = handshake->length - at;
        if (!send_record(fd, HANDSHAKE, handshake->data + at, left < RECORD_BYTES ? left : RECORD_BYTES))
            return false;
    }
    return true;
}

/* RFC 5246, 7.4.1.3, with secure renegotiation and any further extension. */
static void put_server_hello(struct bytes *to, const struct bytes *extension)
{
    uint8_t random[32] = {1, 2, 3};
    uint32_t extensions = 5 + (extension == NULL ? 0 : (uint32_t)extension->length);
    put_number(to, SERVER_HELLO, 1);
    put_number(to, 2 + 32 + 1 + 2 + 1 + 2 + extensions, 3);
    put_number(to, 0x0303, 2);
    put(to, random, sizeof random);
    put_number(to, 0, 1);
    put_number(to, 0xC02F, 2); /* ECDHE-RSA-AES128-GCM-SHA256 */
    put_number(to, 0, 1);
    put_number(to, extensions, 2);
    put(to, "\xff\x01\x00\x01\x00", 5);
    if (extension != NULL)
        put(to, extension->data, extension->length);
}

static bool read_hello(int fd, uint8_t *hello, size_t size, size_t *ret_length)
{
    size_t got = 0;
    while (got < 5 || got < 5U + ((size_t)hello[3] << 8 | hello[4])) {
        ssize_t more = got < size ? recv(fd, hello + got, size - got, 0) : 0;
        if (more <= 0)
            return false;
        got += (size_t)more;
    }
    *ret_length = got;
    return true;
}

/* --- the kinds ------------------------------------------------------------------------------------------------ */

/* A Certificate message of all that its length can say, filled with one certificate again and again. */
static void serve_endless(int fd, struct bytes *out, bool many)
{
    uint8_t *der = NULL;
    int length = i2d_X509(certificate, &der);
    put_server_hello(out, NULL);
    put_number(out, CERTIFICATE, 1);
    put_number(out, 0xFFFFFF, 3);
    put_number(out, 0xFFFFFC, 3);
    if (!many)
        put_number(out, 0xFFFFF9, 3); /* one certificate of 16 MB */
    for (size_t sent = 0; sent < ENDLESS_BYTES; sent += out->length, out->length = 0) {
        if (many)
            put_number(out, (uint32_t)length, 3);
        put(out, der, (size_t)length);
        if (!send_records(fd, out))
            break;
    }
    OPENSSL_free(der);
}

/* More certificates than a chain has, in a message that is not too long. */
static void serve_chain(int fd, struct bytes *out)
{
    uint8_t *der = NULL;
    uint32_t length = (uint32_t)i2d_X509(certificate, &der);
    put_server_hello(out, NULL);
    put_number(out, CERTIFICATE, 1);
    put_number(out, 3 + CHAIN_COUNT * (3 + length), 3);
    put_number(out, CHAIN_COUNT * (3 + length), 3);
    for (int i = 0; i < CHAIN_COUNT; i++) {
        put_number(out, length, 3);
        put(out, der, length);
    }
    OPENSSL_free(der);
    if (send_records(fd, out))
        (void)recv(fd, out->data, sizeof out->data, 0);
}

static void serve_drip(int fd, struct bytes *out)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    put_server_hello(out, NULL);
    struct bytes *record = calloc(1, sizeof *record);
    if (record == NULL)
        return;
    put(record, "\x16\x03\x03", 3);
    put_number(record, (uint32_t)out->length, 2);
    put(record, out->data, out->length);
    for (size_t i = 0; i < record->length && send_all(fd, record->data + i, 1); i++)
        (void)nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    free(record);
}

static void serve_alerts(int fd)
{
    for (int i = 0; i < ALERTS; i++)
        if (!send_record(fd, ALERT, "\x01\x5a", 2)) /* warning user_canceled */
            return;
}

static void serve_record(int fd)
{
    static const uint8_t zeroes[RECORD_BYTES];
    if (!send_all(fd, "\x16\x03\x03\xff\xff", 5))
        return;
    for (size_t sent = 0; sent < ENDLESS_BYTES && send_all(fd, zeroes, sizeof zeroes); sent += sizeof zeroes)
        ;
}

static void serve_retry(int fd, struct bytes *out, uint8_t *hello, size_t size)
{
    static const uint8_t retry[32] = {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C,
                                      0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB,
                                      0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};
    size_t length;
    do {
        uint8_t id = hello[SESSION_ID_AT];
        out->length = 0;
        put_number(out, SERVER_HELLO, 1);
        put_number(out, 2 + 32 + 1U + id + 2 + 1 + 2 + 6 + 6, 3);
        put_number(out, 0x0303, 2);
        put(out, retry, sizeof retry);
        put(out, hello + SESSION_ID_AT, 1U + id);
        put_number(out, 0x1302, 2);
        put_number(out, 0, 1);
        put(out, "\0\x0c\0\x2b\0\2\3\4\0\x33\0\2\0\x17", 14); /* TLS 1.3; a share of P-256 */
        if (!send_records(fd, out))
            return;
        (void)recv(fd, hello, 6, MSG_PEEK); /* the change_cipher_spec of middlebox compatibility */
        if (hello[0] == 20)
            (void)recv(fd, hello, 6, MSG_WAITALL);
    } while (read_hello(fd, hello, size, &length));
}

static void serve_echo(int fd, struct bytes *out)
{
    struct bytes *name = calloc(1, sizeof *name);
    if (name == NULL)
        return;
    put_number(name, 0, 2); /* server_name */
    put_number(name, ECHO_BYTES, 2);
    memset(name->data + name->length, 'a', ECHO_BYTES);
    name->length += ECHO_BYTES;
    put_server_hello(out, name);
    if (send_records(fd, out))
        (void)recv(fd, out->data, sizeof out->data, 0);
    free(name);
}

/* HelloRequests, which a client has to pass over. */
static void serve_messages(int fd, struct bytes *out)
{
    static const uint8_t requests[RECORD_BYTES];
    put_server_hello(out, NULL);
    if (!send_records(fd, out))
        return;
    for (size_t sent = 0; sent < ENDLESS_BYTES; sent += sizeof requests)
        if (!send_record(fd, HANDSHAKE, requests, sizeof requests))
            return;
}

static void serve_names(int fd)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nServer: \x1b]0;x\a\r\nContent-Length: 0\r\n\r\n";
    char request[4096];
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL *ssl = NULL;
    if (context != NULL && SSL_CTX_use_certificate(context, certificate) == 1 &&
        SSL_CTX_use_PrivateKey(context, key) == 1 && (ssl = SSL_new(context)) != NULL &&
        SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof request) > 0)
        (void)SSL_write(ssl, answer, sizeof answer - 1);
    SSL_free(ssl);
    SSL_CTX_free(context);
}

static void serve(int fd, struct bytes *out)
{
    uint8_t hello[16 * 1024];
    size_t length;
    if (strcmp(kind, "names") == 0) {
        serve_names(fd);
        return;
    }
    if (!read_hello(fd, hello, sizeof hello, &length))
        return;
    if (strcmp(kind, "endless") == 0 || strcmp(kind, "size") == 0)
        serve_endless(fd, out, kind[0] == 'e');
    else if (strcmp(kind, "chain") == 0)
        serve_chain(fd, out);
    else if (strcmp(kind, "drip") == 0)
        serve_drip(fd, out);
    else if (strcmp(kind, "alerts") == 0)
        serve_alerts(fd);
    else if (strcmp(kind, "record") == 0)
        serve_record(fd);
    else if (strcmp(kind, "retry") == 0)
        serve_retry(fd, out, hello, sizeof hello);
    else if (strcmp(kind, "echo") == 0)
        serve_echo(fd, out);
    else if (strcmp(kind, "messages") == 0)
        serve_messages(fd, out);
}

static void *serve_thread(void *arg)
{
    int fd = (int)(intptr_t)arg;
    struct bytes *out = calloc(1, sizeof *out);
    if (out != NULL)
        serve(fd, out);
    free(out);
    (void)close(fd);
    return NULL;
}

/* --- a certificate with a NUL and an escape sequence in its names --------------------------------------------- */

static bool name_it(X509 *made)
{
    static const unsigned char common[] = "evil\x1b[2J\x1b]0;owned\a.test";
    X509_NAME *name = X509_get_subject_name(made);
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *one = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    bool good = names != NULL && one != NULL && text != NULL &&
                ASN1_STRING_set(text, "www.shop.example\0.evil.test", 26) == 1;
    if (good)
        GENERAL_NAME_set0_value(one, GEN_DNS, text);
    good = good && sk_GENERAL_NAME_push(names, one) > 0 &&
           X509_add1_ext_i2d(made, NID_subject_alt_name, names, 0, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, common, -1, -1, 0) == 1 &&
           X509_set_issuer_name(made, name) == 1;
    GENERAL_NAMES_free(names);
    return good;
}

static bool make_certificate(void)
{
    key = EVP_EC_gen("P-256");
    certificate = X509_new();
    return key != NULL && certificate != NULL && X509_set_version(certificate, 2) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), 86400) != NULL &&
           (strcmp(kind, "names") != 0 || name_it(certificate)) && X509_set_pubkey(certificate, key) == 1 &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

static int peak(char **command)
{
    int status = 0;
    struct rusage usage;
    pid_t child = fork();
    if (child == 0) {
        (void)execvp(command[0], command);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child)
        return 1;
    (void)fprintf(stderr, "%ld\n", usage.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof name;
    kind = argc == 2 ? argv[1] : "";
    if (argc >= 3 && strcmp(argv[1], "peak") == 0)
        return peak(argv + 2);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (argc != 2 || fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&name, &length) != 0 || !make_certificate()) {
        (void)fprintf(stderr, "lab-hostile: expected KIND, or a socket could not be had\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    printf("127.0.0.1:%u\n", (unsigned)ntohs(name.sin_port));
    (void)fflush(stdout);
    for (int peer; (peer = accept(fd, NULL, NULL)) >= 0;) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve_thread, (void *)(intptr_t)peer) == 0)
            (void)pthread_detach(thread);
        else
            (void)close(peer);
    }
    return 0;
}
