#include "report/lists.h"

#include "cli/i18n.h"

const struct rows_field site_report_fields[] = {
    {"site", N_("SITE"), ROWS_TEXT, NULL, NULL},
    {"endpoint_role", N_("ROLE"), ROWS_ROLE, NULL, NULL},
    {"host", N_("ENDPOINT"), ROWS_ENDPOINT, NULL, NULL},
    {"port", NULL, ROWS_INT, NULL, NULL},
    {"address", NULL, ROWS_TEXT, NULL, NULL},
    {"attempts", N_("ATTEMPTS"), ROWS_INT, NULL, NULL},
    {"passed", NULL, ROWS_INT, NULL, NULL},
    {"local", NULL, ROWS_INT, NULL, NULL},
    {"share", N_("OK"), ROWS_SHARE, NULL, NULL},
    {"dns_p50_us", N_("DNS p50 / p90"), ROWS_US, "dns_p90_us", NULL},
    {"tcp_p50_us", N_("TCP p50 / p90"), ROWS_US, "tcp_p90_us", NULL},
    {"tls_p50_us", N_("TLS p50 / p90"), ROWS_US, "tls_p90_us", NULL},
    {"http_p50_us", N_("HTTP p50 / p90"), ROWS_US, "http_p90_us", NULL},
    {"certificates", N_("CERTS"), ROWS_INT, NULL, NULL},
    {"not_after", NULL, ROWS_TIME, NULL, NULL},
    {"days_left", N_("DAYS LEFT"), ROWS_INT, NULL, NULL},
    {"last_class", N_("LAST"), ROWS_OUTCOME, NULL, NULL},
    {"last_vantage", N_("FROM"), ROWS_TEXT, NULL, NULL},
    {"last_at", N_("AT"), ROWS_TIME, NULL, NULL},
    {NULL, NULL, ROWS_TEXT, NULL, NULL},
};

const struct rows_field vantage_report_fields[] = {
    {"vantage", N_("VANTAGE"), ROWS_TEXT, NULL, NULL},
    {"region", N_("REGION"), ROWS_TEXT, NULL, NULL},
    {"asn", N_("ASN"), ROWS_ASN, NULL, NULL},
    {"address", N_("ADDRESS"), ROWS_TEXT, NULL, NULL},
    {"state", N_("STATE"), ROWS_WORD, NULL, NULL},
    {"connected_since", N_("CONNECTED SINCE"), ROWS_TIME, NULL, NULL},
    {"last_seen_at", N_("LAST SEEN"), ROWS_TIME, NULL, NULL},
    {"attempts", N_("ATTEMPTS"), ROWS_INT, NULL, NULL},
    {"failed", NULL, ROWS_INT, NULL, NULL},
    {"local", NULL, ROWS_INT, NULL, NULL},
    {"failing_share", N_("FAILING"), ROWS_SHARE, NULL, NULL},
    {"skew_p99_us", N_("SKEW p99"), ROWS_US, NULL, NULL},
    {"dropped", N_("DROPPED"), ROWS_INT, NULL, NULL},
    {"agent_version", NULL, ROWS_TEXT, NULL, NULL},
    {"tls_library", NULL, ROWS_TEXT, NULL, NULL},
    {"certificate_not_after", NULL, ROWS_TIME, NULL, NULL},
    {"certificate", N_("CERTIFICATE"), ROWS_WORD, NULL, NULL},
    {"set_aside", N_("SET ASIDE"), ROWS_TEXT, NULL, NULL},
    {NULL, NULL, ROWS_TEXT, NULL, NULL},
};

const struct rows_field asn_report_fields[] = {
    {"region", N_("REGION"), ROWS_TEXT, NULL, NULL},
    {"asn", N_("ASN"), ROWS_ASN, NULL, NULL},
    {"vantages", N_("VANTAGES"), ROWS_INT, NULL, NULL},
    {"attempts", N_("ATTEMPTS"), ROWS_INT, NULL, NULL},
    {"failed", N_("FAILED"), ROWS_INT, NULL, NULL},
    {"failing_share", N_("FAILING"), ROWS_SHARE, NULL, NULL},
    {"local", NULL, ROWS_INT, NULL, NULL},
    {"endpoints_failed", N_("ENDPOINTS FAILING"), ROWS_INT, NULL, NULL},
    {"tcp_p50_us", N_("TCP p50"), ROWS_US, NULL, NULL},
    {"tls_p50_us", N_("TLS p50"), ROWS_US, NULL, NULL},
    {"outcomes", N_("WITH"), ROWS_OUTCOMES, NULL, NULL},
    {NULL, NULL, ROWS_TEXT, NULL, NULL},
};

const struct rows_field cert_report_fields[] = {
    {"days_left", N_("DAYS LEFT"), ROWS_INT, NULL, NULL},
    {"not_before", NULL, ROWS_TIME, NULL, NULL},
    {"not_after", N_("NOT AFTER"), ROWS_TIME, NULL, NULL},
    {"site", N_("SITE"), ROWS_TEXT, NULL, NULL},
    {"endpoint_role", N_("ROLE"), ROWS_ROLE, NULL, NULL},
    {"host", N_("ENDPOINT"), ROWS_ENDPOINT, NULL, NULL},
    {"port", NULL, ROWS_INT, NULL, NULL},
    {"address", NULL, ROWS_TEXT, NULL, NULL},
    {"subject", N_("SUBJECT"), ROWS_TEXT, NULL, NULL},
    {"issuer", N_("ISSUER"), ROWS_TEXT, NULL, NULL},
    {"key_type", N_("KEY"), ROWS_TEXT, NULL, NULL},
    {"key_bits", N_("BITS"), ROWS_INT, NULL, NULL},
    {"signature_algorithm", NULL, ROWS_TEXT, NULL, NULL},
    {"name_count", N_("NAMES"), ROWS_INT, NULL, NULL},
    {"names", NULL, ROWS_LIST, NULL, NULL},
    {"chain_length", N_("CHAIN"), ROWS_INT, NULL, NULL},
    {"sha256", N_("SHA-256"), ROWS_HASH, NULL, NULL},
    {"vantages", N_("SEEN BY"), ROWS_LIST, NULL, NULL},
    {NULL, NULL, ROWS_TEXT, NULL, NULL},
};

const struct rows_field site_list_fields[] = {
    {"site", N_("SITE"), ROWS_TEXT, NULL, NULL},
    {"interval_s", N_("INTERVAL (s)"), ROWS_INT, NULL, NULL},
    {"sentinel", N_("SENTINEL"), ROWS_FLAG, NULL, NULL},
    {"endpoints", N_("ENDPOINTS"), ROWS_INT, NULL, NULL},
    {"edges", N_("EDGE"), ROWS_INT, NULL, NULL},
    {"origins", N_("ORIGIN"), ROWS_INT, NULL, NULL},
    {"plains", N_("PLAIN"), ROWS_INT, NULL, NULL},
    {"fetch", N_("FETCH"), ROWS_TEXT, NULL, NULL},
    {"created_at", N_("SINCE"), ROWS_TIME, NULL, NULL},
    {NULL, NULL, ROWS_TEXT, NULL, NULL},
};

const struct rows_field site_show_fields[] = {
    {"endpoint_role", N_("ROLE"), ROWS_ROLE, NULL, NULL},
    {"host", N_("ENDPOINT"), ROWS_ENDPOINT, NULL, NULL},
    {"port", NULL, ROWS_INT, NULL, NULL},
    {"address", NULL, ROWS_TEXT, NULL, NULL},
    {"sni", N_("SNI"), ROWS_TEXT, NULL, NULL},
    {"created_at", N_("SINCE"), ROWS_TIME, NULL, NULL},
    {"endpoint_id", N_("ID"), ROWS_INT, NULL, NULL},
    {NULL, NULL, ROWS_TEXT, NULL, NULL},
};
