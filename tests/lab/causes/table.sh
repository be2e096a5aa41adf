#!/bin/bash
# The table of docs/CAUSES.md: every cause of the program's catalogue with what reproduces it in the scenario lists beside this
# script.  table.sh AGENT >docs/CAUSES.md
set -euo pipefail
agent=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Each scenario with the causes it stages: the verdict's, and those it wants worth a word beside it
staged() {
    awk -F'\t' '!/^#/ && NF { also = ""; n = split($5, check, " ")
        for (i = 1; i <= n; i++) if (check[i] ~ /^also:/) also = also "," substr(check[i], 6)
        print $1 also "\t" $2 }' "$here"/*.tsv
}

"$agent" probe --list-causes --format ndjson --lang en | jq -rs --rawfile staged <(staged) '
    def cell: gsub("\\|"; "\\|") | gsub("<"; "&lt;") | if . == "" then "-" else . end;
    def sections: ["local", "This vantage"], ["dns", "DNS"], ["tcp", "TCP"], ["hello", "After the ClientHello"],
        ["capacity", "Capacity"], ["tls", "Negotiation"], ["cert", "Certificate"], ["edge", "CDN and origin"], ["http", "HTTP"];
    . as $causes
    | [$staged | split("\n")[] | select(. != "") | split("\t") | {causes: (.[0] | split(",")), by: .[1]}] as $scenarios
    | def by($id): [$scenarios[] | select(.causes | index($id)) | .by] | unique | join("; ") | cell;
    ([$causes[].cause] - ([$causes[].cause] - [$scenarios[].causes[]]) | length) as $named
    | "# Causes",
      "",
      "What `parallax-agent probe` can name, and what reproduces it in the tests: \($named) of \($causes | length) causes are staged by",
      "the \($scenarios | length) scenarios of `tests/lab/causes/`. `{names}` are facts that a case fills in; `probe --explain CAUSE` says what tells",
      "a cause apart from what looks like it. Made by `tests/lab/causes/table.sh`; do not edit.",
      (sections as [$prefix, $title] | [$causes[] | select(.cause | startswith($prefix + "."))] | select(length > 0)
       | "", "## \($title)", "", "| cause | name | reproduced by | verdict | remedy |", "|---|---|---|---|---|",
         (.[] | "| `\(.cause)` | \(.name | cell) | \(by(.cause)) | \(.verdict | cell) | \(.remedy | cell) |")),
      "", "## Healthy", "", "No cause may be named for any of these, though a word beside the verdict may be in order: \(by("none"))."'
