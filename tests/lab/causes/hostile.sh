# Servers that send what no proper server sends (lab/hostile.c). Each must cost no more than the deadline, and be named.

hostile() { # KIND: prints where it listens
    rm -f "$work/logs/hostile.$1"
    start "hostile.$1" "$build_dir/lab/lab-hostile" "$1"
    wait_for 10 "lab-hostile $1" test -s "$work/logs/hostile.$1"
    cat "$work/logs/hostile.$1"
}
