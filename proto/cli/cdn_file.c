#include "cli/cdn_file.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "words/buf.h"
#include "words/cdn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CDN_FILE_MAX_BYTES = 1024 * 1024 };

static bool read_all(const char *path, struct buf *out)
{
    char block[4096];
    size_t got;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool fits = true;
    while (fits && (got = fread(block, 1, sizeof block, file)) > 0)
        fits = buf_append(out, block, got);
    int error = !fits ? EFBIG : ferror(file) ? errno : 0;
    (void)fclose(file);
    errno = error;
    return error == 0;
}

bool cli_cdn_file(const char *path)
{
    struct buf text;
    unsigned line = 0;
    const char *why = "";
    buf_init(&text, CDN_FILE_MAX_BYTES);
    bool good = read_all(path, &text);
    if (!good) {
        cli_error("%s: %s", path, strerror(errno));
    } else if (text.len > 0 && !cdn_extend((const char *)text.data, text.len, &line, &why)) {
        cli_error("%s:%u: %s", path, line, _(why));
        good = false;
    }
    buf_done(&text);
    return good;
}
