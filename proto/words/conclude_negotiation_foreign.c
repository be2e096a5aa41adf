#include "words/conclude_negotiation.h"

#include <stdio.h>
#include <string.h>

/*
 * Something answered that is not TLS: the first bytes say what it is. Servers that speak first (mail, SSH, databases) greet
 * before they could have read the ClientHello; HTTP answers it with a 400.
 */

enum { BYTES_SHOWN = 16, BYTES_TEXT = BYTES_SHOWN * 4 + 1 };

static bool contains(const struct evidence_end *end, const char *text)
{
    return memmem(end->first_bytes, end->first_byte_count, text, strlen(text)) != NULL;
}

static bool begins(const struct evidence_end *end, const char *text)
{
    size_t length = strlen(text);
    return end->first_byte_count >= length && memcmp(end->first_bytes, text, length) == 0;
}

/* A MySQL packet: three bytes of length, sequence 0, protocol version 10 (or 0xff, an error). */
static bool looks_like_mysql(const struct evidence_end *end)
{
    const uint8_t *bytes = end->first_bytes;
    return end->first_byte_count >= 5 && bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 0 &&
           (bytes[4] == 10 || bytes[4] == 0xff);
}

/* An error packet: its length, then the field that begins each: severity. */
static bool looks_like_postgres(const struct evidence_end *end)
{
    const uint8_t *bytes = end->first_bytes;
    return end->first_byte_count >= 6 && bytes[0] == 'E' && bytes[1] == 0 && bytes[2] == 0 && bytes[5] == 'S';
}

static const char *protocol_of(const struct evidence_end *end)
{
    static const struct {
        const char *begins;
        const char *contains;
        const char *protocol;
    } greetings[] = {
        {"HTTP/", "", "HTTP"}, {"<!DOCTYPE", "", "HTTP"}, {"<html", "", "HTTP"},
        {"SSH-", "", "SSH"},   {"220", "SMTP", "SMTP"},   {"220", "FTP", "FTP"},
        {"220", "", "SMTP"},   {"554 ", "", "SMTP"},      {"421 ", "", "SMTP"},
        {"* OK", "", "IMAP"},  {"+OK", "", "POP3"},       {"RFB ", "", "VNC"},
        {"-ERR", "", "Redis"}, {"AMQP", "", "AMQP"},      {"ERROR\r\n", "", "memcached"},
    };
    for (size_t i = 0; i < sizeof greetings / sizeof greetings[0]; i++) {
        if (begins(end, greetings[i].begins) && contains(end, greetings[i].contains))
            return greetings[i].protocol;
    }
    if (looks_like_postgres(end))
        return "PostgreSQL";
    return looks_like_mysql(end) ? "MySQL" : NULL;
}

/* Printable bytes as they are, others as \xHH. */
static void show_bytes(const struct evidence_end *end, char out[BYTES_TEXT])
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < end->first_byte_count && i < BYTES_SHOWN; i++) {
        uint8_t byte = end->first_bytes[i];
        bool plain = byte >= ' ' && byte < 0x7f && byte != '\\';
        used += (size_t)snprintf(out + used, BYTES_TEXT - used, plain ? "%c" : "\\x%02x", byte);
    }
}

bool negotiation_plaintext(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct evidence_end *end = &file->attempts[0]->end;
    const char *protocol = protocol_of(end);
    char bytes[BYTES_TEXT];
    show_bytes(end, bytes);
    /* A port that speaks TLS to other names is no plain one. */
    bool only_name = case_shakes_hands(file, VARIANT_CONTROL_SNI) || case_shakes_hands(file, VARIANT_NO_SNI);
    conclusion->cause = only_name ? CAUSE_HELLO_NAME_PLAINTEXT : CAUSE_TLS_PLAINTEXT;
    if (only_name)
        conclusion_rule_out(conclusion, CAUSE_TLS_PLAINTEXT, VARIANT_CONTROL_SNI);
    else if (protocol != NULL)
        conclusion->certainty = CERTAINTY_CONFIRMED; /* no TLS record, and a greeting of something else */
    return conclusion_fact(conclusion, arena, "bytes", "%s", bytes) &&
           conclusion_fact(conclusion, arena, "protocol", "%s",
                           protocol == NULL ? "an unknown protocol" : protocol);
}

/* GB/T 38636, 6.3.3: records of version 1.1, which no TLS ever had. */
bool negotiation_is_tlcp(const struct attempt *attempt)
{
    const uint8_t *bytes = attempt->end.first_bytes;
    return attempt->end.first_byte_count >= 3 && (bytes[0] == 21 || bytes[0] == 22) && bytes[1] == 1 &&
           bytes[2] == 1;
}

bool negotiation_tlcp(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    char bytes[BYTES_TEXT];
    show_bytes(&file->attempts[0]->end, bytes);
    conclusion->cause = CAUSE_TLS_TLCP;
    return conclusion_fact(conclusion, arena, "bytes", "%s", bytes);
}
