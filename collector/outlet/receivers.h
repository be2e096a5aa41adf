#ifndef PARALLAX_COLLECTOR_OUTLET_RECEIVERS_H
#define PARALLAX_COLLECTOR_OUTLET_RECEIVERS_H

#include "cli/i18n.h"
#include "outlet/receiver.h"

/* The options that name receivers of alerts, for every verb that sends some. */

enum { OPTION_ALERTMANAGER = 950, OPTION_WEBHOOK, OPTION_WEBHOOK_TOKEN };

/* Rows for a verb's option table. */
#define RECEIVER_OPTIONS                                                                                     \
    {"alertmanager", 0, "URL", OPTION_ALERTMANAGER,                                                          \
     N_("tell the Alertmanager there what is wrong (may be given several times)")},                          \
        {"webhook", 0, "URL", OPTION_WEBHOOK,                                                                \
         N_("post each event of an incident there, as JSON (may be given several times)")},                  \
    {                                                                                                        \
        "webhook-token-file", 0, "FILE", OPTION_WEBHOOK_TOKEN, N_("a bearer token for the webhooks")         \
    }

struct receivers {
    struct receiver receiver[RECEIVERS_MAX];
    size_t count;
    char token[RECEIVER_TOKEN_BYTES]; /* "" none */
};

/** Takes one of the ids above. @return false for another id. A bad value ends with cli_error and *ret_failed true. */
bool receivers_option(struct receivers *receivers, int id, const char *value, bool *ret_failed);
void receivers_done(struct receivers *receivers);

#endif
