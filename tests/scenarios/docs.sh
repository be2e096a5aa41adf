#!/bin/bash
# What the documents say is there: files, links, JSON keys; and both READMEs give the same commands.
. "$(dirname "$0")/lib.sh"
cd "$source_dir"

# Links and named paths
for document in README.md README.zh-CN.md CONTRIBUTING.md CHANGELOG.md docs/*.md; do
    links=$(grep -oE '\]\([^)#:]+\)' "$document" | sed 's/^](//; s/)$//' || true)
    for path in $links; do
        [ -e "$(dirname "$document")/$path" ] || fail "$document links to $path, which is not there"
    done
    paths=$(grep -oE '`(agent|collector|proto|sql|deploy|tests|docs)/[^`* <]*`' "$document" | grep -v NNN_ | tr -d '`' || true)
    for path in $paths; do
        [ -e "$path" ] || fail "$document names $path, which is not there"
    done
done
ok "links and paths lead somewhere"

# The commands of the two READMEs (indented lines), without comments and output in another language
commands() { grep -E '^    (\./|sudo |cmake |export |    --|\$ |parallax-)' "$1" | sed 's/ *#.*//; s/ --lang zh//; s/ *$//'; }
diff <(commands README.md) <(commands README.zh-CN.md) >&2 || fail "the READMEs give different commands"
[ "$(commands README.md | wc -l)" -gt 10 ] || fail "no commands found in README.md"
ok "both READMEs give the same commands"

# Every key that the JSON of an attempt and of a verdict can have
keys=$({
    grep -ohE 'set\(&?writer, [a-z_]+, "[a-z0-9_]+"|out_[a-z_]+\(&?out, "[a-z0-9_]+"' proto/words/*_json.c | grep -oE '"[a-z0-9_]+"' | tr -d '"'
    sed -n '/#define EVIDENCE_STAMPS/,/^$/p' proto/words/evidence.h | grep -oE 'X\([a-z_]+_us' | sed 's/X(//'
    sed -n '/#define EVIDENCE_TCP_FIELDS/,/^$/p' proto/words/evidence.h | grep -oE 'X\(uint(32|64)_t, [a-z_]+' | sed 's/.*, //'
} | sort -u)
[ "$(wc -l <<<"$keys")" -gt 100 ] || fail "only $(wc -l <<<"$keys") keys found"
for key in $keys; do
    grep -qF "\`$key\`" docs/JSON.md || fail "docs/JSON.md does not name the key $key"
done
ok "docs/JSON.md names all $(wc -l <<<"$keys") keys"
