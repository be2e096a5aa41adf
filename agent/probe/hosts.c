#include "probe/hosts.h"

#include "words/buf.h"
#include "words/cursor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

struct hosts {
    char *path;
    struct buf text;
    struct timespec changed;
    off_t size;
};

struct hosts *hosts_new(const char *path)
{
    struct hosts *hosts = calloc(1, sizeof *hosts);
    if (hosts == NULL)
        return NULL;
    hosts->path = strdup(path);
    if (hosts->path == NULL) {
        free(hosts);
        return NULL;
    }
    hosts->size = -1;
    buf_init(&hosts->text, HOSTS_MAX_BYTES);
    return hosts;
}

void hosts_free(struct hosts *hosts)
{
    if (hosts == NULL)
        return;
    buf_done(&hosts->text);
    free(hosts->path);
    free(hosts);
}

static void hosts_read(struct hosts *hosts)
{
    int fd = open(hosts->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    char chunk[4096];
    ssize_t got;
    while ((got = read(fd, chunk, sizeof chunk)) > 0)
        if (!buf_append(&hosts->text, chunk, (size_t)got))
            break;
    if (!buf_byte(&hosts->text, '\n') && hosts->text.len > 0)
        hosts->text.data[hosts->text.len - 1] = '\n';
    (void)close(fd);
}

static void hosts_refresh(struct hosts *hosts)
{
    struct stat now;
    if (stat(hosts->path, &now) != 0)
        now = (struct stat){0};
    if (now.st_size == hosts->size && now.st_mtim.tv_sec == hosts->changed.tv_sec &&
        now.st_mtim.tv_nsec == hosts->changed.tv_nsec)
        return;
    hosts->size = now.st_size;
    hosts->changed = now.st_mtim;
    buf_clear(&hosts->text);
    if (S_ISREG(now.st_mode))
        hosts_read(hosts);
}

/* The next word of a line, a comment ends it. NULL at the end. */
static const char *next_word(const char **at, const char *end, size_t *ret_length)
{
    const char *start = *at;
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    const char *stop = start;
    while (stop < end && *stop != ' ' && *stop != '\t' && *stop != '#')
        stop++;
    *at = stop;
    *ret_length = (size_t)(stop - start);
    return stop == start ? NULL : start;
}

static bool line_address(const char **at, const char *end, struct address *ret_address)
{
    char text[ADDRESS_TEXT_BYTES];
    size_t length;
    const char *word = next_word(at, end, &length);
    if (word == NULL || length >= sizeof text)
        return false;
    memcpy(text, word, length);
    text[length] = '\0';
    return address_parse(text, ret_address);
}

static bool line_names(const char *at, const char *end, const char *name)
{
    size_t length;
    for (const char *word; (word = next_word(&at, end, &length)) != NULL;)
        if (length == strlen(name) && strncasecmp(word, name, length) == 0)
            return true;
    return false;
}

static bool is_localhost(const char *name)
{
    static const char localhost[] = "localhost";
    size_t length = strlen(name);
    if (length < sizeof localhost - 1 || strcasecmp(name + length - (sizeof localhost - 1), localhost) != 0)
        return false;
    return length == sizeof localhost - 1 || name[length - sizeof localhost] == '.';
}

size_t hosts_find(struct hosts *hosts, const char *name, int family, struct address *ret_addresses,
                  size_t max)
{
    hosts_refresh(hosts);
    size_t wanted = family == AF_INET ? 4 : 16;
    size_t count = 0;
    struct cursor cursor;
    cursor_init(&cursor, hosts->text.data, hosts->text.len);
    const char *line;
    size_t length;
    while (count < max && (line = cursor_line(&cursor, &length)) != NULL) {
        const char *at = line;
        struct address address;
        if (line_address(&at, line + length, &address) && address.length == wanted &&
            line_names(at, line + length, name))
            ret_addresses[count++] = address;
    }
    if (count == 0 && max > 0 && is_localhost(name))
        count = address_parse(family == AF_INET ? "127.0.0.1" : "::1", &ret_addresses[0]) ? 1 : 0;
    return count;
}
