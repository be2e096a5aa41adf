#include "cli/cli.h"
#include "cli/i18n.h"

#include <stddef.h>

extern const struct cli_verb verb_probe;
extern const struct cli_verb verb_sweep;
extern const struct cli_verb verb_enroll;
extern const struct cli_verb verb_run;
extern const struct cli_verb verb_spool_status;
extern const struct cli_verb verb_spool_export;

static const struct cli_verb *const verbs[] = {
    &verb_probe, &verb_sweep, &verb_enroll, &verb_run, &verb_spool_status, &verb_spool_export, NULL};

int main(int argc, char **argv)
{
    static const struct cli_program program = {
        .name = "parallax-agent",
        .summary = N_("probe TLS endpoints from this machine, once or for a collector"),
        .verbs = verbs,
    };
    return cli_main(&program, argc, argv);
}
