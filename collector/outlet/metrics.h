#ifndef PARALLAX_COLLECTOR_OUTLET_METRICS_H
#define PARALLAX_COLLECTOR_OUTLET_METRICS_H

#include "words/buf.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What machines are told in numbers: a registry, and its text form (OpenMetrics 1.0, or the older text format of
 * Prometheus for whoever asks for no OpenMetrics).
 *
 * What a label can be is bounded, so that no stranger makes series: vantages, sites, endpoints and receivers are made by the
 * operator, all else is a word of ours. A family holds METRIC_SERIES_MAX series at most; what would be one more is counted in
 * parallax_metrics_dropped_total.
 *
 * X(symbol, type, name, unit, labels, help): a name ends with its unit; samples of counters end with "_total", of infos with
 * "_info". The label of a state set is its name.
 */
#define METRICS(X)                                                                                           \
    X(METRIC_BUILD, INFO, "parallax_build", "", "version", "The running collector")                          \
    X(METRIC_DATABASE_UP, GAUGE, "parallax_database_up", "", "", "Is there a connection to the database")    \
    X(METRIC_DATABASE_LOST, COUNTER, "parallax_database_lost", "", "",                                       \
      "Times the connection to the database was lost or could not be made")                                  \
    X(METRIC_SESSIONS, GAUGE, "parallax_sessions", "", "", "Agents connected to this collector")             \
    X(METRIC_REFUSED, COUNTER, "parallax_peers_refused", "", "reason",                                       \
      "Connections of agents that this collector ended, by why")                                             \
    X(METRIC_PUSHING_BACK, GAUGE, "parallax_pushing_back", "", "",                                           \
      "Is nothing read from agents, because too much waits for the database")                                \
    X(METRIC_SPOOLED, GAUGE, "parallax_spool_depth", "", "vantage",                                          \
      "Results that wait in a vantage's spool, as it said last")                                             \
    X(METRIC_BATCHES, COUNTER, "parallax_batches", "", "", "Batches of records committed")                   \
    X(METRIC_RECORDS, COUNTER, "parallax_records", "", "vantage",                                            \
      "Records committed, attempts and round reports")                                                       \
    X(METRIC_ATTEMPTS, COUNTER, "parallax_attempts", "", "vantage,class",                                    \
      "Attempts committed, by the class of their outcome")                                                   \
    X(METRIC_RECORDS_REFUSED, COUNTER, "parallax_records_refused", "", "vantage,reason",                     \
      "Records that cannot be true and were not stored, by why")                                             \
    X(METRIC_INGEST_LAG, HISTOGRAM, "parallax_ingest_lag_seconds", "seconds", "",                            \
      "From the start of an attempt to the commit of its row")                                               \
    X(METRIC_SLOT_SKEW, HISTOGRAM, "parallax_slot_skew_seconds", "seconds", "",                              \
      "How far from its slot a first attempt started")                                                       \
    X(METRIC_ROUND_SKEW, GAUGE, "parallax_round_skew_seconds", "seconds", "interval",                        \
      "Most that vantages were apart at one endpoint in the last round over, by the interval in seconds")    \
    X(METRIC_ROUNDS_PLANNED, COUNTER, "parallax_rounds_planned", "", "", "Rounds planned by this collector") \
    X(METRIC_ROUNDS_CLOSED, COUNTER, "parallax_rounds_closed", "", "", "Rounds closed by this collector")    \
    X(METRIC_ROUNDS_JUDGED, COUNTER, "parallax_rounds_judged", "", "",                                       \
      "Rounds judged, by whichever collector of the database")                                               \
    X(METRIC_ROUNDS_UNJUDGED, GAUGE, "parallax_rounds_unjudged", "", "", "Rounds closed and not yet judged") \
    X(METRIC_JUDGE_LAG, GAUGE, "parallax_judge_lag_seconds", "seconds", "",                                  \
      "How long ago the oldest round that is not judged was closed; 0 when there is none")                   \
    X(METRIC_VANTAGE_CONNECTED, GAUGE, "parallax_vantage_connected", "", "vantage,region,asn",               \
      "Has the vantage a session with any collector of the database")                                        \
    X(METRIC_VANTAGE_ASIDE, GAUGE, "parallax_vantage_set_aside", "", "vantage,region,asn",                   \
      "Is the vantage set aside, so that it blames nobody")                                                  \
    X(METRIC_VANTAGE_CERTIFICATE, GAUGE, "parallax_vantage_certificate_left_seconds", "seconds",             \
      "vantage,region,asn", "Time until the vantage's own certificate ends, unless it is renewed")           \
    X(METRIC_INCIDENTS, GAUGE, "parallax_incidents_open", "", "kind,place", "Incidents that are open")       \
    X(METRIC_ENDPOINT_STATE, STATESET, "parallax_endpoint_state", "",                                        \
      "site,endpoint,role,name,parallax_endpoint_state",                                                     \
      "What an endpoint is: failing (an incident is open), well, or unknown (no attempt in the last round)") \
    X(METRIC_ENDPOINT_PASSING, GAUGE, "parallax_endpoint_passing_ratio", "ratio", "site,endpoint,role,name", \
      "Share of first attempts that passed in the last round over")                                          \
    X(METRIC_CERTIFICATE, GAUGE, "parallax_certificate_left_seconds", "seconds", "site,endpoint,role,name",  \
      "Time until the first of the leaf certificates expires that were shown in the last round over")        \
    X(METRIC_ALERTS, COUNTER, "parallax_alert_deliveries", "", "receiver,result",                            \
      "Alerts posted to a receiver: delivered, refused (it answered, not with 2xx) or failed")               \
    X(METRIC_RETENTION_DAYS, COUNTER, "parallax_retention_days", "", "",                                     \
      "Days of attempts that this collector has dropped, because they are older than they are to be kept")   \
    X(METRIC_RETENTION_BYTES, COUNTER, "parallax_retention_bytes", "bytes", "",                              \
      "What these days took in the database")                                                                \
    X(METRIC_RETENTION_HELD, GAUGE, "parallax_retention_days_held", "", "",                                  \
      "Days of attempts older than they are to be kept that something needs still")                          \
    X(METRIC_RETENTION_RUN, GAUGE, "parallax_retention_run_timestamp_seconds", "seconds", "",                \
      "When retention ran through last, Unix time")                                                          \
    X(METRIC_SCRAPES, COUNTER, "parallax_scrapes", "", "", "Times this text was asked for")                  \
    X(METRIC_DROPPED, COUNTER, "parallax_metrics_dropped", "", "",                                           \
      "Values of series past the bound of their family")

#define METRIC_ENUM(symbol, type, name, unit, labels, help) symbol,
enum metric { METRICS(METRIC_ENUM) METRIC_COUNT };

enum { METRIC_LABELS_MAX = 5, METRIC_SERIES_MAX = 20000 };

/** The values of a family's labels, in its order: LABELS("hk-1", "ok"). Valid until the end of the block. */
#define LABELS(...) ((const char *const[METRIC_LABELS_MAX]){__VA_ARGS__})

struct metrics;

/** @return NULL without memory. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

/**
 * The registry of this process, like its log. Only the event loop's thread may touch it.
 * Without memory it stays away, and all that is told it is lost.
 */
struct metrics *metrics_here(void);
/** Frees it, when the loop is over. */
void metrics_leave(void);

/** Counts. @param labels  NULL for a family without. */
void metrics_add(struct metrics *metrics, enum metric id, const char *const *labels, double by);
/** A gauge, an info or one state of a state set. */
void metrics_set(struct metrics *metrics, enum metric id, const char *const *labels, double value);
/** Into a histogram. */
void metrics_observe(struct metrics *metrics, enum metric id, double value);
/** Forgets every series of a family: what it said is not known any more. */
void metrics_clear(struct metrics *metrics, enum metric id);

enum metrics_format { METRICS_OPENMETRICS, METRICS_TEXT };

/** The content type of a format, for HTTP. */
const char *metrics_content_type(enum metrics_format format);
/** What a request's Accept header asks for; NULL: there was none. */
enum metrics_format metrics_format_of(const char *accept);

/** Appends all of it. @return false without memory. */
bool metrics_write(const struct metrics *metrics, enum metrics_format format, struct buf *out);

#endif
