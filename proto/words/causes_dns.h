#ifndef PARALLAX_WORDS_CAUSES_DNS_H
#define PARALLAX_WORDS_CAUSES_DNS_H

/* DNS. X(symbol, number, id, name, verdict, evidence, tells_apart, remedy); see cause.h. */

/* clang-format off */
#define CAUSES_DNS(X) \
    X(CAUSE_DNS_NXDOMAIN, 500, "dns.nxdomain", N_("name does not exist"), \
      N_("{host} does not exist through {resolver}."), \
      N_("rcode 3"), \
      N_("authoritative and another resolver"), \
      N_("add the record")) \
    X(CAUSE_DNS_DANGLING, 530, "dns.dangling_alias", N_("alias of a name that is not there"), \
      N_("{host} is an alias (CNAME) of {target}, and that has no address ({error})."), \
      N_("a CNAME, then rcode 3 or no address"), \
      N_("ask for {target}"), \
      N_("mend or remove the CNAME: whoever takes {target} next serves {host}")) \
    X(CAUSE_DNS_ALIAS_LOOP, 531, "dns.alias_loop", N_("aliases in a circle"), \
      N_("The aliases (CNAME) of {host} lead in a circle, by {target}."), \
      N_("a CNAME leads back to a name that was passed"), \
      N_("follow the CNAMEs one by one"), \
      N_("break the circle: one of the names needs an A or AAAA record")) \
    X(CAUSE_DNS_SERVFAIL, 501, "dns.servfail", N_("resolver failed"), \
      N_("The resolver {resolver} failed on {host}."), \
      N_("rcode 2"), \
      N_("with checking disabled (CD) it fails too"), \
      N_("check the name servers of the zone")) \
    X(CAUSE_DNS_DNSSEC, 502, "dns.dnssec", N_("DNSSEC does not validate"), \
      N_("DNSSEC of {host} does not validate at {resolver}."), \
      N_("rcode 2"), \
      N_("with checking disabled (CD) it succeeds"), \
      N_("fix the DS and RRSIG records of the zone")) \
    X(CAUSE_DNS_REFUSED, 503, "dns.refused", N_("resolver refuses"), \
      N_("The resolver {resolver} refuses to answer this vantage."), \
      N_("rcode 5"), \
      N_("another resolver answers"), \
      N_("use a resolver that serves this network")) \
    X(CAUSE_DNS_TIMEOUT, 504, "dns.timeout", N_("DNS timed out"), \
      N_("No DNS answer from {resolver}."), \
      N_("no answer"), \
      N_("TCP port 53 and another resolver"), \
      N_("more name servers, or anycast ones")) \
    X(CAUSE_DNS_NO_ADDRESS, 505, "dns.no_address", N_("name has no address"), \
      N_("{host} exists but has no A or AAAA record."), \
      N_("rcode 0, no answer"), \
      N_("another type exists"), \
      N_("add an A or AAAA record")) \
    X(CAUSE_DNS_MALFORMED, 506, "dns.malformed", N_("malformed DNS answer"), \
      N_("{resolver} answered with something that is no DNS message."), \
      N_("the answer does not parse"), \
      N_("another resolver"), \
      N_("replace the resolver or what stands before it")) \
    X(CAUSE_DNS_SLOW, 507, "dns.slow", N_("slow DNS"), \
      N_("DNS takes {ms} ms from here."), \
      N_("resolve time"), \
      N_("the other stages are quick"), \
      N_("closer name servers")) \
    X(CAUSE_DNS_TWO_ANSWERS, 508, "dns.two_answers", N_("contradicting answers"), \
      N_("Two different answers came for {host}, {answer} and {other_answer}; one of them is forged or stale."), \
      N_("a second answer within 3 s"), \
      N_("ask from elsewhere"), \
      N_("report to the provider or registrar")) \
    X(CAUSE_DNS_UDP_LOST, 509, "dns.udp_lost", N_("DNS answers over TCP only"), \
      N_("{resolver} answers over TCP and not over UDP."), \
      N_("no answer over UDP"), \
      N_("over TCP it answers"), \
      N_("let UDP port 53 through, with its answers and fragments")) \
    X(CAUSE_DNS_NULL_ADDRESS, 510, "dns.null_address", N_("name leads nowhere"), \
      N_("{resolver} answers {ip} for {host}, which is no server's address."), \
      N_("an address that belongs to nobody (0.0.0.0, ::, multicast, reserved)"), \
      N_("another resolver answers otherwise: blocked by this one"), \
      N_("mend the record, or take the name off the resolver's block list"))
/* clang-format on */

#endif
