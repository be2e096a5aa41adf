#ifndef PARALLAX_WORDS_CAUSES_CAPACITY_H
#define PARALLAX_WORDS_CAUSES_CAPACITY_H

/* Capacity of the server. X(symbol, number, id, name, verdict, evidence, tells_apart, remedy); see cause.h. */

/* clang-format off */
#define CAUSES_CAPACITY(X) \
    X(CAUSE_CAPACITY_NOW_AND_THEN, 830, "capacity.now_and_then", N_("fails now and then"), \
      N_("One connection fails ({error}), the next from another port is answered."), \
      N_("refused or reset at a full round trip; the retry succeeds"), \
      N_("retry from a new source port"), \
      N_("look for one bad back end behind the balancer, a restart, or a limit of connections; probe again")) \
    X(CAUSE_CAPACITY_QUEUE_FULL, 800, "capacity.queue_full", N_("accept queue full"), \
      N_("The server drops new connections."), \
      N_("no answer to SYN while a closed port resets"), \
      N_("follows load"), \
      N_("somaxconn, listen ... backlog=")) \
    X(CAUSE_CAPACITY_BURST, 801, "capacity.burst", N_("listen queue overflows under a burst"), \
      N_("The listen queue overflows under a burst."), \
      N_("one connection works, several at once do not"), \
      N_("1 against 8 at once"), \
      N_("somaxconn, listen ... backlog=")) \
    X(CAUSE_CAPACITY_CLOSED_UNDER_LOAD, 802, "capacity.closed", N_("connection limit"), \
      N_("Connections beyond a limit are closed at once."), \
      N_("FIN at once for the excess"), \
      N_("1 against 8 at once"), \
      N_("worker_connections")) \
    X(CAUSE_CAPACITY_RATE_LIMITED, 803, "capacity.rate_limited", N_("rate limited"), \
      N_("Connections above a rate fail or come late."), \
      N_("the k-th connection fails or is 1 s late"), \
      N_("space them out"), \
      N_("allow-list the agents")) \
    X(CAUSE_CAPACITY_HUNG, 804, "capacity.hung", N_("accepted by the kernel, not by the application"), \
      N_("The kernel accepts, the application does not answer."), \
      N_("hello acknowledged, silence, every SNI; a FIN of ours is not answered either"), \
      N_("server log"), \
      N_("worker_rlimit_nofile, LimitNOFILE; restart the worker"))
/* clang-format on */

#endif
