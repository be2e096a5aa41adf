#include "words/cdn_json.h"

#include "words/attempt_json.h"
#include "words/cdn.h"

static json_t *clue_json(const struct cdn_clue *clue)
{
    return json_pack("{s:s, s:o, s:i}", "kind", cdn_clue_name((int)clue->kind), "text", json_text(clue->text),
                     "score", (int)cdn_clue_score(clue->kind));
}

json_t *cdn_json(const struct attempt *attempt)
{
    struct cdn_match match;
    if (!cdn_identify(attempt, 0, &match))
        return json_null();
    json_t *evidence = json_array();
    for (size_t i = 0; i < match.clue_count; i++) {
        if (json_array_append_new(evidence, clue_json(&match.clues[i])) != 0) {
            json_decref(evidence);
            return NULL;
        }
    }
    return json_pack("{s:s, s:i, s:o, s:o}", "name", match.name, "score", (int)match.score, "pop",
                     match.pop[0] == '\0' ? json_null() : json_string(match.pop), "evidence", evidence);
}
