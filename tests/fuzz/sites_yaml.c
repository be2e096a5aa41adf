#include "sites.h"

/* A list of sites as YAML. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct site_book book;
    site_book_init(&book);
    site_book_yaml(&book, "sites.yaml", (const char *)bytes, length);
    check_book(&book);
    site_book_done(&book);
    return 0;
}
