#include "fuzz.h"

#include "probe/dns_answer.h"

#include <string.h>

/* A DNS message as a resolver, or whoever is on the way to it, sends it. */

static void read_message(const uint8_t *bytes, size_t length, uint32_t type)
{
    struct attempt *attempt = attempt_new();
    REQUIRE(attempt != NULL);
    attempt->dns_count = 1;
    struct dns_query *query = &attempt->dns[0];
    *query = (struct dns_query){.type = type, .resolver = "192.0.2.53:53", .rcode = -1};
    (void)dns_answer_read(bytes, length, &attempt->arena, query);
    REQUIRE(query->answer_count <= EVIDENCE_MAX_ANSWERS);
    for (size_t i = 0; i < query->answer_count; i++) {
        const struct dns_answer *answer = &query->answers[i];
        REQUIRE(answer->name != NULL && strlen(answer->name) <= EVIDENCE_TEXT_MAX);
        REQUIRE(answer->address.length == 0 || answer->address.length == (type == DNS_TYPE_A ? 4 : 16));
    }
    fuzz_attempt_survives(attempt);
    attempt_free(attempt);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    read_message(bytes, length, DNS_TYPE_A);
    read_message(bytes, length, DNS_TYPE_AAAA);
    return 0;
}
