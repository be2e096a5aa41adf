# needs: root
# After the ClientHello: a box beside or in the path, holes for large packets, and servers that answer in no way.
. "$source_dir/tests/lab/netns.sh"
hello_up() { path_up; }
