#include "cli/cli.h"

const struct cli_verb verb_vantage_list = {.name = "vantage list", .operands = "", .summary = ""};
const struct cli_verb verb_vantage_show = {.name = "vantage show", .operands = "", .summary = ""};
const struct cli_verb verb_vantage_revoke = {.name = "vantage revoke", .operands = "", .summary = ""};
