#ifndef PARALLAX_WORDS_CAUSES_CERTIFICATE_H
#define PARALLAX_WORDS_CAUSES_CERTIFICATE_H

/* Certificate. X(symbol, number, id, name, verdict, evidence, tells_apart, remedy); see cause.h. */

/* clang-format off */
#define CAUSES_CERTIFICATE(X) \
    X(CAUSE_CERT_EXPIRED, 300, "cert.expired", N_("expired"), \
      N_("Certificate expired on {date} (served by {ip})."), \
      N_("verify error 10"), \
      N_("only some addresses: a stale node"), \
      N_("renew and reload: certbot renew && nginx -s reload")) \
    X(CAUSE_CERT_INTERMEDIATE_EXPIRED, 301, "cert.intermediate_expired", N_("intermediate expired"), \
      N_("The intermediate {subject} in the chain expired on {date}."), \
      N_("verify error 10 at depth 1 or more"), \
      N_("the leaf is in date"), \
      N_("serve the current intermediate of the CA")) \
    X(CAUSE_CERT_NOT_YET_VALID, 302, "cert.not_yet_valid", N_("not yet valid"), \
      N_("Certificate is not valid until {date}."), \
      N_("verify error 9"), \
      N_("compare the agent's clock"), \
      N_("fix the issuing clock, redeploy")) \
    X(CAUSE_CERT_SELF_SIGNED, 303, "cert.self_signed", N_("self-signed"), \
      N_("Self-signed certificate."), \
      N_("verify error 18"), \
      N_("one region only: interception"), \
      N_("install a certificate of a CA")) \
    X(CAUSE_CERT_UNTRUSTED_ROOT, 304, "cert.untrusted_root", N_("untrusted root"), \
      N_("Chain ends in an untrusted root {root}."), \
      N_("verify error 19, or 20 with the chain whole"), \
      N_("issuer across vantages"), \
      N_("use a public CA, or give the agents the CA file")) \
    X(CAUSE_CERT_MISSING_INTERMEDIATE, 305, "cert.missing_intermediate", N_("missing intermediate"), \
      N_("The server does not send its intermediate; some clients fail."), \
      N_("verify errors 20 and 21 at depth 0, chain of 1"), \
      N_("the issuer named in the certificate completes the chain"), \
      N_("cat leaf.pem intermediate.pem > fullchain.pem, and point ssl_certificate at fullchain.pem")) \
    X(CAUSE_CERT_WRONG_ISSUER, 330, "cert.wrong_issuer", N_("intermediate of another key"), \
      N_("The intermediate {subject} is sent, and it did not sign the certificate."), \
      N_("verify error 20 at depth 0 although an issuer of that name is sent"), \
      N_("key identifiers: openssl x509 -noout -ext authorityKeyIdentifier,subjectKeyIdentifier"), \
      N_("serve the intermediate that signed this certificate: the chain file that the CA gave with it")) \
    X(CAUSE_CERT_MALFORMED, 332, "cert.malformed", N_("malformed certificate"), \
      N_("The certificate's extension {extension} cannot be read; clients reject it."), \
      N_("an extension of the leaf that does not parse"), \
      N_("openssl x509 -noout -text"), \
      N_("reissue; correct what made the certificate")) \
    X(CAUSE_CERT_CA_LIMITS, 331, "cert.ca_limits", N_("CA exceeds its limits"), \
      N_("A CA of the chain may not issue this certificate: x509 {limit} (depth {depth})."), \
      N_("verify error 24, 25, 32, 47, 48 or 79, or 26 above the leaf"), \
      N_("basicConstraints, keyUsage and nameConstraints of the CAs"), \
      N_("reissue from a CA certificate that allows this name and depth")) \
    X(CAUSE_CERT_WRONG_ORDER, 306, "cert.wrong_order", N_("chain out of order"), \
      N_("Chain out of order, or with certificates that do not belong."), \
      N_("verify ok; an issuer is not the next subject"), \
      N_("own check"), \
      N_("leaf, then intermediates, no root")) \
    X(CAUSE_CERT_NAME, 307, "cert.name", N_("name mismatch"), \
      N_("Certificate does not cover {host}; it covers {names}."), \
      N_("verify error 62"), \
      N_("compare with the certificate served without SNI"), \
      N_("reissue, or fix server_name")) \
    X(CAUSE_CERT_DEFAULT, 308, "cert.default", N_("default certificate"), \
      N_("Default certificate (for {names}): the name {host} is not configured here."), \
      N_("verify error 62, and the same certificate as without SNI"), \
      N_("no-SNI variant"), \
      N_("add the virtual host or the CDN domain")) \
    X(CAUSE_CERT_WILDCARD, 309, "cert.wildcard", N_("wildcard too shallow"), \
      N_("{wildcard} covers one label only, not {host}."), \
      N_("verify error 62"), \
      N_("one label more than the wildcard"), \
      N_("add {needed} or the exact name")) \
    X(CAUSE_CERT_CN_ONLY, 310, "cert.cn_only", N_("no subjectAltName"), \
      N_("No subjectAltName; browsers reject it."), \
      N_("no SAN; the common name would match"), \
      N_(""), \
      N_("reissue with a SAN")) \
    X(CAUSE_CERT_PURPOSE, 311, "cert.purpose", N_("wrong purpose"), \
      N_("Certificate is not for servers."), \
      N_("verify error 26"), \
      N_(""), \
      N_("reissue with serverAuth")) \
    X(CAUSE_CERT_REVOKED, 312, "cert.revoked", N_("revoked"), \
      N_("Certificate was revoked at {date}."), \
      N_("staple or responder says revoked, or verify error 23"), \
      N_(""), \
      N_("reissue now")) \
    X(CAUSE_CERT_MUST_STAPLE, 313, "cert.must_staple", N_("must-staple without staple"), \
      N_("The certificate demands a staple and none that is valid comes."), \
      N_("TLS feature extension, staple absent or past its date"), \
      N_("per address"), \
      N_("ssl_stapling on; resolver ...;")) \
    X(CAUSE_CERT_NO_SCT, 314, "cert.no_sct", N_("no transparency proofs"), \
      N_("No Certificate Transparency proofs; Chrome rejects."), \
      N_("none in certificate, TLS or staple; public root"), \
      N_(""), \
      N_("reissue from a logging CA")) \
    X(CAUSE_CERT_WEAK_KEY, 315, "cert.weak_key", N_("weak key"), \
      N_("{type}-{bits} key."), \
      N_("verify error 66, or the ServerKeyExchange is refused"), \
      N_("security level 0 clears it"), \
      N_("RSA of 2048 bits or more, or P-256")) \
    X(CAUSE_CERT_SHA1, 316, "cert.sha1", N_("SHA-1 signature"), \
      N_("SHA-1 signature."), \
      N_("verify error 68"), \
      N_("self-signed roots do not count"), \
      N_("reissue")) \
    X(CAUSE_CERT_EXPIRES_SOON, 317, "cert.expires_soon", N_("expires soon"), \
      N_("Expires in {days} days."), \
      N_("days left below the threshold"), \
      N_(""), \
      N_("renew")) \
    X(CAUSE_CERT_RESPONDER, 318, "cert.responder_unreachable", N_("revocation host unreachable"), \
      N_("The CA's revocation host gives no usable answer here: {responder}."), \
      N_("the OCSP responder named in the certificate, asked from here: {responder_result}"), \
      N_("other vantages"), \
      N_("staple, so that clients need not ask, or change CA; a certificate without an OCSP URL is normal")) \
    X(CAUSE_CERT_SERVER_CLOCK, 320, "cert.server_clock", N_("server clock wrong"), \
      N_("The server's clock differs by {server_clock_s} s."), \
      N_("the Date header says {server_date}"), \
      N_("a third clock: the collector's, the CA's, another server's"), \
      N_("chronyc tracking on the server; timedatectl set-ntp true")) \
    X(CAUSE_CERT_OTHER, 319, "cert.other", N_("does not verify"), \
      N_("Certificate does not verify: {error}."), \
      N_("verify error {code}"), \
      N_(""), \
      N_("reissue the certificate without what the error names"))
/* clang-format on */

#endif
