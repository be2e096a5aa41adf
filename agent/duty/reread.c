#include "duty/reread.h"

#include <stdio.h>
#include <string.h>

static bool same_text(const char *left, const char *right)
{
    return left == NULL || right == NULL ? left == right : strcmp(left, right) == 0;
}

static bool same_collectors(const struct settings *left, const struct settings *right)
{
    bool same = left->collector_count == right->collector_count;
    for (size_t i = 0; same && i < left->collector_count; i++)
        same = left->collectors[i].port == right->collectors[i].port &&
               strcmp(left->collectors[i].host, right->collectors[i].host) == 0;
    return same;
}

static void name_fixed(const struct settings *old, const struct settings *new, char fixed[REREAD_FIXED_BYTES])
{
    const struct {
        const char *key;
        bool same;
    } rows[] = {
        {"collectors", same_collectors(old, new)},
        {"ca_file", same_text(old->ca_file, new->ca_file)},
        {"resolver", same_text(old->resolver, new->resolver)},
        {"source", address_equal(&old->source, &new->source)},
        {"contact", same_text(old->contact, new->contact)},
        {"engine", old->engine == new->engine},
        {"spool_mib", old->spool_mib == new->spool_mib},
    };
    fixed[0] = '\0';
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = strlen(fixed);
        if (!rows[i].same)
            (void)snprintf(fixed + length, REREAD_FIXED_BYTES - length, "%s%s", length > 0 ? ", " : "",
                           rows[i].key);
    }
}

bool settings_reread(struct settings *settings, const char *path, char fixed[REREAD_FIXED_BYTES],
                     char **ret_why)
{
    struct settings new;
    settings_init(&new);
    bool read = settings_read(&new, path, ret_why);
    if (read) {
        name_fixed(settings, &new, fixed);
        struct policy old = settings->policy;
        settings->policy = new.policy;
        new.policy = old;
        settings->concurrency = new.concurrency;
        settings->address_concurrency = new.address_concurrency;
        settings->rate = new.rate;
        settings->address_seconds = new.address_seconds;
        settings->address_burst = new.address_burst;
    }
    settings_done(&new);
    return read;
}
