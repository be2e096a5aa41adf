#include "store/cluster.h"

#include "cli/i18n.h"
#include "store/command.h"
#include "words/buf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    CLUSTER_OLDEST_MAJOR = 15,
    CLUSTER_LOCK_TRIES = 1200, /* of 50 ms: longer than any initdb and start takes */
    CLUSTER_WAKE_TRIES = 1200,
    CLUSTER_START_TRIES = 5,
};

struct cluster {
    char *state;
    char *data;   /* STATE/pg */
    char *socket; /* STATE/run */
    char *log;    /* STATE/pg.log */
    char *bin;
    char *conninfo;
    int lock;  /* fd of STATE/pg.lock, or -1 */
    int users; /* fd of STATE/pg.users, or -1 */
};

static bool cluster_fail(char **ret_why, char *why)
{
    *ret_why = why;
    return false;
}

/* --- where things are --- */

/* The highest-numbered folder under /usr/lib/postgresql that is new enough, or 0. */
static int cluster_newest_major(void)
{
    int newest = 0;
    DIR *folder = opendir("/usr/lib/postgresql");
    if (folder == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char *end = NULL;
        long major = strtol(entry->d_name, &end, 10);
        char *program = text_format("/usr/lib/postgresql/%s/bin/initdb", entry->d_name);
        if (*end == '\0' && major >= CLUSTER_OLDEST_MAJOR && major < 1000 && major > newest &&
            program != NULL && access(program, X_OK) == 0)
            newest = (int)major;
        free(program);
    }
    (void)closedir(folder);
    return newest;
}

/* The major version that made the data folder, 0 when there is none yet. */
static int cluster_made_by(const struct cluster *cluster)
{
    int major = 0;
    char line[16] = "";
    char *path = text_format("%s/PG_VERSION", cluster->data);
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    if (file != NULL) {
        if (fgets(line, sizeof line, file) != NULL)
            major = (int)strtol(line, NULL, 10);
        (void)fclose(file);
    }
    free(path);
    return major;
}

/* A data folder is only opened by the version that made it, so that version wins over a newer one. */
static bool cluster_find_bin(struct cluster *cluster, const char *pg_bin, char **ret_why)
{
    int made_by = cluster_made_by(cluster);
    int major = made_by != 0 ? made_by : cluster_newest_major();
    if (pg_bin == NULL && major == 0)
        return cluster_fail(ret_why, text_format(_("PostgreSQL %d or newer is not installed (looked in "
                                                   "/usr/lib/postgresql): install it, or give --db URL"),
                                                 CLUSTER_OLDEST_MAJOR));
    cluster->bin = pg_bin != NULL ? strdup(pg_bin) : text_format("/usr/lib/postgresql/%d/bin", major);
    char *program = text_format("%s/pg_ctl", cluster->bin);
    bool found = program != NULL && access(program, X_OK) == 0;
    if (!found)
        *ret_why = text_format(_("%s is not there: install PostgreSQL %d, set pg_bin, or give --db URL"),
                               program == NULL ? "pg_ctl" : program, major);
    free(program);
    return found;
}

static bool cluster_paths(struct cluster *cluster, const char *state, char **ret_why)
{
    if (strpbrk(state, "'\"\\,\n\r") != NULL)
        return cluster_fail(ret_why,
                            text_format(_("state folder %s: its path holds a quote, comma, backslash or "
                                          "line end, which the private database cannot have"),
                                        state));
    size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    size_t need = strlen(state) + strlen("/run/.s.PGSQL.5432");
    if (need > most)
        return cluster_fail(
            ret_why, text_format(_("state folder %s: a socket in it would have a path of %zu bytes, and the "
                                   "limit is %zu; choose a shorter --state, or give --db URL"),
                                 state, need, most));
    cluster->state = strdup(state);
    cluster->data = text_format("%s/pg", state);
    cluster->socket = text_format("%s/run", state);
    cluster->log = text_format("%s/pg.log", state);
    cluster->conninfo = text_format("host='%s/run' port=5432 dbname=postgres user=parallax", state);
    if (cluster->state == NULL || cluster->data == NULL || cluster->socket == NULL || cluster->log == NULL ||
        cluster->conninfo == NULL)
        return cluster_fail(ret_why, strdup(_("out of memory")));
    return true;
}

/* --- locks --- */

static void cluster_nap(void)
{
    struct timespec nap = {.tv_nsec = 50 * 1000 * 1000};
    (void)nanosleep(&nap, NULL);
}

/* Root makes no files here: the owner could not open them afterwards. */
static int cluster_lock_file(const struct cluster *cluster, const char *name, char **ret_why)
{
    char *path = text_format("%s/%s", cluster->state, name);
    int flags = geteuid() == 0 ? O_RDONLY : O_RDWR | O_CREAT;
    int fd = path == NULL ? -1 : open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0 && geteuid() == 0)
        *ret_why =
            text_format(_("the private database in %s is not running, and PostgreSQL never runs as root: "
                          "use an unprivileged user, or give --db URL"),
                        cluster->state);
    else if (fd < 0)
        *ret_why = text_format(_("cannot open %s: %s"), path, strerror(errno));
    free(path);
    return fd;
}

static bool cluster_lock(const struct cluster *cluster, char **ret_why)
{
    for (int tries = 0; tries < CLUSTER_LOCK_TRIES; tries++) {
        if (flock(cluster->lock, LOCK_EX | LOCK_NB) == 0)
            return true;
        cluster_nap();
    }
    return cluster_fail(ret_why, text_format(_("%s/pg.lock is held by another program that does not finish"),
                                             cluster->state));
}

/* --- making --- */

static bool cluster_write(const char *folder, const char *name, const char *mode, const char *text)
{
    char *path = text_format("%s/%s", folder, name);
    FILE *file = path == NULL ? NULL : fopen(path, mode);
    free(path);
    if (file == NULL)
        return false;
    bool written = fputs(text, file) >= 0;
    return fclose(file) == 0 && written;
}

static bool cluster_write_access(const char *folder)
{
    struct passwd *owner = getpwuid(geteuid());
    if (owner == NULL)
        return false;
    char *ident = text_format("parallax \"%s\" parallax\nparallax root parallax\n", owner->pw_name);
    bool written = ident != NULL && cluster_write(folder, "pg_ident.conf", "we", ident) &&
                   cluster_write(folder, "pg_hba.conf", "we", "local all parallax peer map=parallax\n") &&
                   cluster_write(folder, "postgresql.conf", "ae", "include 'parallax.conf'\n") &&
                   cluster_write(folder, "parallax.conf", "we", "");
    free(ident);
    return written;
}

/* initdb works in a folder beside, which gets its name when it is whole: a killed initdb leaves nothing half
 * made. */
static bool cluster_make(const struct cluster *cluster, char **ret_why)
{
    struct stat status;
    if (stat(cluster->data, &status) == 0)
        return true;
    char *fresh = text_format("%s/pg.new", cluster->state);
    char *initdb = text_format("%s/initdb", cluster->bin);
    bool made = false;
    if (fresh != NULL && initdb != NULL && folder_remove(fresh)) {
        const char *argv[] = {initdb,        "-D",
                              fresh,         "-U",
                              "parallax",    "-E",
                              "UTF8",        "--locale=C.UTF-8",
                              "--auth=peer", "--data-checksums",
                              NULL};
        made = command_run(argv, cluster->log) == 0;
        if (!made && folder_remove(fresh)) {
            argv[7] = "--locale=C"; /* a machine without C.UTF-8 */
            made = command_run(argv, cluster->log) == 0;
        }
        made = made && cluster_write_access(fresh) && rename(fresh, cluster->data) == 0;
    }
    if (!made)
        *ret_why = text_format(_("cannot make the private database in %s; %s says why"), cluster->data,
                               cluster->log);
    free(fresh);
    free(initdb);
    return made;
}

/* --- running --- */

/* Written at every start, because the state folder may have been moved. */
static bool cluster_write_settings(const struct cluster *cluster)
{
    char *text = text_format("listen_addresses = ''\n"
                             "port = 5432\n"
                             "unix_socket_directories = '%s'\n"
                             "unix_socket_permissions = 0700\n"
                             "shared_buffers = 64MB\n"
                             "max_connections = 40\n"
                             "max_wal_size = 512MB\n"
                             "jit = off\n"
                             "log_timezone = 'UTC'\n"
                             "timezone = 'UTC'\n",
                             cluster->socket);
    bool written = text != NULL && cluster_write(cluster->data, "parallax.conf", "we", text);
    free(text);
    return written && (mkdir(cluster->socket, 0700) == 0 || errno == EEXIST);
}

static int cluster_pg_ctl(const struct cluster *cluster, const char *verb)
{
    char *program = text_format("%s/pg_ctl", cluster->bin);
    if (program == NULL)
        return -1;
    const char *start[] = {program, verb, "-D", cluster->data, "-w", "-t",
                           "60",    "-s", "-l", cluster->log,  NULL};
    const char *stop[] = {program, verb, "-D", cluster->data, "-w", "-t", "60", "-s", "-m", "fast", NULL};
    int status = command_run(strcmp(verb, "start") == 0 ? start : stop, cluster->log);
    free(program);
    return status;
}

/* The children of a postmaster that was killed hold its shared memory for a moment longer. */
static bool cluster_start_patiently(const struct cluster *cluster)
{
    for (int tries = 0; tries < CLUSTER_START_TRIES; tries++) {
        if (cluster_pg_ctl(cluster, "start") == 0)
            return true;
        cluster_nap();
    }
    return false;
}

/* One that is starting or recovering is waited for. */
static PGPing cluster_ping(const struct cluster *cluster)
{
    PGPing state = PQping(cluster->conninfo);
    for (int tries = 0; state == PQPING_REJECT && tries < CLUSTER_WAKE_TRIES; tries++) {
        cluster_nap();
        state = PQping(cluster->conninfo);
    }
    return state;
}

static bool cluster_start(struct cluster *cluster, const char *pg_bin, char **ret_why)
{
    bool runs = cluster_ping(cluster) == PQPING_OK;
    if (geteuid() == 0) {
        if (!runs)
            *ret_why =
                text_format(_("the private database in %s is not running, and PostgreSQL never runs as root: "
                              "use an unprivileged user, or give --db URL"),
                            cluster->state);
        return runs;
    }
    if (!cluster_find_bin(cluster, pg_bin, ret_why))
        return false;
    if (runs)
        return true;
    if (!cluster_make(cluster, ret_why))
        return false;
    if (!cluster_write_settings(cluster) || !cluster_start_patiently(cluster))
        return cluster_fail(ret_why, text_format(_("cannot start the private database in %s; %s says why"),
                                                 cluster->data, cluster->log));
    return true;
}

/* Unlocked by word, not by closing alone: a forked copy of the descriptor would keep the lock. */
static void cluster_unlock(int fd)
{
    if (fd < 0)
        return;
    (void)flock(fd, LOCK_UN);
    (void)close(fd);
}

static void cluster_free(struct cluster *cluster)
{
    cluster_unlock(cluster->users);
    cluster_unlock(cluster->lock);
    free(cluster->state);
    free(cluster->data);
    free(cluster->socket);
    free(cluster->log);
    free(cluster->bin);
    free(cluster->conninfo);
    free(cluster);
}

struct cluster *cluster_open(const char *state, const char *pg_bin, char **ret_why)
{
    struct cluster *cluster = calloc(1, sizeof *cluster);
    if (cluster == NULL) {
        *ret_why = strdup(_("out of memory"));
        return NULL;
    }
    cluster->lock = cluster->users = -1;
    bool open = cluster_paths(cluster, state, ret_why) &&
                (cluster->lock = cluster_lock_file(cluster, "pg.lock", ret_why)) >= 0 &&
                (cluster->users = cluster_lock_file(cluster, "pg.users", ret_why)) >= 0 &&
                cluster_lock(cluster, ret_why);
    if (open && flock(cluster->users, LOCK_SH) != 0)
        open = cluster_fail(ret_why, text_format(_("cannot lock %s/pg.users: %s"), state, strerror(errno)));
    if (!open || !cluster_start(cluster, pg_bin, ret_why)) {
        cluster_free(cluster);
        return NULL;
    }
    (void)flock(cluster->lock, LOCK_UN);
    return cluster;
}

void cluster_close(struct cluster *cluster)
{
    if (cluster == NULL)
        return;
    char *why = NULL;
    /* An exclusive lock on pg.users is only given when no other process shares it. */
    if (cluster_lock(cluster, &why) && flock(cluster->users, LOCK_EX | LOCK_NB) == 0 && geteuid() != 0)
        (void)cluster_pg_ctl(cluster, "stop");
    free(why);
    cluster_free(cluster);
}

const char *cluster_conninfo(const struct cluster *cluster)
{
    return cluster->conninfo;
}
