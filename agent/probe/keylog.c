#include "probe/keylog.h"

#include "cli/i18n.h"
#include "words/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct keylog {
    FILE *file;
    int error; /* the first */
};

struct keylog *keylog_open(const char *path, char **ret_why)
{
    struct keylog *keylog = calloc(1, sizeof *keylog);
    int fd = keylog == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0)
        keylog->file = fdopen(fd, "ab");
    if (keylog != NULL && keylog->file != NULL)
        return keylog;
    struct buf why;
    buf_init(&why, 0);
    (void)buf_printf(&why, _("key log \"%s\": %s"), path, strerror(keylog == NULL ? ENOMEM : errno));
    *ret_why = buf_take(&why);
    if (fd >= 0)
        (void)close(fd);
    free(keylog);
    return NULL;
}

int keylog_close(struct keylog *keylog)
{
    if (keylog == NULL)
        return 0;
    int error = keylog->error;
    if (fclose(keylog->file) != 0 && error == 0)
        error = errno;
    free(keylog);
    return error;
}

void keylog_line(struct keylog *keylog, const char *line)
{
    if (keylog != NULL && fprintf(keylog->file, "%s\n", line) < 0 && keylog->error == 0)
        keylog->error = errno;
}
