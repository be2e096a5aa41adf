#include "fuzz.h"

#include "replay/recording.h"

#include <stdio.h>

/* Evidence in a file of lines (NDJSON), read, settled, and taken out again as it is stored. */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_listen();
    return 0;
}

static void check(struct recording *recording)
{
    for (size_t i = 0; i < recording->attempt_count; i++) {
        struct attempt *attempt = recording_attempt(recording, i);
        REQUIRE(attempt != NULL);
        fuzz_attempt_survives(attempt);
        attempt_free(attempt);
    }
    for (uint32_t i = 0; i < recording->endpoint_count; i++)
        REQUIRE(recording_endpoint(recording, i)->id > 0);
    for (uint32_t i = 0; i < recording->round_count; i++)
        REQUIRE(recording_round(recording, i)->id > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const char *files[] = {"evidence.ndjson"};
    atomic_bool stop = false;
    struct recording recording;
    REQUIRE(recording_init(&recording, files, 1));
    FILE *stream = length == 0 ? NULL : fmemopen((void *)(uintptr_t)bytes, length, "r");
    if (stream != NULL) {
        bool read = recording_read(&recording, 0, stream, &stop) && recording_settle(&recording);
        REQUIRE(!read || !recording.failed);
        if (read)
            check(&recording);
        (void)fclose(stream);
    }
    recording_done(&recording);
    (void)fflush(stderr);
    return 0;
}
