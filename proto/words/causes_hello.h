#ifndef PARALLAX_WORDS_CAUSES_HELLO_H
#define PARALLAX_WORDS_CAUSES_HELLO_H

/* After the ClientHello. X(symbol, number, id, name, verdict, evidence, tells_apart, remedy); see cause.h. */

/* clang-format off */
#define CAUSES_HELLO(X) \
    X(CAUSE_HELLO_NAME_RESET, 700, "hello.name_reset", N_("reset on the name"), \
      N_("A ClientHello with the name {host} is reset between this vantage and the server ({when})."), \
      N_("early reset with this SNI; control SNI on the same address succeeds"), \
      N_("control first, then the name again"), \
      N_("no fix at the server; check ICP filing, host in the region")) \
    X(CAUSE_HELLO_ADDRESS_BLOCKED, 701, "hello.address_blocked", N_("address blocked"), \
      N_("Every name fails at {ip} the same way, before the server could have answered."), \
      N_("early reset or silence with every SNI"), \
      N_("a sibling address works"), \
      N_("change the address or its range")) \
    X(CAUSE_HELLO_SERVER_RESET, 702, "hello.server_reset", N_("server resets"), \
      N_("The server resets after the ClientHello ({when})."), \
      N_("reset at a full round trip or later, hello acknowledged"), \
      N_("every SNI"), \
      N_("WAF, fail2ban, or a PROXY header is required (probe through the balancer)")) \
    X(CAUSE_HELLO_NAME_DROPPED, 703, "hello.name_dropped", N_("hello dropped on the name"), \
      N_("A ClientHello with the name {host} disappears on the way."), \
      N_("hello never acknowledged with this SNI only"), \
      N_("control SNI succeeds"), \
      N_("no fix at the server; check ICP filing, host in the region")) \
    X(CAUSE_HELLO_SERVER_SILENT, 704, "hello.server_silent", N_("server silent"), \
      N_("The server acknowledged the ClientHello and never answered."), \
      N_("hello acknowledged, no data"), \
      N_("every SNI"), \
      N_("look at the application: open files, hung workers")) \
    X(CAUSE_HELLO_CLOSED, 705, "hello.closed", N_("closed without data"), \
      N_("Closed without an answer ({when})."), \
      N_("FIN, no data"), \
      N_("earlier than the round trip: injected"), \
      N_("server or balancer log")) \
    X(CAUSE_HELLO_NAME_CLOSED, 706, "hello.name_closed", N_("closed on the name"), \
      N_("Closed after a ClientHello with the name {host}; another name is answered."), \
      N_("FIN with this SNI only"), \
      N_("control SNI succeeds"), \
      N_("configure the name at the server, or look at the path")) \
    X(CAUSE_HELLO_NAME_SILENT, 730, "hello.name_silent", N_("silence on the name"), \
      N_("A ClientHello with the name {host} is acknowledged and never answered; another name is answered."), \
      N_("hello acknowledged, silence with this SNI only"), \
      N_("control SNI succeeds"), \
      N_("the rule for this name at the balancer or WAF, or the back end it leads to; else the path")) \
    X(CAUSE_HELLO_NAME_PLAINTEXT, 731, "hello.name_plaintext", N_("plain text on the name"), \
      N_("A ClientHello with the name {host} is answered with plain {protocol}; another name gets TLS."), \
      N_("first bytes {bytes} with this SNI only"), \
      N_("control SNI succeeds"), \
      N_("a block page: look for the filter on the path, or the rule of the balancer for this name")) \
    X(CAUSE_HELLO_FORGED_ALERT, 707, "hello.forged_alert", N_("forged alert"), \
      N_("An alert came sooner than the server could answer ({when})."), \
      N_("plaintext alert earlier than the round trip"), \
      N_("control SNI succeeds"), \
      N_("no fix at the server")) \
    X(CAUSE_HELLO_LARGE, 708, "hello.large", N_("large hello not tolerated"), \
      N_("A large ClientHello (post-quantum key share) is rejected; a small one is answered."), \
      N_("small ok, large fails, also in small segments"), \
      N_("large with small MSS, small but split"), \
      N_("update the balancer or firewall")) \
    X(CAUSE_HELLO_SPLIT, 709, "hello.split", N_("split hello not tolerated"), \
      N_("A ClientHello in more than one segment is rejected."), \
      N_("small but split fails"), \
      N_("the same hello in one segment"), \
      N_("update the balancer or firewall")) \
    X(CAUSE_HELLO_PMTU_OUT, 710, "hello.pmtu_out", N_("PMTU hole to the server"), \
      N_("Large packets are lost toward the server."), \
      N_("unacknowledged head of a large hello; small MSS works"), \
      N_("MSS 1000"), \
      N_("allow ICMP type 3 code 4")) \
    X(CAUSE_HELLO_PMTU_IN, 711, "hello.pmtu_in", N_("PMTU hole from the server"), \
      N_("The certificate flight is lost: path MTU black hole."), \
      N_("out-of-order data, head missing; small MSS works"), \
      N_("MSS 1000"), \
      N_("clamp MSS; send a shorter chain")) \
    X(CAUSE_HELLO_RESIDUAL, 712, "hello.residual", N_("temporary block"), \
      N_("A temporary block after a trigger: the control failed too, and recovered after {seconds} s."), \
      N_("order of attempts"), \
      N_("wait; other port"), \
      N_("wait before probing again")) \
    X(CAUSE_HELLO_NEVER_ACKED, 713, "hello.never_acked", N_("hello never acknowledged"), \
      N_("The ClientHello was never acknowledged, whatever the name."), \
      N_("unacknowledged, growing back-off"), \
      N_("every SNI"), \
      N_("path, or an overflowing listen queue: one connection against several")) \
    X(CAUSE_HELLO_THROTTLED, 714, "hello.throttled", N_("throttled"), \
      N_("Data comes at about {kbps} kbit/s without loss."), \
      N_("long gaps between flights, no retransmits"), \
      N_("other vantages"), \
      N_("ask the carrier")) \
    X(CAUSE_HELLO_INTERCEPTED, 715, "hello.intercepted", N_("intercepted"), \
      N_("TLS is intercepted near this vantage by {issuer}."), \
      N_("an untrusted certificate for this name, and one of the same issuer for a name that is not the server's"), \
      N_("other vantages see another issuer"), \
      N_("trust that proxy's CA, or exclude the vantage"))
/* clang-format on */

#endif
