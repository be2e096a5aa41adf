#include "cli/cli.h"

const struct cli_verb verb_enroll = {.name = "enroll", .operands = "", .summary = ""};
