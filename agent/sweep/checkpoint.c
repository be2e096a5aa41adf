#include "sweep/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 *     parallax-sweep 1
 *     next INDEX HASH              endpoints of the list that were begun, and what they hash to
 *     results BYTES
 *     outcome CLASS COUNT EXAMPLE  for each that there is
 *     undone INDEX FAMILIES        for each that was begun and is not over
 *     end
 */

enum { LINE_MAX_BYTES = 512, UNDONE_MAX = 1 << 20 };

void checkpoint_done(struct checkpoint *checkpoint)
{
    free(checkpoint->position.undone);
    *checkpoint = (struct checkpoint){0};
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

static void write_lines(const struct checkpoint *checkpoint, FILE *file)
{
    const struct sweep_position *position = &checkpoint->position;
    (void)fprintf(file, "parallax-sweep 1\nnext %" PRIu64 " %016" PRIx64 "\nresults %" PRIu64 "\n",
                  position->next, position->list_hash, checkpoint->results_bytes);
    for (int class = 0; class < TALLY_CLASSES; class ++)
        if (checkpoint->tally.counts[class] > 0)
            (void)fprintf(file, "outcome %d %" PRIu64 " %s\n", class, checkpoint->tally.counts[class],
                          checkpoint->tally.examples[class]);
    for (size_t i = 0; i < position->undone_count; i++)
        (void)fprintf(file, "undone %" PRIu64 " %u\n", position->undone[i].index, position->undone[i].tried);
    (void)fputs("end\n", file);
}

int checkpoint_write(const struct checkpoint *checkpoint, const char *path)
{
    char new_path[PATH_MAX];
    int length = snprintf(new_path, sizeof new_path, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof new_path)
        return ENAMETOOLONG;
    FILE *file = fopen(new_path, "we");
    if (file == NULL)
        return errno;
    write_lines(checkpoint, file);
    errno = 0;
    bool written = fflush(file) == 0 && !ferror(file) && fsync(fileno(file)) == 0;
    int error = written ? 0 : errno != 0 ? errno : EIO;
    if (fclose(file) != 0 && error == 0)
        error = errno;
    if (error == 0 && rename(new_path, path) != 0)
        error = errno;
    return error;
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

static bool take_number(char **at, int base, uint64_t *ret_value)
{
    char *end;
    *at += strspn(*at, " ");
    errno = 0;
    unsigned long long value = strtoull(*at, &end, base);
    if (end == *at || errno != 0 || **at == '-')
        return false;
    *at = end;
    *ret_value = value;
    return true;
}

static bool read_next(struct checkpoint *checkpoint, char *at)
{
    return take_number(&at, 10, &checkpoint->position.next) &&
           take_number(&at, 16, &checkpoint->position.list_hash);
}

static bool read_results(struct checkpoint *checkpoint, char *at)
{
    return take_number(&at, 10, &checkpoint->results_bytes) && checkpoint->results_bytes <= INT64_MAX;
}

static bool read_outcome(struct checkpoint *checkpoint, char *at)
{
    uint64_t class, count;
    if (!take_number(&at, 10, &class) || !take_number(&at, 10, &count) || class >= TALLY_CLASSES)
        return false;
    char *example = checkpoint->tally.examples[class];
    checkpoint->tally.counts[class] = count;
    checkpoint->tally.attempts += count;
    (void)snprintf(example, ENDPOINT_TEXT_BYTES, "%s", at + strspn(at, " "));
    /* It goes to a terminal, and who knows who wrote the file. */
    for (; *example != '\0'; example++)
        if (*example <= ' ' || *example > '~')
            *example = '?';
    return true;
}

static bool read_undone(struct checkpoint *checkpoint, char *at)
{
    struct sweep_position *position = &checkpoint->position;
    uint64_t index, tried;
    if (!take_number(&at, 10, &index) || !take_number(&at, 10, &tried) || tried > 3 ||
        index >= position->next || position->undone_count == UNDONE_MAX)
        return false;
    if (position->undone_count > 0 && position->undone[position->undone_count - 1].index >= index)
        return false;
    if ((position->undone_count & (position->undone_count - 1)) == 0) {
        size_t room = position->undone_count == 0 ? 1 : position->undone_count * 2;
        struct sweep_undone *grown = reallocarray(position->undone, room, sizeof *grown);
        if (grown == NULL)
            return false;
        position->undone = grown;
    }
    position->undone[position->undone_count++] = (struct sweep_undone){index, (unsigned)tried};
    return true;
}

static bool read_line(struct checkpoint *checkpoint, char *line)
{
    static const struct {
        const char *word;
        bool (*read)(struct checkpoint *checkpoint, char *at);
    } rows[] = {{"next ", read_next},
                {"results ", read_results},
                {"outcome ", read_outcome},
                {"undone ", read_undone}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = strlen(rows[i].word);
        if (strncmp(line, rows[i].word, length) == 0)
            return rows[i].read(checkpoint, line + length);
    }
    return false;
}

static bool read_lines(struct checkpoint *checkpoint, FILE *file)
{
    char line[LINE_MAX_BYTES];
    if (fgets(line, sizeof line, file) == NULL || strcmp(line, "parallax-sweep 1\n") != 0)
        return false;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strcmp(line, "end\n") == 0)
            return true;
        line[strcspn(line, "\n")] = '\0';
        if (!read_line(checkpoint, line))
            return false;
    }
    return false;
}

int checkpoint_read(const char *path, struct checkpoint *ret_checkpoint)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno;
    *ret_checkpoint = (struct checkpoint){0};
    bool read = read_lines(ret_checkpoint, file);
    (void)fclose(file);
    if (!read)
        checkpoint_done(ret_checkpoint);
    return read ? 0 : -1;
}
