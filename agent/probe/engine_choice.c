#include "probe/engine_choice.h"

#define ENGINE_NAME(symbol, name) [symbol] = (name),
const char *const prober_engine_names[PROBER_ENGINE_COUNT] = {PROBER_ENGINES(ENGINE_NAME)};
