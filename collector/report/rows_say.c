#include "cli/i18n.h"
#include "report/label.h"
#include "report/rows.h"
#include "words/units.h"

#include <stdio.h>
#include <string.h>

/* One field as people read it. What is short of memory is shown short: an answer with a gap serves better than none. */

enum { ROWS_HASH_CHARS = 16, ROWS_LIST_NAMES = 6, ROWS_PATH_BYTES = 64, ROWS_TIME_CHARS = 19 };

static const json_t *lookup(const json_t *row, const char *path)
{
    char key[ROWS_PATH_BYTES];
    for (const char *dot; row != NULL && (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        (void)snprintf(key, sizeof key, "%.*s", (int)(dot - path), path);
        row = json_object_get(row, key);
    }
    const json_t *value = json_object_get(row, path);
    return json_is_null(value) ? NULL : value;
}

const json_t *rows_value(const json_t *row, const struct rows_field *field)
{
    return lookup(row, field->path != NULL ? field->path : field->column);
}

bool rows_is_number(enum rows_kind kind)
{
    return kind == ROWS_INT || kind == ROWS_US || kind == ROWS_SHARE || kind == ROWS_TIMES;
}

/* Our own words as people read them; one that is not here is shown as it is. */
static const char *word(const char *id)
{
    static const struct {
        const char *id;
        const char *text;
    } words[] = {
        {"fault", N_("fault")},
        {"difference", N_("difference")},
        {"note", N_("note")},
        {"plain", N_("plain")},
        {"edge", N_("edge")},
        {"origin", N_("origin")},
        {"connected", N_("connected")},
        {"away", N_("away")},
        {"revoked", N_("revoked")},
        {"ends soon", N_("ends soon")},
        {"ended", N_("ended")},
        {"dns", N_("dns")},
        {"tcp", N_("tcp")},
        {"tls", N_("tls")},
        {"http", N_("http")},
        {"open", N_("open")},
        {"closed", N_("closed")},
        {"flapping", N_("flapping")},
        {"opened", N_("opened")},
        {"updated", N_("updated")},
        {"confirmed", N_("confirmed")},
        {"consistent", N_("consistent")},
        {"both-pass", N_("both pass")},
        {"edge-passes", N_("edge passes")},
        {"origin-only", N_("origin only")},
        {"edge-only", N_("edge only")},
        {"edge-fails", N_("edge fails")},
        {"both-fail-alike", N_("both fail alike")},
        {"both-fail-differently", N_("both fail, differently")},
        {"gateway-origin-passes", N_("gateway error, origin passes")},
        {"gateway-origin-fails", N_("gateway error, origin fails otherwise")},
        {"gateway-explained", N_("gateway error, origin explains it")},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].id, id) == 0)
            return _(words[i].text);
    }
    return id;
}

static bool raw_kind_from_id(const char *id, int *ret_kind)
{
    static const struct {
        int kind;
        const char *id;
    } kinds[] = {
#define RAW_KIND_ROW(symbol, number, name) {number, name},
        OUTCOME_RAW_KINDS(RAW_KIND_ROW)
#undef RAW_KIND_ROW
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].id, id) == 0) {
            *ret_kind = kinds[i].kind;
            return true;
        }
    }
    return false;
}

bool rows_outcome(const json_t *value, struct outcome *ret_outcome)
{
    const char *class_id = json_string_value(json_object_get(value, "class"));
    const char *kind_id = json_string_value(json_object_get(value, "raw_kind"));
    enum outcome_class class;
    int kind;
    return class_id != NULL && kind_id != NULL && outcome_class_from_id(class_id, &class) &&
           raw_kind_from_id(kind_id, &kind) &&
           outcome_from_numbers((int)class, kind, (int32_t)json_integer_value(json_object_get(value, "raw")),
                                ret_outcome);
}

static void say_span(struct buf *out, const json_t *value)
{
    char span[UNITS_SPAN_BYTES];
    (void)buf_text(out, value == NULL ? "-" : span_text(json_integer_value(value), span));
}

static void say_list(struct buf *out, const json_t *list)
{
    const json_t *item;
    size_t index;
    if (json_array_size(list) == 0)
        (void)buf_text(out, "-");
    json_array_foreach(list, index, item)
    {
        if (index == ROWS_LIST_NAMES) {
            (void)buf_printf(out, _(" and %zu more"), json_array_size(list) - index);
            break;
        }
        (void)buf_printf(out, "%s%s", index > 0 ? ", " : "", json_string_value(item));
    }
}

static void say_outcomes(struct buf *out, const json_t *list)
{
    char label[LABEL_BYTES];
    const json_t *item;
    size_t index;
    if (json_array_size(list) == 0)
        (void)buf_text(out, "-");
    json_array_foreach(list, index, item)
    {
        struct outcome outcome;
        if (index == ROWS_LIST_NAMES) {
            (void)buf_printf(out, _(" and %zu more"), json_array_size(list) - index);
            break;
        }
        if (rows_outcome(item, &outcome))
            (void)buf_printf(out, "%s%s %lld", index > 0 ? ", " : "", outcome_label(outcome, label),
                             (long long)json_integer_value(json_object_get(item, "count")));
    }
}

/* The keys beside the field's own: "endpoint.host" has "endpoint.port". */
static const json_t *sibling(const json_t *row, const struct rows_field *field, const char *key)
{
    char path[ROWS_PATH_BYTES];
    const char *own = field->path != NULL ? field->path : field->column, *dot = strrchr(own, '.');
    (void)snprintf(path, sizeof path, "%.*s%s", dot == NULL ? 0 : (int)(dot - own + 1), own, key);
    return lookup(row, path);
}

static const char *text_of(const json_t *value)
{
    return json_is_string(value) ? json_string_value(value) : "";
}

static void say_endpoint(struct buf *out, const json_t *row, const struct rows_field *field, const char *host)
{
    char label[ENDPOINT_LABEL_BYTES];
    const json_t *role = sibling(row, field, "endpoint_role");
    struct matrix_endpoint endpoint = {
        .role = ROLE_PLAIN,
        .host = host,
        .port = (uint16_t)json_integer_value(sibling(row, field, "port")),
        .address = text_of(sibling(row, field, "address")),
    };
    (void)endpoint_role_from_name(text_of(role != NULL ? role : sibling(row, field, "role")), &endpoint.role);
    (void)buf_text(out, endpoint_label(&endpoint, label));
}

static void say_outcome_label(struct buf *out, const json_t *value)
{
    char label[LABEL_BYTES];
    struct outcome outcome;
    (void)buf_text(out, rows_outcome(value, &outcome) ? outcome_label(outcome, label) : "-");
}

static double beside(const json_t *row, const struct rows_field *field, const char *suffix)
{
    char key[ROWS_PATH_BYTES];
    size_t stem = strlen(field->column) - strlen("times");
    (void)snprintf(key, sizeof key, "%.*s%s", (int)stem, field->column, suffix);
    return json_number_value(json_object_get(row, key));
}

static void say_times(struct buf *out, const json_t *row, const struct rows_field *field, double times)
{
    (void)buf_printf(out, "%.2fx (%.2f-%.2f)", times, beside(row, field, "low"), beside(row, field, "high"));
}

static void say_number(struct buf *out, const json_t *value, const struct rows_field *field,
                       const json_t *row)
{
    char label[LABEL_BYTES];
    switch (field->kind) {
    case ROWS_US:
        say_span(out, value);
        if (field->second != NULL) {
            (void)buf_text(out, " / ");
            say_span(out, lookup(row, field->second));
        }
        return;
    case ROWS_SHARE:
        (void)buf_printf(out, "%.1f %%", 100.0 * json_number_value(value));
        return;
    case ROWS_TIMES:
        say_times(out, row, field, json_number_value(value));
        return;
    case ROWS_ASN:
        (void)buf_text(out, asn_label(json_integer_value(value), label));
        return;
    case ROWS_INT:
    case ROWS_TEXT:
    case ROWS_WORD:
    case ROWS_TIME:
    case ROWS_LIST:
    case ROWS_ROLE:
    case ROWS_ENDPOINT:
    case ROWS_OUTCOME:
    case ROWS_OUTCOMES:
    case ROWS_HASH:
    case ROWS_FLAG:
        break;
    }
    (void)buf_printf(out, "%lld", (long long)json_integer_value(value));
}

void rows_say(struct buf *out, const json_t *row, const struct rows_field *field)
{
    const json_t *value = rows_value(row, field);
    const char *text = text_of(value);
    if (value == NULL || (json_is_string(value) && text[0] == '\0')) {
        (void)buf_text(out, field->kind == ROWS_ASN ? "AS ?" : "-");
        return;
    }
    switch (field->kind) {
    case ROWS_TEXT:
    case ROWS_ROLE: /* the same in every language, as in site files */
        (void)buf_text(out, text);
        return;
    case ROWS_WORD:
        (void)buf_text(out, word(text));
        return;
    case ROWS_FLAG:
        (void)buf_text(out, json_is_true(value) ? _("yes") : _("no"));
        return;
    case ROWS_TIME: /* whole seconds are enough to read */
        (void)buf_printf(out, "%.*sZ", ROWS_TIME_CHARS, text);
        return;
    case ROWS_LIST:
        say_list(out, value);
        return;
    case ROWS_OUTCOMES:
        say_outcomes(out, value);
        return;
    case ROWS_ENDPOINT:
        say_endpoint(out, row, field, text);
        return;
    case ROWS_OUTCOME:
        say_outcome_label(out, value);
        return;
    case ROWS_HASH:
        (void)buf_append(out, text, strnlen(text, ROWS_HASH_CHARS));
        return;
    case ROWS_INT:
    case ROWS_US:
    case ROWS_SHARE:
    case ROWS_TIMES:
    case ROWS_ASN:
        say_number(out, value, field, row);
        return;
    }
}
