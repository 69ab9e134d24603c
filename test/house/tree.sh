#!/bin/sh
# tree.sh - the tracked files stand alone, are licensed, and leave nothing undone.
#
#   no path of somebody's machine outside of what an installed system has
#   no word for work that was put off, in sources
#   no build product
#   no file that only one system can check out (case, length, odd characters)
#   scripts carry the executable bit, sources do not
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
command -v git >/dev/null 2>&1 || { echo "skipped: no git"; exit 77; }
git rev-parse --git-dir >/dev/null 2>&1 || { echo "skipped: not a clone"; exit 77; }
rc=0
bad() {
	[ -n "$found" ] || return 0
	echo "$1"
	echo "$found" | sed 's/^/    /'
	rc=1
}

# Each pattern is broken up, so that this file does not find itself.
found=$(git grep -nIE "(^|[^A-Za-z0-9_.\$}/-])/(wor[k]|hom[e]/[a-z]|roo[t]/|Use[r]s|mn[t]/|med[i]a/|far[m])(/|\$|[^A-Za-z0-9_])|\.\./share[d]" -- .)
bad "a path outside of the project:"

found=$(git grep -nIwE "TOD[O]|FIXM[E]|XX[X]|HAC[K]" -- '*.c' '*.h' '*.sh' '*.md' '*.txt' '*.cmake' 'tools/*' 'Makefile')
bad "work put off:"

found=$(git ls-files | grep -E '\.(o|a|so|gcda|gcno|orig|rej|swp|pcap|core)$|(^|/)core\.[0-9]+$')
bad "not a source:"

found=$(git ls-files | grep -vE '^[A-Za-z0-9._/@+,=-]+$')
bad "a name that not every system has:"

found=$(git ls-files | tr 'A-Z' 'a-z' | sort | uniq -d)
bad "names that differ only in case:"

found=$(git ls-files -s -- '*.c' '*.h' '*.md' '*.conf' | awk '$1 == "100755" { print $4 }')
bad "a source that claims to be executable:"

found=$(git ls-files -s -- 'tools/*' '.ci/run' | awk '$1 == "100644" { print $4 }')
bad "a script without its executable bit:"

head -n 3 LICENSE | grep -q 'Copyright (c)' &&
    grep -q 'Permission to use, copy, modify, and distribute this software for any' LICENSE &&
    grep -q 'ISC' README.md ||
    { echo "LICENSE is not the ISC licence, or README.md does not name it"; rc=1; }
exit $rc
