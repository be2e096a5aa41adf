#include "words/outcome.h"

#include "words/evidence.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define N_(text) text

struct class_row {
    enum outcome_class class;
    enum outcome_stage stage;
    const char *id;
    const char *text;
};

static const struct class_row classes[] = {
#define X(symbol, number, stage, id, text) {symbol, OUTCOME_STAGE_##stage, id, text},
    OUTCOME_CLASSES(X)
#undef X
};
enum { CLASS_COUNT = sizeof classes / sizeof classes[0] };

static const struct class_row *class_row(int class)
{
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        if ((int)classes[i].class == class)
            return &classes[i];
    }
    return NULL;
}

struct outcome outcome_make(enum outcome_class class, enum outcome_raw_kind raw_kind, int32_t raw)
{
    const struct class_row *row = class_row((int)class);
    enum outcome_stage stage = row == NULL ? OUTCOME_STAGE_LOCAL : row->stage;
    return (struct outcome){.stage = stage, .class = class, .raw_kind = raw_kind, .raw = raw};
}

bool outcome_from_numbers(int class, int raw_kind, int32_t raw, struct outcome *ret_outcome)
{
    const struct class_row *row = class_row(class);
    if (row == NULL || raw_kind < RAW_NONE || raw_kind > RAW_ICMP)
        return false;
    *ret_outcome = outcome_make(row->class, (enum outcome_raw_kind)raw_kind, raw);
    return true;
}

const char *outcome_class_id(enum outcome_class class)
{
    const struct class_row *row = class_row((int)class);
    return row == NULL ? "?" : row->id;
}

const char *outcome_class_text(enum outcome_class class)
{
    const struct class_row *row = class_row((int)class);
    return row == NULL ? "?" : row->text;
}

const char *outcome_stage_id(enum outcome_stage stage)
{
    switch (stage) {
#define X(symbol, number, name)                                                                              \
    case symbol:                                                                                             \
        return name;
        OUTCOME_STAGES(X)
#undef X
    }
    return "?";
}

const char *outcome_raw_kind_id(enum outcome_raw_kind kind)
{
    switch (kind) {
#define X(symbol, number, name)                                                                              \
    case symbol:                                                                                             \
        return name;
        OUTCOME_RAW_KINDS(X)
#undef X
    }
    return "?";
}

bool outcome_class_from_id(const char *id, enum outcome_class *ret_class)
{
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        if (strcmp(classes[i].id, id) == 0) {
            *ret_class = classes[i].class;
            return true;
        }
    }
    return false;
}

void outcome_each_class(void (*visit)(enum outcome_class class, void *arg), void *arg)
{
    for (size_t i = 0; i < CLASS_COUNT; i++)
        visit(classes[i].class, arg);
}

bool outcome_is_ok(struct outcome outcome)
{
    return outcome.class == OUTCOME_OK;
}

bool outcome_is_failure(struct outcome outcome)
{
    return outcome.class != OUTCOME_OK && outcome.stage != OUTCOME_STAGE_LOCAL;
}

/* DNS rcodes, RFC 1035 section 4.1.1 and RFC 6895. */
static const char *rcode_name(int32_t rcode)
{
    static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
    return rcode >= 0 && rcode < (int32_t)(sizeof names / sizeof names[0]) ? names[rcode] : "";
}

/* Statuses of the resolver library (ares.h) when no usable answer came. */
static const char *ares_name(int32_t status)
{
    switch (status) {
    case 10:
        return "EBADRESP";
    case 11:
        return "ECONNREFUSED";
    case 12:
        return "ETIMEOUT";
    default:
        return "";
    }
}

const char *outcome_raw_text(struct outcome outcome, char *out, unsigned long size)
{
    const char *kind = outcome_raw_kind_id(outcome.raw_kind), *name = "";
    switch (outcome.raw_kind) {
    case RAW_NONE:
        out[0] = '\0';
        return out;
    case RAW_ICMP:
        (void)snprintf(out, size, "ICMP type %d code %d", outcome.raw / 256, outcome.raw % 256);
        return out;
    case RAW_HTTP_STATUS:
        (void)snprintf(out, size, "HTTP %d", outcome.raw);
        return out;
    case RAW_ERRNO:
        name = strerrorname_np(outcome.raw);
        break;
    case RAW_DNS_RCODE:
        name = rcode_name(outcome.raw);
        break;
    case RAW_ALERT:
        name = tls_alert_name((uint8_t)outcome.raw);
        break;
    case RAW_ARES:
        name = ares_name(outcome.raw);
        break;
    case RAW_SSL_REASON:
        (void)OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, NULL);
        name = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, outcome.raw));
        break;
    case RAW_X509:
        name = X509_verify_cert_error_string(outcome.raw);
        break;
    }
    bool named = name != NULL && name[0] != '\0';
    (void)snprintf(out, size, "%s %d%s%s", kind, outcome.raw, named ? " " : "", named ? name : "");
    return out;
}
