#!/bin/bash
# What machines are told in numbers, to a real Prometheus: every series is there and right, also after the database was away;
# health says what is wrong; what a stranger puts into a request harms nobody. Rules and dashboard name series that exist.
. "$(dirname "$0")/lib.sh"

"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca
metrics_port=$(free_port)
metrics=http://127.0.0.1:$metrics_port
prometheus_port=$(free_port)
start_collector --metrics "127.0.0.1:$metrics_port"
expect_exit 0 "$collector_program" site add blog --plain "www.blog.example:${lab_blog##*:}@${lab_blog%:*}" --interval 1s --state "$state"
expect_exit 0 "$collector_program" site add shop --plain "$lab_shop_origin" --interval 1s --state "$state"
sql "UPDATE site SET name = 'quoted \"shop\" \\ 店' WHERE name = 'blog'" # what the program itself refuses
for name in hk-1 cn-1; do enroll "$name" "${name%-*}" 64500; done
for name in hk-1 cn-1; do start_agent "$name"; done
wait_for 60 "three rounds of two vantages" at_least 3 full_rounds 2 2

get() { curl -sS --max-time 10 "$metrics$1"; }
has() { get /metrics >"$work/now" && grep -qE -- "$1" "$work/now"; }
health() { curl -sS --max-time 10 -o "$work/health" -w '%{http_code}' "$metrics/healthz"; }
health_is() { [ "$(health)" = "$1" ]; }

# --- the text itself ---
wait_for 40 "gauges of endpoints" has '^parallax_endpoint_passing_ratio'
expect_exit 0 curl -sS -i "$metrics/metrics"
expect_output '^HTTP/1.1 200'
expect_output '^Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8'
equal "the last line" "$(get /metrics | tail -1)" '# EOF'
expect_output '^parallax_endpoint_state\{site="quoted \\"shop\\" \\\\ 店",'
get /metrics >openmetrics
curl -sS -H 'Accept: text/plain' "$metrics/metrics" >classic
promtool check metrics <classic >complaints 2>&1 || { cat complaints >&2; fail "promtool finds faults"; }
ok "promtool check metrics finds nothing"
for code in 404:/ 404:/metrics/ 200:/healthz; do
    equal "GET ${code#*:}" "$(curl -sS -o /dev/null -w '%{http_code}' "$metrics${code#*:}")" "${code%%:*}"
done
equal "a POST" "$(curl -sS -o /dev/null -w '%{http_code}' -d x=y "$metrics/metrics")" 405
head -c 100000 /dev/zero | tr '\0' a | curl -sS -o /dev/null --max-time 10 -H @- "$metrics/metrics" 2>/dev/null || true
printf '\0\377\r\n\r\nGET' | timeout 5 bash -c "cat >/dev/tcp/127.0.0.1/$metrics_port" || true
equal "after nonsense" "$(health)" 200

# Forty connections that say nothing hold up neither the loop nor, when they are gone, anybody else
for n in {1..40}; do exec {silent[n]}<>"/dev/tcp/127.0.0.1/$metrics_port"; done
before=$(sql "SELECT max(round_id) FROM attempt")
wait_for 30 "rounds to go on" at_least $((before + 3)) sql "SELECT max(round_id) FROM attempt"
for n in {1..40}; do exec {silent[n]}>&-; done
wait_for 30 "an answer again" health_is 200
ok "silent connections do no harm"

# --- a real Prometheus ---
sed "s/localhost:9464/127.0.0.1:$metrics_port/; s/scrape_interval: .*/scrape_interval: 1s/" "$source_dir/deploy/prometheus/prometheus.yml" >prometheus.yml
mkdir -p tsdb
cp "$source_dir/deploy/prometheus/parallax.rules.yml" .
promtool check config prometheus.yml >complaints 2>&1 || { cat complaints >&2; fail "promtool check config"; }
promtool check rules parallax.rules.yml >complaints 2>&1 || { cat complaints >&2; fail "promtool check rules"; }
ok "promtool accepts configuration and rules"
start prometheus prometheus --config.file=prometheus.yml --storage.tsdb.path=tsdb --web.listen-address="127.0.0.1:$prometheus_port"
api=http://127.0.0.1:$prometheus_port/api/v1
query() { curl -sS --max-time 10 --data-urlencode "query=$1" "$api/query" | jq -r '.data.result[]? | .value[1]'; }
answers() { [ -n "$(query "$1" 2>/dev/null)" ]; }
above() { [ "$(query "($1) > $2" 2>/dev/null | head -1)" != "" ]; }
wait_for 60 "Prometheus to scrape" above 'up{job="parallax"}' 0
equal "targets that fail" "$(curl -sS "$api/targets" | jq -r '[.data.activeTargets[] | select(.health != "up")] | length')" 0
wait_for 30 "attempts that grow" above 'sum(rate(parallax_attempts_total{class="ok",vantage="hk-1"}[10s]))' 0
wait_for 30 "both vantages" above 'sum(parallax_vantage_connected)' 1
wait_for 30 "sessions" above parallax_sessions 1
wait_for 30 "the median of the ingest lag" above 'histogram_quantile(0.5, rate(parallax_ingest_lag_seconds_bucket[30s]))' 0
wait_for 30 "days left" above 'min(parallax_certificate_left_seconds)' 0
wait_for 30 "rounds" above 'rate(parallax_rounds_planned_total[30s])' 0
wait_for 30 "spools" answers 'sum(parallax_spool_depth)'
equal "what Prometheus knows of the unit" "$(curl -sS "$api/metadata?metric=parallax_ingest_lag_seconds" | jq -r '.data.parallax_ingest_lag_seconds[0] | .type + " " + .unit')" "histogram seconds"
equal "attempts beyond what is stored" "$(get /metrics | awk -v stored="$(sql 'SELECT count(*) + 100 FROM attempt')" '/^parallax_attempts_total/ { n += $2 } END { print (n > stored) }')" 0

# --- incidents and the judge, as they are in the database ---
endpoint=$(sql "SELECT min(e.id) FROM endpoint e JOIN site s ON s.id = e.site_id WHERE s.name = 'shop'")
incident=$(sql "INSERT INTO incident (key, kind, opened_at, updated_at, first_round, last_round, place, asn, stage, class, raw_kind, raw, confidence, detail)
    VALUES ('test/asn', 1, now(), now(), 1, 1, 3, 4837, 4, 40, 0, 0, 0.97, '{}') RETURNING id")
sql "INSERT INTO incident_endpoint VALUES ($incident, $endpoint); NOTIFY parallax_judged, '1'" >/dev/null
wait_for 30 "the incident" has '^parallax_incidents_open\{kind="fails",place="asn"\} 1$'
wait_for 30 "the endpoint to fail" has '^parallax_endpoint_state\{site="shop",.*="failing"\} 1$'
has '^parallax_rounds_judged_total ([2-9]|[1-9][0-9])' || fail "judged rounds are not counted"
has '^parallax_rounds_unjudged [0-9]$' || fail "rounds are not judged"
sql "UPDATE incident SET closed_at = now() WHERE id = $incident; NOTIFY parallax_judged, '2'"
wait_for 30 "its end" has '^parallax_incidents_open\{kind="fails",place="asn"\} 0$'
ok "incidents are told and forgotten"

# --- rules and dashboard ---
jq -r '.. | objects | select(has("expr")) | .expr' "$source_dir/deploy/grafana/parallax.json" >expressions
jq -r '.templating.list[] | select(.type == "query") | .query | if type == "object" then .query else . end | capture("label_values\\((?<e>.*), *[a-z_]+\\)").e' \
    "$source_dir/deploy/grafana/parallax.json" >>expressions
at_least 15 wc -l <expressions || fail "only $(wc -l <expressions) expressions in the dashboard"
sed -i 's/\$__rate_interval/30s/g; s/\$site/.*/g; s/\$vantage/.*/g' expressions
curl -sS "$api/rules" | jq -r '.data.groups[].rules[].query' >>expressions
grep -oE '^parallax_[a-z_]+' <(sed 's/^# TYPE //' openmetrics) | sort -u >known
while read -r expression; do
    curl -sS --data-urlencode "query=$expression" "$api/query" | jq -e '.status == "success"' >/dev/null || fail "no query: $expression"
done <expressions
families=$(grep -oE 'X\(METRIC_[A-Z_]+, [A-Z]+, "parallax_[a-z_]+"' "$source_dir/collector/outlet/metrics.h" |
    sed -E 's/X\(METRIC_[A-Z_]+, ([A-Z]+), "([a-z_]+)"/\1 \2/; s/^COUNTER (.*)/\1_total/; s/^INFO (.*)/\1_info/; s/^HISTOGRAM (.*)/\1_bucket\n\1_sum\n\1_count/; s/^[A-Z]+ //')
for name in $(grep -ohE 'parallax_[a-z_]+' expressions | sort -u); do
    grep -qx "$name" <<<"$families" || fail "the dashboard or a rule names $name, which is no series"
done
ok "$(wc -l <expressions) expressions of dashboard and rules name only series that exist"
for name in $(sed -n 's/.*X(METRIC_[A-Z_]*, [A-Z]*, "\([a-z_]*\)".*/\1/p' "$source_dir/collector/outlet/metrics.h"); do
    grep -qF "\`$name" "$source_dir/docs/OPERATIONS.md" || fail "docs/OPERATIONS.md does not describe $name"
done
ok "docs/OPERATIONS.md describes every series"

# --- ports ---
mkdir -m 700 other && cp -r -p "$state/pki" other/
refused 3 "cannot serve metrics on 127.0.0.1 port $metrics_port" "$collector_program" serve --db "host=$state/run port=5432 user=parallax dbname=postgres" --state "$work/other" --listen 127.0.0.1:0 --metrics "127.0.0.1:$metrics_port"
refused 2 "metrics 1234" "$collector_program" serve --state "$work/other" --metrics 1234

# --- the database goes away ---
kill -INT "$(head -1 "$state/pg/postmaster.pid")"
# Two connections: for a moment only one of them is known to be gone.
health_says_away() { health_is 503 && jq -e '.database == "away" and .reasons[0] == "the database is away"' "$work/health" >/dev/null; }
wait_for 30 "health to say so" health_says_away
has '^parallax_database_up 0$' || fail "the series does not say so"
! has '^parallax_endpoint_state' || fail "numbers of a database that is away are still told"
ok "health and metrics say that the database is away"
