#ifndef PARALLAX_COLLECTOR_INGEST_LISTEN_H
#define PARALLAX_COLLECTOR_INGEST_LISTEN_H

#include "ingest/session.h"

#include <uv.h>

/* The port that agents dial. */
struct listen;

/** Reads "ADDRESS:PORT" or "[v6]:PORT", port 0 to 65535. @return false when it is neither. */
bool listen_parse(const char *text, struct address *ret_address, uint16_t *ret_port);

/**
 * Binds and listens. @param hub  outlives it.
 * @param ret_place  where it listens, with the real port ("127.0.0.1:7443").
 * @return NULL with *ret_why set to one line (the caller frees it).
 */
struct listen *listen_new(struct session_hub *hub, const char *where, char ret_place[ADDRESS_TEXT_BYTES + 8],
                          char **ret_why);

/** Stops listening and frees itself; sessions go on. `done` comes from the loop. */
void listen_close(struct listen *listen, void (*done)(void *arg), void *arg);

#endif
