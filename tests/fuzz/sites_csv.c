#include "sites.h"

/* A list of sites as CSV. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct site_book book;
    site_book_init(&book);
    site_book_csv(&book, "sites.csv", (const char *)bytes, length);
    check_book(&book);
    site_book_done(&book);
    return 0;
}
