# How each benchmark begins, before it needs anything: which build is measured, and what its arguments may be.
#
#   . "$(dirname "$0")/begin.sh"
#   at_most 2 "$@"         two whole numbers, or fewer; --help shows the comment on top of the script

: "${PARALLAX_SOURCE_DIR:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${PARALLAX_BUILD_DIR:=$PARALLAX_SOURCE_DIR/build/release}"
export PARALLAX_SOURCE_DIR PARALLAX_BUILD_DIR

show_help() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }
wrong_usage() { echo "$(basename "$0" .sh): $* (--help shows how it is used)" >&2; exit 2; }

at_most() {
    local most=$1 argument
    shift
    for argument in "$@"; do
        case $argument in
            --help | -h) show_help; exit 0 ;;
            *) [[ $argument =~ ^[1-9][0-9]{0,8}$ ]] || wrong_usage "\"$argument\" is no whole number" ;;
        esac
    done
    [ $# -le "$most" ] || wrong_usage "at most $most arguments, not $#"
}
