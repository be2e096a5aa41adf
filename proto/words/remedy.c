#include "words/cause.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define N_(text) text

/*
 * What to do, in the words of the software that has to do it. The catalogue's remedy speaks of nginx; where the server says
 * that it is another (the fact "software"), or what answers is another service (the fact "protocol"), a row here replaces it.
 * The first row whose fact begins with the value counts.
 */

static const struct {
    enum cause cause;
    const char *key, *begins;
    const char *remedy;
} remedies[] = {
    {CAUSE_CERT_EXPIRED, "software", "Apache", N_("renew and reload: certbot renew && apachectl graceful")},
    {CAUSE_CERT_EXPIRED, "software", "lighttpd",
     N_("renew and reload: certbot renew && systemctl reload lighttpd")},
    {CAUSE_CERT_EXPIRED, "software", "Microsoft-IIS",
     N_("renew the certificate and choose it in the site's https binding")},
    {CAUSE_CERT_EXPIRED, "software", "cloudflare", N_("renew the edge certificate at the CDN")},
    {CAUSE_CERT_MISSING_INTERMEDIATE, "software", "Apache",
     N_("cat leaf.pem intermediate.pem > fullchain.pem, and point SSLCertificateFile at fullchain.pem")},
    {CAUSE_CERT_MISSING_INTERMEDIATE, "software", "lighttpd",
     N_("cat leaf.pem intermediate.pem > fullchain.pem, and point ssl.pemfile at fullchain.pem")},
    {CAUSE_CERT_MISSING_INTERMEDIATE, "software", "Microsoft-IIS",
     N_("import the CA's intermediate into the computer's store \"Intermediate Certification Authorities\"")},
    {CAUSE_CERT_DEFAULT, "software", "Apache",
     N_("add a <VirtualHost *:443> with ServerName {host} and its SSLCertificateFile")},
    {CAUSE_CERT_DEFAULT, "software", "nginx",
     N_("add a server block with server_name {host}; and its ssl_certificate")},
    {CAUSE_CERT_NAME, "software", "Apache", N_("reissue, or fix ServerName and ServerAlias")},
    {CAUSE_CERT_MUST_STAPLE, "software", "Apache",
     N_("SSLUseStapling on, and SSLStaplingCache outside the virtual host")},
    {CAUSE_CERT_MUST_STAPLE, "software", "lighttpd",
     N_("ssl.stapling-file, kept fresh by openssl ocsp -respout")},
    {CAUSE_TLS_LEGACY, "software", "Apache",
     N_("upgrade the server; SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1")},
    {CAUSE_TLS_ONLY_13, "software", "Apache", N_("SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1")},
    {CAUSE_TLS_NO_13, "software", "Apache", N_("SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1")},
    {CAUSE_TLS_NO_GROUP, "software", "Apache", N_("SSLOpenSSLConfCmd Groups X25519:P-256")},
    {CAUSE_TLS_NAME_UNKNOWN, "software", "Apache",
     N_("add a <VirtualHost *:443> with ServerName {host}, or turn SSLStrictSNIVHostCheck off")},
    {CAUSE_TLS_CLIENT_CERT, "given", "yes", N_("none: the certificate given here is accepted")},
    {CAUSE_TLS_CLIENT_CERT, "software", "Apache",
     N_("configure a client certificate, or SSLVerifyClient optional")},
    {CAUSE_TLS_PLAINTEXT, "software", "Apache", N_("SSLEngine on, in the <VirtualHost> of this port")},
    {CAUSE_EDGE_NO_SNI_UPSTREAM, "software", "Apache",
     N_("ProxyPreserveHost On, so that the origin is asked for {host}")},
    {CAUSE_EDGE_REJECTS_ORIGIN, "software", "Apache",
     N_("SSLProxyCACertificateFile with the origin's CA, or fix the certificate")},
    {CAUSE_HTTP_SERVER_ERROR, "error", "HTTP 503",
     N_("overload or maintenance, or no back end is up: health checks and log of the balancer")},
    {CAUSE_HTTP_SERVER_ERROR, "error", "HTTP 511",
     N_("a network on the way asks for a login (captive portal): log in, or leave the vantage out")},
    {CAUSE_DNS_TIMEOUT, "error", "ares 11", N_("nothing serves DNS at {resolver}: correct its address")},
    {CAUSE_TLS_PLAINTEXT, "protocol", "HTTP", N_("listen 443 ssl;")},
    {CAUSE_TLS_PLAINTEXT, "protocol", "SMTP", N_("probe the port of SMTP with TLS from the start, 465")},
    {CAUSE_TLS_PLAINTEXT, "protocol", "IMAP", N_("probe the port of IMAP with TLS from the start, 993")},
    {CAUSE_TLS_PLAINTEXT, "protocol", "POP3", N_("probe the port of POP3 with TLS from the start, 995")},
    {CAUSE_TLS_PLAINTEXT, "protocol", "",
     N_("another service has this port: correct the port, or where it is forwarded to")},
};

const char *cause_remedy(const struct conclusion *conclusion)
{
    for (size_t i = 0; i < sizeof remedies / sizeof remedies[0]; i++) {
        if (remedies[i].cause != conclusion->cause)
            continue;
        for (size_t fact = 0; fact < conclusion->fact_count; fact++) {
            if (strcmp(conclusion->facts[fact].key, remedies[i].key) == 0 &&
                strncasecmp(conclusion->facts[fact].value, remedies[i].begins, strlen(remedies[i].begins)) ==
                    0)
                return remedies[i].remedy;
        }
    }
    return cause_row(conclusion->cause)->remedy;
}
