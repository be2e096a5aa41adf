#include "cli/cli.h"

const struct cli_verb verb_token_create = {.name = "token create", .operands = "", .summary = ""};
