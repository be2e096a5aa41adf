#!/bin/bash
# What a sweep wrote is no export: the collector says so, and how a vantage is named in it; then it is read, as docs/REPLAY.md says.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2046 # a port is a word
set -- $("$LAB_SERVER" ports 3)
new=$1 old=$2 gone=$3
"$source_dir/tests/lab/pki.sh" "$work/pki" init
"$source_dir/tests/lab/pki.sh" "$work/pki" leaf www.shop.example
server="ssl_certificate $work/pki/www.shop.example.chain.pem; ssl_certificate_key $work/pki/www.shop.example.key;"
mkdir -p lab tmp
"$lab" nginx "$work/lab" new <<<"server { listen 0.0.0.0:$new ssl; ssl_protocols TLSv1.3; $server }"
"$lab" nginx "$work/lab" old <<<"server { listen 0.0.0.0:$old ssl; ssl_protocols TLSv1.2; $server }"
printf '%s\n' "127.0.0.0/29:$new" "127.0.0.1:$old" "127.0.0.1:$gone" >list
expect_exit 1 "$agent_program" sweep -f list --sni www.shop.example --output sweep.ndjson
expect_output '^10 endpoints: 9 answered, 1 failed$'

refused 3 'sweep.ndjson:1: an attempt as `parallax-agent probe` or `sweep` prints it, without a vantage' "$collector_program" replay sweep.ndjson
expect_error 'docs/REPLAY.md'
mkdir -p state
run "$collector_program" import --state state sweep.ndjson
equal "exit code of an import of it" "$status" 3
expect_error 'sweep.ndjson:1: an attempt as `parallax-agent probe` or `sweep` prints it'

# The lines of docs/REPLAY.md, up to what reads them.
sed -n "/^## From an agent's NDJSON/,/^## How much/ s/^    //p" "$source_dir/docs/REPLAY.md" | sed 's/ | parallax-collector replay -$//' >convert
equal "lines of the recipe" "$(wc -l <convert)" 2
bash convert >named.ndjson
equal "lines that can be replayed" "$(wc -l <named.ndjson)" 11
export TMPDIR=$work/tmp
run "$collector_program" replay --format json named.ndjson
[ "$status" -le 1 ] || { show_run; fail "exit code $status"; }
equal "attempts that another outcome was said of" "$(grep -c 'another outcome' <<<"$err")" 0
ok "a sweep is replayed once it names its vantage"

# Of TLS 1.2 the certificates came in plain text, and the hashes are those of what was sent.
sent=$(openssl x509 -in "$work/pki/www.shop.example.chain.pem" -outform der | sha256sum | cut -d' ' -f1)
equal "the leaf of TLS 1.2" "$(jq -r "select(.endpoint.port == $old) | .tls.chain[0].sha256" sweep.ndjson)" "$sent"
equal "what is said of a leaf that nobody read" "$(jq -c "select(.endpoint.port == $old) | .tls.leaf" sweep.ndjson)" null
equal "certificates of TLS 1.3" "$(jq -s "[.[] | select(.endpoint.port == $new) | .tls.chain[]] | length" sweep.ndjson)" 0

# Who reads along sees enough, and nobody complains; a full disk is said once.
bash -c '"$0" sweep "$1" --rate 1000000 --format ndjson 2>complaints | head -n 1' "$agent_program" "127.0.0.0/23:$new" >first
equal "lines that were read" "$(wc -l <first)" 1
equal "complaints when a reader leaves" "$(wc -l <complaints)" 0
run bash -c '"$0" sweep "$1" --format csv >/dev/full' "$agent_program" "127.0.0.1:$new"
equal "exit code with a full disk" "$status" 3
equal "complaints about it" "$(grep -c 'No space left on device' <<<"$err") of $(wc -l <<<"$err")" "1 of 1"
