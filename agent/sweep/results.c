#include "sweep/results.h"

#include "words/attempt_json.h"
#include "words/units.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AT_ONCE_BYTES = 64 * 1024 };

static void fail(struct results *results, int error)
{
    if (results->error == 0)
        results->error = error != 0 ? error : EIO;
}

/* --- CSV: only our own words, numbers, and names and addresses that were checked, none of which needs a quote ------- */

static const char csv_header[] =
    "start,host,port,sni,address,outcome,raw,version,cipher,group,rtt_us,connected_us,"
    "first_byte_us,closed_us\n";

static bool csv_text(struct buf *line, const char *text)
{
    return buf_text(line, text) && buf_byte(line, ',');
}

/* Empty for what never was. */
static bool csv_number(struct buf *line, int64_t value)
{
    return (value == EVIDENCE_NEVER || buf_integer(line, value)) && buf_byte(line, ',');
}

static bool csv_line(struct buf *line, const struct endpoint *endpoint, const struct attempt *attempt,
                     struct outcome outcome)
{
    char start[UNITS_TIME_BYTES], address[ADDRESS_TEXT_BYTES], raw[96];
    const struct evidence_clock *clock = &attempt->clock;
    const struct evidence_tls *tls = &attempt->tls;
    const struct tcp_snapshot *connected = &attempt->tcp[MOMENT_CONNECTED];
    return csv_text(line, time_rfc3339(clock->start_us, 6, start)) && csv_text(line, endpoint->host) &&
           csv_number(line, endpoint->port) && csv_text(line, tls->sni) &&
           csv_text(line, address_text(&attempt->flow.destination, address)) &&
           csv_text(line, outcome_class_id(outcome.class)) &&
           csv_text(line, outcome_raw_text(outcome, raw, sizeof raw)) &&
           csv_text(line, tls_version_name(tls->version)) && csv_text(line, tls_cipher_name(tls->cipher)) &&
           csv_text(line, tls_group_name(tls->group)) &&
           csv_number(line, connected->taken ? (int64_t)connected->rtt_us : EVIDENCE_NEVER) &&
           csv_number(line, clock->connected_us) && csv_number(line, clock->first_byte_us) &&
           csv_number(line, clock->closed_us) && (line->data[line->len - 1] = '\n', true);
}

/* --- files ---------------------------------------------------------------------------------------------------------- */

static void begin(struct results *results, enum results_format format, FILE *file)
{
    *results = (struct results){.format = format, .file = file};
    results->at_once_bytes = isatty(fileno(file)) ? 0 : AT_ONCE_BYTES;
    buf_init(&results->lines, 0);
}

static void write_header(struct results *results)
{
    if (results->format == RESULTS_CSV && fputs(csv_header, results->file) == EOF)
        fail(results, errno);
}

void results_to_stdout(struct results *results, enum results_format format)
{
    begin(results, format, stdout);
    write_header(results);
}

/* @return 0 or an errno; the descriptor is taken. */
static int take_file(struct results *results, enum results_format format, int fd)
{
    FILE *file = flock(fd, LOCK_EX | LOCK_NB) == 0 ? fdopen(fd, "a") : NULL;
    if (file == NULL) {
        int error = errno == EWOULDBLOCK ? EBUSY : errno;
        (void)close(fd);
        return error;
    }
    begin(results, format, file);
    return 0;
}

int results_create(struct results *results, enum results_format format, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
    int error = fd < 0 ? errno : take_file(results, format, fd);
    if (error == 0)
        write_header(results);
    return error;
}

int results_append(struct results *results, enum results_format format, const char *path, uint64_t bytes)
{
    struct stat status;
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    int error = fd < 0 ? errno : take_file(results, format, fd);
    if (error != 0)
        return error;
    if (fstat(fd, &status) != 0)
        error = errno;
    else if ((uint64_t)status.st_size < bytes)
        error = ESPIPE;
    else if (ftruncate(fd, (off_t)bytes) != 0)
        error = errno;
    if (error != 0)
        (void)results_close(results);
    return error;
}

static bool write_line(struct buf *lines, enum results_format format, const struct endpoint *endpoint,
                       const struct attempt *attempt, struct outcome outcome)
{
    if (format == RESULTS_CSV)
        return csv_line(lines, endpoint, attempt, outcome);
    return attempt_json_write(lines, attempt, endpoint, outcome) && buf_byte(lines, '\n');
}

void results_flush(struct results *results)
{
    struct buf *lines = &results->lines;
    if (results->error == 0 && lines->len > 0 &&
        (fwrite(lines->data, 1, lines->len, results->file) != lines->len || fflush(results->file) != 0))
        fail(results, errno);
    buf_clear(lines);
}

void results_write(struct results *results, const struct endpoint *endpoint, const struct attempt *attempt,
                   struct outcome outcome)
{
    struct buf *lines = &results->lines;
    size_t whole = lines->len;
    if (results->format == RESULTS_NONE || results->error != 0)
        return;
    if (!write_line(lines, results->format, endpoint, attempt, outcome)) {
        lines->len = whole;
        results_flush(results);
        fail(results, ENOMEM);
    }
    if (lines->len > results->at_once_bytes)
        results_flush(results);
}

int results_sync(struct results *results, uint64_t *ret_bytes)
{
    struct stat status;
    results_flush(results);
    if (fflush(results->file) != 0 || fdatasync(fileno(results->file)) != 0 ||
        fstat(fileno(results->file), &status) != 0)
        fail(results, errno);
    else
        *ret_bytes = (uint64_t)status.st_size;
    return results->error;
}

int results_close(struct results *results)
{
    if (results->file == NULL)
        return 0;
    results_flush(results);
    bool ours = results->file != stdout;
    if ((ours ? fclose(results->file) : fflush(stdout)) != 0)
        fail(results, errno);
    if (!ours && results->error != 0) { /* who closes it says so, and nobody has to say it again */
        __fpurge(stdout);
        clearerr(stdout);
    }
    buf_done(&results->lines);
    results->file = NULL;
    return results->error;
}
