#include "outlet/receivers.h"

#include "cli/cli.h"

#include <string.h>

/* The value is not repeated: an URL may hold a secret. */
static bool receivers_add(struct receivers *receivers, enum receiver_kind kind, const char *option,
                          const char *url)
{
    const char *why = "";
    if (receivers->count == RECEIVERS_MAX) {
        (void)cli_usage(_("--%s: no more than %d receivers"), option, RECEIVERS_MAX);
        return false;
    }
    struct receiver *receiver = &receivers->receiver[receivers->count];
    if (!receiver_init(receiver, kind, url, &why)) {
        (void)cli_usage("--%s: %s", option, _(why));
        return false;
    }
    for (size_t i = 0; i < receivers->count; i++) {
        if (receivers->receiver[i].kind == kind && strcmp(receivers->receiver[i].name, receiver->name) == 0) {
            (void)cli_usage(_("--%s: %s is named twice"), option, receiver->name);
            receiver_done(receiver);
            return false;
        }
    }
    if (kind == RECEIVER_WEBHOOK && receivers->token[0] != '\0')
        receiver->token = receivers->token;
    receivers->count++;
    return true;
}

/* The file may be named before or after the webhooks. */
static bool receivers_read_token(struct receivers *receivers, const char *path)
{
    const char *why = "";
    if (!receiver_token(path, receivers->token, &why)) {
        cli_error(_("--webhook-token-file %s: %s"), path, _(why));
        return false;
    }
    for (size_t i = 0; i < receivers->count; i++)
        if (receivers->receiver[i].kind == RECEIVER_WEBHOOK)
            receivers->receiver[i].token = receivers->token;
    return true;
}

bool receivers_option(struct receivers *receivers, int id, const char *value, bool *ret_failed)
{
    switch (id) {
    case OPTION_ALERTMANAGER:
        *ret_failed = !receivers_add(receivers, RECEIVER_ALERTMANAGER, "alertmanager", value);
        return true;
    case OPTION_WEBHOOK:
        *ret_failed = !receivers_add(receivers, RECEIVER_WEBHOOK, "webhook", value);
        return true;
    case OPTION_WEBHOOK_TOKEN:
        *ret_failed = !receivers_read_token(receivers, value);
        return true;
    default:
        return false;
    }
}

void receivers_done(struct receivers *receivers)
{
    for (size_t i = 0; i < receivers->count; i++)
        receiver_done(&receivers->receiver[i]);
    receivers->count = 0;
}
