#ifndef PARALLAX_AGENT_SWEEP_SETTINGS_H
#define PARALLAX_AGENT_SWEEP_SETTINGS_H

#include "cli/cli.h"
#include "duty/settings.h"
#include "sweep/results.h"
#include "sweep/sweep.h"

/* What the operands and options of `parallax-agent sweep` ask for, within what the owner's agent.yaml lets. */

struct sweep_settings {
    struct sweep_list *list;
    uint64_t total; /* endpoints of the list */
    struct sweep_options options;
    struct settings owner; /* of agent.yaml, when there is one */
    struct arena arena;
    enum results_format format;
    bool has_format;
    const char *state;
    const char *output; /* NULL: none */
    bool resume;
};

extern const struct cli_option sweep_cli_options[];

bool sweep_settings_init(struct sweep_settings *settings);
void sweep_settings_done(struct sweep_settings *settings);

/** @return EXIT_HEALTHY, or what to end with after a message was printed. */
int sweep_settings_read(struct cli_args *args, struct sweep_settings *settings);

#endif
