#!/bin/bash
# Wrong input: one clear line on stderr, nothing on stdout, and the right exit code.
. "$(dirname "$0")/lib.sh"

agent=$agent_program collector=$collector_program
usage=2 failed=3

say "--- verbs, options, values"
refused $usage 'unknown verb "prob".*probe' "$agent" prob
refused $usage 'unknown verb "serv".*serve' "$collector" serv
refused $usage 'unknown option.*--tiemout.*--timeout' "$agent" probe --tiemout 3s www.example.com
refused $usage 'unknown option.*--listne.*--listen' "$collector" serve --listne 127.0.0.1:1
refused $usage '--timeout.*soon' "$agent" probe --timeout soon www.example.com
refused $usage '--format.*xml' "$agent" probe --format xml www.example.com
refused $usage 'no target.*expected' "$agent" probe

say "--- targets"
for target in "www..example.com" "www.example.com:99999" "[::1" "-bad-.example:443" "www.example.com:https"; do
    refused $usage 'target ".*": .*expected|target ".*": not a host name' "$agent" probe -- "$target"
    [[ $err == *"$target"* ]] || fail "the message does not name the target"
done
refused $failed "cannot read|no-such-list|No such file" "$agent" probe -f no-such-list
printf '%s\n' www.example.com "not a host:1:2" >targets
refused $usage "targets:2" "$agent" probe -f targets

say "--- database"
start_collector
stop "$collector_pid"
refused $failed "127\.0\.0\.1|connect" "$collector" site list --db "postgresql://127.0.0.1:$(free_port)/none?connect_timeout=3" --state "$state"
refused $failed "127\.0\.0\.1|connect" "$collector" serve --db "postgresql://127.0.0.1:$(free_port)/none?connect_timeout=3" --state "$state" --listen 127.0.0.1:0

say "--- settings"
printf 'listen: 127.0.0.1:0\npublik_name: a.example:7443\n' >collector.yaml
refused $failed 'collector\.yaml:2:.*publik_name.*public_name' "$collector" serve --config collector.yaml --state "$state"

say "--- sites"
start_collector
site() { "$collector" site "$@" --state "$state"; }
expect_exit 0 site add shop --edge www.shop.example --origin 203.0.113.10
refused $failed 'shop.*exists' site add shop --plain www.shop.example
refused $failed 'nosuch' site show nosuch
refused $failed 'nosuch' site rm nosuch
refused $usage 'edge|plain|origin|endpoint' site add empty
refused $usage 'www\.\.shop' site add other --plain www..shop.example

sites() { sql "SELECT coalesce(string_agg(name, ' ' ORDER BY name), '') FROM site"; }
cat >bad.csv <<CSV
site,role,target
alpha,plain,www.alpha.example
beta,edge,www.beta.example
beta,origin,203.0.113.999
CSV
refused $failed 'bad\.csv:4:.*203\.0\.113\.999.*nothing imported' site import bad.csv
equal "sites after a bad CSV" "$(sites)" shop
cat >bad.yaml <<YAML
sites:
  - name: gamma
    endpoints:
      - role: edge
        target: www.gamma.example
      - role: origin
        tarket: 203.0.113.11
YAML
refused $failed 'bad\.yaml:7:.*tarket.*"target".*nothing imported' site import bad.yaml
equal "sites after a bad YAML" "$(sites)" shop
refused $failed 'no-such\.csv' site import no-such.csv
printf 'site,role,target\nnul\0byte,plain,www.alpha.example\n' >nul.csv
refused $failed 'nul\.csv:2:.*NUL.*nothing imported' site import nul.csv
(printf 'site,role,target\n' && head -c 5000 /dev/zero | tr '\0' x && echo ',plain,www.alpha.example') >long.csv
refused $failed 'long\.csv:2:.*longer than.*nothing imported' site import long.csv
(printf 'site,role,target\nalpha,plain,' && head -c 10000000 /dev/zero | tr '\0' '"') >endless.csv
refused $failed 'endless\.csv:2:.*nothing imported' site import endless.csv
(printf 'sites:\n- &a [x, x, x, x, x, x, x, x]\n' && for n in {1..9}; do echo '- [*a, *a, *a, *a, *a, *a, *a, *a]'; done) >alias.yaml
refused $failed 'alias\.yaml:2:.*(anchor|alias).*nothing imported' site import alias.yaml
head -c 100000 /dev/zero | tr '\0' '[' >deep.yaml
refused $failed 'deep\.yaml:1:.*nothing imported' site import deep.yaml
head -c 20000000 /dev/zero | tr '\0' ' ' >huge.yaml
refused $failed 'huge\.yaml.*(larger than|16 MB)' site import huge.yaml
printf 'sites:\n  - name: "a\\0b"\n' >nul.yaml
refused $failed 'nul\.yaml:2:.*NUL.*nothing imported' site import nul.yaml
head -c 4096 /dev/urandom >random.yaml
refused $failed 'random\.yaml.*nothing imported' site import random.yaml
equal "sites after all of these" "$(sites)" shop

say "--- a network database that is none"
head -c 4096 /dev/urandom >random.mmdb
refused $failed 'network database random\.mmdb' "$collector" serve --mmdb random.mmdb --state "$work/other" --listen 127.0.0.1:0

say "--- rounds without anyone to make them"
refused $failed 'no vantage|vantage' "$collector" probe shop --state "$state"
refused $failed 'nosuch' "$collector" report site --site nosuch --state "$state"

say "--- agents"
refused $failed 'enrol' "$agent" run --state "$work/never-enrolled"
refused $usage '--token' "$agent" enroll --collector 127.0.0.1:1 --allow any --state "$work/none"
token=$(new_token hk-1 hk)
refused $failed "connect|refused" "$agent" enroll --collector "127.0.0.1:$(free_port)" --token "$token" --allow any --state "$work/none"
enroll hk-2 hk 9304
printf '%s\n' 'colector: 127.0.0.1:1' >>agents/hk-2/agent.yaml
refused $failed 'agent\.yaml:[0-9]+:.*colector.*collector' "$agent" run --state agents/hk-2
