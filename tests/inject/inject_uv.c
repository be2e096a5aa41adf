#include "inject.h"

#include <openssl/ssl.h>
#include <uv.h>

/* libuv and OpenSSL as without memory or file descriptors. Waiting is made fifty times shorter: a run does nothing but wait after
 * its failure. */

int __real_uv_timer_start(uv_timer_t *timer, uv_timer_cb called, uint64_t after_ms, uint64_t every_ms);
int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb called, uint64_t after_ms, uint64_t every_ms);
int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb called, uint64_t after_ms, uint64_t every_ms)
{
    return __real_uv_timer_start(timer, called, (after_ms + 49) / 50, (every_ms + 49) / 50);
}

int __real_uv_write(uv_write_t *request, uv_stream_t *stream, const uv_buf_t *bufs, unsigned count,
                    uv_write_cb called);
int __wrap_uv_write(uv_write_t *request, uv_stream_t *stream, const uv_buf_t *bufs, unsigned count,
                    uv_write_cb called);
int __wrap_uv_write(uv_write_t *request, uv_stream_t *stream, const uv_buf_t *bufs, unsigned count,
                    uv_write_cb called)
{
    return inject_fails("uv_write") ? UV_EPIPE : __real_uv_write(request, stream, bufs, count, called);
}

int __real_uv_read_start(uv_stream_t *stream, uv_alloc_cb alloc, uv_read_cb called);
int __wrap_uv_read_start(uv_stream_t *stream, uv_alloc_cb alloc, uv_read_cb called);
int __wrap_uv_read_start(uv_stream_t *stream, uv_alloc_cb alloc, uv_read_cb called)
{
    return inject_fails("uv_read_start") ? UV_ENOTCONN : __real_uv_read_start(stream, alloc, called);
}

int __real_uv_tcp_connect(uv_connect_t *request, uv_tcp_t *tcp, const struct sockaddr *address,
                          uv_connect_cb called);
int __wrap_uv_tcp_connect(uv_connect_t *request, uv_tcp_t *tcp, const struct sockaddr *address,
                          uv_connect_cb called);
int __wrap_uv_tcp_connect(uv_connect_t *request, uv_tcp_t *tcp, const struct sockaddr *address,
                          uv_connect_cb called)
{
    return inject_fails("uv_tcp_connect") ? UV_EMFILE : __real_uv_tcp_connect(request, tcp, address, called);
}

int __real_uv_accept(uv_stream_t *server, uv_stream_t *client);
int __wrap_uv_accept(uv_stream_t *server, uv_stream_t *client);
int __wrap_uv_accept(uv_stream_t *server, uv_stream_t *client)
{
    int status = __real_uv_accept(server, client);
    return status == 0 && inject_fails("uv_accept") ? UV_EMFILE : status;
}

SSL *__real_SSL_new(SSL_CTX *context);
SSL *__wrap_SSL_new(SSL_CTX *context);
SSL *__wrap_SSL_new(SSL_CTX *context)
{
    return inject_fails("SSL_new") ? NULL : __real_SSL_new(context);
}

int __real_SSL_write_ex(SSL *ssl, const void *bytes, size_t length, size_t *written);
int __wrap_SSL_write_ex(SSL *ssl, const void *bytes, size_t length, size_t *written);
int __wrap_SSL_write_ex(SSL *ssl, const void *bytes, size_t length, size_t *written)
{
    if (!inject_fails("SSL_write_ex"))
        return __real_SSL_write_ex(ssl, bytes, length, written);
    *written = 0;
    return 0;
}

int __real_uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd);
int __wrap_uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd);
int __wrap_uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd)
{
    return inject_fails("uv_poll_init") ? UV_ENOMEM : __real_uv_poll_init(loop, poll, fd);
}

int __real_uv_shutdown(uv_shutdown_t *request, uv_stream_t *stream, uv_shutdown_cb called);
int __wrap_uv_shutdown(uv_shutdown_t *request, uv_stream_t *stream, uv_shutdown_cb called);
int __wrap_uv_shutdown(uv_shutdown_t *request, uv_stream_t *stream, uv_shutdown_cb called)
{
    return inject_fails("uv_shutdown") ? UV_ENOTCONN : __real_uv_shutdown(request, stream, called);
}

int __real_uv_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *request, uv_getaddrinfo_cb called,
                          const char *name, const char *service, const struct addrinfo *hints);
int __wrap_uv_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *request, uv_getaddrinfo_cb called,
                          const char *name, const char *service, const struct addrinfo *hints);
int __wrap_uv_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *request, uv_getaddrinfo_cb called,
                          const char *name, const char *service, const struct addrinfo *hints)
{
    if (inject_fails("uv_getaddrinfo"))
        return UV_ENOMEM;
    struct addrinfo numbers = *hints; /* the second place where it fails: on its thread */
    if (inject_fails("getaddrinfo"))
        numbers.ai_family = AF_UNIX;
    return __real_uv_getaddrinfo(loop, request, called, name, service, &numbers);
}

int __real_SSL_do_handshake(SSL *ssl);
int __wrap_SSL_do_handshake(SSL *ssl);
int __wrap_SSL_do_handshake(SSL *ssl)
{
    return inject_fails("SSL_do_handshake") ? -1 : __real_SSL_do_handshake(ssl);
}

BIO *__real_BIO_new(const BIO_METHOD *method);
BIO *__wrap_BIO_new(const BIO_METHOD *method);
BIO *__wrap_BIO_new(const BIO_METHOD *method)
{
    return inject_fails("BIO_new") ? NULL : __real_BIO_new(method);
}

int __real_BIO_write(BIO *bio, const void *bytes, int length);
int __wrap_BIO_write(BIO *bio, const void *bytes, int length);
int __wrap_BIO_write(BIO *bio, const void *bytes, int length)
{
    return inject_fails("BIO_write") ? -1 : __real_BIO_write(bio, bytes, length);
}

int __real_BIO_read(BIO *bio, void *bytes, int length);
int __wrap_BIO_read(BIO *bio, void *bytes, int length);
int __wrap_BIO_read(BIO *bio, void *bytes, int length)
{
    return inject_fails("BIO_read") ? -1 : __real_BIO_read(bio, bytes, length);
}
