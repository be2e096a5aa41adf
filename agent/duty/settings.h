#ifndef PARALLAX_DUTY_SETTINGS_H
#define PARALLAX_DUTY_SETTINGS_H

#include "duty/policy.h"
#include "probe/prober.h"
#include "words/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* agent.yaml, which enroll writes and the owner edits. */

enum { COLLECTOR_PORT = 7443, SETTINGS_MAX_COLLECTORS = 16 };

struct collector_address {
    char host[PLAN_NAME_MAX + 1]; /* name or address, without brackets */
    uint16_t port;
};

struct settings {
    struct collector_address collectors[SETTINGS_MAX_COLLECTORS];
    size_t collector_count;
    struct policy policy;
    char *ca_file;         /* trust store for probing; NULL: the system's */
    char *resolver;        /* NULL: the system's */
    char *contact;         /* NULL: none */
    struct address source; /* that probes go out from; none: the kernel's choice */
    enum prober_engine engine;
    int64_t spool_mib;
    int64_t concurrency;
    int64_t address_concurrency; /* connections to one address at once */
    int64_t rate;                /* new connections a second */
    int64_t address_seconds;     /* between two connections to one address, sustained */
    int64_t address_burst;
};

/** Defaults, with nothing allowed. */
void settings_init(struct settings *settings);
void settings_done(struct settings *settings);

/** Reads "HOST", "HOST:PORT" or "[v6]:PORT"; several with commas are added in order. @param ret_why  static text. */
bool settings_add_collectors(struct settings *settings, const char *text, const char **ret_why);

/** Reads a file. @param ret_why  "file:line: ..."; the caller frees it. On failure settings_done it all the same. */
bool settings_read(struct settings *settings, const char *path, char **ret_why);

/** Lists as they were given on the command line; borrowed. */
struct settings_lists {
    const char *const *allow, *const *deny, *const *ports;
    size_t allow_count, deny_count, ports_count;
};

/** Appends the text of a file that settings_read reads; what has its default is there as a comment. */
bool settings_write(const struct settings *settings, const struct settings_lists *lists, struct buf *out);

#endif
