#include "case_of_paper.h"

#include <openssl/x509_vfy.h>

/* Certificates of paper: what is raised, what is in them, and which fault has to be named. */

enum { DAY_S = 86400, CHAIN_MAX = 4 };

#define LEAF                                                                                                 \
    {                                                                                                        \
        .subject = "CN=www.a.example", .issuer = "CN=Intermediate"                                           \
    }
#define INTERMEDIATE                                                                                         \
    {                                                                                                        \
        .subject = "CN=Intermediate", .issuer = "CN=Top", .ca = true                                         \
    }
#define SELF                                                                                                 \
    {                                                                                                        \
        .subject = "CN=Top", .issuer = "CN=Top", .ca = true, .self_signed = true                             \
    }

static const struct outcome fine = {OUTCOME_STAGE_DONE, OUTCOME_OK, RAW_NONE, 0};

static void send_chain(struct attempt *attempt, const struct chain_certificate *chain, size_t count)
{
    struct evidence_tls *tls = &attempt->tls;
    tls->chain = arena_array(&attempt->arena, count, sizeof *tls->chain);
    assert_non_null(tls->chain);
    for (size_t i = 0; i < count; i++) {
        tls->chain[i] = chain[i];
        tls->chain[i].parsed = true;
        tls->chain[i].key_type = tls->chain[i].key_group = tls->chain[i].signature_name = "";
        if (chain[i].not_after_s == 0) {
            tls->chain[i].not_before_s = PAPER_NOW_S - 30 * DAY_S;
            tls->chain[i].not_after_s = PAPER_NOW_S + 60 * DAY_S;
        }
    }
    tls->chain_count = count;
    tls->has_san = true;
}

static void raise(struct attempt *attempt, int32_t code, uint32_t depth)
{
    struct evidence_tls *tls = &attempt->tls;
    if (tls->verify_errors == NULL)
        tls->verify_errors = arena_array(&attempt->arena, EVIDENCE_MAX_VERIFY, sizeof *tls->verify_errors);
    assert_non_null(tls->verify_errors);
    tls->verify_errors[tls->verify_error_count++] = (struct verify_error){code, depth};
}

static void say_names(struct attempt *attempt, const char *name)
{
    attempt->tls.leaf.names = arena_array(&attempt->arena, 1, sizeof name);
    assert_non_null(attempt->tls.leaf.names);
    attempt->tls.leaf.names[0] = name;
    attempt->tls.leaf.name_count = 1;
}

static void say_date(struct attempt *attempt, const char *date)
{
    attempt->http.headers = arena_array(&attempt->arena, 1, sizeof *attempt->http.headers);
    assert_non_null(attempt->http.headers);
    attempt->http.headers[0] = (struct http_header){"date", date};
    attempt->http.header_count = 1;
}

/* --- the issuer ---------------------------------------------------------------------------------------------------- */

static const struct issuer_sketch {
    const char *what;
    enum cause cause;
    size_t count;
    struct chain_certificate chain[CHAIN_MAX];
    int32_t code;
    uint32_t depth;
    const char *url;
    enum evidence_issuer fetched;
    const char *root;
} issuer_sketches[] = {
    {"leaf alone", CAUSE_CERT_MISSING_INTERMEDIATE, 1, {LEAF}, 20, 0, "", ISSUER_NOT_FETCHED, NULL},
    {"leaf and a stranger",
     CAUSE_CERT_MISSING_INTERMEDIATE,
     2,
     {LEAF, {.subject = "CN=Other", .issuer = "CN=Top"}},
     20,
     0,
     "",
     ISSUER_NOT_FETCHED,
     NULL},
    {"leaf whose issuer completes",
     CAUSE_CERT_MISSING_INTERMEDIATE,
     1,
     {LEAF},
     20,
     0,
     "http://a/",
     ISSUER_COMPLETES,
     NULL},
    {"leaf whose issuer is no one's",
     CAUSE_CERT_UNTRUSTED_ROOT,
     1,
     {LEAF},
     20,
     0,
     "http://a/",
     ISSUER_SIGNS,
     "CN=Intermediate"},
    {"leaf of a root",
     CAUSE_CERT_UNTRUSTED_ROOT,
     1,
     {{.subject = "CN=www.a.example", .issuer = "CN=Our Root CA"}},
     20,
     0,
     "",
     ISSUER_NOT_FETCHED,
     "CN=Our Root CA"},
    {"whole without root",
     CAUSE_CERT_UNTRUSTED_ROOT,
     2,
     {LEAF, INTERMEDIATE},
     20,
     1,
     "",
     ISSUER_NOT_FETCHED,
     "CN=Top"},
    {"whole with root",
     CAUSE_CERT_UNTRUSTED_ROOT,
     3,
     {LEAF, INTERMEDIATE, SELF},
     19,
     2,
     "",
     ISSUER_NOT_FETCHED,
     "CN=Top"},
    {"whole in another order",
     CAUSE_CERT_UNTRUSTED_ROOT,
     3,
     {LEAF, SELF, INTERMEDIATE},
     19,
     2,
     "",
     ISSUER_NOT_FETCHED,
     "CN=Top"},
    {"two that name each other",
     CAUSE_CERT_UNTRUSTED_ROOT,
     3,
     {LEAF,
      {.subject = "CN=Intermediate", .issuer = "CN=B"},
      {.subject = "CN=B", .issuer = "CN=Intermediate"}},
     20,
     2,
     "",
     ISSUER_NOT_FETCHED,
     NULL},
    {"of itself", CAUSE_CERT_SELF_SIGNED, 1, {SELF}, 18, 0, "", ISSUER_NOT_FETCHED, NULL},
};

static void chains_without_a_trusted_root_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof issuer_sketches / sizeof issuer_sketches[0]; i++) {
        const struct issuer_sketch *sketch = &issuer_sketches[i];
        struct paper paper;
        struct attempt *first =
            paper_begin(&paper, outcome_make(OUTCOME_CERT_NO_ISSUER, RAW_X509, sketch->code));
        send_chain(first, sketch->chain, sketch->count);
        raise(first, sketch->code, sketch->depth);
        first->tls.leaf.issuer_url = sketch->url;
        if (sketch->url[0] != '\0')
            first->tls.chain[0].aia = PRESENCE_PRESENT;
        if (sketch->fetched != ISSUER_NOT_FETCHED)
            paper_add(&paper, VARIANT_ISSUER, fine)->tls.issuer = sketch->fetched;
        if (paper_conclude(&paper) != sketch->cause)
            fail_msg("%s: %s", sketch->what, cause_row(paper.conclusion.cause)->id);
        if (sketch->root != NULL)
            assert_string_equal(paper_fact(&paper, "root"), sketch->root);
        assert_int_equal(paper.conclusion.certainty,
                         sketch->fetched == ISSUER_COMPLETES ? CERTAINTY_CONFIRMED : CERTAINTY_CONSISTENT);
        paper_done(&paper);
    }
}

/* What came over the wire may have no facts of its certificates: the depth has to do. */
static void a_chain_without_facts_is_judged_by_its_errors(void **state)
{
    (void)state;
    struct paper paper;
    raise(paper_begin(&paper, outcome_make(OUTCOME_CERT_NO_ISSUER, RAW_X509, 20)), 20, 0);
    assert_int_equal(paper_conclude(&paper), CAUSE_CERT_MISSING_INTERMEDIATE);
    paper_done(&paper);
    raise(paper_begin(&paper, outcome_make(OUTCOME_CERT_NO_ISSUER, RAW_X509, 20)), 20, 1);
    assert_int_equal(paper_conclude(&paper), CAUSE_CERT_UNTRUSTED_ROOT);
    paper_done(&paper);
}

/* --- time ---------------------------------------------------------------------------------------------------------- */

#define OUT_OF_DATE_LEAF                                                                                     \
    {                                                                                                        \
        .subject = "CN=www.a.example", .issuer = "CN=Intermediate",                                          \
        .not_before_s = PAPER_NOW_S - 90 * DAY_S, .not_after_s = PAPER_NOW_S - 2 * DAY_S                     \
    }

static enum cause conclude_expired(struct paper *paper, struct chain_certificate leaf, uint32_t depth,
                                   const char *date)
{
    struct attempt *first = paper_begin(paper, outcome_make(OUTCOME_CERT_EXPIRED, RAW_X509, 10));
    send_chain(first, (struct chain_certificate[]){leaf, INTERMEDIATE}, 2);
    raise(first, X509_V_ERR_CERT_HAS_EXPIRED, depth);
    if (date != NULL)
        say_date(first, date);
    return paper_conclude(paper);
}

static void an_expired_certificate_names_its_date(void **state)
{
    (void)state;
    struct paper paper;
    assert_int_equal(conclude_expired(&paper, (struct chain_certificate)OUT_OF_DATE_LEAF, 0, NULL),
                     CAUSE_CERT_EXPIRED);
    assert_string_equal(paper_fact(&paper, "date"), "2027-01-13 08:00 UTC");
    assert_string_equal(paper_fact(&paper, "days_ago"), "2");
    assert_int_equal(paper.conclusion.certainty, CERTAINTY_CONSISTENT);
    paper_done(&paper);
}

static void the_servers_clock_confirms_or_accuses_ours(void **state)
{
    (void)state;
    struct paper paper;
    struct chain_certificate leaf = OUT_OF_DATE_LEAF;
    assert_int_equal(conclude_expired(&paper, leaf, 0, "Fri, 15 Jan 2027 08:00:03 GMT"), CAUSE_CERT_EXPIRED);
    assert_int_equal(paper.conclusion.certainty, CERTAINTY_CONFIRMED);
    assert_true(paper_ruled_out(&paper, CAUSE_LOCAL_CLOCK, VARIANT_NORMAL));
    paper_done(&paper);
    assert_int_equal(conclude_expired(&paper, leaf, 0, "Tue, 12 Jan 2027 08:00:00 GMT"), CAUSE_LOCAL_CLOCK);
    assert_string_equal(paper_fact(&paper, "seconds"), "259200");
    assert_false(paper_also(&paper, CAUSE_CERT_EXPIRED));
    paper_done(&paper);
}

static void a_date_that_is_none_says_nothing(void **state)
{
    (void)state;
    static const char *const dates[] = {"", "yesterday", "Tue, 12 Jax 2027 08:00:00 GMT",
                                        "Tue, 12 anF 2027 08:00:00 GMT"};
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        struct paper paper;
        struct chain_certificate leaf = OUT_OF_DATE_LEAF;
        assert_int_equal(conclude_expired(&paper, leaf, 0, dates[i]), CAUSE_CERT_EXPIRED);
        paper_done(&paper);
    }
}

/* Verified by the own clock, judged by the collector's. */
static void the_collectors_clock_clears_a_certificate(void **state)
{
    (void)state;
    struct paper paper;
    assert_int_equal(conclude_expired(&paper, (struct chain_certificate)LEAF, 0, NULL), CAUSE_LOCAL_CLOCK);
    assert_int_equal(paper.conclusion.certainty, CERTAINTY_CONFIRMED);
    paper_done(&paper);
}

static void an_expired_intermediate_is_not_an_expired_leaf(void **state)
{
    (void)state;
    struct paper paper;
    struct attempt *first = paper_begin(&paper, outcome_make(OUTCOME_CERT_EXPIRED, RAW_X509, 10));
    struct chain_certificate old = INTERMEDIATE;
    old.not_after_s = PAPER_NOW_S - DAY_S;
    send_chain(first, (struct chain_certificate[]){LEAF, old}, 2);
    raise(first, X509_V_ERR_CERT_HAS_EXPIRED, 1);
    assert_int_equal(paper_conclude(&paper), CAUSE_CERT_INTERMEDIATE_EXPIRED);
    assert_string_equal(paper_fact(&paper, "subject"), "CN=Intermediate");
    paper_done(&paper);
}

/* --- the name ------------------------------------------------------------------------------------------------------ */

static const struct name_sketch {
    const char *what;
    enum cause cause;
    const char *host, *covered, *common_name;
    bool nameless, same;
} name_sketches[] = {
    {"another name", CAUSE_CERT_NAME, "www.a.example", "www.b.example", "", false, false},
    {"another name, chosen by SNI", CAUSE_CERT_NAME, "www.a.example", "www.b.example", "", true, false},
    {"another name, for all", CAUSE_CERT_DEFAULT, "www.a.example", "www.b.example", "", true, true},
    {"one label too many", CAUSE_CERT_WILDCARD, "b.www.a.example", "*.a.example", "", true, true},
    {"the wildcard's parent", CAUSE_CERT_WILDCARD, "a.example", "*.a.example", "", false, false},
    {"another domain with the same end", CAUSE_CERT_NAME, "x.y.ba.example", "*.a.example", "", false, false},
    {"common name alone", CAUSE_CERT_CN_ONLY, "www.a.example", NULL, "www.a.example", true, true},
    {"wildcard as common name", CAUSE_CERT_CN_ONLY, "www.a.example", NULL, "*.A.example", false, false},
    {"another common name", CAUSE_CERT_NAME, "www.a.example", NULL, "www.b.example", false, false},
};

static void names_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof name_sketches / sizeof name_sketches[0]; i++) {
        const struct name_sketch *sketch = &name_sketches[i];
        struct paper paper;
        struct attempt *first = paper_begin(&paper, outcome_make(OUTCOME_CERT_NAME, RAW_X509, 62));
        paper.endpoint.host = first->tls.sni = sketch->host;
        send_chain(first, (struct chain_certificate[]){LEAF}, 1);
        first->tls.has_san = sketch->covered != NULL;
        first->tls.leaf.common_name = sketch->common_name;
        if (sketch->covered != NULL)
            say_names(first, sketch->covered);
        raise(first, X509_V_ERR_HOSTNAME_MISMATCH, 0);
        if (sketch->nameless) {
            struct attempt *nameless = paper_add(&paper, VARIANT_NO_SNI, fine);
            send_chain(nameless, (struct chain_certificate[]){LEAF}, 1);
            nameless->tls.chain[0].sha256[0] = !sketch->same;
        }
        if (paper_conclude(&paper) != sketch->cause)
            fail_msg("%s: %s", sketch->what, cause_row(paper.conclusion.cause)->id);
        paper_done(&paper);
    }
}

/* --- the responder, and the server's clock ----------------------------------------------------------------------- */

static struct attempt *begin_well(struct paper *paper)
{
    struct attempt *first = paper_begin(paper, fine);
    send_chain(first, (struct chain_certificate[]){LEAF, INTERMEDIATE}, 2);
    first->tls.staple = STAPLE_ABSENT;
    first->clock.start_us = PAPER_NOW_S * 1000000;
    assert_true(address_parse("192.0.2.1", &first->flow.destination));
    return first;
}

static struct attempt *ask_responder(struct paper *paper, enum evidence_responder result,
                                     enum evidence_ocsp_status status, enum evidence_signature signature)
{
    bool reached = result != RESPONDER_FAILED;
    struct attempt *asked =
        paper_add(paper, VARIANT_OCSP, reached ? fine : outcome_make(OUTCOME_TCP_REFUSED, RAW_ERRNO, 111));
    asked->tls.responder = result;
    asked->tls.responder_url = "http://ocsp.test/";
    asked->tls.ocsp = (struct evidence_ocsp){
        .status = status, .signature = signature, .reason = 1, .revoked_s = PAPER_NOW_S - DAY_S};
    assert_true(address_parse("192.0.2.9", &asked->flow.destination));
    return asked;
}

static void what_the_responder_says_counts_when_it_is_signed(void **state)
{
    (void)state;
    struct paper paper;
    (void)begin_well(&paper);
    (void)ask_responder(&paper, RESPONDER_ANSWERED, OCSP_REVOKED, SIGNATURE_GOOD);
    assert_int_equal(paper_conclude(&paper), CAUSE_CERT_REVOKED);
    assert_int_equal(paper.conclusion.certainty, CERTAINTY_CONFIRMED);
    assert_string_equal(paper_fact(&paper, "reason"), "1");
    paper_done(&paper);
    for (enum evidence_signature signature = SIGNATURE_UNCHECKED; signature <= SIGNATURE_BAD; signature++) {
        (void)begin_well(&paper);
        (void)ask_responder(&paper, RESPONDER_ANSWERED,
                            signature == SIGNATURE_GOOD ? OCSP_GOOD : OCSP_REVOKED, signature);
        assert_int_equal(paper_conclude(&paper), CAUSE_NONE);
        assert_false(paper_also(&paper, CAUSE_CERT_RESPONDER));
        paper_done(&paper);
    }
}

static void a_responder_out_of_reach_is_worth_a_word(void **state)
{
    (void)state;
    struct paper paper;
    (void)begin_well(&paper);
    (void)ask_responder(&paper, RESPONDER_FAILED, OCSP_NOT_SAID, SIGNATURE_UNCHECKED);
    assert_int_equal(paper_conclude(&paper), CAUSE_NONE);
    assert_true(paper_also(&paper, CAUSE_CERT_RESPONDER));
    assert_string_equal(paper_fact(&paper, "responder_result"), "tcp.refused");
    /* One address of several answers: it is within reach. */
    (void)ask_responder(&paper, RESPONDER_ANSWERED, OCSP_GOOD, SIGNATURE_GOOD);
    assert_int_equal(paper_conclude(&paper), CAUSE_NONE);
    assert_false(paper_also(&paper, CAUSE_CERT_RESPONDER));
    paper_done(&paper);
    (void)begin_well(&paper);
    ask_responder(&paper, RESPONDER_FAILED, OCSP_NOT_SAID, SIGNATURE_UNCHECKED)->local = LOCAL_POLICY;
    assert_int_equal(paper_conclude(&paper), CAUSE_NONE);
    assert_false(paper_also(&paper, CAUSE_CERT_RESPONDER)); /* it was never asked */
    paper_done(&paper);
}

static void a_demanded_staple_makes_the_responder_matter(void **state)
{
    (void)state;
    struct paper paper;
    begin_well(&paper)->tls.leaf.must_staple = true;
    (void)ask_responder(&paper, RESPONDER_ANSWERED, OCSP_GOOD, SIGNATURE_GOOD);
    assert_int_equal(paper_conclude(&paper), CAUSE_CERT_MUST_STAPLE);
    assert_true(paper_ruled_out(&paper, CAUSE_CERT_RESPONDER, VARIANT_OCSP));
    paper_done(&paper);
}

static const struct clock_sketch {
    const char *what, *date;
    bool wrong, from_collector, age;
    int64_t produced_ago_s; /* by the responder's signed answer; 0: it was not asked */
} clock_sketches[] = {
    {"nobody else to ask", "Fri, 15 Jan 2027 05:00:00 GMT", false, false, false, 0},
    {"the collector's clock agrees with ours", "Fri, 15 Jan 2027 05:00:00 GMT", true, true, false, 0},
    {"a cache's date", "Fri, 15 Jan 2027 05:00:00 GMT", false, true, true, 0},
    {"no cache's date lies ahead", "Fri, 15 Jan 2027 11:00:00 GMT", true, true, true, 0},
    {"a fresh signed answer", "Fri, 15 Jan 2027 11:00:00 GMT", true, false, false, 5},
    {"an answer made yesterday", "Fri, 15 Jan 2027 11:00:00 GMT", false, false, false, DAY_S},
    {"near enough", "Fri, 15 Jan 2027 08:01:50 GMT", false, true, false, 0},
};

static void a_third_clock_accuses_the_servers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof clock_sketches / sizeof clock_sketches[0]; i++) {
        const struct clock_sketch *sketch = &clock_sketches[i];
        struct paper paper;
        struct attempt *first = begin_well(&paper);
        struct http_header headers[] = {{"date", sketch->date}, {"age", "60"}};
        first->http.headers = headers;
        first->http.header_count = sketch->age ? 2 : 1;
        first->clock.start_error_us = sketch->from_collector ? 900 : 0;
        if (sketch->produced_ago_s != 0)
            ask_responder(&paper, RESPONDER_ANSWERED, OCSP_GOOD, SIGNATURE_GOOD)->tls.ocsp.produced_s =
                PAPER_NOW_S - sketch->produced_ago_s;
        assert_int_equal(paper_conclude(&paper), CAUSE_NONE);
        if (paper_also(&paper, CAUSE_CERT_SERVER_CLOCK) != sketch->wrong)
            fail_msg("%s", sketch->what);
        paper_done(&paper);
    }
}

/* --- the rest ------------------------------------------------------------------------------------------------------ */

static void numbers_of_the_verification_have_their_causes(void **state)
{
    (void)state;
    static const struct {
        int32_t code;
        enum outcome_class class;
        enum cause cause;
    } rows[] = {
        {X509_V_ERR_INVALID_PURPOSE, OUTCOME_CERT_PURPOSE, CAUSE_CERT_PURPOSE},
        {X509_V_ERR_EE_KEY_TOO_SMALL, OUTCOME_CERT_WEAK_KEY, CAUSE_CERT_WEAK_KEY},
        {X509_V_ERR_CA_MD_TOO_WEAK, OUTCOME_CERT_WEAK_SIGNATURE, CAUSE_CERT_SHA1},
        {X509_V_ERR_CERT_REVOKED, OUTCOME_CERT_REVOKED, CAUSE_CERT_REVOKED},
        {X509_V_ERR_PATH_LENGTH_EXCEEDED, OUTCOME_CERT_OTHER, CAUSE_CERT_CA_LIMITS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct paper paper;
        struct attempt *first = paper_begin(&paper, outcome_make(rows[i].class, RAW_X509, rows[i].code));
        send_chain(first, (struct chain_certificate[]){LEAF}, 1);
        raise(first, rows[i].code, 0);
        assert_int_equal(paper_conclude(&paper), rows[i].cause);
        paper_done(&paper);
    }
}

static enum cause conclude_healthy(struct paper *paper, const struct evidence_ocsp *ocsp, bool must_staple,
                                   enum evidence_staple staple)
{
    struct attempt *first = paper_begin(paper, fine);
    send_chain(first, (struct chain_certificate[]){LEAF, INTERMEDIATE}, 2);
    first->tls.leaf.must_staple = must_staple;
    first->tls.staple = staple;
    if (ocsp != NULL)
        first->tls.ocsp = *ocsp;
    return paper_conclude(paper);
}

static void a_staple_is_read(void **state)
{
    (void)state;
    static const struct evidence_ocsp good = {.status = OCSP_GOOD,
                                              .next_update_s = PAPER_NOW_S + DAY_S,
                                              .reason = -1},
                                      stale = {.status = OCSP_GOOD,
                                               .next_update_s = PAPER_NOW_S - DAY_S,
                                               .reason = -1},
                                      revoked = {.status = OCSP_REVOKED,
                                                 .revoked_s = PAPER_NOW_S,
                                                 .reason = 1,
                                                 .signature = SIGNATURE_GOOD},
                                      forged = {.status = OCSP_REVOKED, .signature = SIGNATURE_BAD};
    static const struct {
        const struct evidence_ocsp *ocsp;
        bool must;
        enum evidence_staple staple;
        enum cause cause;
    } rows[] = {
        {NULL, false, STAPLE_ABSENT, CAUSE_NONE},     {NULL, true, STAPLE_ABSENT, CAUSE_CERT_MUST_STAPLE},
        {&good, true, STAPLE_PRESENT, CAUSE_NONE},    {&stale, true, STAPLE_PRESENT, CAUSE_CERT_MUST_STAPLE},
        {&stale, false, STAPLE_PRESENT, CAUSE_NONE},  {&revoked, false, STAPLE_PRESENT, CAUSE_CERT_REVOKED},
        {&forged, false, STAPLE_PRESENT, CAUSE_NONE}, {NULL, true, STAPLE_MALFORMED, CAUSE_CERT_MUST_STAPLE},
        {NULL, true, STAPLE_UNKNOWN, CAUSE_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct paper paper;
        if (conclude_healthy(&paper, rows[i].ocsp, rows[i].must, rows[i].staple) != rows[i].cause)
            fail_msg("staple %zu: %s", i, cause_row(paper.conclusion.cause)->id);
        paper_done(&paper);
    }
}

/* Only a certificate that carries a public policy has to be logged. */
static void proofs_are_missed_in_public_certificates_only(void **state)
{
    (void)state;
    static const uint8_t public_der[] = {0x30, 0x08, 0x06, 0x06, 0x67, 0x81, 0x0c, 0x01, 0x02, 0x01};
    for (int sct = 0; sct < 2; sct++) {
        for (int public = 0; public < 2; public ++) {
            struct paper paper;
            struct attempt *first = paper_begin(&paper, fine);
            send_chain(first, (struct chain_certificate[]){LEAF}, 1);
            first->tls.chain[0].der = public_der;
            first->tls.chain[0].der_length = public ? sizeof public_der : 4;
            first->tls.sct_count = (uint32_t)sct;
            assert_int_equal(paper_conclude(&paper), public && !sct ? CAUSE_CERT_NO_SCT : CAUSE_NONE);
            paper_done(&paper);
        }
    }
}

static void remarks_do_not_make_a_healthy_server_ill(void **state)
{
    (void)state;
    struct paper paper;
    struct attempt *first = paper_begin(&paper, fine);
    send_chain(first, (struct chain_certificate[]){LEAF, INTERMEDIATE, SELF}, 3);
    first->tls.chain[0].not_after_s = PAPER_NOW_S + 3 * DAY_S;
    paper.file.expiry_days = 21;
    assert_int_equal(paper_conclude(&paper), CAUSE_NONE);
    assert_true(paper_also(&paper, CAUSE_CERT_WRONG_ORDER));
    assert_true(paper_also(&paper, CAUSE_CERT_EXPIRES_SOON));
    assert_string_equal(paper_fact(&paper, "days"), "3");
    paper_done(&paper);
}

static void other_faults_are_named_beside_the_first(void **state)
{
    (void)state;
    struct paper paper;
    struct attempt *first = paper_begin(&paper, outcome_make(OUTCOME_CERT_SELF_SIGNED, RAW_X509, 18));
    send_chain(first, (struct chain_certificate[]){SELF}, 1);
    raise(first, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, 0);
    raise(first, X509_V_ERR_HOSTNAME_MISMATCH, 0);
    assert_int_equal(paper_conclude(&paper), CAUSE_CERT_SELF_SIGNED);
    assert_true(paper_also(&paper, CAUSE_CERT_NAME));
    assert_true(paper_ruled_out(&paper, CAUSE_CERT_EXPIRED, VARIANT_NORMAL));
    assert_false(paper_ruled_out(&paper, CAUSE_CERT_NAME, VARIANT_NORMAL));
    paper_done(&paper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_without_a_trusted_root_are_told_apart),
        cmocka_unit_test(a_chain_without_facts_is_judged_by_its_errors),
        cmocka_unit_test(an_expired_certificate_names_its_date),
        cmocka_unit_test(the_servers_clock_confirms_or_accuses_ours),
        cmocka_unit_test(a_date_that_is_none_says_nothing),
        cmocka_unit_test(the_collectors_clock_clears_a_certificate),
        cmocka_unit_test(an_expired_intermediate_is_not_an_expired_leaf),
        cmocka_unit_test(names_are_told_apart),
        cmocka_unit_test(what_the_responder_says_counts_when_it_is_signed),
        cmocka_unit_test(a_responder_out_of_reach_is_worth_a_word),
        cmocka_unit_test(a_demanded_staple_makes_the_responder_matter),
        cmocka_unit_test(a_third_clock_accuses_the_servers),
        cmocka_unit_test(numbers_of_the_verification_have_their_causes),
        cmocka_unit_test(a_staple_is_read),
        cmocka_unit_test(proofs_are_missed_in_public_certificates_only),
        cmocka_unit_test(remarks_do_not_make_a_healthy_server_ill),
        cmocka_unit_test(other_faults_are_named_beside_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
