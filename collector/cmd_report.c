#include "cli/cli.h"

const struct cli_verb verb_report = {.name = "report", .operands = "", .summary = ""};
