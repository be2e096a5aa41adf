#!/bin/bash
# cmake --install puts everything where Debian expects it, and what is installed runs from there.
as_started=1 # the installation reads and writes the build folder, which belongs to whoever built it
. "$(dirname "$0")/lib.sh"

DESTDIR=$work/root cmake --install "$build_dir" --prefix /usr >"$work/logs/install" 2>&1
cd "$work/root/usr"

there() { [ -s "$1" ] || fail "not installed: $1"; ok "installed: $1"; }
for program in parallax-agent parallax-collector; do
    there bin/$program
    there share/man/man1/$program.1
    there share/bash-completion/completions/$program
done
there share/locale/zh_CN/LC_MESSAGES/parallax.mo
there share/parallax/sql/migrations/001_initial.sql
diff -r share/parallax/sql/statements "$source_dir/sql/statements" || fail "installed statements differ"
diff -r share/parallax/sql/parts "$source_dir/sql/parts" || fail "installed parts of statements differ"
ok "all statements and their parts are installed"

for program in parallax-agent parallax-collector; do
    expect_exit 0 "bin/$program" --version
    expect_output "$program.*[0-9]+\.[0-9]+\.[0-9]+"
    expect_exit 0 "bin/$program" --help
    ok "$program runs: $(head -1 <<<"$out")"
    bash -n share/bash-completion/completions/$program || fail "completion of $program is not valid bash"
    (. "share/bash-completion/completions/$program" && complete -p "$program" >/dev/null) || fail "completion of $program completes nothing"
    ok "completion of $program loads"
done
