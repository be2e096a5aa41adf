#include "replay/import_file.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "link/pki.h"
#include "words/json_reader.h"
#include "words/units.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_TEXT_BYTES = 65536, LINE_ARENA_BYTES = 4 * CARRY_MAX_LINE, COPY_BYTES = 65536 };

bool import_error(const struct import_file *file, const char *format, ...)
{
    char line[1024];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(line, sizeof line, format, list);
    va_end(list);
    cli_error("%s:%" PRIu64 ": %s", file->name, file->line, line);
    return false;
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

/* @return the line in file->bytes, without its end; false after import_error, or when asked to stop. */
static bool next_line(struct import_file *file)
{
    int byte = 0;
    file->line++;
    buf_clear(&file->bytes);
    if (*file->stop)
        return false;
    while ((byte = getc_unlocked(file->stream)) != EOF && byte != '\n')
        if (!buf_byte(&file->bytes, (uint8_t)byte))
            return import_error(file, _("the line is longer than %d bytes"), CARRY_MAX_LINE);
    if (byte == '\n')
        return true;
    if (ferror(file->stream))
        return import_error(file, "%s", strerror(errno));
    if (file->line == 1 && file->bytes.len == 0)
        return import_error(file, "%s",
                            _("the file is empty; expected what `parallax-agent spool export` wrote"));
    return import_error(file, "%s",
                        _("the file ends here and is not whole; expected the line {\"kind\": \"end\", ...}"));
}

static json_t *parse_line(const struct import_file *file)
{
    json_error_t error;
    json_t *line =
        json_loadb((const char *)file->bytes.data, file->bytes.len, JSON_REJECT_DUPLICATES, &error);
    if (line == NULL)
        (void)import_error(file, _("no JSON at column %d: %s"), error.column, error.text);
    else if (!json_is_object(line))
        (void)import_error(file, "%s", _("expected an object of JSON"));
    if (json_is_object(line))
        return line;
    json_decref(line);
    return NULL;
}

/* What the reader found wrong, if anything. */
static bool good_line(const struct import_file *file, const struct json_reader *reader)
{
    return !reader->failed ||
           import_error(file, "%s%s%s", reader->path, reader->path[0] == '\0' ? "" : ": ", reader->why);
}

static bool digest_line(struct import_file *file)
{
    return (EVP_DigestUpdate(file->digest, file->bytes.data, file->bytes.len) == 1 &&
            EVP_DigestUpdate(file->digest, "\n", 1) == 1) ||
           import_error(file, "%s", _("out of memory"));
}

/* --- the header -------------------------------------------------------------------------------------------------- */

static bool header_kind(const struct import_file *file, const json_t *line)
{
    const char *kind = json_string_value(json_object_get(line, "kind"));
    const json_t *schema = json_object_get(line, "schema");
    if (kind == NULL && json_is_object(json_object_get(line, "prober")))
        return import_error(file, "%s",
                            _("an attempt as `parallax-agent probe` or `sweep` prints it; "
                              "`parallax-collector replay` reads such attempts, as docs/REPLAY.md says"));
    if (kind == NULL || strcmp(kind, CARRY_KIND) != 0)
        return import_error(file,
                            _("expected the first line {\"kind\": \"%s\", \"schema\": %d, ...}, as "
                              "`parallax-agent spool export` writes it"),
                            CARRY_KIND, CARRY_SCHEMA);
    if (!json_is_integer(schema) || json_integer_value(schema) != CARRY_SCHEMA)
        return import_error(file, _("the schema is %lld; this program reads schema %d"),
                            (long long)json_integer_value(schema), CARRY_SCHEMA);
    return true;
}

static bool header_certificate(struct import_file *file, const char *pem)
{
    char *why = NULL, name[64] = "";
    file->certificate = pki_certificate_from_pem(pem, strlen(pem), &why);
    free(why);
    if (file->certificate == NULL)
        return import_error(file, "%s", _("certificate: expected a certificate as PEM"));
    if (!pki_vantage_name(file->certificate, name, sizeof name) || strcmp(name, file->vantage) != 0)
        return import_error(file, "%s", _("certificate: expected one that names the vantage of this file"));
    return true;
}

static bool read_header(struct import_file *file, const json_t *line)
{
    struct arena arena;
    arena_init(&arena, LINE_ARENA_BYTES);
    struct json_reader reader = {.arena = &arena};
    struct json_part part = json_document(&reader, line);
    const char *vantage = json_read_text(&part, "vantage", sizeof file->vantage - 1);
    const char *pem = json_read_text(&part, "certificate", HEADER_TEXT_BYTES);
    file->first_said = json_read_u63(&part, "first");
    file->last_said = json_read_u63(&part, "last");
    bool good = good_line(file, &reader);
    if (good && vantage[0] == '\0')
        good = import_error(file, "%s", _("vantage: expected the name of a vantage"));
    (void)snprintf(file->vantage, sizeof file->vantage, "%s", good ? vantage : "");
    good = good && (file->opened || header_certificate(file, pem));
    arena_done(&arena);
    return good;
}

static bool begin(struct import_file *file)
{
    file->line = 0;
    file->last = 0;
    file->counts = (struct import_counts){0};
    if (EVP_DigestInit_ex(file->digest, EVP_sha256(), NULL) != 1)
        return import_error(file, "%s", _("out of memory"));
    if (!next_line(file))
        return false;
    json_t *line = parse_line(file);
    bool good = line != NULL && header_kind(file, line) && read_header(file, line) && digest_line(file);
    json_decref(line);
    file->opened = file->opened || good;
    return good;
}

/* --- the lines after it ------------------------------------------------------------------------------------------ */

static bool parse_binary(struct import_file *file, const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);
    buf_clear(&file->binary);
    return (json_is_string(value) && json_string_length(value) > 0 &&
            base64_parse(&file->binary, json_string_value(value), json_string_length(value))) ||
           import_error(file, _("%s: expected base64"), key);
}

static bool check_record(struct import_file *file, const json_t *line, const char *kind,
                         const struct record *record)
{
    uint64_t sequence = record_sequence(record);
    const json_t *said = json_object_get(line, "sequence");
    if ((record->kind == RECORD_ATTEMPT) != (strcmp(kind, "attempt") == 0))
        return import_error(file, _("record: not what the line says it is, expected %s"), kind);
    if (!json_is_integer(said) || (uint64_t)json_integer_value(said) != sequence)
        return import_error(file, _("sequence: expected that of the record, %llu"),
                            (unsigned long long)sequence);
    if (sequence <= file->last || sequence > INT64_MAX)
        return import_error(file, _("sequence: expected one above %llu, got %llu"),
                            (unsigned long long)file->last, (unsigned long long)sequence);
    if (sequence < file->first_said || sequence > file->last_said)
        return import_error(file, _("sequence: expected one from %llu to %llu, as the first line says"),
                            (unsigned long long)file->first_said, (unsigned long long)file->last_said);
    return true;
}

static enum import_kind read_record(struct import_file *file, const json_t *line, const char *kind,
                                    struct record *record)
{
    const char *why = "";
    if (!parse_binary(file, line, "record"))
        return IMPORT_FAILED;
    if (!record_decode(file->binary.data, file->binary.len, record, &why)) {
        (void)import_error(file, _("record: %s"), why);
        return IMPORT_FAILED;
    }
    if (!check_record(file, line, kind, record)) {
        record_done(record);
        return IMPORT_FAILED;
    }
    file->last = record_sequence(record);
    file->counts.records++;
    return IMPORT_RECORD;
}

static enum import_kind read_certificate(struct import_file *file, const json_t *line, struct bytes *der)
{
    const char *said = json_string_value(json_object_get(line, "sha256"));
    uint8_t sha256[32];
    char hex[65];
    if (!parse_binary(file, line, "der"))
        return IMPORT_FAILED;
    (void)SHA256(file->binary.data, file->binary.len, sha256);
    if (file->binary.len > MESSAGE_CERTIFICATE_MAX_BYTES || said == NULL ||
        strcmp(said, hex_text(sha256, 32, hex)) != 0) {
        (void)import_error(file, _("certificate: expected at most %d bytes of which sha256 is the hash"),
                           MESSAGE_CERTIFICATE_MAX_BYTES);
        return IMPORT_FAILED;
    }
    *der = (struct bytes){file->binary.data, file->binary.len};
    file->counts.certificates++;
    return IMPORT_CERTIFICATE;
}

static bool end_counts(const struct import_file *file, const json_t *line)
{
    const json_t *records = json_object_get(line, "records"),
                 *certificates = json_object_get(line, "certificates");
    if (json_is_integer(records) && (uint64_t)json_integer_value(records) == file->counts.records &&
        json_is_integer(certificates) &&
        (uint64_t)json_integer_value(certificates) == file->counts.certificates)
        return true;
    return import_error(
        file,
        _("the file has %llu records and %llu certificates; expected what this line counts, %lld and %lld"),
        (unsigned long long)file->counts.records, (unsigned long long)file->counts.certificates,
        (long long)json_integer_value(records), (long long)json_integer_value(certificates));
}

static bool end_signature(struct import_file *file, const json_t *line)
{
    const char *said = json_string_value(json_object_get(line, "sha256"));
    char hex[65];
    if (EVP_DigestFinal_ex(file->digest, file->sha256, NULL) != 1)
        return import_error(file, "%s", _("out of memory"));
    (void)hex_text(file->sha256, 32, hex);
    if (said == NULL || strcmp(said, hex) != 0)
        return import_error(
            file, _("the lines before were changed: their SHA-256 is %s, expected what this line says"), hex);
    if (!parse_binary(file, line, "signature"))
        return false;
    if (!carry_verify(X509_get0_pubkey(file->certificate), file->sha256, file->binary.data, file->binary.len))
        return import_error(file, _("signature: expected one by the key of vantage %s"), file->vantage);
    return true;
}

static enum import_kind read_end(struct import_file *file, const json_t *line)
{
    if (!end_counts(file, line) || !end_signature(file, line))
        return IMPORT_FAILED;
    if (getc_unlocked(file->stream) == EOF && !ferror(file->stream))
        return IMPORT_END;
    file->line++;
    (void)import_error(file, "%s", _("expected nothing after the line {\"kind\": \"end\", ...}"));
    return IMPORT_FAILED;
}

static enum import_kind read_line(struct import_file *file, const json_t *line, struct import_line *ret_line)
{
    const char *kind = json_string_value(json_object_get(line, "kind"));
    if (kind != NULL && strcmp(kind, "end") == 0)
        return read_end(file, line);
    if (!digest_line(file))
        return IMPORT_FAILED;
    if (kind != NULL && (strcmp(kind, "attempt") == 0 || strcmp(kind, "report") == 0))
        return read_record(file, line, kind, &ret_line->record);
    if (kind != NULL && strcmp(kind, "certificate") == 0)
        return read_certificate(file, line, &ret_line->der);
    (void)import_error(file, "%s", _("kind: expected attempt, report, certificate or end"));
    return IMPORT_FAILED;
}

enum import_kind import_next(struct import_file *file, struct import_line *ret_line)
{
    if (!next_line(file))
        return IMPORT_FAILED;
    json_t *line = parse_line(file);
    enum import_kind kind = line == NULL ? IMPORT_FAILED : read_line(file, line, ret_line);
    json_decref(line);
    return kind;
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

/* It is read more than once, so standard input is put into a file that has no name. */
static FILE *copy_input(const char *folder, const atomic_bool *stop)
{
    char bytes[COPY_BYTES];
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    FILE *copy = fd < 0 ? NULL : fdopen(fd, "w+");
    if (copy == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return NULL;
    }
    size_t got = 0;
    while (!*stop && (got = fread(bytes, 1, sizeof bytes, stdin)) > 0)
        if (fwrite(bytes, 1, got, copy) != got)
            break;
    if (!ferror(stdin) && !ferror(copy) && fflush(copy) == 0 && fseeko(copy, 0, SEEK_SET) == 0)
        return copy;
    int error = errno;
    (void)fclose(copy);
    errno = error;
    return NULL;
}

bool import_open(struct import_file *file, const char *name, const char *folder, const atomic_bool *stop)
{
    struct stat status;
    bool input = strcmp(name, "-") == 0;
    *file = (struct import_file){.name = name, .stop = stop, .digest = EVP_MD_CTX_new()};
    buf_init(&file->bytes, CARRY_MAX_LINE);
    buf_init(&file->binary, 0);
    file->stream = input ? copy_input(folder, stop) : fopen(name, "re");
    if (file->digest == NULL || file->stream == NULL || fstat(fileno(file->stream), &status) != 0) {
        cli_error("%s: %s", name, strerror(file->digest == NULL ? ENOMEM : errno));
        return false;
    }
    if (!S_ISREG(status.st_mode)) {
        cli_error(_("%s: not a file; to read what a program writes, give - and its output"), name);
        return false;
    }
    file->size_bytes = (uint64_t)status.st_size;
    return begin(file);
}

bool import_rewind(struct import_file *file)
{
    if (fseeko(file->stream, 0, SEEK_SET) == 0)
        return begin(file);
    cli_error("%s: %s", file->name, strerror(errno));
    return false;
}

unsigned import_percent(const struct import_file *file)
{
    off_t at = ftello(file->stream);
    return at < 0 || file->size_bytes == 0 ? 0 : (unsigned)((uint64_t)at * 100 / file->size_bytes);
}

void import_close(struct import_file *file)
{
    if (file->stream != NULL)
        (void)fclose(file->stream);
    X509_free(file->certificate);
    EVP_MD_CTX_free(file->digest);
    buf_done(&file->bytes);
    buf_done(&file->binary);
}
