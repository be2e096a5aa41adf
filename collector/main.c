#include "cli/cli.h"
#include "cli/i18n.h"

#include <stddef.h>

extern const struct cli_verb verb_serve;
extern const struct cli_verb verb_probe;
extern const struct cli_verb verb_report;
extern const struct cli_verb verb_watch;
extern const struct cli_verb verb_alert_test;
extern const struct cli_verb verb_replay;
extern const struct cli_verb verb_export;
extern const struct cli_verb verb_import;
extern const struct cli_verb verb_reclassify;
extern const struct cli_verb verb_site_add;
extern const struct cli_verb verb_site_set;
extern const struct cli_verb verb_site_list;
extern const struct cli_verb verb_site_show;
extern const struct cli_verb verb_site_rm;
extern const struct cli_verb verb_site_import;
extern const struct cli_verb verb_vantage_list;
extern const struct cli_verb verb_vantage_show;
extern const struct cli_verb verb_vantage_revoke;
extern const struct cli_verb verb_token_create;
extern const struct cli_verb verb_db_rollup;
extern const struct cli_verb verb_db_roles;
extern const struct cli_verb verb_db_retain;
extern const struct cli_verb verb_db_status;

static const struct cli_verb *const verbs[] = {
    &verb_serve,          &verb_probe,        &verb_report,       &verb_reclassify,
    &verb_site_add,       &verb_site_set,     &verb_site_list,    &verb_site_show,
    &verb_site_rm,        &verb_site_import,  &verb_vantage_list, &verb_vantage_show,
    &verb_vantage_revoke, &verb_token_create, &verb_watch,        &verb_alert_test,
    &verb_db_rollup,      &verb_db_roles,     &verb_db_retain,    &verb_db_status,
    &verb_export,         &verb_import,       &verb_replay,       NULL,
};

int main(int argc, char **argv)
{
    static const struct cli_program program = {
        .name = "parallax-collector",
        .summary = N_("collect what vantages see, and say where and how it differs"),
        .verbs = verbs,
    };
    return cli_main(&program, argc, argv);
}
