#ifndef PARALLAX_TEST_CAPTURE_H
#define PARALLAX_TEST_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Catches what goes to a stream (stdout, stderr) between begin and end. One at a time for each stream. */

struct capture {
    FILE *stream;
    FILE *file;
    int saved;
};

static inline struct capture capture_begin(FILE *stream)
{
    struct capture capture = {.stream = stream, .file = tmpfile()};
    (void)fflush(stream);
    capture.saved = dup(fileno(stream));
    if (capture.file == NULL || capture.saved < 0 || dup2(fileno(capture.file), fileno(stream)) < 0)
        abort();
    return capture;
}

/** What was written; the caller frees it. */
static inline char *capture_end(struct capture *capture)
{
    (void)fflush(capture->stream);
    if (dup2(capture->saved, fileno(capture->stream)) < 0)
        abort();
    (void)close(capture->saved);
    long length = fseek(capture->file, 0, SEEK_END) == 0 ? ftell(capture->file) : -1;
    char *text = length < 0 ? NULL : calloc(1, (size_t)length + 1);
    if (text == NULL || fseek(capture->file, 0, SEEK_SET) != 0 ||
        fread(text, 1, (size_t)length, capture->file) != (size_t)length)
        abort();
    (void)fclose(capture->file);
    return text;
}

#endif
