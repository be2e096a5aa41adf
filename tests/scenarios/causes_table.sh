#!/bin/bash
# docs/CAUSES.md is what the scenario lists and the catalogue say, and the lists name causes that there are.
. "$(dirname "$0")/lib.sh"

"$source_dir/tests/lab/causes/table.sh" "$agent_program" >made
diff "$source_dir/docs/CAUSES.md" made >&2 || fail "docs/CAUSES.md is not what tests/lab/causes/table.sh makes"
ok "docs/CAUSES.md is what its lists say"

"$agent_program" probe --list-causes --format ndjson | jq -r .cause | sort -u >known
{ cat known; printf 'none\nunclassified\n'; } | sort -u >allowed
grep -hv '^#' "$source_dir"/tests/lab/causes/*.tsv | cut -f1 | tr ',' '\n' | grep . | sort -u >listed || true
unknown=$(comm -23 listed allowed)
[ -z "$unknown" ] || fail "the lists name causes that are not in the catalogue: $unknown"
ok "the lists name causes of the catalogue"

# Explaining: each cause in both languages, the nearest for a slip, and nothing untranslated in Chinese
while read -r id; do
    expect_exit 0 "$agent_program" probe --explain "$id" --lang zh
    expect_output "^$id  "
    LC_ALL=C grep -qP '\xe8\xaf\x81\xe6\x8d\xae  ' <<<"$out" && ! grep -qE '^  [A-Za-z][a-z ]+\.$' <<<"$out" || fail "$id is not explained in Chinese"
done <known
ok "$(wc -l <known) causes are explained in Chinese"
refused 2 'did you mean "cert.expired"' "$agent_program" probe --explain cert.expird
refused 2 'there is no cause "zzzzzzzzzzzz"; --list-causes' "$agent_program" probe --explain zzzzzzzzzzzz
expect_exit 0 "$agent_program" probe --explain tls.name_unknown
expect_output '^  This server does not know \{host\}\.'
equal "explained as JSON" "$("$agent_program" probe --explain tls.tlcp --format json | jq -r .cause)" tls.tlcp
equal "listed as JSON" "$("$agent_program" probe --list-causes --format json | jq '.causes | length')" "$(wc -l <known)"
