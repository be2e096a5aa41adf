#!/bin/bash
# Every text that a user can see is in the Chinese catalogue, translated, with the same format directives; and what the
# tables say is marked for translation at all.
. "$(dirname "$0")/lib.sh"

po=$source_dir/deploy/po/zh_CN.po

(cd "$source_dir" && find agent collector proto -name '*.[ch]' | sort) >files
xgettext --directory="$source_dir" --files-from=files --from-code=UTF-8 --language=C --no-location --output=texts.pot \
    --keyword=_ --keyword=N_ --keyword=T_ --flag=cli_error:1:c-format --flag=cli_warning:1:c-format \
    --flag=cli_usage:1:c-format --flag=config_complain:3:c-format --flag=table_cell:3:c-format --flag=fprintf:2:c-format \
    2>complaints || { cat complaints >&2; fail "the sources cannot be read"; }
texts=$(grep -c '^msgid' texts.pot)
[ "$texts" -gt 100 ] || fail "only $texts texts found in the sources"
ok "the sources have $((texts - 1)) texts"

if ! msgcmp "$po" texts.pot 2>problems; then
    msgmerge --quiet --no-fuzzy-matching "$po" texts.pot | msgattrib --untranslated --no-wrap --no-obsolete | grep '^msgid' >&2 || cat problems >&2
    fail "texts are missing, fuzzy or untranslated"
fi
ok "each of them is in the catalogue"
! grep 'not used' problems || { cat problems >&2; fail "the catalogue has texts that no source has"; }
! grep -q '^#, .*fuzzy' "$po" || fail "the catalogue has fuzzy texts"
! grep -q '^#~' "$po" || fail "the catalogue has obsolete texts"
ok "none is fuzzy, obsolete or unused"

# With the flags that the sources give, so that a translator cannot take a directive away together with its flag.
msgmerge --quiet --no-fuzzy-matching --output-file=merged.po "$po" texts.pot
msgfmt --check --output-file=/dev/null merged.po || fail "the catalogue does not pass msgfmt --check"
ok "format directives agree"

# An option whose help has no Chinese character in Chinese was not marked with N_().
for program in "$agent_program" "$collector_program"; do
    "$program" --dump-options | cut -f1 | sort -u | grep -vx -- - >verbs
    while read -r verb; do
        # shellcheck disable=SC2086 # a verb may be two words
        COLUMNS=100 "$program" $verb --help --lang zh </dev/null >help
        LC_ALL=C awk -v verb="$verb" '
            function check() { if (entry != "" && entry !~ /[\344-\351][\200-\277]/) { print verb ": " entry; bad = 1 } entry = "" }
            NR == 2 { entry = "summary: " $0; check(); next }
            /^  (-.,|   ) --/ { check() }
            /^  / { entry = entry $0 }
            END { check(); exit bad }' help >untranslated || { cat untranslated >&2; fail "not translated"; }
    done <verbs
    ok "$(basename "$program"): the help of $(wc -l <verbs) verbs is Chinese"
done
