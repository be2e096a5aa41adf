#include "show/show.h"
#include "words/attempt_json.h"

static bool dump(FILE *out, json_t *value)
{
    bool dumped = value != NULL && json_dumpf(value, out, JSON_COMPACT) == 0;
    json_decref(value);
    return dumped;
}

bool show_json(FILE *out, const struct shown *shown)
{
    return dump(out, attempt_json(shown->attempt, shown->endpoint, shown->outcome));
}

bool show_summary_json(FILE *out, const struct show_counts *counts)
{
    return dump(out, json_pack("{sIsIsIsI}", "endpoints", (json_int_t)counts->endpoints, "ok",
                               (json_int_t)counts->ok, "failed", (json_int_t)counts->failed, "not_tried",
                               (json_int_t)counts->not_tried));
}
