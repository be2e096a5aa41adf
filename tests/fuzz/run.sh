#!/bin/bash
# Builds the fuzzed targets with clang and runs each on what is known of it and on what the fuzzer makes of that.
#   tests/fuzz/run.sh [--merge] [SECONDS] [TARGET...]     default: 20 seconds, every target
# SECONDS is for each target; as many run side by side as there are processors (JOBS=N: as many as that). Known inputs are in
# tests/fuzz/corpus/TARGET, those that once broke something in tests/fuzz/broken/TARGET; new ones that reach new code are kept
# in build/fuzz/corpus/TARGET and are used by the next run. --merge then puts a small set of inputs that reaches the same code into
# tests/fuzz/corpus. Exit codes: 0 all well, 1 something broke (its input and how to run it again are shown).
set -euo pipefail
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
cd "$source_dir"
build=$source_dir/build/fuzz known=$source_dir/tests/fuzz

merge= seconds=20 targets=()
for word in "$@"; do
    case $word in
        --help) sed -n '2,7s/^# //p' "$0"; exit 0 ;;
        --merge) merge=1 ;;
        -*) echo "run.sh: unknown option $word (only --merge)" >&2; exit 2 ;;
        *[!0-9]*) targets+=("$word") ;;
        *) seconds=$word ;;
    esac
done

export CCACHE_BASEDIR=$source_dir
options=()
! command -v ccache >/dev/null || options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
command -v clang >/dev/null || { echo "run.sh: clang is not there; run deploy/install-deps.sh --test" >&2; exit 3; }
mkdir -p "$build"
if ! { cmake --preset fuzz ${options[@]+"${options[@]}"} && cmake --build --preset fuzz -j "$(nproc)"; } >"$build/build.log" 2>&1; then
    tail -40 "$build/build.log" >&2
    echo "run.sh: the targets do not build; all of it is in $build/build.log" >&2
    exit 3
fi

all=()
for program in "$build"/fuzz/fuzz-*; do
    [ ! -x "$program" ] || [ ! -f "$known/${program##*/fuzz-}.c" ] || all+=("${program##*/fuzz-}")
done
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")
for target in "${targets[@]}"; do
    [[ " ${all[*]} " == *" $target "* ]] ||
        { echo "run.sh: no target is called $target; there are: ${all[*]}" >&2; exit 2; }
done

# An input is read whole by the programs, up to a bound of their own; what is interesting fits in less.
longest() {
    case $1 in
        answer | certificate | conclude | import | message | networks | ocsp | pack | pump | recording) echo 16384 ;;
        *) echo 4096 ;;
    esac
}

# Words that a target knows
dictionary() {
    case $1 in
        attempt_json | conclude | import | recording) echo json ;;
        settings | sites_yaml) echo yaml ;;
        *) echo "$1" ;;
    esac
}

# The leak check at the end wants ptrace, which containers may forbid; the one after each input does not.
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:quarantine_size_mb=32:${ASAN_OPTIONS:-}
export LSAN_OPTIONS=suppressions=$known/leaks.supp:print_suppressions=0:${LSAN_OPTIONS:-}
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-}

fuzz() { # TARGET: its output goes to a log, its input when something breaks to build/fuzz/found
    local target=$1 words=() folders=()
    mkdir -p "$build/corpus/$target" "$build/found/$target" "$build/log"
    [ ! -f "$known/dictionary/$(dictionary "$target")" ] || words=(-dict="$known/dictionary/$(dictionary "$target")")
    for folder in "$known/corpus/$target" "$known/broken/$target"; do
        [ ! -d "$folder" ] || folders+=("$folder")
    done
    "$build/fuzz/fuzz-$target" -max_total_time="$seconds" -max_len="$(longest "$target")" -timeout=10 -rss_limit_mb=1024 \
        -print_final_stats=1 -artifact_prefix="$build/found/$target/" ${words[@]+"${words[@]}"} \
        "$build/corpus/$target" ${folders[@]+"${folders[@]}"} >"$build/log/$target" 2>&1 </dev/null || return 1
}

count() { find "$1" -type f 2>/dev/null | wc -l; }
last_of() { sed -n "s/.* $2: \([0-9]*\).*/\1/p" "$1" | tail -1; } # LOG WORD: as the fuzzer said it last
stat_of() { sed -n "s/^stat::$2: *//p" "$build/log/$1"; }

row() { # TARGET STATUS
    local log=$build/log/$1
    printf '%-14s %10s %8s %7s %7s %6s %8s\n' "$1" "$(stat_of "$1" number_of_executed_units)" \
        "$(stat_of "$1" average_exec_per_sec)" "$(last_of "$log" cov)" "$(last_of "$log" corp)" \
        "$(stat_of "$1" new_units_added)" "$2"
}

say_broken() { # TARGET
    local input
    input=$(sed -n 's/^.*Test unit written to //p' "$build/log/$1" | tail -1)
    echo "run.sh: $1 broke: $(grep -m1 -E 'does not hold|ERROR: |runtime error:|SUMMARY' "$build/log/$1" || tail -1 "$build/log/$1")" >&2
    echo "  input:     ${input:-none was written; see $build/log/$1}" >&2
    [ -z "$input" ] || echo "  run again: $build/fuzz/fuzz-$1 $input" >&2
}

budget() { # TARGET: bytes of inputs that are worth a place in the tree
    case $1 in
        conclude) echo 131072 ;;
        attempt_json | import | message | recording) echo 65536 ;;
        *) echo 24576 ;;
    esac
}

put_back() { # TARGET: a small set that reaches what all that is known does; the smallest inputs of it, as far as the budget goes
    local target=$1 fresh size input left
    fresh=$(mktemp -d "$build/merge.XXXXXX")
    "$build/fuzz/fuzz-$target" -set_cover_merge=1 -max_len="$(longest "$target")" "$fresh" "$known/corpus/$target" \
        "$build/corpus/$target" >"$build/log/$target.merge" 2>&1 </dev/null
    rm -rf "$known/corpus/$target"
    mkdir -p "$known/corpus/$target"
    left=$(budget "$target")
    while read -r size input; do
        [ "$size" -le "$left" ] || break
        left=$((left - size))
        mv "$input" "$known/corpus/$target/"
    done < <(find "$fresh" -type f -printf '%s %p\n' | sort -n)
    rm -rf "$fresh"
}

jobs=${JOBS:-$(nproc)}
printf '%-14s %10s %8s %7s %7s %6s %8s\n' target runs runs/s edges corpus new broken
broken=()
declare -A running=()
reap() { # one that has ended
    local pid status=0 target
    wait -n -p pid || status=$?
    target=${running[$pid]}
    unset "running[$pid]"
    if [ $status = 0 ]; then row "$target" no; else row "$target" YES; broken+=("$target"); fi
}
trap 'kill "${!running[@]}" 2>/dev/null || true' EXIT
for target in "${targets[@]}"; do
    [ ${#running[@]} -lt "$jobs" ] || reap
    fuzz "$target" &
    running[$!]=$target
done
while [ ${#running[@]} -gt 0 ]; do reap; done

for target in ${broken[@]+"${broken[@]}"}; do say_broken "$target"; done
[ ${#broken[@]} -eq 0 ] || exit 1
if [ -n "$merge" ]; then
    for target in "${targets[@]}"; do mkdir -p "$known/corpus/$target"; put_back "$target"; done
    echo "tests/fuzz/corpus: $(count "$known/corpus") inputs, $(du -sk --apparent-size "$known/corpus" | cut -f1) KiB"
fi
echo "nothing broke: ${#targets[@]} targets, $seconds s each"
