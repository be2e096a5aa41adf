# Walks through lists of scenarios (causes.sh says what is in them); sourced after lib.sh.

lists=$source_dir/tests/lab/causes
tab=$'\t'

# each_scenario COMMAND SECTION...: COMMAND SECTION CAUSE STAGED-BY SETUP ARGUMENTS CHECKS, for each one that ONLY picks
each_scenario() {
    local command=$1 section cause staged_by setup arguments checks
    shift
    for section; do
        . "$lists/$section.sh"
        port=() # names of servers are a section's own; those of earlier ones still listen
        ! declare -F "${section}_up" >/dev/null || "${section}_up"
        while IFS=$tab read -r cause staged_by setup arguments checks <&3; do
            case $cause in '' | '#'*) continue ;; esac
            [[ "$cause $staged_by $setup $arguments" =~ ${ONLY:-} ]] || continue
            "$command" "$section" "$cause" "$staged_by" "$setup" "$arguments" "${checks:--}"
        done 3<"$lists/$section.tsv"
    done
}

# set_up SETUP ARGUMENTS: runs the setup, and puts what it prints into the arguments, in $arguments_made
set_up() {
    run_with=()
    started_before=${#pids[@]}
    $1 >"$work/printed"
    arguments_made=${2//"{}"/$(<"$work/printed")}
}

take_down() {
    while [ ${#pids[@]} -gt "$started_before" ]; do # what the setup started
        stop "${pids[-1]}"
        unset 'pids[-1]'
    done
}
