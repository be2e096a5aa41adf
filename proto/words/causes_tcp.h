#ifndef PARALLAX_WORDS_CAUSES_TCP_H
#define PARALLAX_WORDS_CAUSES_TCP_H

/* TCP connect. X(symbol, number, id, name, verdict, evidence, tells_apart, remedy); see cause.h. */

/* clang-format off */
#define CAUSES_TCP(X) \
    X(CAUSE_TCP_REFUSED, 600, "tcp.refused", N_("connection refused"), \
      N_("Nothing listens on {ip}:{port}."), \
      N_("RST answers the SYN at a full round trip"), \
      N_("another port"), \
      N_("start the server")) \
    X(CAUSE_TCP_REFUSED_EARLY, 601, "tcp.refused_early", N_("refused on the path"), \
      N_("The SYN is reset before the server could answer ({when})."), \
      N_("RST earlier than the round trip to another port"), \
      N_("TTL-limited SYN"), \
      N_("ask the carrier")) \
    X(CAUSE_TCP_REJECTED, 602, "tcp.rejected", N_("rejected by a firewall"), \
      N_("Rejected by {offender}, ICMP type {type} code {code} ({meaning})."), \
      N_("ICMP answers the SYN"), \
      N_("the offender's address"), \
      N_("change the firewall rule; when the network is unreachable, the route at {offender}")) \
    X(CAUSE_TCP_DROPPED, 603, "tcp.dropped", N_("no answer to SYN"), \
      N_("No answer to SYN from {ip}:{port}."), \
      N_("SYN retransmitted, nothing received"), \
      N_("another port, another vantage"), \
      N_("security group, firewall, or geographic block")) \
    X(CAUSE_TCP_HOST_ABSENT, 604, "tcp.host_absent", N_("host absent"), \
      N_("A router says that {ip} is absent."), \
      N_("EHOSTUNREACH after about 3 s"), \
      N_("refused would come at once"), \
      N_("the host is down")) \
    X(CAUSE_TCP_IPV6_ONLY, 605, "tcp.ipv6_broken", N_("IPv6 path broken"), \
      N_("IPv4 works, IPv6 does not."), \
      N_("per family"), \
      N_("other IPv6 targets"), \
      N_("fix IPv6 or withdraw the AAAA record")) \
    X(CAUSE_TCP_LOSS, 606, "tcp.loss", N_("packet loss"), \
      N_("Packets are lost: {retransmits} retransmissions in {attempts} attempts, all came through in the end."), \
      N_("retransmits, late successes"), \
      N_("repeat"), \
      N_("ask the carrier")) \
    X(CAUSE_TCP_OTHER, 609, "tcp.other", N_("TCP error"), \
      N_("connect() failed: {error}."), \
      N_("errno"), \
      N_(""), \
      N_(""))
/* clang-format on */

#endif
