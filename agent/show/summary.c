#include "cli/i18n.h"
#include "show/show.h"

#include <jansson.h>

void show_summary(FILE *out, const struct show_counts *counts)
{
    (void)fprintf(out, ngettext("%zu endpoint: ", "%zu endpoints: ", counts->endpoints), counts->endpoints);
    (void)fprintf(out, _("%zu ok, %zu failed"), counts->ok, counts->failed);
    if (counts->not_tried > 0)
        (void)fprintf(out, _(", %zu not tried"), counts->not_tried);
    (void)fputc('\n', out);
}

bool show_summary_json(FILE *out, const struct show_counts *counts)
{
    json_t *value =
        json_pack("{sIsIsIsI}", "endpoints", (json_int_t)counts->endpoints, "ok", (json_int_t)counts->ok,
                  "failed", (json_int_t)counts->failed, "not_tried", (json_int_t)counts->not_tried);
    bool dumped = value != NULL && json_dumpf(value, out, JSON_COMPACT) == 0;
    json_decref(value);
    return dumped;
}
