#!/bin/bash
# What a hostile server costs: no more than its deadline (the scenario would not end) and 1 MB; and nothing of what it says
# reaches the terminal raw. That each is named is a matter of lab/causes/hostile.tsv.
. "$(dirname "$0")/lib.sh"
hostile=$build_dir/lab/lab-hostile

limit_kb=1024
# Under a sanitizer memory has red zones and is kept after its end.
! grep -q __asan_init "$agent_program" || limit_kb=2048
export ASAN_OPTIONS=quarantine_size_mb=0:thread_local_quarantine_size_kb=0:detect_leaks=0

# serve KIND: $target
serve() {
    start "hostile.$1" "$hostile" "$1"
    wait_for 10 "lab-hostile $1" test -s "$work/logs/hostile.$1"
    target=$(<"$work/logs/hostile.$1")
}

# peak ABUSE: $kb of one attempt, whose evidence has to say so
peak() {
    run "$hostile" peak "$agent_program" probe "$target" --sni www.shop.example --timeout 3s --ladder never --format json
    equal "abuse" "$(jq -r '[.. | objects | select(has("abuse")) | .abuse][0]' <<<"$out")" "$1"
    kb=$(tail -1 <<<"$err")
}

serve none # closes after the ClientHello
peak null
usual_kb=$kb
for pair in endless:size size:size chain:chain drip:drip alerts:alerts record:record retry:retry echo:echo messages:messages names:name; do
    serve "${pair%:*}"
    peak "${pair#*:}"
    [ $((kb - usual_kb)) -le $limit_kb ] || fail "${pair%:*} costs $((kb - usual_kb)) KiB, more than $limit_kb"
    ok "${pair%:*} costs no more than $limit_kb KiB"
done

serve names
for format in text json ndjson; do
    run "$agent_program" probe "$target" --sni www.shop.example --format $format --ladder never
    ! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f]' "$work/out" || { cat -v "$work/out" >&2; fail "control bytes in $format"; }
    [ "$(tr -d '\0' <"$work/out" | wc -c)" = "$(wc -c <"$work/out")" ] || fail "NUL bytes in $format"
done
ok "no control byte of the certificate or the answer is printed"
