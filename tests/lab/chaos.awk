# What the oracles saw reach the spools, against what the database holds: awk -f chaos.awk in_database told oracle.*
# One line of figures on stdout, in the order in which chaos.sh reads them; what differs goes into the file differences.
function differs(what, key) { print what, key, intent[key], "database:", row[key] > "differences" }
FILENAME == "in_database" { key = $1 " " $2; times[key]++; row[key] = $3 " " $4 " " $5 " " $6; rows++; next }
FILENAME == "told" && $1 == "at" { arrived_at[$2] = $3; places[$2]; next }
FILENAME == "told" { arrived += $3; next }
FNR == 1 { name = substr(FILENAME, 8); memory = 0 }
{ key = name " " $2 }
$1 == "attempt" || $1 == "report" { if (key in intent) { again++; differs("sequence-given-twice", key) } }
$1 == "attempt" { intent[key] = $3 " " $4 " " $5 " " $6; at[key] = name "/" $3; places[at[key]]; attempts++ }
$1 == "report" { intent[key] = "report" }
$1 == "told" { told_at[name "/" $3] += $4; places[name "/" $3] }
$1 == "kept" { state[key] = "kept"; told += $3 }
$1 == "dropped" && key in at { if ($3 == "durable") durable_at[at[key]]++; else memory_at[at[key]]++ }
$1 == "dropped" { state[key] = "dropped" }
# what a process had counted in memory alone, since its last transaction that worked, dies with it
$1 == "life" { forgotten += memory; memory = 0 }
$1 == "dropped" && $3 == "memory" && intent[key] != "report" { memory++ }
$1 == "kept" { memory = 0 }
END {
    for (key in intent) {
        if (intent[key] == "report") { unsure += !(key in state); continue }
        n = times[key] + 0
        if (state[key] == "kept") { kept++; if (n == 0) { lost++; differs("lost", key) } }
        else if (state[key] == "dropped") { dropped++; if (n > 0) { risen++; differs("dropped-and-there", key) } }
        else { maybe++; there += n > 0; maybe_at[at[key]]++ }
        if (n > 0 && row[key] != intent[key]) { wrong++; differs("changed", key) }
    }
    for (key in times) {
        if (times[key] > 1) { doubled += times[key] - 1; differs("doubled", key) }
        if (!(key in intent) || intent[key] == "report") { foreign++; differs("of-nobody", key) }
    }
    # of each endpoint arrives what its vantage dropped, but for what only a process that was killed knew
    for (place in places) {
        n = arrived_at[place] + 0; least = durable_at[place] > told_at[place] ? durable_at[place] : told_at[place]
        durable += durable_at[place]
        if (n < least || n > durable_at[place] + memory_at[place] + maybe_at[place]) {
            uneven++
            print "drops-of", place, "at least", least + 0, "in memory", memory_at[place] + 0, "database:", n > "differences"
        }
    }
    print kept + 0, rows + 0, lost + 0, doubled + 0, maybe + 0, there + 0, dropped + 0, risen + 0, wrong + 0, foreign + 0, again + 0,
        told + 0, arrived + 0, forgotten + 0, unsure + 0, durable + 0, uneven + 0
}
