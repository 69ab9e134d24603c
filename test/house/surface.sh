#!/bin/bash
# surface.sh - every option, command, tag, value and report line of isakmpd(8)
# and isakmpd.conf(5), as surface.txt lists them, has a test that proves it.
#
# A line of surface.txt is
#
#	kind | item | test ... | text
#
# Each test is named as ctest names it; the text (the item itself, if there is
# none) must stand in the file of one of them, and there in what runs: not in a
# comment, and of a script with several cases in that case or what is before all.
# Instead of a test a line may have
#
#	later: subject; test	it belongs to a part of the daemon that is not there yet,
#				and the test shows that using it is refused by name
#
# The test fails if a line has neither, if a test does not exist or does not
# speak of it, and if the program knows an option, order or tag without a line.
set -u
cd "$(dirname "$0")/../.." || exit 1
table=${1:-test/house/surface.txt}
rc=0 lines=0 later=0
bad() { echo "$*"; rc=1; }

# The file of a test, or nothing.
declare -A cases
for script in test/net/life test/net/ocsp test/net/surface test/net/examples test/net/man test/interop/life test/interop/suites; do
	for c in $(bash $script.sh -l); do
		case $script in
		test/net/*) cases[net/$c]=$script.sh ;;
		*) cases[interop/strongswan/$c]=$script.sh ;;
		esac
	done
done
file_of() {
	local f
	for f in "test/$1.c" "test/$1.sim" "test/$1.sh" "${cases[$1]-}"; do
		[ -n "$f" ] && [ -f "$f" ] && { echo "$f"; return; }
	done
	case $1 in scenario/random*) echo test/scenario/CMakeLists.txt ;; esac
}
# What runs of a file: without comments, and of a script with cases one of them.
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
runs() {
	local name=$1 file=$2 out
	out=$scratch/${name//\//-}
	[ -e "$out" ] || case $file in
	*.c) cc -fpreprocessed -dD -E -P "$file" >"$out" ;;
	test/net/*.sh)
		awk -v want="${name##*/}" '
			/^[[:space:]]*#/ { next }
			/^[a-z*][a-z0-9*|-]*\)/ { on = 0; n = split(substr($0, 1, index($0, ")") - 1), w, "|")
				for (i = 1; i <= n; i++) if (w[i] == want) on = found = 1; inside = 1 }
			/^esac/ { inside = 0 }
			on || !inside' "$file" | sed 's/[[:space:]]#[[:space:]].*//' >"$out" ;;
	*) sed '/^[[:space:]]*#/d; s/[[:space:]]#[[:space:]].*//' "$file" >"$out" ;;
	esac
	echo "$out"
}
trim() { local IFS=$' \t' v; read -r v <<<"${1//$bar/|}"; printf -v "$2" %s "$v"; }
bar=$'\002'

n=0
while IFS= read -r line; do
	n=$((n + 1))
	case $line in ''|'#'*) continue ;; esac
	lines=$((lines + 1))
	# "||" stands for a bar in the item or text
	IFS='|' read -r kind item tests text <<<"${line//||/$bar}"
	trim "$kind" kind
	trim "$item" item
	trim "${tests-}" tests
	trim "${text-}" text
	[ -n "$item" ] || { bad "line $n: no item: $line"; continue; }
	case $tests in
	later:*\;*)
		later=$((later + 1))
		tests=${tests#*;} ;;
	later:*|'')
		bad "line $n: $kind $item: no test"
		continue ;;
	esac
	found=
	for t1 in $tests; do
		f=$(file_of "$t1")
		if [ -z "$f" ]; then
			bad "line $n: $kind $item: there is no test $t1"
		elif grep -qF -e "${text:-$item}" "$(runs "$t1" "$f")"; then
			found=1
		fi
	done
	[ -n "$found" ] || bad "line $n: $kind $item: \"${text:-$item}\" is not in $tests"
done <"$table"

# has kind item: there is a line for it
has() { grep -qE "^$1 *\| *$2 *(\||\$)" "$table" || bad "the program knows the $1 $2, and the table does not"; }
letters=$(sed -n 's/.*getopt_long(argc, argv, "\([^"]*\)".*/\1/p' src/cmd/isakmpd.c | tr -d :)
[ ${#letters} -gt 15 ] || bad "no option letters found in src/cmd/isakmpd.c"
for ((i = 0; i < ${#letters}; i++)); do has option "-${letters:i:1}"; done
for o in $(sed -n 's/^\t\t{ "\([a-z-]*\)", .*_argument.*/\1/p' src/cmd/isakmpd.c); do has option "--$o"; done
for c in $(sed -n 's/^\t{ "\([A-Za-z]*\)", FIFO_.*/\1/p' src/ctl/fifo.c); do
	case $c in
	set|add|rmv|rm|rms|get) has command "C $c" ;;
	*) has command "$c" ;;
	esac
done
tags=$(sed -n '/^} known\[\] = {/,/^};/s/^\t{ "\([^"]*\)", KIND.*/\1/p; /^} known\[\] = {/,/^};/s/^\t{ "\([^"]*\)", PEER.*/\1/p' src/conf/tags.c)
[ "$(wc -w <<<"$tags")" -gt 70 ] || bad "no tags found in src/conf/tags.c"
for t in $tags; do has tag "$t"; done

echo "$lines lines, $later of them of parts to come, whose use is refused"
exit $rc
