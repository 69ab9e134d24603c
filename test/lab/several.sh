# several.sh - many cases in one world; to be sourced after lib.sh.
#
#	several prefix all-cases [wanted-case...]
#
# Making a world costs seconds under user-mode Linux, so these tests share one
# and run their cases one after the other, each in a shell of its own with
# fresh daemons.  The case NAME is the function prefix_NAME, with - as _.
# A case that fails does not stop the others; the last line says how many did.

several() {
	local prefix=$1 all=$2 wanted name rc=0 out started n=0 bad=
	shift 2
	wanted=${*:-$all}
	for name in $wanted; do
		started=$(now_ms)
		out=$T/.case
		rm -f "$T"/*/log
		( trap - EXIT; set -u; "${prefix}_${name//-/_}" ) >"$out" 2>&1
		rc=$?
		n=$((n + 1))
		if [ $rc = 0 ]; then
			say "passed: $name ($((($(now_ms) - started) / 1000)) s)"
		else
			bad="$bad $name"
			say "FAILED: $name ($((($(now_ms) - started) / 1000)) s)"
			sed 's/^/    /' "$out"
		fi
		clear_up
	done
	[ -z "$bad" ] || { say "FAILED of $n:$bad"; exit 1; }
	say "all $n passed"
}

# No daemon, and nothing in the kernel, of the case before.
clear_up() {
	local f p
	for f in "$T"/*/daemon.pid "$T"/*/swan/pid "$T"/*/libre/pid "$T"/*.pid; do
		[ -e "$f" ] || continue
		p=$(cat "$f")
		rm -f "$f"
		# shellcheck disable=SC2046
		gone "$p" || kill -KILL $(descendants "$p") 2>/dev/null
	done
	for f in west east; do
		in_host $f ip xfrm state flush
		in_host $f ip xfrm policy flush
		rm -f "$T/$f/run/isakmpd.fifo" "$T/$f/run/isakmpd.pid"
	done 2>/dev/null
}
