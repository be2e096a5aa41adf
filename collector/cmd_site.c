#include "cli/cli.h"

const struct cli_verb verb_site_add = {.name = "site add", .operands = "", .summary = ""};
const struct cli_verb verb_site_list = {.name = "site list", .operands = "", .summary = ""};
const struct cli_verb verb_site_show = {.name = "site show", .operands = "", .summary = ""};
const struct cli_verb verb_site_rm = {.name = "site rm", .operands = "", .summary = ""};
const struct cli_verb verb_site_import = {.name = "site import", .operands = "", .summary = ""};
