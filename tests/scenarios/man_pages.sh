#!/bin/bash
# The man pages and the programs name the same verbs and options, and the pages are clean.
# A verb is a subsection (.Ss site add) with an .It line for each of its options (.It Fl j , Fl -concurrency Ar N);
# options that many verbs share stand once, in the subsection "Options of every verb".
. "$(dirname "$0")/lib.sh"

shared="Options of every verb"

# "subsection<TAB>--option" for each option of a page, "subsection<TAB>" for each subsection
of_page() {
    awk '
        /^\.Sh / { section = $2 }
        /^\.Ss / { sub(/^\.Ss /, ""); gsub(/"/, ""); verb = $0; if (section == "VERBS") print verb "\t" }
        section == "VERBS" && /^\.It Fl / { for (i = 2; i <= NF; i++) if ($i == "Fl" && $(i + 1) ~ /^-/) print verb "\t-" $(i + 1) }
    ' "$1" | sed 's/\t--*\(.\)/\t--\1/' | sort
}

for program in parallax-agent parallax-collector; do
    page=$source_dir/deploy/man/$program.1
    "$build_dir/bin/$program" --dump-options | sed "s/^-\t/$shared\t/" | sort -u >in_program
    of_page "$page" >in_page.all
    sort -u in_page.all >in_page
    repeated=$(uniq -d in_page.all)
    [ -z "$repeated" ] || fail "$program: described twice in its page: $repeated"

    cut -f1 in_program | sort -u >verbs
    cut -f1 in_page | sort -u >subsections
    diff verbs subsections >difference || { cat difference >&2; fail "$program: verbs (<) and subsections of its page (>) differ"; }

    grep -F "$shared"$'\t--' in_page | cut -f2 | sort -u >in_shared
    cut -f2 in_program | sort -u >all_options
    comm -23 in_shared all_options >unknown
    [ ! -s unknown ] || fail "$program: the page shares an option that no verb has: $(cat unknown)"

    awk -F'\t' 'NR == FNR { shared[$1]; next } !($2 in shared)' in_shared in_program | sort -u >wanted
    grep $'\t--' in_page | grep -vF "$shared"$'\t' >given || true
    diff wanted given >difference || { cat difference >&2; fail "$program: options (<) and those of its page (>) differ"; }
    ok "$program: $(wc -l <verbs) verbs and $(wc -l <in_program) options are in its page"

    mandoc -T lint -W warning "$page" >lint || { cat lint >&2; fail "$program: mandoc complains"; }
    ok "$program: the page is clean"
done
