#!/bin/bash
# The agent runs on small machines of others: it must not carry the database client.
. "$(dirname "$0")/lib.sh"

needed() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }

needed "$collector_program" | grep -q '^libpq' || fail "the collector does not name libpq, so this check looks in the wrong place"
! needed "$agent_program" | grep '^libpq' || fail "parallax-agent needs libpq"
ok "parallax-agent needs: $(needed "$agent_program" | tr '\n' ' ')"
! ldd "$agent_program" | grep libpq || fail "parallax-agent loads libpq through another library"
ok "nothing that parallax-agent loads loads libpq"
! readelf -Ws "$agent_program" | grep -w 'PQ[a-z][A-Za-z]*' || fail "parallax-agent has symbols of libpq"
ok "parallax-agent has no symbol of libpq"
