# needs: root
# TCP connect: what answers the SYN, and from where. Setups over* and filtered print how to reach the server.
. "$source_dir/tests/lab/netns.sh"
tcp_up() { path_up; }
