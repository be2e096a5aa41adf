#include "sweep/list.h"

#include "cli/i18n.h"
#include "words/target.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FIELDS = 64, LINE_ARENA_BYTES = 16 * 1024, COPY_BYTES = 64 * 1024, DEFAULT_PORT = 443 };

/* X(symbol, name): columns of a CSV file that count */
#define COLUMNS(X)                                                                                           \
    X(COLUMN_TARGET, "target")                                                                               \
    X(COLUMN_HOST, "host")                                                                                   \
    X(COLUMN_PORT, "port")                                                                                   \
    X(COLUMN_SNI, "sni")                                                                                     \
    X(COLUMN_ADDRESS, "address")
#define X(symbol, name) symbol,
enum column { COLUMNS(X) COLUMN_COUNT };
#undef X

struct source {
    const char *text; /* an operand; NULL: a file */
    const char *name;
    FILE *file;
};

struct sweep_list {
    struct source *sources;
    size_t count, at;
    size_t line;
    bool begun;                /* the current file has shown its first line */
    bool has_columns;          /* it is CSV */
    int columns[COLUMN_COUNT]; /* where each one stands; -1: nowhere */
    struct arena arena;        /* of the current entry */
    char text[SWEEP_LINE_MAX];
    const char *why;
    struct endpoint network; /* the addresses of one are given out, from `network.address` on */
    uint64_t network_left;
};

struct sweep_list *sweep_list_new(void)
{
    struct sweep_list *list = calloc(1, sizeof *list);
    if (list != NULL)
        arena_init(&list->arena, LINE_ARENA_BYTES);
    return list;
}

void sweep_list_free(struct sweep_list *list)
{
    if (list == NULL)
        return;
    for (size_t i = 0; i < list->count; i++)
        if (list->sources[i].file != NULL)
            (void)fclose(list->sources[i].file);
    free(list->sources);
    arena_done(&list->arena);
    free(list);
}

static struct source *next_source(struct sweep_list *list)
{
    struct source *grown = reallocarray(list->sources, list->count + 1, sizeof *grown);
    if (grown == NULL)
        return NULL;
    list->sources = grown;
    grown[list->count] = (struct source){0};
    return &grown[list->count++];
}

bool sweep_list_add(struct sweep_list *list, const char *text)
{
    struct source *source = next_source(list);
    if (source != NULL)
        source->text = text;
    return source != NULL;
}

/* @return a file that can be read again and again, or NULL with errno. Takes the one given. */
static FILE *seekable(FILE *file)
{
    struct stat status;
    char bytes[COPY_BYTES];
    if (fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode))
        return file;
    FILE *copy = S_ISDIR(status.st_mode) ? (errno = EISDIR, NULL) : tmpfile();
    size_t got;
    while (copy != NULL && (got = fread(bytes, 1, sizeof bytes, file)) > 0) {
        if (fwrite(bytes, 1, got, copy) == got)
            continue;
        (void)fclose(copy);
        copy = NULL;
    }
    if (copy != NULL && (ferror(file) || fseek(copy, 0, SEEK_SET) != 0)) {
        (void)fclose(copy);
        copy = NULL;
    }
    int error = errno;
    (void)fclose(file);
    errno = error;
    return copy;
}

int sweep_list_add_file(struct sweep_list *list, const char *path)
{
    struct source *source = next_source(list);
    if (source == NULL)
        return ENOMEM;
    bool standard = strcmp(path, "-") == 0;
    source->name = standard ? _("standard input") : path;
    FILE *file = standard ? fdopen(dup(STDIN_FILENO), "r") : fopen(path, "re");
    source->file = file == NULL ? NULL : seekable(file);
    if (source->file == NULL) {
        int error = errno;
        list->count--;
        return error;
    }
    return 0;
}

int sweep_list_rewind(struct sweep_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->sources[i].file != NULL && fseek(list->sources[i].file, 0, SEEK_SET) != 0)
            return errno;
    list->at = list->line = 0;
    list->begun = list->has_columns = false;
    list->network_left = 0;
    return 0;
}

/* --- networks ----------------------------------------------------------------------------------------------------- */

/* "203.0.113.0/24", "203.0.113.0/24:8443", "[2001:db8::/120]:8443". @return false: no network; `why` is set when it meant to be one. */
static bool parse_network(const char *text, struct cidr *ret_cidr, const char **ret_port,
                          const char **ret_why)
{
    char copy[ADDRESS_TEXT_BYTES + 8];
    const char *slash = strchr(text, '/');
    bool bracket = text[0] == '[';
    *ret_port = NULL;
    if (slash == NULL || strstr(text, "://") != NULL)
        return false;
    *ret_why = N_("not a network (expected ADDRESS/BITS, ADDRESS/BITS:PORT or [IPv6/BITS]:PORT)");
    size_t digits = strspn(slash + 1, "0123456789");
    const char *end = slash + 1 + digits;
    size_t length = (size_t)(end - text) - bracket;
    if (digits == 0 || length >= sizeof copy || (bracket && *end != ']'))
        return false;
    memcpy(copy, text + bracket, length);
    copy[length] = '\0';
    end += bracket;
    if (*end == ':')
        *ret_port = end + 1;
    if ((*end != '\0' && *end != ':') || !cidr_parse(copy, ret_cidr))
        return false;
    *ret_why = NULL;
    return true;
}

static bool parse_port(const char *text, uint16_t *ret_port)
{
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    unsigned long port = strtoul(text, &end, 10);
    if (*end != '\0' || port == 0 || port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

static void clear_host_bits(struct cidr *cidr)
{
    for (unsigned bit = cidr->bits; bit < 8U * cidr->address.length; bit++)
        cidr->address.bytes[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
}

static void next_address(struct address *address)
{
    for (size_t i = address->length; i > 0; i--)
        if (++address->bytes[i - 1] != 0)
            return;
}

static bool begin_network(struct sweep_list *list, struct cidr cidr, const char *port)
{
    unsigned host_bits = 8U * cidr.address.length - cidr.bits;
    list->network = (struct endpoint){.port = DEFAULT_PORT, .site = "", .sni = ""};
    list->why = N_("bad port (expected 1 to 65535)");
    if (port != NULL && !parse_port(port, &list->network.port))
        return false;
    list->why = N_("too large a network (at most 16777216 addresses: /8, or /104 of IPv6)");
    if (host_bits > SWEEP_NETWORK_MAX_BITS)
        return false;
    clear_host_bits(&cidr);
    list->network.address = cidr.address;
    list->network_left = UINT64_C(1) << host_bits;
    return true;
}

static bool give_address(struct sweep_list *list, struct endpoint *ret_endpoint)
{
    char text[ADDRESS_TEXT_BYTES];
    arena_clear(&list->arena);
    list->network.host = arena_string(&list->arena, address_text(&list->network.address, text));
    if (list->network.host == NULL)
        return false;
    *ret_endpoint = list->network;
    next_address(&list->network.address);
    list->network_left--;
    return true;
}

uint64_t sweep_list_pass_network(struct sweep_list *list)
{
    uint64_t left = list->network_left;
    list->network_left = 0;
    return left;
}

/* --- CSV ---------------------------------------------------------------------------------------------------------- */

/* Cuts a line into fields in place (RFC 4180, but for line ends inside quotes). @return how many; 0 when it is malformed. */
static size_t cut_fields(char *line, char *fields[MAX_FIELDS])
{
    size_t count = 0;
    for (char *at = line; count < MAX_FIELDS; at++) {
        char *out = at, quoted = *at == '"';
        fields[count++] = out;
        at += quoted;
        while (*at != '\0' && (quoted || *at != ',')) {
            if (quoted && *at == '"' && *++at != '"')
                quoted = 0;
            else
                *out++ = *at++;
        }
        bool last = *at == '\0';
        *out = '\0';
        if (quoted)
            return 0;
        if (last)
            return count;
    }
    return 0;
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        text[--length] = '\0';
    return text;
}

static bool read_columns(struct sweep_list *list, char *line)
{
#define X(symbol, name) [symbol] = name,
    static const char *const names[] = {COLUMNS(X)};
#undef X
    char *fields[MAX_FIELDS];
    size_t count = cut_fields(line, fields);
    for (int column = 0; column < COLUMN_COUNT; column++) {
        list->columns[column] = -1;
        for (size_t i = 0; i < count; i++)
            if (strcasecmp(trim(fields[i]), names[column]) == 0)
                list->columns[column] = (int)i;
    }
    list->has_columns = list->columns[COLUMN_TARGET] >= 0 || list->columns[COLUMN_HOST] >= 0;
    list->why =
        N_("the first line of CSV names its columns (expected target, and port, sni, address if there are)");
    return list->has_columns;
}

static const char *field(const struct sweep_list *list, char *fields[MAX_FIELDS], size_t count,
                         enum column column)
{
    int at = list->columns[column];
    return at < 0 || (size_t)at >= count ? "" : trim(fields[at]);
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

static bool take_target(struct sweep_list *list, const char *text, struct endpoint *ret_endpoint)
{
    struct cidr cidr;
    const char *port, *why = NULL;
    if (parse_network(text, &cidr, &port, &why))
        return begin_network(list, cidr, port) && give_address(list, ret_endpoint);
    list->why = why;
    return why == NULL && target_parse(text, &list->arena, ret_endpoint, &list->why);
}

static bool take_name(struct sweep_list *list, const char *text, const char **ret_name)
{
    struct endpoint name;
    const char *why;
    if (!target_parse(text, &list->arena, &name, &why) || !target_is_name(name.host) ||
        strpbrk(text, ":/") != NULL)
        return false;
    *ret_name = name.host;
    return true;
}

static bool take_record(struct sweep_list *list, char *line, struct endpoint *ret_endpoint)
{
    char *fields[MAX_FIELDS];
    size_t count = cut_fields(line, fields);
    const char *target = field(list, fields, count, COLUMN_TARGET), *port, *sni, *address;
    if (target[0] == '\0')
        target = field(list, fields, count, COLUMN_HOST);
    port = field(list, fields, count, COLUMN_PORT);
    sni = field(list, fields, count, COLUMN_SNI);
    address = field(list, fields, count, COLUMN_ADDRESS);
    list->why = N_("malformed CSV (a quote without its end, or too many columns)");
    if (count == 0 || !take_target(list, target, ret_endpoint))
        return false;
    list->why = N_("a network has neither sni nor address of its own");
    if (list->network_left > 0 && (sni[0] != '\0' || address[0] != '\0'))
        return false;
    list->why = N_("bad port (expected 1 to 65535)");
    if (port[0] != '\0' && !parse_port(port, &ret_endpoint->port))
        return false;
    list->why = N_("bad sni (expected a host name)");
    if (sni[0] != '\0' && !take_name(list, sni, &ret_endpoint->sni))
        return false;
    list->why = N_("bad address (expected an IPv4 or IPv6 address)");
    if (address[0] != '\0' && !address_parse(address, &ret_endpoint->address))
        return false;
    list->network.port = ret_endpoint->port;
    return true;
}

/* @return the line without comment and blanks; NULL: nothing is left. */
static char *clean(char *line)
{
    line[strcspn(line, "#\r\n")] = '\0';
    line = trim(line);
    return line[0] == '\0' ? NULL : line;
}

static enum sweep_list_result take_line(struct sweep_list *list, char *line, struct endpoint *ret_endpoint)
{
    bool first = !list->begun;
    list->begun = true;
    if (first && strchr(line, ',') != NULL)
        return read_columns(list, line) ? SWEEP_LIST_END : SWEEP_LIST_BAD;
    bool taken =
        list->has_columns ? take_record(list, line, ret_endpoint) : take_target(list, line, ret_endpoint);
    if (!taken)
        list->network_left = 0;
    return taken ? SWEEP_LIST_ENTRY : SWEEP_LIST_BAD;
}

static enum sweep_list_result too_long(struct sweep_list *list, FILE *file)
{
    int c;
    while ((c = getc_unlocked(file)) != EOF && c != '\n')
        ;
    list->text[32] = '\0';
    list->why = N_("line too long");
    return SWEEP_LIST_BAD;
}

/* @return SWEEP_LIST_END when the file is over. */
static enum sweep_list_result next_line(struct sweep_list *list, struct endpoint *ret_endpoint)
{
    char line[SWEEP_LINE_MAX];
    FILE *file = list->sources[list->at].file;
    while (fgets(line, sizeof line, file) != NULL) {
        list->line++;
        size_t length = strlen(line);
        bool whole = length + 1 < sizeof line || line[length - 1] == '\n';
        char *text = whole ? clean(line) : line;
        if (text == NULL)
            continue;
        (void)snprintf(list->text, sizeof list->text, "%s", text);
        arena_clear(&list->arena);
        enum sweep_list_result result = whole ? take_line(list, text, ret_endpoint) : too_long(list, file);
        if (result != SWEEP_LIST_END)
            return result;
    }
    return SWEEP_LIST_END;
}

static enum sweep_list_result next_of_source(struct sweep_list *list, struct endpoint *ret_endpoint)
{
    const struct source *source = &list->sources[list->at];
    if (source->file != NULL)
        return next_line(list, ret_endpoint);
    if (list->begun)
        return SWEEP_LIST_END;
    list->begun = true;
    arena_clear(&list->arena);
    (void)snprintf(list->text, sizeof list->text, "%s", source->text);
    return take_target(list, source->text, ret_endpoint) ? SWEEP_LIST_ENTRY : SWEEP_LIST_BAD;
}

enum sweep_list_result sweep_list_next(struct sweep_list *list, struct endpoint *ret_endpoint)
{
    if (list->network_left > 0)
        return give_address(list, ret_endpoint) ? SWEEP_LIST_ENTRY : SWEEP_LIST_BAD;
    while (list->at < list->count) {
        enum sweep_list_result result = next_of_source(list, ret_endpoint);
        if (result != SWEEP_LIST_END)
            return result;
        list->at++;
        list->line = 0;
        list->begun = list->has_columns = false;
    }
    return SWEEP_LIST_END;
}

void sweep_list_place(const struct sweep_list *list, struct sweep_place *ret_place)
{
    *ret_place = (struct sweep_place){.text = list->text, .why = list->why, .line = list->line};
    if (list->at < list->count)
        ret_place->name = list->sources[list->at].name;
}
