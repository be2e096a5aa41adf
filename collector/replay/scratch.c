#include "replay/scratch.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "store/cluster.h"
#include "store/command.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
    char *folder;
    bool kept;
    const char *user; /* static, of getpwnam */
    struct cluster *cluster;
    struct db *db;
};

/* A signal that ends us must not end initdb or pg_ctl half way: it waits until they are done, and is heard then. */
static void hold_signals(int how)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(how, &set, NULL);
}

static const struct passwd *unprivileged(void)
{
    const struct passwd *user = getpwnam("postgres");
    return user != NULL ? user : getpwnam("nobody");
}

static bool become(const struct passwd *user)
{
    if (initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0 || chdir("/") != 0)
        return false;
    (void)setenv("HOME", "/nonexistent", 1);
    (void)prctl(PR_SET_DUMPABLE, 1);
    return true;
}

/* @return false after cli_error. The folder must be the user's before root is given up. */
static bool give_up_root(struct scratch *scratch)
{
    if (geteuid() != 0)
        return true;
    const struct passwd *user = unprivileged();
    if (user == NULL) {
        cli_error(
            _("PostgreSQL never runs as root, and there is no user postgres or nobody to run it as; use an "
              "unprivileged user"));
        return false;
    }
    scratch->user = user->pw_name;
    if (chown(scratch->folder, user->pw_uid, user->pw_gid) == 0 && become(user))
        return true;
    cli_error(_("cannot become the user %s: %s"), user->pw_name, strerror(errno));
    return false;
}

static bool make_temporary(struct scratch *scratch)
{
    const char *base = getenv("TMPDIR");
    scratch->folder =
        text_format("%s/parallax-replay-XXXXXX", base != NULL && base[0] == '/' ? base : "/tmp");
    if (scratch->folder != NULL && mkdtemp(scratch->folder) != NULL)
        return true;
    cli_error(_("cannot make a temporary folder %s: %s"), scratch->folder == NULL ? "" : scratch->folder,
              strerror(errno));
    free(scratch->folder);
    scratch->folder = NULL;
    return false;
}

/* rmdir tells whether it is empty. */
static bool make_kept(struct scratch *scratch, const char *keep)
{
    if (rmdir(keep) != 0 && errno != ENOENT) {
        cli_error(_("--keep: %s: %s"), keep, strerror(errno));
        return false;
    }
    scratch->folder = mkdir(keep, 0700) == 0 ? realpath(keep, NULL) : NULL;
    if (scratch->folder != NULL)
        return true;
    cli_error(_("--keep: cannot make %s: %s"), keep, strerror(errno));
    return false;
}

static bool open_database(struct scratch *scratch, const char *pg_bin)
{
    char *why = NULL;
    scratch->cluster = cluster_open(scratch->folder, pg_bin, &why);
    if (scratch->cluster == NULL) {
        cli_error("%s", why == NULL ? _("out of memory") : why);
        free(why);
        return false;
    }
    const struct db_where where = {.url = cluster_conninfo(scratch->cluster), .state = scratch->folder};
    scratch->db = db_open(&where);
    return scratch->db != NULL && db_hasten(scratch->db);
}

struct scratch *scratch_open(const char *keep, const char *pg_bin)
{
    struct scratch *scratch = calloc(1, sizeof *scratch);
    if (scratch == NULL) {
        cli_error(_("out of memory"));
        return NULL;
    }
    hold_signals(SIG_BLOCK);
    bool open = (keep == NULL ? make_temporary(scratch) : make_kept(scratch, keep)) &&
                give_up_root(scratch) && open_database(scratch, pg_bin);
    scratch->kept = open && keep != NULL;
    if (!open) {
        scratch_close(scratch);
        scratch = NULL;
    }
    hold_signals(SIG_UNBLOCK);
    return scratch;
}

void scratch_close(struct scratch *scratch)
{
    if (scratch == NULL)
        return;
    hold_signals(SIG_BLOCK);
    db_close(scratch->db);
    cluster_close(scratch->cluster);
    if (scratch->folder != NULL && !scratch->kept && !folder_remove(scratch->folder))
        cli_warning(_("cannot remove %s: %s"), scratch->folder, strerror(errno));
    hold_signals(SIG_UNBLOCK);
    free(scratch->folder);
    free(scratch);
}

struct db *scratch_db(const struct scratch *scratch)
{
    return scratch->db;
}

const char *scratch_conninfo(const struct scratch *scratch)
{
    return cluster_conninfo(scratch->cluster);
}

const char *scratch_folder(const struct scratch *scratch)
{
    return scratch->folder;
}

const char *scratch_user(const struct scratch *scratch)
{
    return scratch->user;
}
