#include "cli/cli.h"

const struct cli_verb verb_serve = {.name = "serve", .operands = "", .summary = ""};
