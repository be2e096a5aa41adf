#!/bin/bash
# Incidents come to a real Alertmanager and are resolved there; a webhook hears every event in order, also when it was dead and
# the collector was killed meanwhile; secrets are in no log; what is wrong with a receiver is said.
. "$(dirname "$0")/lib.sh"

"$lab" up "$work/lab"
. "$work/lab/lab.env"
read -r manager_port hook_port tls_port <<<"$("$LAB_SERVER" ports 3 | tr '\n' ' ')"
manager=http://127.0.0.1:$manager_port
cat >alertmanager.yml <<'END'
route: {receiver: nobody, group_wait: 0s, group_interval: 1s}
receivers: [{name: nobody}]
END
start alertmanager prometheus-alertmanager --config.file=alertmanager.yml --storage.path="$work/am" --web.listen-address="127.0.0.1:$manager_port" --cluster.listen-address=
wait_for 30 "Alertmanager" curl -sf -o /dev/null "$manager/-/ready"
start_hook() { start webhook perl "$source_dir/tests/lab/webhook.pl" "$hook_port" "$work/heard"; hook_pid=$started; wait_for 10 "the webhook" listening "$hook_port"; }
touch heard

# --- a test alert, and what comes back ---
start_hook
expect_exit 0 "$collector_program" alert test --alertmanager "$manager/" --webhook "http://user:geheim@127.0.0.1:$hook_port/hook?key=geheim"
expect_output "^http://127.0.0.1:$manager_port#[0-9a-f]{8}: delivered, HTTP 200$"
expect_output "^http://127.0.0.1:$hook_port#[0-9a-f]{8}: delivered, HTTP 200: heard$"
equal "the test alert in Alertmanager" "$(amtool --alertmanager.url="$manager" alert query alertname=ParallaxTest -o json | jq -r '.[0].labels.site')" test
equal "the test event at the webhook" "$(tail -1 heard | cut -f3 | jq -c '[.test, .change, .incident.place.asn]')" '[true,"opened",64496]'
equal "who logged in" "$(tail -1 heard | cut -f2)" "Basic $(printf user:geheim | base64)"
echo 503 >heard.status
expect_exit 3 "$collector_program" alert test --webhook "http://127.0.0.1:$hook_port/"
expect_output ': refused, HTTP 503: heard$'
rm heard.status
expect_exit 3 "$collector_program" alert test --webhook "http://127.0.0.1:$(free_port)/geheim"
expect_output ': failed: .*[Cc]onnect'
! grep -q geheim <<<"$out$err" || fail "a secret is shown: $out$err"
refused 2 'alertmanager: expected an URL' "$collector_program" alert test --alertmanager ftp://geheim@host/
refused 2 'say where to' "$collector_program" alert test
refused 2 'named twice' "$collector_program" alert test --webhook http://127.0.0.1/x --webhook http://127.0.0.1/x

# Certificates are verified
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout hook.key -out hook.pem -days 2 -subj /CN=hook -addext subjectAltName=IP:127.0.0.1 2>/dev/null
printf 'foreground = yes\npid =\n[hook]\naccept = 127.0.0.1:%s\nconnect = 127.0.0.1:%s\ncert = %s\nkey = %s\n' "$tls_port" "$hook_port" "$work/hook.pem" "$work/hook.key" >stunnel.conf
start stunnel stunnel4 "$work/stunnel.conf"
wait_for 10 "stunnel" listening "$tls_port"
expect_exit 3 "$collector_program" alert test --webhook "https://127.0.0.1:$tls_port/"
expect_output ': failed: SSL certificate problem'
expect_exit 0 env SSL_CERT_FILE="$work/hook.pem" "$collector_program" alert test --webhook "https://127.0.0.1:$tls_port/"
ok "an unknown certificate is refused, a known one taken"

# --- incidents of a collector ---
printf 'tok-geheim\n' >token
: >heard
serve() {
    start_collector --metrics "127.0.0.1:$metrics_port" --alertmanager "$manager" --webhook "http://127.0.0.1:$hook_port/geheim" \
        --webhook-token-file "$work/token" --public-url https://status.example/parallax.html
}
metrics_port=$(free_port)
serve
expect_exit 0 "$collector_program" site add shop --edge www.shop.example --origin 203.0.113.10 --interval 1h --state "$state"
receivers() { sql "SELECT count(*) FROM alert_cursor"; }
wait_for 30 "the webhook's cursor" at_least 1 receivers

round=0
event() { # INCIDENT CHANGE
    sql "INSERT INTO incident_event (incident_id, at, round_id, change, confidence, detail) VALUES ($1, now(), $((++round)), $2, 0.9, '{}')" >/dev/null
}
open_incident() { # KEY KIND PLACE ASN: its id
    local id
    id=$(sql "INSERT INTO incident (key, kind, opened_at, updated_at, first_round, last_round, place, asn, stage, class, raw_kind, raw, cause, confidence, detail)
        VALUES ('$1', $2, now(), now(), 1, 1, $3, $4, 4, 40, 0, 0, '', 0.97, '{}') RETURNING id")
    sql "INSERT INTO incident_endpoint SELECT $id, id FROM endpoint WHERE role = 1" >/dev/null
    event "$id" 1
    echo "$id"
}
tell() { sql "NOTIFY parallax_incident, 'x'"; }
heard() { grep -c '^200' heard || true; }
order() { cut -f3 heard | jq -r .id | uniq | tr '\n' ' '; } # what came twice in a row counts once
alert() { curl -sS "$manager/api/v2/alerts?active=true" | jq -r ".[] | select(.labels.incident == \"$1\") | $2"; }
alerted() { [ -n "$(alert "$1" .fingerprint)" ]; }
resolved() { ! alerted "$1"; }

first=$(open_incident fails/asn/4837 1 3 4837)
tell
wait_for 30 "the webhook to hear" at_least 1 heard
wait_for 30 "the alert" alerted "$first"
equal "its labels" "$(alert "$first" '.labels | [.alertname, .asn, .outcome, .place, .severity, .site] | join(" ")')" "ParallaxFails 4837 hello.reset asn critical shop"
equal "its summary" "$(alert "$first" .annotations.summary)" "AS4837 -> edge www.shop.example:443: reset after ClientHello"
equal "its link" "$(alert "$first" .generatorURL)" "https://status.example/parallax.html#incident-$first"
equal "it ends in the future" "$(alert "$first" '(.endsAt | sub("\\..*"; "Z") | fromdateiso8601) > (now + 120)')" true
equal "the token" "$(head -1 heard | cut -f2)" "Bearer tok-geheim"

# What is concluded later changes no label: it would be another alert
sql "UPDATE incident SET cause = 'hello.reset_by_middlebox', region = 'cn' WHERE id = $first"
event "$first" 2
tell
wait_for 30 "the update at the webhook" at_least 2 heard
equal "alerts of the incident" "$(curl -sS "$manager/api/v2/alerts" | jq "[.[] | select(.labels.incident == \"$first\")] | length")" 1

sql "UPDATE incident SET closed_at = now() WHERE id = $first"
event "$first" 3
tell
wait_for 30 "Alertmanager to resolve it" resolved "$first"
wait_for 30 "the webhook to hear of its end" at_least 3 heard
ok "opened, updated and closed arrived in order: $(cut -f3 heard | jq -r .change | tr '\n' ' ')"
equal "what Alertmanager was told in the end" "$(curl -sS "$manager/api/v2/alerts?active=true" | jq length)" 1 # the test alert

# --- the webhook dies, comes back with errors, the collector is killed meanwhile ---
stop "$hook_pid" KILL
second=$(open_incident fails/asn/9304 1 3 9304)
tell
failures() { curl -sS "http://127.0.0.1:$metrics_port/metrics" | awk "/^parallax_alert_deliveries_total.*:$hook_port#.*result=\"$1\"/ { print \$2 }"; }
wait_for 30 "a delivery to fail" at_least 1 failures failed
wait_for 30 "Alertmanager, which lives, to hear" alerted "$second"
for n in 1 2 3; do event "$second" 2; done
stop "$collector_pid" KILL
echo 500 >heard.status
start_hook
serve
wait_for 30 "a refusal" at_least 1 failures refused
for n in 1 2 3; do event "$second" 2; done
stop "$collector_pid" KILL
rm heard.status
sql_alive() { sql 'SELECT 1' >/dev/null 2>&1; }
serve
event "$second" 3
tell
wait_for 60 "all ten events" at_least 10 heard
delivered_ids() { grep '^200' heard | cut -f3 | jq -r .id; }
all_delivered() { [ "$(delivered_ids | uniq | tr '\n' ' ')" = "$(sql 'SELECT id FROM incident_event ORDER BY id' | tr '\n' ' ')" ]; }
wait_for 30 "the last event" all_delivered
equal "events delivered, in order" "$(delivered_ids | uniq | tr '\n' ' ')" "$(sql 'SELECT id FROM incident_event ORDER BY id' | tr '\n' ' ')"

# --- Chinese, and secrets ---
stop "$collector_pid"
LANGUAGE='' start_collector --lang zh --metrics "127.0.0.1:$metrics_port" --alertmanager "$manager"
third=$(open_incident fails/asn/4134 1 3 4134)
tell
wait_for 30 "the alert" alerted "$third"
alert "$third" .annotations.summary | LC_ALL=C grep -q $'[\344-\351]' || fail "not in Chinese: $(alert "$third" .annotations.summary)"
ok "in Chinese: $(alert "$third" .annotations.summary)"
! grep -q geheim logs/collector || fail "a secret is in the log: $(grep geheim logs/collector)"
! sql "SELECT * FROM alert_cursor" | grep -q geheim || fail "a secret is in the database"
grep -q 'alerts: http://127.0.0.1' logs/collector || fail "the log does not say that a receiver failed"
ok "no secret is in the log or the database"
refused 2 'token-file' "$collector_program" serve --state "$state" --webhook-token-file "$work/none"
