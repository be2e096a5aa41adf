#ifndef PARALLAX_WORDS_CAUSES_NEGOTIATION_H
#define PARALLAX_WORDS_CAUSES_NEGOTIATION_H

/* Negotiation. X(symbol, number, id, name, verdict, evidence, tells_apart, remedy); see cause.h. */

/* clang-format off */
#define CAUSES_NEGOTIATION(X) \
    X(CAUSE_TLS_ONLY_13, 400, "tls.only_13", N_("only TLS 1.3"), \
      N_("The server supports only TLS 1.3."), \
      N_("alert 70 to TLS 1.2, ok with 1.3"), \
      N_("fixed-version variants"), \
      N_("ssl_protocols TLSv1.2 TLSv1.3;")) \
    X(CAUSE_TLS_NO_13, 401, "tls.no_13", N_("no TLS 1.3"), \
      N_("The server supports TLS 1.2 but not 1.3."), \
      N_("alert 70 to TLS 1.3, ok with 1.2"), \
      N_("fixed-version variants"), \
      N_("ssl_protocols TLSv1.2 TLSv1.3;")) \
    X(CAUSE_TLS_INTOLERANT_13, 430, "tls.intolerant_13", N_("TLS 1.3 hello not tolerated"), \
      N_("A ClientHello that offers TLS 1.3 is refused ({error}); one of TLS 1.2 alone is answered."), \
      N_("reset, close or alert to the normal hello, ok with 1.2"), \
      N_("fixed-version variants, every name alike"), \
      N_("update the server, or the balancer or firewall before it")) \
    X(CAUSE_TLS_LEGACY, 402, "tls.legacy", N_("legacy TLS only"), \
      N_("Legacy TLS only ({version})."), \
      N_("a default client gives up on the ServerHello"), \
      N_("TLS 1.0 at security level 0 succeeds"), \
      N_("upgrade the server; ssl_protocols TLSv1.2 TLSv1.3;")) \
    X(CAUSE_TLS_NO_RENEGOTIATION, 403, "tls.no_rfc5746", N_("no secure renegotiation"), \
      N_("The server does not know RFC 5746."), \
      N_("reason 338"), \
      N_("the legacy-connect option clears it"), \
      N_("upgrade the TLS library of the server")) \
    X(CAUSE_TLS_NO_CIPHER, 404, "tls.no_cipher", N_("no common cipher"), \
      N_("No common cipher (the server takes {cipher})."), \
      N_("alert 40"), \
      N_("a wide cipher list succeeds"), \
      N_("use the intermediate cipher list of Mozilla")) \
    X(CAUSE_TLS_NO_GROUP, 405, "tls.no_group", N_("no common group"), \
      N_("No common key-exchange group (the server takes {group})."), \
      N_("alert 40"), \
      N_("a wide group list succeeds"), \
      N_("ssl_ecdh_curve X25519:prime256v1;")) \
    X(CAUSE_TLS_NO_SIGALG, 406, "tls.no_signature", N_("no common signature algorithm"), \
      N_("No common signature algorithm (the server's key is on {curve})."), \
      N_("alert 40"), \
      N_("RSA-only and ECDSA-only variants"), \
      N_("serve an RSA certificate, and an ECDSA one on P-256")) \
    X(CAUSE_TLS_ALPN_REFUSED, 407, "tls.alpn", N_("ALPN refused"), \
      N_("The server rejects the ALPN protocol {alpn}."), \
      N_("alert 120"), \
      N_("without ALPN it succeeds"), \
      N_("enable HTTP/1.1 (and http2 on;) on this port")) \
    X(CAUSE_TLS_SNI_REQUIRED, 408, "tls.sni_required", N_("SNI required"), \
      N_("A server name is required (normal)."), \
      N_("alert 112 without SNI, ok with it"), \
      N_("no SNI, right name"), \
      N_("none; a reverse proxy before it must send SNI")) \
    X(CAUSE_TLS_NAME_UNKNOWN, 409, "tls.name_unknown", N_("name unknown"), \
      N_("This server does not know {host}."), \
      N_("fatal alert 112 with the right name"), \
      N_("control SNI, per address"), \
      N_("add server_name {host} (or the CDN domain)")) \
    X(CAUSE_TLS_HANDSHAKE_FAILURE, 410, "tls.handshake_failure", N_("handshake refused"), \
      N_("The server refuses the handshake (alert {alert}), whatever is offered."), \
      N_("alert 40 to every variant"), \
      N_("ciphers, groups, signature algorithms, SNI"), \
      N_("server log; usual reasons: no certificate, one of another kind (RSA, ECDSA) than its ciphers need, " \
         "or only ciphers that no client offers any more (RC4, 3DES)")) \
    X(CAUSE_TLS_PLAINTEXT, 411, "tls.plaintext", N_("plain text on the TLS port"), \
      N_("The port speaks {protocol}, not TLS."), \
      N_("first bytes {bytes}"), \
      N_("first 16 bytes"), \
      N_("HTTP: listen 443 ssl; another service: correct the port, or where it is forwarded to")) \
    X(CAUSE_TLS_CLIENT_CERT, 412, "tls.client_cert", N_("client certificate required"), \
      N_("A client certificate is required ({names})."), \
      N_("CertificateRequest, then alert 40 or 116, or HTTP 400"), \
      N_("with a certificate it succeeds"), \
      N_("configure a client certificate, or ssl_verify_client optional;")) \
    X(CAUSE_TLS_CLIENT_CERT_REJECTED, 413, "tls.client_cert_rejected", N_("client certificate rejected"), \
      N_("The client certificate is not accepted (alert {alert})."), \
      N_("alert 42, 46 or 48 with a certificate"), \
      N_("without one: required"), \
      N_("use a certificate of a CA the server trusts ({names})")) \
    X(CAUSE_TLS_TLCP, 414, "tls.tlcp", N_("TLCP only"), \
      N_("Speaks TLCP (GB/T 38636) only; ordinary browsers fail."), \
      N_("first bytes 15 01 01 or 16 01 01"), \
      N_("a TLCP ClientHello is answered"), \
      N_("serve an RSA or ECDSA certificate too")) \
    X(CAUSE_TLS_CLOSED_AFTER, 415, "tls.closed_after", N_("closed right after the handshake"), \
      N_("Closed right after the handshake, without an answer."), \
      N_("handshake ok, request, EOF"), \
      N_("idle instead of a request; another Host"), \
      N_("return 444, or a WAF")) \
    X(CAUSE_TLS_RESET_AFTER, 416, "tls.reset_after", N_("reset after the handshake"), \
      N_("Reset after encrypted data began ({when})."), \
      N_("handshake ok, then reset"), \
      N_("idle instead of a request; other vantage"), \
      N_("server log, or the back end of what ends TLS: one that is down looks so; the path when it is early")) \
    X(CAUSE_TLS_KEY_MISMATCH, 417, "tls.key_mismatch", N_("key does not match certificate"), \
      N_("The server signs with a key that is not its certificate's."), \
      N_("bad signature; alert 51 sent"), \
      N_("per address"), \
      N_("compare: openssl x509 -pubkey, openssl pkey -pubout")) \
    X(CAUSE_TLS_STALLED, 418, "tls.stalled", N_("handshake stalls"), \
      N_("The server began its flight and never finished it."), \
      N_("partial server flight"), \
      N_("small MSS fails too"), \
      N_("server log")) \
    X(CAUSE_TLS_CLOSED_DURING, 419, "tls.closed_during", N_("closed during the handshake"), \
      N_("The server closes in the middle of the handshake."), \
      N_("EOF after the ServerHello"), \
      N_(""), \
      N_("server log")) \
    X(CAUSE_TLS_SILENT_AFTER, 420, "tls.silent_after", N_("no answer to the request"), \
      N_("The handshake succeeds and the request is never answered."), \
      N_("handshake ok, no data"), \
      N_("idle instead of a request"), \
      N_("application or upstream timeout")) \
    X(CAUSE_TLS_HOSTILE, 421, "tls.hostile", N_("abnormal server"), \
      N_("The server sends what no proper server sends: {what}."), \
      N_("bounds of the probe"), \
      N_(""), \
      N_("look at what answers on this port")) \
    X(CAUSE_TLS_NOT_HTTP, 422, "tls.not_http", N_("not HTTP behind TLS"), \
      N_("TLS works; what answers behind it is not HTTP/1.1."), \
      N_("answer is not HTTP"), \
      N_("without a request"), \
      N_("informational: probe with --no-request"))
/* clang-format on */

#endif
