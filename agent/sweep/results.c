#include "sweep/results.h"

#include "words/attempt_json.h"
#include "words/units.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void fail(struct results *results, int error)
{
    if (results->error == 0)
        results->error = error != 0 ? error : EIO;
}

/* --- CSV: only our own words, numbers, and names and addresses that were checked, none of which needs a quote ------- */

static const char csv_header[] =
    "start,host,port,sni,address,outcome,raw,version,cipher,group,rtt_us,connected_us,"
    "first_byte_us,closed_us\n";

static bool csv_number(struct buf *line, int64_t value, int64_t absent)
{
    return value == absent ? buf_byte(line, ',') : buf_printf(line, "%" PRId64 ",", value);
}

static bool csv_line(struct buf *line, const struct endpoint *endpoint, const struct attempt *attempt,
                     struct outcome outcome)
{
    char start[UNITS_TIME_BYTES], address[ADDRESS_TEXT_BYTES], raw[96];
    const struct evidence_clock *clock = &attempt->clock;
    const struct tcp_snapshot *connected = &attempt->tcp[MOMENT_CONNECTED];
    return buf_printf(line, "%s,%s,%u,%s,%s,%s,%s,%s,%s,%s,", time_rfc3339(clock->start_us, 6, start),
                      endpoint->host, endpoint->port, attempt->tls.sni,
                      address_text(&attempt->flow.destination, address), outcome_class_id(outcome.class),
                      outcome_raw_text(outcome, raw, sizeof raw), tls_version_name(attempt->tls.version),
                      tls_cipher_name(attempt->tls.cipher), tls_group_name(attempt->tls.group)) &&
           csv_number(line, connected->taken ? (int64_t)connected->rtt_us : EVIDENCE_NEVER, EVIDENCE_NEVER) &&
           csv_number(line, clock->connected_us, EVIDENCE_NEVER) &&
           csv_number(line, clock->first_byte_us, EVIDENCE_NEVER) &&
           csv_number(line, clock->closed_us, EVIDENCE_NEVER) && (line->data[line->len - 1] = '\n', true);
}

/* --- files ---------------------------------------------------------------------------------------------------------- */

static void begin(struct results *results, enum results_format format, FILE *file)
{
    *results = (struct results){.format = format, .file = file};
    buf_init(&results->line, 0);
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

void results_write(struct results *results, const struct endpoint *endpoint, const struct attempt *attempt,
                   struct outcome outcome)
{
    bool written = true;
    if (results->format == RESULTS_NONE || results->error != 0)
        return;
    buf_clear(&results->line);
    if (results->format == RESULTS_CSV) {
        written = csv_line(&results->line, endpoint, attempt, outcome);
    } else {
        json_t *value = attempt_json(attempt, endpoint, outcome);
        char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT);
        json_decref(value);
        written = text != NULL && buf_text(&results->line, text) && buf_byte(&results->line, '\n');
        free(text);
    }
    if (!written)
        fail(results, ENOMEM);
    else if (fwrite(results->line.data, 1, results->line.len, results->file) != results->line.len)
        fail(results, errno);
}

int results_sync(struct results *results, uint64_t *ret_bytes)
{
    struct stat status;
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
    int failed = results->file == stdout ? fflush(stdout) : fclose(results->file);
    if (failed != 0)
        fail(results, errno);
    buf_done(&results->line);
    results->file = NULL;
    return results->error;
}
