#!/bin/bash
# Chaos: agents, two collectors and PostgreSQL are killed, stopped, cut off, starved of disk and lied to about the time, several
# faults at once; then everything heals, and the database must hold exactly what an oracle saw reach the spools.
#   chaos.sh [--events N] [--seed S] [--agents N] [--collectors N] [--only REGEX] [--keep]
# The seed fixes the sequence of events: which fault, where, for how many events it stays, how long until the next. How the
# programs run beside it is up to the machine. --only keeps to the faults whose line in the table matches. Started by root it can
# fill disks too (each a small tmpfs in a mount namespace of its own). --keep keeps the folder; a failure keeps it anyway, and
# prints how to repeat the run.
events=60 seed=5 agent_count=3 collector_count=2 only=. keep=
arguments=("$@")
while [ $# -gt 0 ]; do
    case $1 in
        --events) events=$2; shift 2 ;;
        --seed) seed=$2; shift 2 ;;
        --agents) agent_count=$2; shift 2 ;;
        --collectors) collector_count=$2; shift 2 ;;
        --only) only=$2; shift 2 ;;
        --keep) keep=1; shift ;;
        *) echo "usage: chaos.sh [--events N] [--seed S] [--agents N] [--collectors N] [--only REGEX] [--keep]" >&2; exit 2 ;;
    esac
done

# Disks that can be full: mounted while we may, in a namespace that ends with us.
if [ -z "${CHAOS_DISKS+set}" ]; then
    export CHAOS_DISKS=
    if [ "$(id -u)" = 0 ] && unshare --mount mount -t tmpfs none /mnt 2>/dev/null; then
        CHAOS_DISKS=$(mktemp -d /tmp/plx-disks.XXXXXX)
        status=0
        unshare --mount bash -c '
            count=$1 script=$2; shift 2
            for ((i = 1; i <= count; i++)); do
                mkdir "$CHAOS_DISKS/agent$i" && mount -t tmpfs -o size=6m,mode=1777 none "$CHAOS_DISKS/agent$i" || exit 3
            done
            mkdir "$CHAOS_DISKS/db" && mount -t tmpfs -o size=512m,mode=1777 none "$CHAOS_DISKS/db" || exit 3
            chmod 755 "$CHAOS_DISKS"
            exec bash "$script" "$@"' disks "$agent_count" "$0" ${arguments[@]+"${arguments[@]}"} || status=$?
        rmdir "$CHAOS_DISKS"/* "$CHAOS_DISKS"
        exit $status
    fi
fi
set -- ${arguments[@]+"${arguments[@]}"}
. "$(dirname "$0")/lib.sh"
[ -z "$keep" ] || touch keep

collectors=() agents=()
for ((i = 1; i <= collector_count; i++)); do collectors+=("collector$i"); done
for ((i = 1; i <= agent_count; i++)); do agents+=("agent$i"); done
library=$(dpkg -L libfaketime 2>/dev/null | grep '/libfaketime\.so\.1$' || true)
pg_bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)

# --- actors: processes that die and come back --------------------------------------------------------------------------------------

declare -A pid=() wanted=() expected=() port=()
starts_refused=0 crashes=0 small_spool_kib=96

mapfile -t free < <("$LAB_SERVER" ports $((3 + ${#collectors[@]} * (2 + agent_count))))
take_port() { port[$1]=${free[0]}; free=("${free[@]:1}"); }

db_url() { echo "postgresql://parallax@127.0.0.1:${port[$1]}/postgres"; }
sql() { psql -X -q -A -t -F ' ' -v ON_ERROR_STOP=1 -h "$work/pgsock" -p "${port[pg]}" -U parallax -d postgres -c "$1"; }

launch() { # NAME COMMAND...
    local name=$1
    shift
    "$@" >>"$work/logs/$name" 2>&1 </dev/null &
    pid[$name]=$!
    pids+=("${pid[$name]}")
}

actor_start() { # NAME
    wanted[$1]=up expected[$1]=
    case $1 in
        pg) launch pg "$pg_bin/postgres" -D "$work/db" ;;
        collector*)
            launch "$1" "$collector_program" serve --state "$work/$1" --db "$(db_url "link.$1.db")" \
                --listen "127.0.0.1:${port[$1]}" --metrics off ;;
        agent*)
            local clock=(env)
            [ -z "$library" ] || clock=(env ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD="$library" FAKETIME_CACHE_DURATION=1
                FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_TIMESTAMP_FILE="$work/clock.$1")
            # the last one's spool is full after some seconds alone
            [ "$1" != "${agents[-1]}" ] || clock+=(CHAOS_SPOOL_KIB=$small_spool_kib)
            launch "$1" "${clock[@]}" CHAOS_ORACLE="$work/oracle.$1" CHAOS_KILL="$work/kill.$1" "$build_dir/lab/chaos-agent" run \
                --state "$work/agents/$1" ;;
    esac
}

# Its exit code into $code. A pid that is free again must not be killed at the end.
actor_reap() {
    local old=${pid[$1]} kept=() one
    code=0
    wait "$old" || code=$?
    rm -f "/dev/shm/faketime_shm_$old" "/dev/shm/sem.faketime_sem_$old" # left by one that was killed
    for one in "${pids[@]}"; do [ "$one" = "$old" ] || kept+=("$one"); done
    pids=("${kept[@]}")
    pid[$1]=
}

# What an actor may end with: as it was told to; 3 when it could not start because of a fault nearby (what keeps it running starts
# it again, as systemd would); PostgreSQL as it likes.
actor_judge() {
    local name=$1
    case $name:${expected[$name]}:$code in
        pg:*) ;;
        *:KILL:137 | *:KILL:0 | *:TERM:0) ;;
        *:TERM:143) ;; # it had not begun to serve: SIGTERM still does what it does to any program
        *:TERM:3 | *::3 | *:KILL:3) starts_refused=$((starts_refused + 1)) ;;
        *) crashes=$((crashes + 1)); say "CRASH: $name ended with exit code $code: $(tail -1 "logs/$name")" ;;
    esac
}

# Whatever ended is reaped; what should run is started again.
keep_up() {
    local name
    for name in pg "${collectors[@]}" "${agents[@]}"; do
        if [ -n "${pid[$name]:-}" ] && gone "${pid[$name]}"; then
            actor_reap "$name"
            actor_judge "$name"
        fi
        [ -n "${pid[$name]:-}" ] || [ "${wanted[$name]:-}" != up ] || actor_start "$name"
    done
}

actor_signal() { [ -z "${pid[$1]:-}" ] || kill -"$2" "${pid[$1]}" 2>/dev/null || true; } # NAME SIGNAL

actor_back() { # NAME: until it has ended, and then again
    local tries
    for tries in {1..400}; do
        [ -n "${pid[$1]:-}" ] && ! gone "${pid[$1]}" || break
        # one that has only just been started does not hear SIGINT and SIGQUIT yet
        [ "$1" != pg ] || actor_signal "$1" "${expected[$1]}"
        sleep 0.05
    done
    if [ -n "${pid[$1]:-}" ]; then
        gone "${pid[$1]}" || { crashes=$((crashes + 1)); say "HUNG: $1 does not end within 20 s"; actor_signal "$1" KILL; }
        actor_reap "$1"
        actor_judge "$1"
    fi
    actor_start "$1"
}

# --- faults ----------------------------------------------------------------------------------------------------------------------------

# do_WHAT PLACE NUMBER [MORE...]: NUMBER is drawn
do_end() { wanted[$1]=down expected[$1]=$3; actor_signal "$1" "$3"; }
do_back() { actor_back "$1"; }
do_signal() { actor_signal "$1" "$3"; }
do_link() { local place=$1; shift 2; echo "$*" >"$work/$place.control"; }
do_fill() { head -c 1G /dev/zero >"$CHAOS_DISKS/${1%.disk}/filler" 2>/dev/null || true; }
do_empty() { rm -f "$CHAOS_DISKS/${1%.disk}/filler"; }
do_clock() {
    local steps=(+0 +3600 -3600 +86400 -86400 -30 +5 -34560000)
    echo "${steps[$2 % 8]}" >clock.new && mv clock.new "clock.${1%.clock}"
}
do_backend() {
    local backends
    mapfile -t backends < <(sql "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
                                 ORDER BY pid" 2>/dev/null)
    [ ${#backends[@]} = 0 ] || kill -KILL "${backends[$2 % ${#backends[@]}]}" 2>/dev/null || true
}
# Within the next write of the spool, before or after its transaction. Whoever removes the file, the agent or we, has had its way.
do_order() {
    expected[$1]=KILL
    [ $(($2 % 2)) = 0 ] && echo >"kill.$1.before" || echo >"kill.$1.after"
}
do_recall() { ! rm "kill.$1.before" 2>/dev/null && ! rm "kill.$1.after" 2>/dev/null || expected[$1]=; }
# All of an agent's links: what it sends arrives, and no answer does, whichever collector it is with.
do_uplinks() {
    local agent=${1#uplinks.} collector
    shift 2
    for collector in "${collectors[@]}"; do do_link "link.$agent.$collector" 0 "$@"; done
}
do_nothing() { :; }

# name | weight | place | what it does | what ends it
faults=(
    "agent-kill|6|agent|end KILL|back"
    "agent-kill-in-write|4|agent|order|recall"
    "agent-restart|2|agent|end TERM|back"
    "agent-pause|4|agent|signal STOP|signal CONT"
    "collector-kill|6|collector|end KILL|back"
    "collector-restart|2|collector|end TERM|back"
    "collector-pause|4|collector|signal STOP|signal CONT"
    "link-cut|5|uplink|link cut|link heal"
    "link-half-open|3|uplink|link deaf both|link forget"
    "link-lost-ack|5|uplink|link deaf down|link heal"
    "link-lost-ack-open|2|uplink|link deaf down|link forget"
    "acks-lost|6|uplinks|uplinks deaf down|uplinks heal"
    "uplinks-cut|3|uplinks|uplinks cut|uplinks heal"
    "link-lost-batch|3|uplink|link deaf up|link heal"
    "link-slow|3|uplink|link slow 400 60|link heal"
    "db-link-cut|3|dblink|link cut|link heal"
    "db-link-half-open|2|dblink|link deaf both|link heal"
    "db-link-lost-reply|3|dblink|link deaf down|link heal"
    "db-link-slow|2|dblink|link slow 2000 30|link heal"
    "db-restart|2|pg|end INT|back"
    "db-crash|2|pg|end QUIT|back"
    "db-kill|2|pg|end KILL|back"
    "db-backend-kill|3|pg|backend|nothing"
)
[ -z "$CHAOS_DISKS" ] || faults+=("agent-disk-full|4|disk|fill|empty" "db-disk-full|2|dbdisk|fill|empty")
[ -z "$library" ] || faults+=("agent-clock-step|4|clock|clock|nothing")
mapfile -t faults < <(printf '%s\n' "${faults[@]}" | grep -E -- "$only")
weights=0
for fault in "${faults[@]}"; do
    IFS='|' read -r _ weight _ <<<"$fault"
    weights=$((weights + weight))
done

declare -A active=() until=() undo=() count=() # by place: the fault in force, the event at which it ends, and how; by name
at_once=4                                      # faults in force at one time, at most

# Draws the same number of numbers whatever happens, so that a seed repeats its sequence.
draw() {
    local at=$((RANDOM % weights)) who=$RANDOM other=$RANDOM fault weight kind
    number=$RANDOM
    for fault in "${faults[@]}"; do
        IFS='|' read -r name weight kind on off <<<"$fault"
        at=$((at - weight))
        [ $at -ge 0 ] || break
    done
    local agent=${agents[who % ${#agents[@]}]} collector=${collectors[other % ${#collectors[@]}]}
    case $kind in
        agent) place=$agent ;;
        collector) place=$collector ;;
        uplink) place=link.$agent.$collector ;;
        uplinks) place=uplinks.$agent ;;
        dblink) place=link.$collector.db ;;
        disk) place=$agent.disk ;;
        dbdisk) place=db.disk ;;
        clock) place=$agent.clock ;;
        pg) place=pg ;;
    esac
}

end_fault() { # PLACE
    local words
    read -r -a words <<<"${undo[$1]}"
    "do_${words[0]}" "$1" 0 "${words[@]:1}"
    unset "active[$1]" "until[$1]" "undo[$1]"
}

# Those whose time is over, in a fixed order, and of too many the one that is nearest to its end.
end_faults() { # EVENT
    local at place
    while read -r at place; do
        [ "$at" -le "$1" ] || [ ${#active[@]} -ge $at_once ] || break
        end_fault "$place"
    done < <(for place in ${active[@]+"${!active[@]}"}; do echo "${until[$place]} $place"; done | sort -k1n -k2)
}

one_event() { # NUMBER
    local stays pause words
    end_faults "$1"
    draw
    until [ -z "${active[$place]:-}" ]; do draw; done
    stays=$((1 + RANDOM % 4)) pause=$((200 + RANDOM % 1800))
    [ $name != agent-disk-full ] || stays=$((stays * 5)) # it takes a while until there is no free page
    [ $name != agent-kill-in-write ] || stays=$((stays + 3)) # until it writes
    printf '%4d %5ds  %-20s %-24s for %d\n' "$1" $SECONDS "$name" "$place" "$stays" | tee -a story
    count[$name]=$((${count[$name]:-0} + 1))
    active[$place]=$name until[$place]=$(($1 + stays)) undo[$place]=$off
    read -r -a words <<<"$on"
    "do_${words[0]}" "$place" "$number" "${words[@]:1}"
    sleep "$(printf '%d.%03d' $((pause / 1000)) $((pause % 1000)))"
    keep_up
}

# --- set up ----------------------------------------------------------------------------------------------------------------------------

add_link() { # NAME TARGET-PORT
    mkfifo "$1.control"
    take_port "$1"
    start "$1" "$build_dir/lab/lab-link" "${port[$1]}" "$2" "$work/$1.control"
    wait_for 10 "$1" listening "${port[$1]}"
}

# await SECONDS WHAT COMMAND...: as wait_for, and what ends meanwhile is started again
await() {
    local seconds=$1 what=$2 end
    shift 2
    end=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { say "STUCK: waited ${seconds} s for: $what"; return 1; }
        sleep 0.3
        keep_up
    done
}

up_database() {
    take_port pg
    mkdir pgsock
    [ -z "$CHAOS_DISKS" ] || { mkdir "$CHAOS_DISKS/db/pg" && ln -s "$CHAOS_DISKS/db/pg" db; }
    "$pg_bin/initdb" -D "$work/db" -U parallax --auth=trust >logs/initdb 2>&1
    cat >>db/postgresql.conf <<CONF
listen_addresses = '127.0.0.1'
port = ${port[pg]}
unix_socket_directories = '$work/pgsock'
max_connections = 60
shared_buffers = 32MB
min_wal_size = 32MB
max_wal_size = 64MB
CONF
    actor_start pg
    await 30 "PostgreSQL" sql "SELECT 1"
}

up_collectors() {
    local collector
    for collector in "${collectors[@]}"; do
        take_port "$collector"
        add_link "link.$collector.db" "${port[pg]}"
        # one authority for all collectors of a database
        [ "$collector" = "${collectors[0]}" ] || { mkdir -p -m 700 "$collector" && cp -r -p "${collectors[0]}/pki" "$collector/"; }
        actor_start "$collector"
        await 60 "$collector" listening "${port[$collector]}"
    done
}

up_agents() {
    local agent collector addresses token turn=0
    for agent in "${agents[@]}"; do
        addresses=
        for collector in "${collectors[@]}"; do
            add_link "link.$agent.$collector" "${port[$collector]}"
            # half of the agents begin with the other collector
            [ $((turn % 2)) = 0 ] && addresses+=",127.0.0.1:${port[link.$agent.$collector]}" ||
                addresses=",127.0.0.1:${port[link.$agent.$collector]}$addresses"
        done
        turn=$((turn + 1))
        mkdir -p agents
        [ -z "$CHAOS_DISKS" ] || { mkdir -m 700 "$CHAOS_DISKS/$agent/state" && ln -s "$CHAOS_DISKS/$agent/state" "agents/$agent"; }
        token=$("$collector_program" token create --state "$work/collector1" --db "$(db_url link.collector1.db)" \
            --name "$agent" --region "r$turn" | head -1)
        expect_exit 0 "$agent_program" enroll --state "$work/agents/$agent" --collector "${addresses#,}" --token "$token" \
            --allow 127.0.0.0/8 --port any
        echo +0 >"clock.$agent"
        actor_start "$agent"
    done
}

collector_verb() { expect_exit 0 "$collector_program" "$@" --state "$work/collector1" --db "$(db_url link.collector1.db)"; }

set_up() {
    local line
    "$lab" up "$work/lab"
    . "$work/lab/lab.env"
    export SSL_CERT_FILE=$lab_ca
    up_database
    up_collectors
    while read -r line; do
        # shellcheck disable=SC2086 # the line is options
        collector_verb site add $line --interval 1s
    done <lab/sites
    up_agents
}

# --- the end: everything heals -----------------------------------------------------------------------------------------------------------

heal() {
    local place
    for place in ${active[@]+"${!active[@]}"}; do end_fault "$place"; done
    for place in *.control; do do_link "${place%.control}" 0 heal; done # those that nobody ever learned of
    for place in "${agents[@]}"; do echo +0 >"clock.$place"; done
}

# Rounds after the given one in which every agent has probed every endpoint
whole_rounds_after() {
    sql "SELECT count(*) FROM (SELECT round_id FROM attempt WHERE round_id > $1 AND variant = 0 GROUP BY 1
         HAVING count(DISTINCT (vantage_id, endpoint_id)) = ${#agents[@]} * 7) AS r"
}
last_kept() { grep '^kept' "oracle.$1" | tail -1 | cut -d ' ' -f 2; }
drained() {
    local agent
    for agent in "${agents[@]}"; do
        at_least "$(last_kept "$agent")" sql "SELECT committed FROM vantage_cursor JOIN vantage v ON v.id = vantage_id
                                              WHERE name = '$agent'" || return 1
    done
}
quiet() { [ -z "$(find . -maxdepth 1 -name 'oracle.*' -newermt '-3 seconds')" ]; }

stop_actor() { # NAME: ends as it should
    do_end "$1" 0 TERM
    await 30 "$1 to end" gone "${pid[$1]}" || true
    keep_up
}

# --- what there is, against what there should be -----------------------------------------------------------------------------------------

# Attempts of the oracle and of the database; a line of figures, and what differs in the file differences.
compare() {
    sql "SELECT name, sequence, endpoint_id, coalesce(round_id, 0), variant, role
         FROM attempt JOIN vantage v ON v.id = vantage_id" >in_database
    sql "SELECT 'told', name, sum(dropped) FROM round_vantage JOIN vantage v ON v.id = vantage_id GROUP BY 2" >told
    sql "SELECT 'at', name || '/' || endpoint_id, sum(count) FROM dropped JOIN vantage v ON v.id = vantage_id GROUP BY 2" >>told
    awk -f "$source_dir/tests/lab/chaos.awk" in_database told oracle.* >figures
}

# Connections of an agent to another collector than the last time
fail_overs() {
    awk '/connected to/ { match($0, /port [0-9]+/); at = substr($0, RSTART, RLENGTH)
                          n += (FILENAME in was) && was[FILENAME] != at; was[FILENAME] = at }
         END { print n + 0 }' logs/agent[0-9]*
}

summary() {
    local kind kept rows lost doubled maybe there dropped risen wrong foreign again told arrived forgotten unsure durable uneven
    read -r kept rows lost doubled maybe there dropped risen wrong foreign again told arrived forgotten unsure durable uneven <figures
    say "chaos: seed $seed, $events events, ${#agents[@]} agents, ${#collectors[@]} collectors, $SECONDS s"
    for kind in $(printf '%s\n' "${!count[@]}" | sort); do printf '  %4d %s\n' "${count[$kind]}" "$kind"; done
    [ -n "$CHAOS_DISKS" ] || say "  no disk was filled: that takes root, to mount small ones"
    [ -n "$library" ] || say "  no clock was stepped: libfaketime is not there"
    say "  attempts kept by the spools $kept; in the database $rows; lost $lost; doubled $doubled"
    say "  killed while one was written $maybe (of them kept $there)"
    say "  dropped $dropped (for want of room $durable); dropped and there all the same $risen; endpoints counted wrongly $uneven"
    say "  changed on the way $wrong; of nobody $foreign; sequences given twice $again"
    say "  of what was dropped, kept reports tell $told, the database knows $arrived; died with a killed process at most $forgotten"
    say "  agents' fail-overs $(fail_overs); starts that a fault prevented $starts_refused; crashes and hangs $crashes"
    say "  $(sql "SELECT 'rounds planned ' || count(*) || '; longest planning gap ' || round(extract(epoch FROM max(gap)), 1) || ' s'
                FROM (SELECT start_at - lag(start_at) OVER (ORDER BY start_at) AS gap FROM round WHERE interval_s > 0) AS g")"
    say "  records that a collector did not believe: $(sql "SELECT coalesce(string_agg(name || ' ' || reason || ' ' || count, ', '), 'none')
                FROM refused_record JOIN vantage v ON v.id = vantage_id")"
    # a report that was being written when its agent was killed may have told of some
    [ "$arrived" = "$told" ] || [ "$unsure" -gt 0 ] || { say "  the counts of dropped results differ"; return 1; }
    [ "$told" -ge $((dropped - forgotten)) ] || [ "$unsure" -gt 0 ] || { say "  not all that was dropped was told"; return 1; }
    [ "$kept" -gt 0 ] && [ $((lost + doubled + risen + wrong + foreign + again + uneven + crashes)) = 0 ]
}

give_up() { # WHY: the folder stays, with what the disks held
    touch keep
    [ -z "$CHAOS_DISKS" ] || { rm -f agents/* && cp -r "$CHAOS_DISKS"/agent*/state agents/ 2>/dev/null; } || true
    say "kept: $work (story, oracle.*, in_database, differences, logs)"
    say "again: tests/scenarios/chaos.sh --events $events --seed $seed --agents $agent_count --collectors $collector_count --only '$only'"
    fail "$1"
}

set_up
await 60 "the first whole rounds" at_least 2 whole_rounds_after 0 || give_up "nothing works"
RANDOM=$seed
SECONDS=0
for ((n = 1; n <= events; n++)); do one_event "$n"; done 2>>logs/bash # where bash tells what was killed

heal
await 60 "PostgreSQL" sql "SELECT 1" || give_up "the database does not come back"
before=$(sql "SELECT coalesce(max(id), 0) FROM round")
await 180 "whole rounds after everything has healed" at_least 2 whole_rounds_after "$before" || give_up "some of it does not recover"
ok "healed after $SECONDS s"
while read -r site _; do collector_verb site rm "$site"; done <lab/sites
waits=
await 60 "the last round to end" quiet || waits="rounds do not end"
await 60 "the spools to drain" drained || waits="results wait for ever"
for actor in "${agents[@]}"; do stop_actor "$actor"; done
if ! drained; then # what was under way when they were told to stop has reached the spool, and comes the next time
    for actor in "${agents[@]}"; do actor_start "$actor"; done
    await 60 "the spools to drain again" drained || waits="results wait for ever"
    for actor in "${agents[@]}"; do stop_actor "$actor"; done
fi
for actor in "${collectors[@]}"; do stop_actor "$actor"; done
compare
if ! summary || [ -n "$waits" ]; then
    head -20 differences 2>/dev/null || true
    give_up "${waits:+$waits; }the database does not hold exactly what was spooled, or something crashed"
fi
do_end pg 0 INT
ok "the database holds exactly what reached the spools"
