# needs: root
# Servers at the end of what they can take.
. "$source_dir/tests/lab/netns.sh"
capacity_up() { path_up; }
