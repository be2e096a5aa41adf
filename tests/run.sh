#!/bin/bash
# Installs what is missing, builds under ASan and UBSan with warnings as errors, and runs every test.
#   tests/run.sh [ctest options]        e.g. tests/run.sh -L unit, tests/run.sh -R scenario.restart -V
set -euo pipefail
cd "$(dirname "$0")/.."

./deploy/install-deps.sh --build --test

options=(-DPARALLAX_WERROR=ON)
! command -v ccache >/dev/null || options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
cmake --preset asan "${options[@]}"
cmake --build build/asan -j "$(nproc)"

exec ctest --test-dir build/asan --output-on-failure -j2 "$@"
