# cases.sh - what every interop test against strongSwan has in common; to be sourced.
#
# Ours is west, theirs is east.  If east's data plane only speaks ESP in UDP,
# west is told to force the encapsulation.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../net/lib.sh"
. "$here/../net/conf.sh"
. "$here/../lab/peers/strongswan.sh"

# both NAME=VALUE...: two sites and both daemons, idle.  `ike esp` are theirs,
# `p1 p2` ours; other names go to whom they belong.
both() {
	local a to_swan=() to_us=() encap=yes
	[ $swan_plane = libipsec ] || encap=no
	for a; do
		case $a in
		ike=*|esp=*|ike_time=*|esp_time=*|start=*|type=*|dpd_timeout=*|myid=*|hisid=*) to_swan+=("$a") ;;
		swan_*) to_swan+=("${a#swan_}") ;;
		*) to_us+=("$a") ;;
		esac
	done
	two_sites
	swan_conf east ${to_swan[@]+"${to_swan[@]}"}
	ours_conf west encap=$encap ${to_us[@]+"${to_us[@]}"}
	swan_start east
	daemon west "$T/west/run/isakmpd.conf" -D 2=20 -D 7=30 -v
}

we_start() {
	order west "c net"
	wait_for 20 "our tunnel" tunnel_up west
	wait_for 5 "their tunnel" swan_up east
}

they_start() {
	swan east --initiate --child net --timeout 20 >"$T/initiate" 2>&1 ||
	    fail "strongSwan could not initiate: $(tail -n 5 "$T/initiate")"
	wait_for 5 "our tunnel" tunnel_up west
}

# Nothing left of either phase on either side.
we_end() {
	order west "t net"
	wait_for 10 "their child to go" swan_down east
	order west "t main peer"
	wait_for 10 "their IKE SA to go" swan_no_ike east
	wait_for 5 "our side to be empty" nothing_left west
}
nothing_left() { [ "$(sas "$1" | grep -c '^SA name')" = 0 ]; }

traffic() {
	local to=${1:-10.2.0.2} from=${2:-10.1.0.2}
	wait_for 5 "the first answer from $to" can_ping cwest "$to"
	check "pings $to" pings cwest "$to"
	check "is pinged back at $from" pings ceast "$from"
	bulk cwest ceast "$to" 3000000 >"$T/bulk.out" || fail "bulk data: $(cat "$T/bulk.out")"
	say "ok: bulk data: $(cat "$T/bulk.out")"
	bulk ceast cwest "$from" 3000000 >"$T/bulk.out" || fail "bulk data back: $(cat "$T/bulk.out")"
	say "ok: bulk data back: $(cat "$T/bulk.out")"
}

# Starts a ping that goes on until ping_end, which fails if more than `lost`
# answers are missing.
ping_begin() {
	become cwest ping -n -i 0.1 10.2.0.2 >"$T/long.ping" 2>&1 </dev/null &
	echo $! >"$T/long.ping.pid"
	wait_for 5 "the first answer" grep -q 'bytes from' "$T/long.ping"
}
ping_end() {
	local pid lost seen
	# A while longer than what was waited for: the switch has two sides.
	seen=$(grep -c 'bytes from' "$T/long.ping")
	wait_for 10 "more answers" answers_beyond $((seen + 15))
	pid=$(cat "$T/long.ping.pid")
	kill -INT "$pid"
	wait "$pid" 2>/dev/null
	wait_for 5 "ping's summary" grep -q 'packets transmitted' "$T/long.ping"
	lost=$(awk '/packets transmitted/ { print $1 - $4 }' "$T/long.ping")
	[ "$lost" -le "${1:-0}" ] || fail "$lost pings lost: $(grep transmitted "$T/long.ping")"
	say "ok: $(grep transmitted "$T/long.ping")"
}

answers_beyond() { [ "$(grep -c 'bytes from' "$T/long.ping")" -ge "$1" ]; }

# What must hold at the end of every case.
healthy() {
	alive west || fail "isakmpd has ended"
	! grep -Eq 'Sanitizer|runtime error|[Aa]ssertion|role [a-z]+ \(pid [0-9]+\) ended (by signal|with status [1-9])' "$T/west/log" ||
	    fail "the log tells of a fault: $(grep -E 'Sanitizer|runtime error|[Aa]ssertion|role [a-z]+ \(pid [0-9]+\) ended (by signal|with status [1-9])' "$T/west/log" | head -n 3)"
	stop west || fail "isakmpd ended with status $?"
	say "ok: ended cleanly"
}
