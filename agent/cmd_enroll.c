#include "cli/cli.h"
#include "cli/i18n.h"
#include "duty/enrol.h"
#include "duty/identity.h"
#include "duty/state.h"
#include "link/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * What is on disk when it ends: all of identity.pem, ca.pem and agent.yaml, or what was there before. Each is written
 * under a second name first, the key before the collector is asked, so that a folder that cannot be written to does not
 * cost a token; then all are renamed, agent.yaml last, which is what `run` looks for.
 */

enum {
    OPTION_COLLECTOR = 1,
    OPTION_TOKEN,
    OPTION_ALLOW,
    OPTION_STATE,
    OPTION_CA_FILE,
    OPTION_RESOLVER,
    OPTION_SOURCE,
    OPTION_FORCE,
    OPTION_TOKEN_FILE
};

static const struct cli_option options[] = {
    {"collector", 0, "HOST[:PORT],...", OPTION_COLLECTOR,
     N_("where the collector listens (default port 7443)")},
    {"token", 0, "TOKEN", OPTION_TOKEN,
     N_("what `parallax-collector token create` printed; - reads it from standard input")},
    {"token-file", 0, "FILE", OPTION_TOKEN_FILE, N_("read the token from a file that others cannot read")},
    {"allow", 0, "NAME|CIDR|any", OPTION_ALLOW,
     N_("what the collector may have probed from here; may be given several times")},
    {"state", 0, "DIR", OPTION_STATE, N_("state folder (default: ~/.local/state/parallax-agent)")},
    {"ca-file", 0, "FILE", OPTION_CA_FILE,
     N_("trust the certificates of this PEM file when probing, not the system's")},
    {"resolver", 0, "ADDRESS[:PORT]", OPTION_RESOLVER,
     N_("resolve names there when probing, not as the system does")},
    {"source", 0, "ADDRESS", OPTION_SOURCE, N_("address of this machine that probes go out from")},
    {"force", 0, NULL, OPTION_FORCE, N_("replace an earlier enrolment")},
    {0},
};

enum { TOKEN_LINE_BYTES = 256 };

struct request {
    struct settings settings;
    const char *allow[POLICY_MAX_ENTRIES];
    size_t allow_count;
    const char *token;
    char token_read[TOKEN_LINE_BYTES]; /* when it was not on the command line, where others see it */
    const char *folder;
    bool force;
};

/* The files of an enrolment, in the order in which they come into force. */
static const char *const files[] = {IDENTITY_FILE, "ca.pem", "agent.yaml"};
enum { FILES = sizeof files / sizeof files[0] };

/* --- the command line ------------------------------------------------------------------------------------------- */

static bool take_allow(struct request *request, const char *value)
{
    const char *why = "";
    if (!policy_add(&request->settings.policy, value, &why)) {
        cli_error(_("--allow: \"%s\": %s"), value, _(why));
        return false;
    }
    if (request->allow_count < POLICY_MAX_ENTRIES)
        request->allow[request->allow_count++] = value;
    return true;
}

static bool take_collectors(struct request *request, const char *value)
{
    const char *why = "";
    if (settings_add_collectors(&request->settings, value, &why))
        return true;
    cli_error(_("--collector: \"%s\": %s"), value, _(why));
    return false;
}

static bool take_ca_file(struct request *request, const char *value)
{
    free(request->settings.ca_file);
    request->settings.ca_file = realpath(value, NULL);
    if (request->settings.ca_file != NULL && access(value, R_OK) == 0)
        return true;
    cli_error(_("--ca-file: %s: cannot be read"), value);
    return false;
}

static bool take_source(struct request *request, const char *value)
{
    if (address_parse(value, &request->settings.source))
        return true;
    cli_error(_("--source: \"%s\" is not an IP address"), value);
    return false;
}

static bool read_token(struct request *request, FILE *from, const char *name)
{
    if (isatty(fileno(from)))
        (void)fputs(_("token: "), stderr);
    if (fgets(request->token_read, sizeof request->token_read, from) == NULL) {
        cli_error(_("%s: no token in it"), name);
        return false;
    }
    request->token_read[strcspn(request->token_read, " \t\r\n")] = '\0';
    request->token = request->token_read;
    return true;
}

static bool take_token_file(struct request *request, const char *path)
{
    struct stat status;
    FILE *file = fopen(path, "re");
    bool taken = false;
    if (file == NULL || fstat(fileno(file), &status) != 0)
        cli_error(_("--token-file: %s: cannot be read"), path);
    else if (S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
        cli_error(_("--token-file: %s: others may read this token; do: chmod 600 %s"), path, path);
    else
        taken = read_token(request, file, path);
    if (file != NULL)
        (void)fclose(file);
    return taken;
}

static bool take_token(struct request *request, const char *value)
{
    request->token = value;
    return strcmp(value, "-") != 0 || read_token(request, stdin, _("standard input"));
}

static bool take_option(struct request *request, int id, const char *value)
{
    switch (id) {
    case OPTION_COLLECTOR:
        return take_collectors(request, value);
    case OPTION_ALLOW:
        return take_allow(request, value);
    case OPTION_CA_FILE:
        return take_ca_file(request, value);
    case OPTION_RESOLVER:
        free(request->settings.resolver);
        request->settings.resolver = strdup(value);
        return request->settings.resolver != NULL;
    case OPTION_SOURCE:
        return take_source(request, value);
    case OPTION_TOKEN:
        return take_token(request, value);
    case OPTION_TOKEN_FILE:
        return take_token_file(request, value);
    case OPTION_STATE:
        request->folder = value;
        return true;
    case OPTION_FORCE:
        request->force = true;
        return true;
    }
    return false;
}

static bool request_is_complete(const struct request *request)
{
    uint8_t ca_sha256[32];
    if (request->settings.collector_count == 0)
        cli_error("%s", _("--collector is missing: where the collector listens, HOST:PORT"));
    else if (request->token == NULL)
        cli_error("%s", _("--token is missing: make one with: parallax-collector token create"));
    else if (!enrol_token(request->token, ca_sha256))
        cli_error("%s", _("--token: not a token; expected plx1.<64 hex digits>.<43 characters>"));
    else if (request->allow_count == 0)
        cli_error("%s",
                  _("--allow is missing: what may be probed from here (a name, *.name, a network, or any)"));
    else
        return true;
    return false;
}

/* --- files ------------------------------------------------------------------------------------------------------ */

static bool staged_path(const struct state *state, const char *file, char out[PATH_MAX])
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s.new", file);
    return state_path(state, name, out);
}

static bool stage(const struct state *state, const char *file, const void *bytes, size_t length,
                  unsigned mode, char **ret_why)
{
    char path[PATH_MAX];
    return staged_path(state, file, path) && pki_file_write(path, bytes, length, mode, ret_why);
}

static bool stage_ca(const struct state *state, X509 *ca, char **ret_why)
{
    size_t length = 0;
    char *pem = pki_certificate_pem(ca, &length, ret_why);
    bool staged = pem != NULL && stage(state, "ca.pem", pem, length, 0644, ret_why);
    free(pem);
    return staged;
}

static bool stage_settings(const struct state *state, const struct request *request, char **ret_why)
{
    struct buf text;
    buf_init(&text, 0);
    bool staged = settings_write(&request->settings, request->allow, request->allow_count, &text) &&
                  stage(state, "agent.yaml", text.data, text.len, 0600, ret_why);
    buf_done(&text);
    return staged;
}

static void unstage(const struct state *state)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < FILES; i++)
        if (staged_path(state, files[i], path))
            (void)unlink(path);
}

static bool put_in_force(const struct state *state, char **ret_why)
{
    char from[PATH_MAX], to[PATH_MAX];
    for (size_t i = 0; i < FILES; i++) {
        if (staged_path(state, files[i], from) && state_path(state, files[i], to) && rename(from, to) == 0)
            continue;
        if (asprintf(ret_why, _("%s: cannot be replaced"), files[i]) < 0)
            *ret_why = NULL;
        return false;
    }
    return true;
}

/* --- enrolling -------------------------------------------------------------------------------------------------- */

static bool enrol_in(const struct state *state, const struct request *request, struct enrolment *enrolment,
                     char **ret_why)
{
    char path[PATH_MAX];
    EVP_PKEY *key = pki_key_new(ret_why);
    bool done = key != NULL && staged_path(state, IDENTITY_FILE, path) && pki_key_write(path, key, ret_why) &&
                enrol(&request->settings, request->token, key, enrolment, ret_why) &&
                pki_pair_write(path, key, enrolment->certificate, ret_why) &&
                stage_ca(state, enrolment->ca, ret_why) && stage_settings(state, request, ret_why) &&
                put_in_force(state, ret_why);
    EVP_PKEY_free(key);
    if (!done)
        unstage(state);
    return done;
}

static bool is_enrolled(const struct state *state)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < FILES; i++)
        if (state_path(state, files[i], path) && access(path, F_OK) == 0)
            return true;
    return false;
}

static void report(const struct state *state, const struct request *request,
                   const struct enrolment *enrolment)
{
    printf(_("enrolled as %s with %s port %u\n"), enrolment->name, enrolment->collector.host,
           enrolment->collector.port);
    if (request->folder != NULL)
        printf(_("start it with: parallax-agent run --state %s\n"), state->folder);
    else
        printf("%s\n", _("start it with: parallax-agent run"));
}

/* A folder that was made for nothing is taken away again. */
static void clean_up(struct state *state, bool existed)
{
    char path[PATH_MAX];
    if (!existed && state->lock >= 0 && state_path(state, "lock", path))
        (void)unlink(path);
    if (!existed)
        (void)rmdir(state->folder);
}

static int enrol_request(struct state *state, const struct request *request)
{
    struct enrolment enrolment = {0};
    struct stat status;
    char *why = NULL;
    bool existed = stat(state->folder, &status) == 0;
    if (is_enrolled(state) && !request->force) {
        cli_error(_("%s: already enrolled; --force replaces that enrolment"), state->folder);
        return EXIT_FAILED;
    }
    bool done =
        state_make(state, &why) && state_lock(state, &why) && enrol_in(state, request, &enrolment, &why);
    if (done) {
        report(state, request, &enrolment);
    } else {
        cli_error(_("cannot enrol: %s"), why != NULL ? why : _("out of memory"));
        clean_up(state, existed);
    }
    free(why);
    enrolment_done(&enrolment);
    return done ? EXIT_HEALTHY : EXIT_FAILED;
}

static int run_request(struct request *request, struct cli_args *args)
{
    const char *value = NULL, *why = "";
    struct state state;
    for (int id; (id = cli_next(args, &value)) != 0;)
        if (!take_option(request, id, value))
            return EXIT_USAGE;
    if (!request_is_complete(request))
        return EXIT_USAGE;
    if (!state_init(&state, request->folder, &why))
        return cli_usage("%s", _(why));
    int code = enrol_request(&state, request);
    state_done(&state);
    return code;
}

static int run(struct cli_args *args)
{
    struct request *request = calloc(1, sizeof *request);
    if (request == NULL) {
        cli_error("%s", _("out of memory"));
        return EXIT_FAILED;
    }
    settings_init(&request->settings);
    int code = run_request(request, args);
    settings_done(&request->settings);
    free(request);
    return code;
}

const struct cli_verb verb_enroll = {
    .name = "enroll",
    .operands = "",
    .summary = N_("make this machine a vantage of a collector"),
    .options = options,
    .run = run,
};
