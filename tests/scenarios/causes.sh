#!/bin/bash
# Each cause is staged by real servers and paths, and `parallax-agent probe` has to name it; healthy ones are "none".
#   causes.sh [SECTION...]     sections of tests/lab/causes; default: all that need no root
# REPEAT=n probes each scenario n times: the verdict has to be the same each time. ONLY=regex picks scenarios by their line.
# ENGINE=own, ENGINE=auto: with that engine.
#
# SECTION.tsv has one scenario a line, tab-separated ("#" begins a comment):
#   cause     id the verdict has to carry; several with commas, sorted, when several addresses have verdicts of their own
#   staged by what reproduces it, for the table in the documents
#   setup     a command of SECTION.sh, with its words; what it prints replaces {} in the probe's arguments
#   probe     arguments of `parallax-agent probe`; --format json is added
#   checks    "-", or words: also:ID, ruled_out:ID, certainty:WORD, FACT=VALUE (no blanks), exit:CODE
# SECTION.sh is sourced by this script, with all of lib.sh at hand. It may define SECTION_up, which is called once before its
# scenarios. Setups run in this shell, so they can `start` processes, and may set the array run_with: a command that runs the
# agent (faketime, ip netns exec). A SECTION.sh with a line "# needs: root" runs when it is named, and as root.
lists=$(cd "$(dirname "$0")/../lab/causes" && pwd)
needs_root() { grep -q '^# needs: root' "$lists/$1.sh"; }

sections=("$@")
if [ $# = 0 ]; then
    for list in "$lists"/*.tsv; do
        section=$(basename "$list" .tsv)
        needs_root "$section" || sections+=("$section")
    done
fi
for section in ${sections[@]+"${sections[@]}"}; do
    ! needs_root "$section" || as_started=root # lib.sh stays root then
done
. "$(dirname "$0")/lib.sh"
. "$source_dir/tests/lab/causes/each.sh"
scenarios=0 failures=0

verdicts() { jq -c '.. | objects | select(has("verdict")) | .verdict' <<<"$out"; }

# One check of the fifth column on the verdicts of the last run
holds() {
    local name=${1%%[:=]*} value=${1#*[:=]} filter
    case $1 in
        exit:*) [ "$status" = "$value" ]; return ;;
        also:*) filter='any(.also[]?; . == $value)' ;;
        ruled_out:*) filter='any(.ruled_out[]?; .cause == $value)' ;;
        certainty:*) filter='.certainty == $value' ;;
        *=*) filter='.facts[$name] == $value' ;;
        *) fail "unknown check $1" ;;
    esac
    [ "$(verdicts | jq -s --arg name "$name" --arg value "$value" "any(.[]; $filter)")" = true ]
}

# @prints what is wrong with the last run, or nothing
wrong() { # CAUSE CHECKS
    local got word
    got=$(verdicts | jq -r .cause | sort -u | paste -sd,)
    [ "$got" = "$1" ] || { echo "verdict is ${got:-missing}"; return; }
    [ "$2" != - ] || return 0
    for word in $2; do
        holds "$word" || { echo "does not hold: $word"; return; }
    done
}

scenario() { # SECTION CAUSE STAGED-BY SETUP ARGUMENTS CHECKS
    local turn problem
    set_up "$4" "$5"
    scenarios=$((scenarios + 1))
    for turn in $(seq "${REPEAT:-1}"); do
        # shellcheck disable=SC2086 # the arguments of a scenario are words
        run ${run_with[@]+"${run_with[@]}"} "$agent_program" probe $arguments_made --format json ${ENGINE:+--engine "$ENGINE"}
        problem=$(wrong "$2" "$6")
        [ -n "$problem" ] || continue
        failures=$((failures + 1))
        printf 'FAILED: %s: %s (%s; turn %s): %s\n' "$1" "$2" "$3" "$turn" "$problem" >&2
        [ -z "${VERBOSE:-}" ] || show_run
        break
    done
    [ -n "$problem" ] || ok "$1: $2 ($3)${REPEAT:+, $REPEAT times}"
    take_down
}

each_scenario scenario ${sections[@]+"${sections[@]}"}
say "$scenarios scenarios, $failures failed"
[ "$failures" = 0 ]
