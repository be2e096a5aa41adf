#ifndef PARALLAX_AGENT_PROBE_SETTINGS_H
#define PARALLAX_AGENT_PROBE_SETTINGS_H

#include "cli/cli.h"
#include "probe/examine.h"
#include "probe/target_list.h"
#include "show/report.h"

/* What the operands and options of `parallax-agent probe` ask for. */

struct probe_settings {
    struct target_list targets;
    struct prober_options prober;
    struct examine_options examine;
    struct probe_job job; /* without its endpoint's host */
    const char *sni;
    bool no_sni;
    struct report report;
    bool list_causes; /* print the catalogue; nothing is probed */
    const char *explain;
    const char *pcap; /* files to write; NULL: none */
    const char *keylog;
    unsigned workers; /* at least 1 */
};

extern const struct cli_option probe_options[];

void probe_settings_init(struct probe_settings *settings);
void probe_settings_done(struct probe_settings *settings);

/** @return EXIT_HEALTHY, or what to end with after a message was printed. */
int probe_settings_read(struct cli_args *args, struct probe_settings *settings);

/** A target with what the options say of all. */
struct endpoint probe_settings_endpoint(const struct probe_settings *settings, size_t index);

#endif
