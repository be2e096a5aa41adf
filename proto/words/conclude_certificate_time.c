#include "words/conclude_certificate.h"

#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * Dates. A certificate that looks out of date can be so, or the clock that judges it is wrong. Two other clocks help: the
 * collector's (when the vantage has one, every moment of the evidence is in its time), and the server's, in the Date header.
 * When the certificate is in date by one of those while the verification here said otherwise, the vantage's clock is off.
 */

enum { CLOCK_TOLERANCE_S = 120, DAY_S = 86400 };
#define US_A_SECOND INT64_C(1000000)

static int64_t now_s(const struct case_file *file)
{
    return file->now_us / US_A_SECOND;
}

/* @return the number of two digits, or -1. */
static int two_digits(const char *text)
{
    bool digits = text[0] >= '0' && text[0] <= '9' && text[1] >= '0' && text[1] <= '9';
    return digits ? (text[0] - '0') * 10 + text[1] - '0' : -1;
}

static int month_of(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++) {
        if (memcmp(text, months + i * 3, 3) == 0)
            return i;
    }
    return -1;
}

/* RFC 9110, 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", each part in its place. @return 0 when there is none. */
int64_t cert_date_header_s(const struct attempt *attempt)
{
    const char *text = attempt_header(attempt, "date");
    if (text == NULL || strlen(text) != sizeof "Sun, 06 Nov 1994 08:49:37 GMT" - 1)
        return 0;
    int century = two_digits(text + 12), year = two_digits(text + 14);
    struct tm parts = {.tm_mday = two_digits(text + 5),
                       .tm_mon = month_of(text + 8),
                       .tm_year = century * 100 + year - 1900,
                       .tm_hour = two_digits(text + 17),
                       .tm_min = two_digits(text + 20),
                       .tm_sec = two_digits(text + 23)};
    bool whole = century >= 0 && year >= 0 && parts.tm_mday > 0 && parts.tm_mon >= 0 && parts.tm_hour >= 0 &&
                 parts.tm_min >= 0 && parts.tm_sec >= 0;
    return whole ? (int64_t)timegm(&parts) : 0;
}

static int64_t server_time_s(const struct case_file *file)
{
    return cert_date_header_s(file->attempts[0]);
}

static bool in_date(const struct chain_certificate *certificate, int64_t at_s)
{
    return certificate->not_before_s <= at_s && at_s <= certificate->not_after_s;
}

/* Everything that the verification may have found out of date. */
static bool chain_in_date(const struct case_file *file, int64_t at_s)
{
    const struct evidence_tls *tls = cert_tls(file);
    for (size_t i = 0; i < tls->chain_count; i++) {
        if (!tls->chain[i].parsed || !in_date(&tls->chain[i], at_s))
            return false;
    }
    return tls->chain_count > 0;
}

static bool looks_out_of_date(const struct case_file *file)
{
    return cert_raised(file, X509_V_ERR_CERT_HAS_EXPIRED) || cert_raised(file, X509_V_ERR_CERT_NOT_YET_VALID);
}

static bool server_disagrees(const struct case_file *file)
{
    int64_t server_s = server_time_s(file);
    return server_s != 0 && llabs(server_s - now_s(file)) > CLOCK_TOLERANCE_S &&
           chain_in_date(file, server_s);
}

bool cert_clock_wrong(const struct case_file *file)
{
    return looks_out_of_date(file) && (chain_in_date(file, now_s(file)) || server_disagrees(file));
}

bool cert_tell_clock(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    int64_t server_s = server_time_s(file);
    if (chain_in_date(file, now_s(file)))
        conclusion->certainty = CERTAINTY_CONFIRMED; /* the collector's clock is a control of our own */
    conclusion_rule_out(conclusion,
                        cert_raised(file, X509_V_ERR_CERT_HAS_EXPIRED) ? CAUSE_CERT_EXPIRED
                                                                       : CAUSE_CERT_NOT_YET_VALID,
                        VARIANT_NORMAL);
    return server_s == 0 ||
           (conclusion_fact(conclusion, arena, "seconds", "%lld", (long long)(now_s(file) - server_s)) &&
            cert_date_fact(conclusion, arena, "server_time", server_s));
}

/* The clock of the server agrees with ours: two signals, and the header is a control for the clock. */
static void confirm_by_server(const struct case_file *file, struct conclusion *conclusion)
{
    int64_t server_s = server_time_s(file);
    if (server_s == 0 || llabs(server_s - now_s(file)) > CLOCK_TOLERANCE_S)
        return;
    conclusion->certainty = CERTAINTY_CONFIRMED;
    conclusion_rule_out(conclusion, CAUSE_LOCAL_CLOCK, VARIANT_NORMAL);
}

bool cert_expired(const struct case_file *file)
{
    return cert_raised_at(file, X509_V_ERR_CERT_HAS_EXPIRED, 0);
}

bool cert_tell_expired(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct chain_certificate *leaf = cert_leaf(file);
    confirm_by_server(file, conclusion);
    return leaf == NULL || (cert_date_fact(conclusion, arena, "date", leaf->not_after_s) &&
                            conclusion_fact(conclusion, arena, "days_ago", "%lld",
                                            (long long)((now_s(file) - leaf->not_after_s) / DAY_S)));
}

bool cert_intermediate_expired(const struct case_file *file)
{
    return cert_raised(file, X509_V_ERR_CERT_HAS_EXPIRED) && !cert_expired(file);
}

/* The verification counts depth in the chain it built, which need not be the one sent: look for the date. */
bool cert_tell_intermediate(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct evidence_tls *tls = cert_tls(file);
    confirm_by_server(file, conclusion);
    conclusion_rule_out(conclusion, CAUSE_CERT_EXPIRED, VARIANT_NORMAL);
    for (size_t i = 1; i < tls->chain_count; i++) {
        if (tls->chain[i].parsed && tls->chain[i].not_after_s < now_s(file))
            return conclusion_fact(conclusion, arena, "subject", "%s", tls->chain[i].subject) &&
                   cert_date_fact(conclusion, arena, "date", tls->chain[i].not_after_s);
    }
    return true;
}

bool cert_not_yet_valid(const struct case_file *file)
{
    return cert_raised(file, X509_V_ERR_CERT_NOT_YET_VALID);
}

bool cert_tell_not_yet(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct chain_certificate *leaf = cert_leaf(file);
    confirm_by_server(file, conclusion);
    return leaf == NULL || cert_date_fact(conclusion, arena, "date", leaf->not_before_s);
}

static int64_t days_left(const struct case_file *file, const struct chain_certificate *leaf)
{
    return (leaf->not_after_s - now_s(file)) / DAY_S;
}

bool cert_expires_soon(const struct case_file *file)
{
    const struct chain_certificate *leaf = cert_leaf(file);
    return leaf != NULL && leaf->not_after_s > now_s(file) && days_left(file, leaf) < file->expiry_days;
}

bool cert_tell_soon(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    return conclusion_fact(conclusion, arena, "days", "%lld", (long long)days_left(file, cert_leaf(file)));
}

/* --- the server's clock ------------------------------------------------------------------------------------------- */

/*
 * Two clocks that differ do not say which of them is wrong; a third one does, when it agrees with ours: the collector's,
 * which the evidence of a vantage that knows its offset is in, the CA's in a response that it has just made, or another
 * server's. A Date behind ours says nothing when the answer may have lain in a cache.
 */

static bool near_ours(const struct case_file *file, int64_t at_s)
{
    return at_s != 0 && llabs(at_s - now_s(file)) <= CLOCK_TOLERANCE_S;
}

static bool ca_agrees(const struct case_file *file, const struct attempt *attempt)
{
    const struct evidence_ocsp *ocsp = &attempt->tls.ocsp;
    return ocsp->signature == SIGNATURE_GOOD && near_ours(file, ocsp->produced_s);
}

static bool third_clock_agrees(const struct case_file *file)
{
    const struct attempt *first = file->attempts[0];
    bool agrees = first->clock.start_error_us > 0 || ca_agrees(file, first);
    for (size_t i = 1; i < file->count && !agrees; i++) {
        const struct attempt *attempt = file->attempts[i];
        bool elsewhere = !address_equal(&attempt->flow.destination, &first->flow.destination);
        agrees = ca_agrees(file, attempt) || (elsewhere && near_ours(file, cert_date_header_s(attempt)));
    }
    return agrees;
}

/* What the Date header is ahead of our clock, at the time of the answer. */
static int64_t server_ahead_s(const struct case_file *file)
{
    const struct evidence_clock *clock = &file->attempts[0]->clock;
    int64_t after_us = clock->first_data_us == EVIDENCE_NEVER ? 0 : clock->first_data_us;
    return server_time_s(file) - (clock->start_us + after_us) / US_A_SECOND;
}

bool cert_server_clock_wrong(const struct case_file *file)
{
    const struct attempt *first = file->attempts[0];
    if (server_time_s(file) == 0 || cert_clock_wrong(file))
        return false;
    int64_t ahead_s = server_ahead_s(file);
    bool cached = attempt_header(first, "age") != NULL || attempt_header(first, "x-cache") != NULL;
    return llabs(ahead_s) > CLOCK_TOLERANCE_S && (ahead_s > 0 || !cached) && third_clock_agrees(file);
}

bool cert_tell_server_clock(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    return conclusion_fact(conclusion, arena, "server_clock_s", "%lld", (long long)server_ahead_s(file)) &&
           cert_date_fact(conclusion, arena, "server_date", server_time_s(file));
}
