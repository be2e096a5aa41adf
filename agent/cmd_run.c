#include "cli/cli.h"

const struct cli_verb verb_run = {.name = "run", .operands = "", .summary = ""};
