#include "probe/dns_answer.h"

#include "words/cursor.h"

#include <ares.h>
#include <limits.h>
#include <string.h>

enum { DNS_HEADER_BYTES = 12, DNS_RCODE_MASK = 0x0f };

struct reader {
    const uint8_t *message;
    size_t length;
    struct cursor cursor;
    struct arena *arena;
    struct dns_query *query;
};

/* A possibly compressed name. @return text that the caller frees with ares_free_string, NULL when malformed.
 */
static char *read_name(struct reader *reader)
{
    char *name = NULL;
    long consumed = 0;
    if (cursor_left(&reader->cursor) == 0 ||
        ares_expand_name(reader->cursor.at, reader->message, (int)reader->length, &name, &consumed) !=
            ARES_SUCCESS)
        return NULL;
    if (cursor_bytes(&reader->cursor, (size_t)consumed) == NULL) {
        ares_free_string(name);
        return NULL;
    }
    return name;
}

static bool skip_name(struct reader *reader)
{
    char *name = read_name(reader);
    if (name == NULL)
        return false;
    ares_free_string(name);
    return true;
}

static bool keep(struct reader *reader, struct dns_answer answer)
{
    struct dns_query *query = reader->query;
    if (query->answer_count == EVIDENCE_MAX_ANSWERS)
        query->extra_answers++;
    else
        query->answers[query->answer_count++] = answer;
    return true;
}

static bool read_cname(struct reader *reader, uint32_t ttl_s, uint16_t data_length)
{
    const uint8_t *end = reader->cursor.at + data_length;
    char *target = read_name(reader);
    if (target == NULL)
        return false;
    const char *text = arena_text(reader->arena, target, strnlen(target, EVIDENCE_TEXT_MAX));
    ares_free_string(target);
    return text != NULL && reader->cursor.at == end &&
           keep(reader, (struct dns_answer){.name = text, .ttl_s = ttl_s});
}

static bool read_record(struct reader *reader, uint16_t wanted)
{
    if (!skip_name(reader))
        return false;
    uint16_t type = cursor_u16(&reader->cursor);
    (void)cursor_u16(&reader->cursor); /* class */
    uint32_t ttl_s = cursor_u32(&reader->cursor);
    uint16_t data_length = cursor_u16(&reader->cursor);
    if (reader->cursor.failed || cursor_left(&reader->cursor) < data_length)
        return false;
    if (type == wanted && type == DNS_TYPE_CNAME)
        return read_cname(reader, ttl_s, data_length);
    const uint8_t *data = cursor_bytes(&reader->cursor, data_length);
    if (type != wanted)
        return true;
    struct dns_answer answer = {.name = "", .ttl_s = ttl_s};
    bool right = data_length == (type == DNS_TYPE_A ? 4 : 16);
    return right && address_from_bytes(data, data_length, &answer.address) && keep(reader, answer);
}

static bool read_records(struct reader *reader, uint16_t count, uint16_t wanted)
{
    for (uint16_t i = 0; i < count; i++)
        if (!read_record(reader, wanted))
            return false;
    return true;
}

bool dns_answer_read(const uint8_t *bytes, size_t length, struct arena *arena, struct dns_query *query)
{
    if (length < DNS_HEADER_BYTES || length > UINT16_MAX)
        return false;
    struct reader reader = {.message = bytes, .length = length, .arena = arena, .query = query};
    cursor_init(&reader.cursor, bytes, length);
    (void)cursor_u16(&reader.cursor); /* id */
    query->rcode = cursor_u16(&reader.cursor) & DNS_RCODE_MASK;
    uint16_t questions = cursor_u16(&reader.cursor);
    uint16_t answers = cursor_u16(&reader.cursor);
    (void)cursor_u32(&reader.cursor); /* authority and additional counts */
    for (uint16_t i = 0; i < questions; i++)
        if (!skip_name(&reader) || cursor_bytes(&reader.cursor, 4) == NULL)
            return false;
    query->answers = arena_array(arena, EVIDENCE_MAX_ANSWERS, sizeof *query->answers);
    if (query->answers == NULL)
        return false;
    struct cursor start = reader.cursor;
    if (!read_records(&reader, answers, DNS_TYPE_CNAME))
        return false;
    reader.cursor = start;
    return read_records(&reader, answers, (uint16_t)query->type);
}
