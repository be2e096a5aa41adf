#!/bin/bash
# The HTML page of a database whose servers, certificates and headers are hostile, looked at in headless Chromium; how large it
# gets; and that a report's file is written whole or not at all.
. "$(dirname "$0")/lib.sh"

chromium=$(command -v chromium || true)
[ -n "$chromium" ] && command -v npm >/dev/null || fail "chromium, nodejs and npm are needed: deploy/install-deps.sh --test"
export CHROMIUM=$chromium

mkdir web
cp "$source_dir"/tests/web/package*.json web/
(cd web && npm ci --no-audit --no-update-notifier --no-fund --ignore-scripts --cache "$work/npm") >logs/npm 2>&1 && browser=yes || browser=
[ -z "$browser" ] || ok "puppeteer-core and axe-core, as the lock file names them"

# fleet SITES VANTAGES HOURS EVERY_S: a new database with a fleet in it
fleet() {
    state=$work/fleet-$1 collector_port=
    start_collector
    psql -X -q -v sites="$1" -v vantages="$2" -v hours="$3" -v every_s="$4" -h "$state/run" -p 5432 -U parallax -d postgres \
        -f "$source_dir/tests/lab/fleet.sql" >logs/fleet 2>&1 || fail "the fleet cannot be made"
}

report() { # EXIT CODE, ARGUMENTS...
    local code=$1
    shift
    expect_exit "$code" "$collector_program" report "$@" --state "$state"
}

fleet 3 5 1 60
for language in en zh; do
    report 1 diff --since 70m --format html --lang $language --output "$work/page.$language.html"
    say "--- the page, $language"
    [ -z "$browser" ] || (cd web && node "$source_dir/tests/web/page.mjs" "$work/page.$language.html" $language)
done

# The same page whichever of its kinds is asked for, but for the moment it was made.
report 0 matrix --since 70m --format html -o "$work/matrix.html"
same() { sed 's/[0-9-]*T[0-9:]*Z//g' "$1"; }
[ "$(same page.en.html | md5sum)" = "$(same matrix.html | md5sum)" ] || fail "matrix and diff give different pages"
ok "matrix and diff give the same page"

# Every kind in every format.
for kind in matrix diff site asn edge-origin certs vantages latency incidents "explain 1"; do
    for format in text json ndjson csv md html; do
        # shellcheck disable=SC2086 # a kind may be two words
        run "$collector_program" report $kind --since 70m --format $format --state "$state"
        [ "$status" -le 1 ] && [ -n "$out" ] || { show_run; fail "report $kind --format $format"; }
        case $format in
            json) jq -e '.schema == 1 and (.answer | length > 0)' <<<"$out" >/dev/null || fail "report $kind: no answer in its JSON" ;;
            ndjson) jq -e . <<<"$out" >/dev/null || fail "report $kind: not NDJSON" ;;
            html) ! grep -qE '<script>window|<img|onload="' <<<"$out" || fail "report $kind: markup of a stranger" ;;
            md) ! grep -qE '(^|[^\\])<' <<<"$out" || fail "report $kind: markup of a stranger in Markdown" ;;
        esac
        codes="${codes:-} $kind:$status"
    done
done
for kind in diff edge-origin incidents; do [[ $codes == *" $kind:1"* ]] || fail "report $kind found nothing"; done
for kind in matrix site asn certs vantages latency; do [[ $codes != *" $kind:1"* ]] || fail "report $kind lists, and does not end with 1"; done
ok "ten kinds in six formats; those that judge end with 1"

# Whole or not at all.
mkdir files
refused 3 "cannot write $work/nowhere/x" "$collector_program" report matrix --state "$state" -o "$work/nowhere/x"
echo before >files/kept
expect_exit 3 "$collector_program" report matrix --since 2020-01-01T00:00:00Z --until 2020-01-01T01:00:00Z --state "$state" -o files/kept
equal "a file whose report could not be made" "$(cat files/kept)" before
equal "files beside it" "$(ls files)" kept
report 0 matrix --since 70m --output files/kept
grep -q "cells fail" files/kept || fail "the file was not replaced"
ok "a report replaces its file"
stop "$collector_pid"

# A hundred endpoints, ten vantages, a day.
fleet 49 10 24 600
expect_exit 0 "$collector_program" db rollup --repair --state "$state"
report 1 diff --since 25h --format html -o "$work/large.html"
size=$(stat -c %s large.html)
[ "$size" -lt 2000000 ] || fail "the page has $size bytes"
ok "the page of 100 endpoints, 10 vantages and a day has $size bytes, below 2000000"
grep -qE '[0-9]+ more rows are left out' large.html || fail "nothing says what was left out"
ok "and says what was left out"
stop "$collector_pid"

[ -n "$browser" ] || { say "SKIPPED: no browser looked at the page: npm cannot reach its registry: $(grep -m1 'npm ERR! request' logs/npm)"; exit 77; }
