#include "duty/state.h"

#include "cli/i18n.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool join(char out[PATH_MAX], const char *folder, const char *name)
{
    int length = snprintf(out, PATH_MAX, "%s/%s", folder, name);
    return length > 0 && length < PATH_MAX;
}

bool state_init(struct state *state, const char *folder, const char **ret_why)
{
    const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    *state = (struct state){.lock = -1};
    *ret_why = N_("the path of the state folder is too long");
    if (folder != NULL)
        return strlen(folder) < sizeof state->folder &&
               snprintf(state->folder, sizeof state->folder, "%s", folder) > 0;
    if (base != NULL && base[0] == '/')
        return join(state->folder, base, "parallax-agent");
    if (home != NULL && home[0] != '\0')
        return join(state->folder, home, ".local/state/parallax-agent");
    *ret_why = N_("HOME is not set; name the state folder with --state");
    return false;
}

void state_done(struct state *state)
{
    if (state->lock >= 0)
        (void)close(state->lock);
    state->lock = -1;
}

static bool say(char **ret_why, const char *path, const char *text)
{
    if (asprintf(ret_why, "%s: %s", path, text) < 0)
        *ret_why = NULL;
    return false;
}

bool state_make(const struct state *state, char **ret_why)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", state->folder);
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return say(ret_why, path, strerror(errno));
        *at = '/';
    }
    struct stat status;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return say(ret_why, path, strerror(errno));
    if (stat(path, &status) != 0)
        return say(ret_why, path, strerror(errno));
    return S_ISDIR(status.st_mode) || say(ret_why, path, "not a folder");
}

bool state_lock(struct state *state, char **ret_why)
{
    char path[PATH_MAX];
    if (!state_path(state, "lock", path))
        return say(ret_why, state->folder, "the path is too long");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return say(ret_why, path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int error = errno;
        (void)close(fd);
        return say(ret_why, state->folder,
                   error == EWOULDBLOCK ? "another parallax-agent is using this state folder"
                                        : strerror(error));
    }
    state->lock = fd;
    return true;
}

bool state_path(const struct state *state, const char *name, char out[PATH_MAX])
{
    return join(out, state->folder, name);
}
