/*
 * bench-stalled COUNT PORT...: full handshakes by our own engine with servers that take the ClientHello and keep silent, COUNT at once:
 * the first 2,048 at 127.2.0.0/21 and the first port, the next at 127.3.0.0/21 and the second, and so on. Stays until it is killed;
 * tests/bench/stalled.sh looks at its memory from outside.
 */
#include "probe/prober.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { EACH = 2048 };

static void on_attempt(struct attempt *attempt, bool last, void *arg)
{
    (void)last;
    (void)arg;
    attempt_free(attempt);
}

static bool begin(struct prober *prober, unsigned index, uint16_t port)
{
    const uint8_t at[4] = {127, (uint8_t)(2 + index / EACH), (uint8_t)(index % EACH >> 8), (uint8_t)index};
    struct probe_job job = {.endpoint = {.site = "", .sni = "", .host = "www.shop.example", .port = port},
                            .flags = PROBE_NO_REQUEST,
                            .timeout_us = 600U * 1000 * 1000};
    return address_from_bytes(at, sizeof at, &job.endpoint.address) &&
           prober_probe(prober, &job, on_attempt, NULL);
}

int main(int argc, char **argv)
{
    uv_loop_t loop;
    char *why = NULL;
    unsigned count = argc < 3 ? 0 : (unsigned)strtoul(argv[1], NULL, 10);
    struct prober_options options = {.concurrency = count, .engine = PROBER_OWN};
    if (count == 0 || (count - 1) / EACH >= (unsigned)argc - 2 || uv_loop_init(&loop) != 0)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    struct prober *prober = prober_new(&loop, &options, &why);
    if (prober == NULL) {
        (void)fprintf(stderr, "%s\n", why == NULL ? "out of memory" : why);
        return 3;
    }
    for (unsigned i = 0; i < count; i++)
        if (!begin(prober, i, (uint16_t)strtoul(argv[2 + i / EACH], NULL, 10)))
            return 3;
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    return 0;
}
