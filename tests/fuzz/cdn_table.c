#include "fuzz.h"

#include "words/cdn_table.h"

/* A table of CDNs as an operator writes it. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    unsigned line = 0;
    const char *why = NULL;
    static struct cdn_table table;
    table = (struct cdn_table){0};
    arena_init(&table.arena, CDN_TABLE_BYTES);
    if (!cdn_table_read(&table, (const char *)bytes, length, &line, &why))
        REQUIRE(line == 0 || why != NULL);
    REQUIRE(table.name_count <= CDN_MAX_NAMES && table.rule_count <= CDN_MAX_RULES);
    arena_done(&table.arena);
    return 0;
}
