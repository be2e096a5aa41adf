#include "replay/recording.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "words/buf.h"
#include "words/json_reader.h"

#include <errno.h>
#include <string.h>

/* A file, line by line. */

/* What an agent prints has neither a first line nor a vantage. */
static bool is_of_an_agent(const json_t *line)
{
    return json_object_get(line, "kind") == NULL && json_is_object(json_object_get(line, "prober"));
}

static bool read_header(struct recording *recording, const json_t *line, struct recording_place place)
{
    struct json_reader reader = {0};
    struct json_part part = json_document(&reader, line);
    const char *kind = json_string_value(json_object_get(line, "kind"));
    if (is_of_an_agent(line))
        return recording_error(
            recording, place, "%s",
            _("an attempt as `parallax-agent probe` or `sweep` prints it, without a vantage; "
              "\"From an agent's NDJSON\" in docs/REPLAY.md says how jq adds what is missing"));
    if (kind == NULL || strcmp(kind, "parallax-export") != 0)
        return recording_error(recording, place, "%s",
                               _("expected the first line {\"kind\": \"parallax-export\", \"schema\": 1}"));
    int64_t schema = json_read_int(&part, "schema", 1, INT32_MAX, 0);
    if (reader.failed || schema == 0)
        return recording_error(recording, place, "schema: %s",
                               reader.failed ? reader.why : _("expected the number of the schema"));
    if (schema > RECORDING_SCHEMA)
        return recording_error(recording, place,
                               _("schema %lld is of a newer program; this one reads up to %d"),
                               (long long)schema, RECORDING_SCHEMA);
    return true;
}

/* @return the line's bytes in buf (without its end); 0 at the end of the file, -1 when it is too long. */
static int next_line(FILE *stream, struct buf *line)
{
    int byte = 0;
    buf_clear(line);
    while ((byte = getc_unlocked(stream)) != EOF && byte != '\n')
        if (!buf_byte(line, (uint8_t)byte))
            return -1;
    return byte == EOF && line->len == 0 ? 0 : 1;
}

static bool is_blank(const struct buf *line)
{
    for (size_t i = 0; i < line->len; i++)
        if (strchr(" \t\r", line->data[i]) == NULL)
            return false;
    return true;
}

/* What people hand over by mistake. */
static const char *other_format(const struct buf *line)
{
    static const uint8_t gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd},
                         xz[] = {0xfd, '7', 'z', 'X'};
    if (line->len >= sizeof gzip && memcmp(line->data, gzip, sizeof gzip) == 0)
        return "gzip -dc";
    if (line->len >= sizeof zstd && memcmp(line->data, zstd, sizeof zstd) == 0)
        return "zstd -dc";
    return line->len >= sizeof xz && memcmp(line->data, xz, sizeof xz) == 0 ? "xz -dc" : NULL;
}

static bool take_line(struct recording *recording, const struct buf *bytes, struct recording_place place,
                      bool *have_header)
{
    json_error_t error;
    const char *unpack = *have_header ? NULL : other_format(bytes);
    if (unpack != NULL)
        return recording_error(recording, place,
                               _("the file is packed; unpack it first: %s %s | %s replay -"), unpack,
                               recording->files[place.file], cli_program_name());
    json_t *line = json_loadb((const char *)bytes->data, bytes->len, JSON_REJECT_DUPLICATES, &error);
    if (line == NULL)
        return recording_error(recording, place, _("no JSON at column %d: %s"), error.column, error.text);
    bool taken = *have_header ? recording_line(recording, line, place) : read_header(recording, line, place);
    *have_header = true;
    json_decref(line);
    return taken;
}

bool recording_read(struct recording *recording, size_t file, FILE *stream, const atomic_bool *stop)
{
    struct recording_place place = {.file = (uint32_t)file};
    struct buf line;
    bool good = true, have_header = false;
    int got = 1;
    buf_init(&line, RECORDING_MAX_LINE);
    while (good && got > 0 && !*stop && (got = next_line(stream, &line)) > 0) {
        place.line++;
        good = is_blank(&line) || take_line(recording, &line, place, &have_header);
    }
    if (got < 0) {
        place.line++;
        good = recording_error(recording, place, _("the line is longer than %d bytes"), RECORDING_MAX_LINE);
    } else if (good && !*stop && ferror(stream)) {
        cli_error("%s: %s", recording->files[file], strerror(errno));
        good = false;
    } else if (good && !*stop && !have_header) {
        cli_error(_("%s: the file is empty"), recording->files[file]);
        good = false;
    }
    buf_done(&line);
    return good && !*stop;
}
