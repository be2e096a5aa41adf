#!/bin/bash
# The sources are formatted as .clang-format says, and clang-tidy (.clang-tidy) finds nothing in what is installed.
set -euo pipefail
cd "$PARALLAX_SOURCE_DIR"

find agent collector proto tests -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror
echo "ok: formatted"

# clang knows the sanitizers' options and the warnings under the same names; the compilation database is this build's.
find agent collector proto -name '*.c' -print0 |
    xargs -0 -P "$(nproc)" -n 16 clang-tidy --quiet -p "$PARALLAX_BUILD_DIR" 2>/dev/null
echo "ok: clang-tidy finds nothing"
