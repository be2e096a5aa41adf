# needs: root
# The vantage's own matter.
. "$source_dir/tests/lab/netns.sh"
local_up() { path_up; }
