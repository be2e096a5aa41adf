#include "report/lists.h"

#include "cli/i18n.h"

const struct rows_field site_report_fields[] = {
    {"site", N_("SITE"), ROWS_TEXT, NULL},
    {"endpoint_role", N_("ROLE"), ROWS_ROLE, NULL},
    {"host", N_("ENDPOINT"), ROWS_ENDPOINT, NULL},
    {"port", NULL, ROWS_INT, NULL},
    {"address", NULL, ROWS_TEXT, NULL},
    {"attempts", N_("ATTEMPTS"), ROWS_INT, NULL},
    {"passed", NULL, ROWS_INT, NULL},
    {"local", NULL, ROWS_INT, NULL},
    {"share", N_("OK"), ROWS_SHARE, NULL},
    {"dns_p50_us", N_("DNS p50 / p90"), ROWS_US, "dns_p90_us"},
    {"tcp_p50_us", N_("TCP p50 / p90"), ROWS_US, "tcp_p90_us"},
    {"tls_p50_us", N_("TLS p50 / p90"), ROWS_US, "tls_p90_us"},
    {"http_p50_us", N_("HTTP p50 / p90"), ROWS_US, "http_p90_us"},
    {"certificates", N_("CERTS"), ROWS_INT, NULL},
    {"not_after", NULL, ROWS_TIME, NULL},
    {"days_left", N_("DAYS LEFT"), ROWS_INT, NULL},
    {"last_class", N_("LAST"), ROWS_OUTCOME, NULL},
    {"last_vantage", N_("FROM"), ROWS_TEXT, NULL},
    {"last_at", N_("AT"), ROWS_TIME, NULL},
    {NULL, NULL, ROWS_TEXT, NULL},
};

const struct rows_field vantage_report_fields[] = {
    {"vantage", N_("VANTAGE"), ROWS_TEXT, NULL},
    {"region", N_("REGION"), ROWS_TEXT, NULL},
    {"asn", N_("ASN"), ROWS_ASN, NULL},
    {"address", N_("ADDRESS"), ROWS_TEXT, NULL},
    {"state", N_("STATE"), ROWS_TEXT, NULL},
    {"connected_since", N_("CONNECTED SINCE"), ROWS_TIME, NULL},
    {"last_seen_at", N_("LAST SEEN"), ROWS_TIME, NULL},
    {"attempts", N_("ATTEMPTS"), ROWS_INT, NULL},
    {"failed", NULL, ROWS_INT, NULL},
    {"local", NULL, ROWS_INT, NULL},
    {"failing_share", N_("FAILING"), ROWS_SHARE, NULL},
    {"skew_p99_us", N_("SKEW p99"), ROWS_US, NULL},
    {"agent_version", NULL, ROWS_TEXT, NULL},
    {"tls_library", NULL, ROWS_TEXT, NULL},
    {NULL, NULL, ROWS_TEXT, NULL},
};

const struct rows_field cert_report_fields[] = {
    {"days_left", N_("DAYS LEFT"), ROWS_INT, NULL},
    {"not_before", NULL, ROWS_TIME, NULL},
    {"not_after", N_("NOT AFTER"), ROWS_TIME, NULL},
    {"site", N_("SITE"), ROWS_TEXT, NULL},
    {"endpoint_role", N_("ROLE"), ROWS_ROLE, NULL},
    {"host", N_("ENDPOINT"), ROWS_ENDPOINT, NULL},
    {"port", NULL, ROWS_INT, NULL},
    {"address", NULL, ROWS_TEXT, NULL},
    {"subject", N_("SUBJECT"), ROWS_TEXT, NULL},
    {"issuer", N_("ISSUER"), ROWS_TEXT, NULL},
    {"key_type", N_("KEY"), ROWS_TEXT, NULL},
    {"key_bits", N_("BITS"), ROWS_INT, NULL},
    {"signature_algorithm", NULL, ROWS_TEXT, NULL},
    {"name_count", N_("NAMES"), ROWS_INT, NULL},
    {"names", NULL, ROWS_LIST, NULL},
    {"chain_length", N_("CHAIN"), ROWS_INT, NULL},
    {"sha256", N_("SHA-256"), ROWS_HASH, NULL},
    {"vantages", N_("SEEN BY"), ROWS_LIST, NULL},
    {NULL, NULL, ROWS_TEXT, NULL},
};

const struct rows_field site_list_fields[] = {
    {"site", N_("SITE"), ROWS_TEXT, NULL},
    {"interval_s", N_("INTERVAL (s)"), ROWS_INT, NULL},
    {"endpoints", N_("ENDPOINTS"), ROWS_INT, NULL},
    {"edges", N_("EDGE"), ROWS_INT, NULL},
    {"origins", N_("ORIGIN"), ROWS_INT, NULL},
    {"plains", N_("PLAIN"), ROWS_INT, NULL},
    {"fetch", N_("FETCH"), ROWS_TEXT, NULL},
    {"created_at", N_("SINCE"), ROWS_TIME, NULL},
    {NULL, NULL, ROWS_TEXT, NULL},
};

const struct rows_field site_show_fields[] = {
    {"endpoint_role", N_("ROLE"), ROWS_ROLE, NULL},
    {"host", N_("ENDPOINT"), ROWS_ENDPOINT, NULL},
    {"port", NULL, ROWS_INT, NULL},
    {"address", NULL, ROWS_TEXT, NULL},
    {"sni", N_("SNI"), ROWS_TEXT, NULL},
    {"created_at", N_("SINCE"), ROWS_TIME, NULL},
    {"endpoint_id", N_("ID"), ROWS_INT, NULL},
    {NULL, NULL, ROWS_TEXT, NULL},
};
