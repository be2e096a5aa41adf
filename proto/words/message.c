#include "words/message.h"

#include <stdlib.h>

#define NAME_CASE(symbol, number, name)                                                                      \
    case symbol:                                                                                             \
        return name;

const char *goodbye_reason_name(int reason)
{
    switch (reason) {
        GOODBYE_REASONS(NAME_CASE)
    }
    return "?";
}

const char *message_kind_name(int kind)
{
    static const char *const names[] = {"?",
                                        "hello",
                                        "welcome",
                                        "ping",
                                        "pong",
                                        "list",
                                        "list-wanted",
                                        "round",
                                        "batch",
                                        "ack",
                                        "certificates-wanted",
                                        "certificates",
                                        "goodbye",
                                        "enrol-request",
                                        "enrol-answer",
                                        "renew-request",
                                        "renew-answer",
                                        "packed"};
    return kind >= 0 && kind < (int)(sizeof names / sizeof names[0]) ? names[kind] : "?";
}

uint64_t record_sequence(const struct record *record)
{
    return record->kind == RECORD_ATTEMPT ? record->attempt->sequence : record->report.sequence;
}

void record_done(struct record *record)
{
    attempt_free(record->attempt);
    record->attempt = NULL;
    free(record->report.dropped_at);
    record->report.dropped_at = NULL;
    record->report.dropped_at_count = 0;
}

void message_done(struct message *message)
{
    if (message->kind != MESSAGE_BATCH)
        return;
    for (size_t i = 0; i < message->batch.count; i++)
        record_done(&message->batch.records[i]);
    message->batch.count = 0;
}
