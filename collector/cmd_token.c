#include "cli/i18n.h"
#include "cli/term.h"
#include "ingest/ca.h"
#include "ingest/token.h"
#include "options.h"
#include "words/units.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `parallax-collector token create`: a token that makes one vantage. */

enum { OPTION_NAME = 1, OPTION_REGION, OPTION_LABEL, OPTION_ASN, OPTION_TTL };

static const struct cli_option token_options[] = {
    {"name", 0, "NAME", OPTION_NAME, N_("what the vantage will be called: letters, digits, dots, hyphens")},
    {"region", 0, "REGION", OPTION_REGION, N_("where it stands, in your own words: cn, hk, overseas")},
    {"label", 0, "KEY=VALUE", OPTION_LABEL, N_("anything else you group by; may be given again")},
    {"asn", 0, "NUMBER", OPTION_ASN, N_("its network, for when the address does not tell")},
    {"ttl", 0, "SPAN", OPTION_TTL, N_("how long the token may be used (1h)")},
    COLLECTOR_OPTIONS,
    {0},
};

struct token_command {
    struct collector_settings settings;
    const char *name;
    const char *region;
    json_t *labels;
    int64_t asn; /* 0: not given */
    int64_t ttl_us;
};

static bool token_label(struct token_command *command, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || equals - text > 63) {
        (void)cli_usage(_("--label %s: expected KEY=VALUE"), text);
        return false;
    }
    char key[64];
    (void)snprintf(key, sizeof key, "%.*s", (int)(equals - text), text);
    if (json_object_set_new(command->labels, key, json_string(equals + 1)) == 0)
        return true;
    (void)cli_usage(_("--label %s: expected UTF-8 text"), text);
    return false;
}

static bool token_option(struct token_command *command, int id, const char *value, int *ret_exit)
{
    bool failed = false;
    switch (id) {
    case OPTION_NAME:
        command->name = value;
        return true;
    case OPTION_REGION:
        command->region = value;
        return true;
    case OPTION_LABEL:
        return token_label(command, value);
    case OPTION_ASN:
        return cli_number("asn", strncasecmp(value, "AS", 2) == 0 ? value + 2 : value, 1, UINT32_MAX,
                          &command->asn);
    case OPTION_TTL:
        return cli_span("ttl", value, US_PER_S, 30 * 86400 * US_PER_S, &command->ttl_us);
    default:
        (void)collector_option(&command->settings, id, value, &failed);
        *ret_exit = failed ? EXIT_FAILED : *ret_exit;
        return !failed;
    }
}

static bool token_region_valid(const char *region)
{
    size_t length = strlen(region);
    if (length == 0 || length > 63)
        return false;
    struct buf safe;
    buf_init(&safe, 0);
    bool same = text_safe(&safe, region, length) && safe.len == length;
    buf_done(&safe);
    return same;
}

static bool token_check(const struct token_command *command)
{
    if (command->name == NULL)
        (void)cli_usage(_("--name is missing: what shall the vantage be called?"));
    else if (!vantage_name_valid(command->name))
        (void)cli_usage(
            _("--name %s: expected 1 to 63 letters, digits, dots and hyphens, a letter or digit first"),
            command->name);
    else if (command->region == NULL)
        (void)cli_usage(_("--region is missing: where does %s stand?"), command->name);
    else if (!token_region_valid(command->region))
        (void)cli_usage(_("--region %s: expected 1 to 63 bytes of printable text"), command->region);
    else
        return true;
    return false;
}

static bool token_store(const struct token_command *command, const uint8_t secret_sha256[32])
{
    char secret[2 + 64 + 1] = "\\x";
    char asn[24], ttl[24];
    struct db_where where = collector_where(&command->settings);
    char *labels = json_dumps(command->labels, JSON_COMPACT);
    struct db *db = labels == NULL ? NULL : db_open(&where);
    PGresult *result = NULL;
    if (db != NULL) {
        (void)hex_text(secret_sha256, 32, secret + 2);
        (void)snprintf(asn, sizeof asn, "%" PRId64, command->asn);
        (void)snprintf(ttl, sizeof ttl, "%" PRId64, command->ttl_us);
        const char *values[] = {
            secret, command->name, command->region, labels, command->asn == 0 ? NULL : asn, ttl};
        result = db_query(db, STATEMENT_token_create, values, 6);
    }
    bool stored = result != NULL;
    PQclear(result);
    db_close(db);
    free(labels);
    return stored;
}

static void token_print(const struct token_command *command, const char *token)
{
    char span[UNITS_SPAN_BYTES];
    const char *where = command->settings.public_name;
    (void)printf("%s\n", token);
    if (!term_is_tty(stdout))
        return;
    (void)printf(_("\nWithin %s, on the machine that is to be %s:\n\n"), span_text(command->ttl_us, span),
                 command->name);
    (void)printf("    parallax-agent enroll --collector %s --allow WHAT --token -\n\n",
                 where == NULL ? "COLLECTOR:7443" : where);
    (void)printf("%s\n", _("It asks for the token; on a command line others could read it."));
}

static int token_make_and_store(struct token_command *command)
{
    struct ca ca;
    char *why = NULL;
    char token[TOKEN_TEXT_BYTES];
    uint8_t secret_sha256[32];
    if (!collector_settings_settle(&command->settings))
        return EXIT_FAILED;
    if (!ca_init(&ca, command->settings.state, &why)) {
        cli_error("%s", why == NULL ? _("out of memory") : why);
        free(why);
        return EXIT_FAILED;
    }
    bool made = token_make(ca.fingerprint, token, secret_sha256);
    ca_done(&ca);
    if (!made)
        cli_error(_("the system gives no random bytes"));
    if (!made || !token_store(command, secret_sha256))
        return EXIT_FAILED;
    token_print(command, token);
    return EXIT_HEALTHY;
}

static int token_create(struct cli_args *args)
{
    struct token_command command = {.ttl_us = 3600 * US_PER_S, .labels = json_object()};
    int exit_code = EXIT_USAGE;
    const char *value = NULL;
    bool valid = command.labels != NULL;
    collector_settings_init(&command.settings);
    for (int id; valid && (id = cli_next(args, &value)) != 0;)
        valid = token_option(&command, id, value, &exit_code);
    if (valid && token_check(&command))
        exit_code = token_make_and_store(&command);
    json_decref(command.labels);
    return exit_code;
}

const struct cli_verb verb_token_create = {
    .name = "token create",
    .operands = "",
    .summary = N_("make a one-time token that enrols a vantage"),
    .options = token_options,
    .run = token_create,
};
