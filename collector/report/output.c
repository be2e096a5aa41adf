#include "report/output.h"

#include "cli/cli.h"
#include "cli/i18n.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool cannot(const struct output *output)
{
    cli_error(_("cannot write %s: %s"), output->path, strerror(errno));
    return false;
}

bool output_open(struct output *output, const char *path)
{
    bool is_file = path != NULL && strcmp(path, "-") != 0;
    *output = (struct output){.path = is_file ? path : NULL, .stream = stdout};
    if (!is_file)
        return true;
    output->stream = NULL;
    if (asprintf(&output->beside, "%s.XXXXXX", path) < 0) {
        output->beside = NULL;
        return cannot(output);
    }
    int file = mkstemp(output->beside);
    if (file >= 0) {
        mode_t mask =
            umask(0); /* mkstemp's mode is 0600: a report is as readable as any file its user makes */
        (void)umask(mask);
        output->stream = fchmod(file, 0666 & ~mask) == 0 ? fdopen(file, "w") : NULL;
        if (output->stream != NULL)
            return true;
        (void)cannot(output);
        (void)unlink(output->beside);
        (void)close(file);
    } else {
        (void)cannot(output);
    }
    free(output->beside);
    return false;
}

bool output_close(struct output *output, bool keep)
{
    if (output->path == NULL)
        return true;
    bool whole = fflush(output->stream) == 0 && fsync(fileno(output->stream)) == 0;
    whole = fclose(output->stream) == 0 && whole;
    if (keep && (!whole || rename(output->beside, output->path) != 0))
        whole = cannot(output);
    if (!keep || !whole)
        (void)unlink(output->beside);
    free(output->beside);
    return whole || !keep;
}
