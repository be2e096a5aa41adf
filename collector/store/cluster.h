#ifndef PARALLAX_COLLECTOR_STORE_CLUSTER_H
#define PARALLAX_COLLECTOR_STORE_CLUSTER_H

/*
 * The private PostgreSQL cluster in the state folder, for those who give no --db: made by initdb at the first
 * use, reached through a unix socket only, never run as root. Blocking; never call it while an event loop
 * runs.
 *
 * Who starts it and who stops it is settled by two lock files, so that serve and any number of one-shot verbs
 * may come and go in any order, be killed, and never pull the database from under one another:
 *
 *   STATE/pg.lock   held exclusively for the moment of starting or stopping
 *   STATE/pg.users  held shared by everyone who uses the cluster, as long as they use it
 *
 *   open    lock pg.lock; share pg.users; start the cluster unless it runs; unlock pg.lock
 *   close   lock pg.lock; let go of pg.users; if nobody else shares it, stop the cluster; unlock pg.lock
 *
 * A user that is killed loses its locks with its life; the cluster it leaves behind is adopted by the next
 * open.
 */
struct cluster;

/**
 * Makes and starts what is missing.
 * @param state   the state folder, absolute.
 * @param pg_bin  folder of initdb and pg_ctl; NULL: the newest under /usr/lib/postgresql, 15 or later.
 * @return NULL with *ret_why set to one line (the caller frees it).
 */
struct cluster *cluster_open(const char *state, const char *pg_bin, char **ret_why);

/** Stops the cluster if nobody else uses it. NULL is fine. */
void cluster_close(struct cluster *cluster);

/** libpq conninfo of the cluster; lives as long as the cluster. */
const char *cluster_conninfo(const struct cluster *cluster);

#endif
