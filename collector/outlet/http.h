#ifndef PARALLAX_COLLECTOR_OUTLET_HTTP_H
#define PARALLAX_COLLECTOR_OUTLET_HTTP_H

#include "words/address.h"
#include "words/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* /metrics and /healthz, for whoever watches the watcher. Read only; see http.c. */
struct http;

struct http_hooks {
    /** Before the numbers are written: what is cheap to know at once is set now. */
    void (*on_scrape)(void *arg);
    /** Appends one JSON object that says how it is. @return is it well? */
    bool (*on_health)(struct buf *out, void *arg);
    void *arg;
};

/**
 * Listens. @param address, port  port 0 picks a free one.
 * @param ret_port  the real one.
 * @return NULL with *ret_why set to one line (the caller frees it).
 */
struct http *http_new(uv_loop_t *loop, const struct address *address, uint16_t port,
                      const struct http_hooks *hooks, uint16_t *ret_port, char **ret_why);

/** Stops listening, drops connections and frees itself; `done` comes from the loop. NULL is fine, and done comes at once. */
void http_close(struct http *http, void (*done)(void *arg), void *arg);

#endif
