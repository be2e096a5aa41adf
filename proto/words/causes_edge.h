#ifndef PARALLAX_WORDS_CAUSES_EDGE_H
#define PARALLAX_WORDS_CAUSES_EDGE_H

/* CDN, proxy and topology. X(symbol, number, id, name, verdict, evidence, tells_apart, remedy); see cause.h. */

/* clang-format off */
#define CAUSES_EDGE(X) \
    X(CAUSE_EDGE_NO_SNI_UPSTREAM, 900, "edge.no_sni_upstream", N_("proxy to upstream without SNI"), \
      N_("The reverse proxy does not send SNI to the origin (nginx default)."), \
      N_("edge handshake ok, HTTP 502; origin with SNI ok, without fails"), \
      N_("probe the origin both ways"), \
      N_("proxy_ssl_server_name on; proxy_ssl_name $host;")) \
    X(CAUSE_EDGE_REJECTS_ORIGIN, 901, "edge.rejects_origin", N_("proxy rejects upstream certificate"), \
      N_("The proxy rejects the origin's certificate: {fault}."), \
      N_("HTTP 502 or 526; origin certificate bad"), \
      N_("probe the origin"), \
      N_("proxy_ssl_trusted_certificate, or fix the certificate")) \
    X(CAUSE_EDGE_GATEWAY, 902, "edge.gateway", N_("gateway error"), \
      N_("The edge cannot use its origin (HTTP {status})."), \
      N_("HTTP 502 or 504"), \
      N_("probe the origin"), \
      N_("edge and origin logs; --origin ADDRESS:PORT probes the origin too")) \
    X(CAUSE_EDGE_520, 903, "edge.520", N_("520 unknown answer"), \
      N_("The origin answers the edge with something it cannot use (520)."), \
      N_("HTTP 520"), \
      N_("probe the origin"), \
      N_("origin log")) \
    X(CAUSE_EDGE_521, 904, "edge.521", N_("521 origin refuses"), \
      N_("The origin refuses the edge's connection (521)."), \
      N_("HTTP 521"), \
      N_("probe the origin"), \
      N_("start the origin; allow the CDN's addresses")) \
    X(CAUSE_EDGE_522, 905, "edge.522", N_("522 origin does not answer"), \
      N_("The origin does not answer the edge's SYN (522)."), \
      N_("HTTP 522"), \
      N_("probe the origin"), \
      N_("firewall at the origin; allow the CDN's addresses")) \
    X(CAUSE_EDGE_523, 906, "edge.523", N_("523 origin unreachable"), \
      N_("The edge has no route to the origin (523)."), \
      N_("HTTP 523"), \
      N_("probe the origin"), \
      N_("check the origin's address at the CDN")) \
    X(CAUSE_EDGE_524, 907, "edge.524", N_("524 origin too slow"), \
      N_("The origin accepts and does not answer in time (524)."), \
      N_("HTTP 524"), \
      N_("probe the origin"), \
      N_("speed up the origin")) \
    X(CAUSE_EDGE_525, 908, "edge.525", N_("525 TLS with origin fails"), \
      N_("The edge's TLS handshake with the origin fails (525)."), \
      N_("HTTP 525"), \
      N_("probe the origin"), \
      N_("check TLS at the origin")) \
    X(CAUSE_EDGE_526, 909, "edge.526", N_("526 origin certificate invalid"), \
      N_("The edge finds the origin's certificate invalid (526)."), \
      N_("HTTP 526"), \
      N_("probe the origin"), \
      N_("renew the origin's certificate, or use the CDN's origin CA")) \
    X(CAUSE_EDGE_530, 910, "edge.530", N_("530"), \
      N_("The edge cannot resolve or use the origin (530, see its 1xxx code)."), \
      N_("HTTP 530"), \
      N_("body"), \
      N_("check the origin name at the CDN")) \
    X(CAUSE_HTTP_SERVER_ERROR, 911, "http.server_error", N_("server error"), \
      N_("The server answers HTTP {status}."), \
      N_("HTTP 5xx"), \
      N_(""), \
      N_("application log")) \
    X(CAUSE_EDGE_ORIGIN_FAILS, 912, "edge.origin_fails", N_("origin fails"), \
      N_("The edge cannot use its origin, which fails from here as well: {fault} (HTTP {status})."), \
      N_("HTTP 502 or 504; the origin fails with SNI"), \
      N_("probe the origin"), \
      N_("mend the origin at {origin}: {origin_cause}")) \
    X(CAUSE_EDGE_ORIGIN_CERTIFICATE, 913, "edge.origin_certificate", N_("origin's certificate is bad behind a good edge"), \
      N_("The edge is fine; the origin's certificate is not: {fault}."), \
      N_("the edge's certificate verifies, the origin's does not"), \
      N_("probe the origin"), \
      N_("fix the origin's certificate, then let the edge verify it (strict mode, proxy_ssl_verify on)")) \
    X(CAUSE_EDGE_VERSIONS_DIFFER, 914, "edge.versions_differ", N_("TLS versions of edge and origin differ"), \
      N_("The edge speaks {edge_version}, the origin {origin_version} at most."), \
      N_("versions agreed with each"), \
      N_("probe the origin"), \
      N_("ssl_protocols TLSv1.2 TLSv1.3; at the origin"))
/* clang-format on */

#endif
