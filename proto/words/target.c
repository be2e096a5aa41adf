#include "words/target.h"

#include <ctype.h>
#include <idn2.h>
#include <string.h>

#define N_(text) text /* for gettext; who prints it translates it */

enum { DEFAULT_PORT = 443, LABEL_MAX = 63 };

bool target_is_name(const char *text)
{
    size_t length = strlen(text), label = 0;
    if (length == 0 || length > PLAN_NAME_MAX)
        return false;
    bool all_digits = true; /* of the last label: an address-like text is no name */
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '.') {
            if (label == 0 || text[i - 1] == '-')
                return false;
            label = 0;
            all_digits = true;
            continue;
        }
        bool digit = c >= '0' && c <= '9';
        if (!digit && !(c >= 'a' && c <= 'z') && c != '_' && !(c == '-' && label > 0))
            return false;
        all_digits = all_digits && digit;
        if (++label > LABEL_MAX)
            return false;
    }
    return label > 0 && text[length - 1] != '-' && !all_digits;
}

static bool parse_port(const char *text, uint16_t *ret_port)
{
    uint32_t value = 0;
    size_t length = strlen(text);
    if (length == 0 || length > 5)
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (uint32_t)(*text - '0');
    }
    if (value == 0 || value > 65535)
        return false;
    *ret_port = (uint16_t)value;
    return true;
}

/* Lower-cased A-labels without the trailing dot, in the arena. */
static const char *normal_name(struct arena *arena, const char *host, const char **ret_why)
{
    char *ascii = NULL;
    if (idn2_to_ascii_8z(host, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK || ascii == NULL)
        ascii = NULL;
    char *name = arena_string(arena, ascii != NULL ? ascii : host);
    idn2_free(ascii);
    if (name == NULL) {
        *ret_why = N_("out of memory");
        return NULL;
    }
    for (char *c = name; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    size_t length = strlen(name);
    if (length > 1 && name[length - 1] == '.')
        name[length - 1] = '\0';
    if (target_is_name(name))
        return name;
    *ret_why = N_("not a host name or address (letters, digits, hyphens; labels of at most 63, 253 in all)");
    return NULL;
}

/* Cuts "https://" and what follows the authority. Works on the arena's copy. */
static char *cut_url(char *text, const char **ret_why)
{
    char *scheme = strstr(text, "://");
    if (scheme == NULL)
        return text;
    if (scheme - text != 5 || strncasecmp(text, "https", 5) != 0) {
        *ret_why = N_("unknown scheme (expected https://)");
        return NULL;
    }
    text = scheme + 3;
    text[strcspn(text, "/?#")] = '\0';
    if (strchr(text, '@') != NULL) {
        *ret_why = N_("user names in a URL are not supported");
        return NULL;
    }
    return text;
}

/* Splits "[v6]:port", "host:port", "host" in place; a bare IPv6 address has no port. */
static bool split_port(char *text, char **ret_host, char **ret_port, const char **ret_why)
{
    *ret_port = NULL;
    *ret_host = text;
    if (text[0] == '[') {
        char *close = strchr(text, ']');
        if (close == NULL || (close[1] != '\0' && close[1] != ':')) {
            *ret_why = N_("unfinished bracket (expected [IPv6] or [IPv6]:port)");
            return false;
        }
        *ret_host = text + 1;
        *ret_port = close[1] == ':' ? close + 2 : NULL;
        *close = '\0';
        return true;
    }
    char *colon = strchr(text, ':');
    if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        *colon = '\0';
        *ret_port = colon + 1;
    }
    return true;
}

bool target_parse(const char *text, struct arena *arena, struct endpoint *ret_endpoint, const char **ret_why)
{
    *ret_why = N_("out of memory");
    if (strlen(text) > 2048) {
        *ret_why = N_("too long (expected host, host:port, [IPv6]:port or https://host)");
        return false;
    }
    char *copy = arena_string(arena, text), *host, *port;
    if (copy == NULL || (copy = cut_url(copy, ret_why)) == NULL || !split_port(copy, &host, &port, ret_why))
        return false;
    struct endpoint endpoint = {.port = DEFAULT_PORT, .site = "", .sni = ""};
    if (port != NULL && !parse_port(port, &endpoint.port)) {
        *ret_why = N_("bad port (expected 1 to 65535)");
        return false;
    }
    struct address address;
    if (host[0] == '\0') {
        *ret_why = N_("no host (expected host, host:port, [IPv6]:port or https://host)");
        return false;
    }
    if (address_parse(host, &address)) {
        char plain[ADDRESS_TEXT_BYTES];
        endpoint.host = arena_string(arena, address_text(&address, plain));
        endpoint.address = address;
    } else if (copy[0] == '[') {
        *ret_why = N_("bad IPv6 address in brackets");
        return false;
    } else {
        endpoint.host = normal_name(arena, host, ret_why);
    }
    if (endpoint.host == NULL)
        return false;
    *ret_endpoint = endpoint;
    return true;
}
