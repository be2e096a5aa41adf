#include "probe/sct.h"

#include "probe/probe.h"
#include "words/cursor.h"

enum { SCT_EXTENSION = 18 };

uint32_t sct_count_list(const unsigned char *bytes, size_t length)
{
    struct cursor cursor;
    uint32_t count = 0;
    cursor_init(&cursor, bytes, length);
    struct cursor list = cursor_block(&cursor, cursor_u16(&cursor));
    while (!list.failed && cursor_left(&list) > 0) {
        (void)cursor_block(&list, cursor_u16(&list));
        count++;
    }
    return cursor.failed || list.failed || cursor_left(&cursor) > 0 ? 0 : count;
}

/* Malformed proofs are no reason to end the handshake: they count as none. */
static int on_scts(SSL *ssl, unsigned int type, unsigned int context, const unsigned char *bytes,
                   size_t length, X509 *certificate, size_t depth, int *alert, void *arg)
{
    (void)type;
    (void)context;
    (void)certificate;
    (void)alert;
    (void)arg;
    const struct probe *probe = SSL_get_app_data(ssl);
    if (probe != NULL && depth == 0)
        probe->attempt->tls.sct_tls = sct_count_list(bytes, length);
    return 1;
}

bool sct_offer(SSL_CTX *context)
{
    return SSL_CTX_add_custom_ext(context, SCT_EXTENSION,
                                  SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO |
                                      SSL_EXT_TLS1_3_CERTIFICATE,
                                  NULL, NULL, NULL, on_scts, NULL) == 1;
}
