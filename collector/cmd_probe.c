#include "cli/cli.h"

const struct cli_verb verb_probe = {.name = "probe", .operands = "", .summary = ""};
