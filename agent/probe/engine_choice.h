#ifndef PARALLAX_PROBE_ENGINE_CHOICE_H
#define PARALLAX_PROBE_ENGINE_CHOICE_H

/* X(symbol, name): what speaks TLS */
#define PROBER_ENGINES(X)                                                                                    \
    X(PROBER_AUTO, "auto") /* our own where the endpoint is known to speak what it speaks, else libssl */    \
    X(PROBER_OWN, "own")   /* our own at once, libssl where it cannot go on */                               \
    X(PROBER_LIBSSL, "libssl")
#define PROBER_ENGINE_ENUM(symbol, name) symbol,
enum prober_engine { PROBER_ENGINES(PROBER_ENGINE_ENUM) PROBER_ENGINE_COUNT };

/** By enum prober_engine. */
extern const char *const prober_engine_names[PROBER_ENGINE_COUNT];

#endif
