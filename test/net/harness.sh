#!/bin/bash
# harness.sh - what every net test stands on: hosts that reach each other, tools that tell
# the truth, and nothing left when a script is interrupted.
NET_NO_DAEMON=1
. "$(dirname "$0")/lib.sh"

if [ "${1-}" = hang ]; then
	net_enter "$@"
	two_sites
	become west sleep 987654 &
	echo "hanging in $T"
	wait_for 60 "the end of the world" false
fi

# A script that is interrupted takes its processes, its hosts and its files with it.
if [ -z "${NET_INSIDE-}" ]; then
	net_tools
	for signal in TERM INT HUP; do
		out=$(mktemp)
		# A background job of a script ignores INT unless it is told otherwise.
		env --default-signal=INT,HUP bash "$0" hang >"$out" 2>&1 &
		pid=$!
		until grep -q hanging "$out"; do
			kill -0 $pid 2>/dev/null || { cat "$out"; grep -q '^skipped' "$out" && exit 77; exit 1; }
			pause
		done
		dir=$(sed -n 's/^hanging in //p' "$out")
		rm -f "$out"
		kill -$signal $pid
		wait $pid 2>/dev/null
		[ ! -e "$dir" ] || fail "$signal: $dir is left"
		deadline=$(($(now_ms) + 5000))
		while grep -lsaq "sleep.987654" /proc/[0-9]*/cmdline && [ "$(now_ms)" -lt $deadline ]; do pause; done
		! grep -lsaq "sleep.987654" /proc/[0-9]*/cmdline || fail "$signal: a process is left"
		say "ok: nothing is left after $signal"
	done
fi

net_enter "$@"
two_sites
check "hosts reach each other by IPv4" pings cwest 10.2.0.2
check "and by IPv6" pings cwest fd02::2
sniff wire west wan
check "bulk data" bulk cwest ceast 10.2.0.2 1000000
pings west 10.9.0.2
sniff_end wire
[ "$(sniffed wire clear)" -gt 20 ] || fail "clear text was not seen as such: $(tail -n 1 "$T/wire.sniff")"
[ "$(sniffed wire esp)$(sniffed wire udp-esp)$(sniffed wire ike)" = 000 ] || fail "ESP where there is none"
say "ok: clear text is seen: $(tail -n 1 "$T/wire.sniff")"
account=$(getent passwd _isakmpd) || fail "no account for the roles"
say "ok: the roles have an account in here: $account"
