#!/bin/bash
# Both engines against every TLS server of the lab: what they see has to be the same, but for times and for what is random.
#   engines.sh [SECTION...]    sections of tests/lab/causes; default: those with TLS that need no root
# Each server is probed by libssl, then by our own engine. Some servers are not the same twice (a reset that overtakes a FIN):
# where the two differ both look again, up to TURNS times, and agree when each has seen the same once.
# Here each nginx that is not told otherwise speaks TLS 1.3 too: our own engine leaves older versions to libssl. OLD=1: as it is.
# ENGINE=libssl compares libssl with itself; ONLY=regex picks scenarios by their line. VARIANT=name looks with that variant;
# client-cert shows a certificate, also to servers that do not know who made it.
lists=$(cd "$(dirname "$0")/../lab/causes" && pwd)
needs_root() { grep -q '^# needs: root' "$lists/$1.sh"; }
sections=("$@")
[ $# != 0 ] || sections=(certificate negotiation hostile edge)
for section in "${sections[@]}"; do
    ! needs_root "$section" || as_started=root # lib.sh stays root then
done
. "$(dirname "$0")/lib.sh"
. "$source_dir/tests/lab/causes/each.sh"

[ -n "${OLD:-}" ] || export NGINX_HTTP="ssl_protocols TLSv1.2 TLSv1.3;"

shown=()
if [ "${VARIANT:-}" = client-cert ]; then
    for words in init "leaf visitor --names visitor"; do
        # shellcheck disable=SC2086 # words
        "$source_dir/tests/lab/pki.sh" "$work/visitor" $words
    done
    cat visitor/visitor.chain.pem visitor/visitor.key >visitor.pem
    shown=(--client-cert "$work/visitor.pem")
fi

servers=0 attempts=0 by_own=0 again=0 differences=0
engine=${ENGINE:-own}

# What the engines have to agree on. Left out: times, lengths that hold a signature or a ticket, what a server makes up.
cat >facts.jq <<'JQ'
def facts:
    . as $attempt | {
        variant, role, outcome,
        destination: .flow.destination, error: .flow.error,
        local, edge,
        tls: (.tls | if . == null then null else
            del(.records, .ocsp) + {
                status: (.ocsp | if . == null then null else .status end),
                records: [.records[] | {direction, content, type, level, alert}]
            } end),
        http: (.http | if . == null then null else .headers |= map(select(.name | IN("date", "set-cookie", "etag") | not)) end),
        ending: {how: .ending.how, abuse: .ending.abuse, first: .ending.first_bytes[0:22]},
        hello_profile: .prober.hello_profile
    };
[.cases[].attempts[] | facts] | sort_by(.variant, .role, .destination)
JQ

probe_by() { # ENGINE: into $1.json, and what is to be compared into $1.facts
    local looks=(${VARIANT:+--variant "$VARIANT"})
    [[ $arguments_made != *" --variant "* && $arguments_made != *" --tls1."* ]] || looks=()
    # shellcheck disable=SC2086 # the arguments of a scenario are words, and may bring another certificate
    run ${run_with[@]+"${run_with[@]}"} "$agent_program" probe --ladder never ${looks[@]+"${looks[@]}"} \
        ${shown[@]+"${shown[@]}"} $arguments_made --format json --engine "$1"
    [ "$status" != 2 ] || { show_run; fail "nothing was probed"; }
    printf '%s\n' "$out" >"$1.json"
    jq -S -f facts.jq "$1.json" >"$2.facts"
    sha256sum <"$2.facts" >>"$2.seen"
}

same() {
    local turn
    : >one.seen
    : >other.seen
    for turn in $(seq "${TURNS:-12}"); do
        probe_by libssl one
        probe_by "$engine" other
        ! grep -qFf one.seen other.seen || return 0
    done
    return 1
}

# How many attempts were made with our own engine, and how many again with libssl
count_engines() {
    local count
    count() { jq "[.cases[].attempts[] | select($1)] | length" "$engine.json"; }
    count=$(count true) attempts=$((attempts + count))
    count=$(count '.prober.engine == "own"') by_own=$((by_own + count))
    count=$(count .prober.engine_again) again=$((again + count))
}

compare() { # SECTION CAUSE STAGED-BY SETUP ARGUMENTS CHECKS
    set_up "$4" "$5"
    servers=$((servers + 1))
    if same; then
        ok "$1: $3 ($(jq -r '[.cases[].attempts[].prober | .engine + if .engine_again then " again" else "" end] | unique | join(", ")' "$engine.json"))"
    else
        differences=$((differences + 1))
        printf 'DIFFERENT: %s: %s (libssl <, %s >)\n' "$1" "$3" "$engine" >&2
        diff one.facts other.facts >&2 || true
    fi
    count_engines
    take_down
}

each_scenario compare "${sections[@]}"
say "$servers servers, $attempts attempts by each engine: $by_own of them by our own to the end, $again begun by it and made again by libssl, $differences different"
[ "$differences" = 0 ]
