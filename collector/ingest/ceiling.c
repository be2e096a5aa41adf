#include "ingest/ceiling.h"

static void ceiling_weigh(struct ceiling *ceiling)
{
    size_t most = ceiling->full ? ceiling->most_bytes / 2 : ceiling->most_bytes;
    bool full = ceiling->held_bytes >= most;
    if (full == ceiling->full)
        return;
    ceiling->full = full;
    if (ceiling->changed != NULL)
        ceiling->changed(ceiling->arg);
}

void ceiling_hold(struct ceiling *ceiling, size_t bytes)
{
    ceiling->held_bytes += bytes;
    ceiling_weigh(ceiling);
}

void ceiling_release(struct ceiling *ceiling, size_t bytes)
{
    ceiling->held_bytes -= bytes;
    ceiling_weigh(ceiling);
}
