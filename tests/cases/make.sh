#!/bin/bash
# Writes one of the stories of this folder as lines that parallax-collector replay reads, the same on every machine:
#   make.sh NAME >NAME.ndjson
#   make.sh --list
# What the judge must make of a story stands in NAME.expect, one jq condition a line.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stories="asn_block region_name_reset origin_expired sick_vantage stale_address interception quiet_loss lone_vantage flapping forty_one_asn forty_one_edge"

case ${1:---list} in
--list) echo "$stories"; exit 0 ;;
esac
[[ " $stories " == *" $1 "* ]] || { echo "make.sh: no story is called $1; there are: $stories" >&2; exit 2; }

awk -v story="$1" -f "$here/stories.awk" </dev/null
