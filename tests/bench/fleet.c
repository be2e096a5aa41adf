#include "fleet_trial.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the watch makes of fleets of four sizes: false opens on quiet days, and faults of every scope. */

struct plan {
    unsigned days, trials;
    uint64_t seed;
    unsigned only; /* vantages; 0: every fleet */
    double cn_loss;
    unsigned missed;
};

struct kind {
    enum world_fault fault;
    unsigned endpoints;
    const char *name;
};
static const struct kind kinds[] = {
    {WORLD_ENDPOINT, 1, "endpoint"}, {WORLD_REGION, 1, "region"},   {WORLD_REGION, 4, "region, 4 endpoints"},
    {WORLD_ASN, 1, "ASN"},           {WORLD_ADDRESS, 1, "address"}, {WORLD_PATH, 1, "path"},
    {WORLD_SICK, 1, "sick vantage"},
};

static void require(struct plan *plan, bool holds, const char *what)
{
    if (holds)
        return;
    plan->missed++;
    printf("  MISSED: %s\n", what);
}

static bool show_quiet(struct plan *plan, const struct world_options *options)
{
    struct quiet quiet;
    if (!trial_quiet(options, plan->days, &quiet))
        return false;
    double days = quiet.endpoint_days;
    printf("  quiet, %.0f endpoint-days: %.3f false opens per endpoint-day (", days, quiet.opens / days);
    for (unsigned k = PLACE_ENDPOINT; k <= PLACE_SOME; k++) {
        if (quiet.opens_by[k] > 0)
            printf("%s %u, ", place_kind_name((int)k), quiet.opens_by[k]);
    }
    printf("of them %u at a path in a burst); %u times a vantage set aside\n", quiet.path_bursts,
           quiet.asides);
    for (unsigned n = 0; n < NAIVE_COUNT; n++)
        printf("    %-32s %.2f\n", naive_name((enum naive)n), quiet.naive_opens[n] / days);
    if (options->vantages == 10)
        require(plan, quiet.opens / days <= 0.05, "at most 0.05 false opens per endpoint-day");
    return true;
}

static void print_score(const struct score *score, const char *name)
{
    double trials = score->trials;
    printf("  %-20s %5.1f %%  %5.1f %%  %5.1f %%   %2u  %2u   %5.2f  ", name, 100 * score->opened / trials,
           100 * score->correct / trials, 100 * score->settled / trials, score_percentile(score, 50),
           score_percentile(score, 90), score->more / trials);
    for (unsigned n = 0; n < NAIVE_COUNT; n++)
        printf(" %3.0f %%", 100 * score->naive_opened[n] / trials);
    for (unsigned k = PLACE_ENDPOINT; k <= PLACE_SOME; k++) {
        if (score->wrong_by[k] > 0)
            printf("  %s %u", place_kind_name((int)k), score->wrong_by[k]);
    }
    printf("\n");
}

static bool show_fault(struct plan *plan, const struct world_options *options, const struct kind *kind)
{
    static struct score score;
    char what[96];
    if (!trial_fault(options, kind->fault, kind->endpoints, plan->trials, &score))
        return false;
    if (score.trials == 0) {
        printf("  %-20s no such place in this fleet\n", kind->name);
        return true;
    }
    print_score(&score, kind->name);
    double correct = score.correct / (double)score.trials;
    bool bad_links = options->cn_loss > 0.1;
    double bound = kind->fault == WORLD_ENDPOINT ? 0.98
                   : kind->fault == WORLD_REGION ? (bad_links ? 0.97 : 0.98)
                   : kind->fault == WORLD_ASN    ? 0.95
                                                 : 0;
    if (options->vantages != 10 || bound == 0 || (bad_links && kind->fault != WORLD_REGION))
        return true;
    snprintf(what, sizeof what, "%s named in %.0f %% of trials", kind->name, 100 * bound);
    require(plan, correct >= bound, what);
    snprintf(what, sizeof what, "%s opened after four rounds or fewer (median)", kind->name);
    if (kind->fault != WORLD_ASN && !bad_links)
        require(plan, score_percentile(&score, 50) <= 4, what);
    return true;
}

static bool show_fleet(struct plan *plan, unsigned vantages, double cn_loss)
{
    struct world_options options;
    world_defaults(&options, vantages, plan->seed);
    options.cn_loss = cn_loss;
    printf("%u vantages, cn loss %.0f %%\n", vantages, 100 * cn_loss);
    bool ok = cn_loss > 0.1 || show_quiet(plan, &options);
    printf("  %-20s  opened   named  settled  p50 p90    more   naive rules open     wrong first\n", "");
    for (size_t k = 0; ok && k < sizeof kinds / sizeof kinds[0]; k++)
        ok = show_fault(plan, &options, &kinds[k]);
    fflush(stdout);
    return ok;
}

static int usage(const char *program)
{
    fprintf(
        stderr,
        "usage: %s [--quick] [--seed N] [--vantages 4|10|30|100] [--days N] [--trials N] [--cn-loss SHARE]\n",
        program);
    return 2;
}

static bool read_options(int argc, char **argv, struct plan *plan)
{
    static const struct option options[] = {
        {"quick", no_argument, NULL, 'q'},
        {"seed", required_argument, NULL, 's'},
        {"vantages", required_argument, NULL, 'v'},
        {"days", required_argument, NULL, 'd'},
        {"trials", required_argument, NULL, 't'},
        {"cn-loss", required_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    int option = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'q') {
            plan->days = 3;
            plan->trials = 60;
        } else if (option == 's') {
            plan->seed = strtoull(optarg, NULL, 10);
        } else if (option == 'v') {
            plan->only = (unsigned)strtoul(optarg, NULL, 10);
        } else if (option == 'd') {
            plan->days = (unsigned)strtoul(optarg, NULL, 10);
        } else if (option == 't') {
            plan->trials = (unsigned)strtoul(optarg, NULL, 10);
        } else if (option == 'c') {
            plan->cn_loss = strtod(optarg, NULL);
        } else {
            return false;
        }
    }
    return optind == argc && plan->trials > 0 && plan->trials <= TRIAL_MAX;
}

int main(int argc, char **argv)
{
    static const unsigned fleets[] = {4, 10, 30, 100};
    struct plan plan = {.days = 30, .trials = 200, .seed = 1, .cn_loss = 0.05};
    if (!read_options(argc, argv, &plan))
        return usage(argv[0]);
    printf("seed %" PRIu64 ", %u quiet days, %u trials of each fault, one-minute rounds\n", plan.seed,
           plan.days, plan.trials);
    for (size_t f = 0; f < sizeof fleets / sizeof fleets[0]; f++) {
        if (plan.only != 0 && plan.only != fleets[f])
            continue;
        if (!show_fleet(&plan, fleets[f], plan.cn_loss) ||
            (fleets[f] == 10 && plan.cn_loss < 0.1 && !show_fleet(&plan, 10, 0.15))) {
            fprintf(stderr, "%s: out of memory\n", argv[0]);
            return 3;
        }
    }
    printf(plan.missed == 0 ? "every bound holds\n" : "%u bounds missed\n", plan.missed);
    return plan.missed == 0 ? 0 : 1;
}
