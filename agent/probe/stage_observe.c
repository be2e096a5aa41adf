#include "probe/probe.h"

#include <openssl/err.h>

/* Reads what the handshake left behind, also when it failed half-way. */

static void keep_alpn(struct probe *probe)
{
    const unsigned char *alpn = NULL;
    unsigned int length = 0;
    SSL_get0_alpn_selected(probe->ssl, &alpn, &length);
    const char *text = arena_text(&probe->attempt->arena, (const char *)alpn, length);
    probe->attempt->tls.alpn = text == NULL ? "" : text;
}

enum probe_stage probe_stage_observe(struct probe *probe)
{
    struct evidence_tls *tls = &probe->attempt->tls;
    tls->state = (uint8_t)SSL_get_state(probe->ssl);
    tls->resumed = SSL_session_reused(probe->ssl) == 1;
    keep_alpn(probe);
    certificates_keep(probe->ssl, probe->attempt);
    ERR_clear_error();
    bool failed = probe->attempt->end.how != ENDING_NONE;
    return failed ? PROBE_CLOSE : PROBE_REQUEST;
}
