#include "cli/cli.h"
#include "cli/i18n.h"
#include "duty/duty.h"
#include "duty/settings.h"
#include "duty/state.h"

#include <stdlib.h>
#include <unistd.h>

enum { OPTION_STATE = 1, OPTION_ENGINE };

static const struct cli_option options[] = {
    {"state", 0, "DIR", OPTION_STATE, N_("state folder (default: ~/.local/state/parallax-agent)")},
    {"engine", 0, "ENGINE", OPTION_ENGINE,
     N_("what speaks TLS: libssl (default), own, or auto (own where it is known to do)")},
    {0},
};

static int run_failed(char *why)
{
    cli_error("%s", why != NULL ? why : _("out of memory"));
    free(why);
    return EXIT_FAILED;
}

/* @param engine  enum prober_engine; -1: as agent.yaml has it. */
static int run_in(struct state *state, int engine)
{
    char path[PATH_MAX], *why = NULL;
    struct settings settings;
    if (!state_path(state, "agent.yaml", path) || access(path, F_OK) != 0) {
        cli_error(_("%s: not enrolled (no agent.yaml in it); do: parallax-agent enroll"), state->folder);
        return EXIT_FAILED;
    }
    if (!state_lock(state, &why))
        return run_failed(why);
    if (geteuid() == 0)
        cli_warning(_("running as root; the agent needs no privileges, use a user of its own"));
    settings_init(&settings);
    int code = EXIT_FAILED;
    if (settings_read(&settings, path, &why)) {
        if (engine >= 0)
            settings.engine = (enum prober_engine)engine;
        code = duty_run(state, &settings, &why);
    }
    settings_done(&settings);
    if (why != NULL)
        return run_failed(why);
    return code;
}

static int run(struct cli_args *args)
{
    const char *value = NULL, *folder = NULL, *why = "";
    struct state state;
    int engine = -1;
    for (int id; (id = cli_next(args, &value)) != 0;) {
        if (id == OPTION_STATE)
            folder = value;
        else if ((engine = cli_choice("engine", value, prober_engine_names, PROBER_ENGINE_COUNT)) < 0)
            return EXIT_USAGE;
    }
    if (!state_init(&state, folder, &why))
        return cli_usage("%s", _(why));
    int code = run_in(&state, engine);
    state_done(&state);
    return code;
}

const struct cli_verb verb_run = {
    .name = "run",
    .operands = "",
    .summary = N_("take part in the rounds of the collector this agent is enrolled with"),
    .options = options,
    .run = run,
};
