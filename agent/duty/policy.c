#include "duty/policy.h"

#include "cli/i18n.h"
#include "words/target.h"

#include <idn2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void entries_done(struct policy_entries *entries)
{
    for (size_t i = 0; i < entries->name_count; i++)
        free(entries->names[i]);
    free(entries->names);
    free(entries->cidrs);
}

void policy_done(struct policy *policy)
{
    entries_done(&policy->allow);
    entries_done(&policy->deny);
    *policy = (struct policy){0};
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

static bool add_cidr(struct policy_entries *entries, const struct cidr *cidr)
{
    struct cidr *grown = realloc(entries->cidrs, (entries->cidr_count + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    entries->cidrs = grown;
    grown[entries->cidr_count++] = *cidr;
    return true;
}

static bool add_name(struct policy_entries *entries, const char *name)
{
    char **grown = realloc(entries->names, (entries->name_count + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    entries->names = grown;
    grown[entries->name_count] = strdup(name);
    return grown[entries->name_count] != NULL && ++entries->name_count > 0;
}

static size_t length_without_dot(const char *name)
{
    size_t length = strlen(name);
    return length > 1 && name[length - 1] == '.' ? length - 1 : length;
}

/* As endpoints have them: lower-case A-labels (RFC 5890) without the trailing dot. @return false: no name. */
static bool normal_entry(const char *text, char out[PLAN_NAME_MAX + 3])
{
    bool below = strncmp(text, "*.", 2) == 0;
    char *ascii = NULL;
    if (strlen(text) > (size_t)4 * PLAN_NAME_MAX ||
        idn2_to_ascii_8z(below ? text + 2 : text, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
        ascii = NULL;
    const char *name = ascii != NULL ? ascii : below ? text + 2 : text;
    size_t length = length_without_dot(name), prefix = below ? 2 : 0;
    bool fits = length > 0 && length <= PLAN_NAME_MAX;
    for (size_t i = 0; fits && i < length; i++)
        out[prefix + i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + ('a' - 'A') : name[i]);
    out[prefix + (fits ? length : 0)] = '\0';
    memcpy(out, "*.", prefix);
    idn2_free(ascii);
    return fits && target_is_name(out + prefix);
}

static bool entries_add(struct policy_entries *entries, const char *text, const char **ret_why)
{
    char name[PLAN_NAME_MAX + 3];
    struct cidr cidr;
    if (entries->name_count + entries->cidr_count >= POLICY_MAX_ENTRIES) {
        *ret_why = N_("too many entries");
        return false;
    }
    if (strcasecmp(text, "any") == 0) {
        entries->any = true;
        return true;
    }
    *ret_why = N_("out of memory");
    if (cidr_parse(text, &cidr))
        return add_cidr(entries, &cidr);
    if (normal_entry(text, name))
        return add_name(entries, name);
    *ret_why =
        N_("expected a name (shop.example, *.shop.example), an address or network (203.0.113.0/24), or any");
    return false;
}

bool policy_allow(struct policy *policy, const char *text, const char **ret_why)
{
    return entries_add(&policy->allow, text, ret_why);
}

bool policy_deny(struct policy *policy, const char *text, const char **ret_why)
{
    return entries_add(&policy->deny, text, ret_why);
}

/* --- ports -------------------------------------------------------------------------------------------------------- */

/* Reads digits at *at and passes them. @return 0 when there is no port. */
static uint16_t take_port(const char **at)
{
    uint32_t value = 0;
    const char *begin = *at;
    for (; **at >= '0' && **at <= '9' && *at - begin < 6; ++*at)
        value = value * 10 + (uint32_t)(**at - '0');
    return value <= UINT16_MAX ? (uint16_t)value : 0;
}

static void skip_blanks(const char **at)
{
    *at += strspn(*at, " \t");
}

/* @return false: not a port and not a range. */
static bool take_range(const char **at, struct policy_ports *ret_ports)
{
    skip_blanks(at);
    if (strncasecmp(*at, "any", 3) == 0) {
        *at += 3;
        *ret_ports = (struct policy_ports){1, UINT16_MAX};
    } else {
        uint16_t first = take_port(at), last = first;
        if (**at == '-') {
            ++*at;
            last = take_port(at);
        }
        if (first == 0 || last < first)
            return false;
        *ret_ports = (struct policy_ports){first, last};
    }
    skip_blanks(at);
    return **at == '\0' || **at == ',';
}

bool policy_add_ports(struct policy *policy, const char *text, const char **ret_why)
{
    const char *at = text;
    for (;;) {
        struct policy_ports ports;
        if (!take_range(&at, &ports)) {
            *ret_why = N_("expected a port (443), a range of ports (8000-8999), or any");
            return false;
        }
        if (policy->port_count == POLICY_MAX_PORTS) {
            *ret_why = N_("too many entries");
            return false;
        }
        policy->ports[policy->port_count++] = ports;
        if (*at++ == '\0')
            return true;
    }
}

static bool covers_port(const struct policy *policy, uint16_t port)
{
    for (size_t i = 0; i < policy->port_count; i++)
        if (port >= policy->ports[i].first && port <= policy->ports[i].last)
            return true;
    if (policy->port_count > 0)
        return false;
    for (const char *at = POLICY_DEFAULT_PORTS;; at++) {
        struct policy_ports ports;
        if (take_range(&at, &ports) && port >= ports.first && port <= ports.last)
            return true;
        if (*at == '\0')
            return false;
    }
}

/* --- matching ----------------------------------------------------------------------------------------------------- */

static bool name_matches(const char *entry, const char *host, size_t length)
{
    if (strncmp(entry, "*.", 2) != 0)
        return strlen(entry) == length && strncasecmp(entry, host, length) == 0;
    size_t tail = strlen(entry + 1);
    return length > tail && strncasecmp(host + length - tail, entry + 1, tail) == 0;
}

/* @return the entry that has this name, NULL: none has. */
static const char *name_entry(const struct policy_entries *entries, const char *host)
{
    size_t length = length_without_dot(host);
    for (size_t i = 0; i < entries->name_count; i++)
        if (name_matches(entries->names[i], host, length))
            return entries->names[i];
    return entries->any ? "any" : NULL;
}

/* @param exact  only by an entry of this one address. */
static bool has_address(const struct policy_entries *entries, const struct address *address, bool exact)
{
    for (size_t i = 0; i < entries->cidr_count; i++)
        if (cidr_contains(&entries->cidrs[i], address) &&
            (!exact || entries->cidrs[i].bits == 8 * address->length))
            return true;
    return false;
}

static bool denies_address(const struct policy *policy, const struct address *address)
{
    struct address inner;
    return policy->deny.any || has_address(&policy->deny, address, false) ||
           (address_embedded(address, &inner) && has_address(&policy->deny, &inner, false));
}

/* An entry has it; and, when it leads to an address that is not public, that one as well. */
static bool covers_address(const struct policy *policy, const struct address *address)
{
    struct address inner;
    bool exact = address_kind(address) == ADDRESS_METADATA;
    if (!has_address(&policy->allow, address, exact))
        return false;
    return !address_embedded(address, &inner) || address_kind(&inner) == ADDRESS_PUBLIC ||
           has_address(&policy->allow, &inner, exact);
}

__attribute__((format(printf, 2, 3))) static bool refuse(char why[POLICY_WHY_BYTES], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, POLICY_WHY_BYTES, format, args);
    va_end(args);
    return false;
}

bool policy_allows_address(const struct policy *policy, const struct address *address,
                           char why[POLICY_WHY_BYTES])
{
    char text[ADDRESS_TEXT_BYTES];
    enum address_kind kind = address_kind(address);
    if (denies_address(policy, address))
        return refuse(why, "deny: the owner's list has %s", address_text(address, text));
    if (kind == ADDRESS_PUBLIC || covers_address(policy, address))
        return true;
    return refuse(why, "allow: %s is a %s address, and the owner's list does not have %s",
                  address_text(address, text), address_kind_name(kind),
                  kind == ADDRESS_METADATA ? "that very address" : "it");
}

bool policy_allows(const struct policy *policy, const struct endpoint *endpoint, char why[POLICY_WHY_BYTES])
{
    struct address address = endpoint->address;
    bool pinned = address.length > 0 || address_parse(endpoint->host, &address);
    const char *entry = name_entry(&policy->deny, endpoint->host);
    if (entry == NULL && endpoint->sni[0] != '\0')
        entry = name_entry(&policy->deny, endpoint->sni);
    if (entry != NULL)
        return refuse(why, "deny: the owner's list has %s", entry);
    if (!covers_port(policy, endpoint->port))
        return refuse(why, "ports: the owner's list does not have port %u", endpoint->port);
    if (!pinned)
        return name_entry(&policy->allow, endpoint->host) != NULL ||
               refuse(why, "allow: the owner's list does not have this name");
    if (!policy_allows_address(policy, &address, why))
        return false;
    return policy->allow.any || covers_address(policy, &address) ||
           refuse(why, "allow: the owner's list does not have this address");
}
