#include "words/cause.h"

bool conclude_capacity(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    (void)file;
    (void)arena;
    (void)conclusion;
    return false;
}
