# plane.sh - the data plane, ours and theirs: two gateways, their clients, one
# tunnel, iperf3 through it; to be sourced by run.
#
#	owest-client --- owest === oeast --- oeast-client	ours
#	twest-client --- twest === teast --- teast-client	theirs
#
# Charon's own data plane is kernel-libipsec, which only knows ESP in UDP.

# shellcheck source=../net/conf.sh
. "$lib/conf.sh"
# shellcheck source=../lab/peers/strongswan.sh
. "$lib/../lab/peers/strongswan.sh"

# pair p: gateways pwest and peast with a client each
pair() {
	local p=$1 h
	for h in west east; do host "$p$h"; host "$p$h-client"; done
	link "${p}west" wan "${p}east" wan
	link "${p}west" lan "${p}west-client" eth
	link "${p}east" lan "${p}east-client" eth
	site "${p}west" "${p}west-client" 1 2
	site "${p}east" "${p}east-client" 2 1
}

# suite side name...: both daemons of a side anew, with that suite.
plane_ours() {
	local p1=AES-128-SHA2-256-GRP19
	for h in owest oeast; do
		[ ! -e "$T/$h/daemon.pid" ] || stop $h
	done
	ours_conf owest me=10.9.0.1 he=10.9.0.2 mynet=10.1.0.0/24 hisnet=10.2.0.0/24 p1=$p1 \
	    active=yes general="Kernel-backend=user" "$@"
	ours_conf oeast me=10.9.0.2 he=10.9.0.1 mynet=10.2.0.0/24 hisnet=10.1.0.0/24 p1=$p1 \
	    general="Kernel-backend=user" "$@"
	daemon oeast "$T/oeast/run/isakmpd.conf"
	daemon owest "$T/owest/run/isakmpd.conf"
	wait_for 20 "our tunnel" tunnel_up owest
	wait_for 5 "the first answer" can_ping owest-client 10.2.0.2
}

plane_theirs() {
	for h in twest teast; do
		[ ! -e "$T/$h/swan/pid" ] || { swan_stop $h; rm -f "$T/$h/swan/pid" "$T/$h/daemon.pid"; }
	done
	swan_conf twest me=10.9.0.1 he=10.9.0.2 mynet=10.1.0.0/24 hisnet=10.2.0.0/24 "$@"
	swan_conf teast "$@"
	swan_start teast -1
	swan_start twest -1
	for h in twest teast; do cp "$T/$h/swan/pid" "$T/$h/daemon.pid"; done
	swan twest --initiate --child net >/dev/null 2>&1 || fail "no tunnel between them"
	wait_for 5 "their first answer" can_ping twest-client 10.2.0.2
}

cpu_of_pair() {
	awk -v a="$(used "$1west" cpu)" -v b="$(used "$1east" cpu)" 'BEGIN { print a + b }'
}

# through p option...: iperf3 once; prints "Gbit/s Gbit/CPU-s kpps kpackets/CPU-s", of what arrived.
through() {
	local p=$1 server before after out=$T/iperf
	shift
	become "${p}east-client" iperf3 -s -1 -p 5201 --forceflush >"$T/iperf.server" 2>&1 </dev/null &
	server=$!
	wait_for 5 "iperf3" grep -q listening "$T/iperf.server"
	before=$(cpu_of_pair "$p")
	in_host "${p}west-client" iperf3 -c 10.2.0.2 -p 5201 -t "$each" -J "$@" >"$out" 2>&1 ||
	    { kill $server 2>/dev/null; fail "iperf3: $(tail -n 5 "$out")"; }
	after=$(cpu_of_pair "$p")
	wait $server 2>/dev/null
	# The end's sum: "sum_received" for TCP; "sum" has packets and losses for UDP.
	awk -v cpu="$(awk -v a="$after" -v b="$before" 'BEGIN { print a - b }')" '
		/"sum(_received)?":[ \t]*[{]/ { inside = $0 ~ /received/ ? 2 : 1; next }
		inside && /"seconds"/ { gsub(/[^0-9.]/, ""); s[inside] = $0 }
		inside && /"bytes"/ { gsub(/[^0-9.]/, ""); b[inside] = $0 }
		inside && /"packets"/ { gsub(/[^0-9]/, ""); n = $0 }
		inside && /"lost_packets"/ { gsub(/[^0-9]/, ""); lost = $0 }
		/[}]/ { inside = 0 }
		END {
			t = s[2] > 0 ? s[2] : s[1]; got = b[2] > 0 ? b[2] : b[1]
			p = n - lost
			if (cpu <= 0) cpu = 0.01
			printf "%.3f %.3f %.2f %.2f\n", got * 8 / t / 1e9, got * 8 / 1e9 / cpu, p / t / 1e3, p / 1e3 / cpu
		}' "$out"
}

# The round trip that the tunnel adds, microseconds: inside minus outside.
round_trip() {
	local p=$1 inside outside
	rtt() { in_host "$1" ping -n -q -c 100 -i 0.005 "$2" | sed -n 's|.*= [^/]*/\([^/]*\)/.*|\1|p'; }
	inside=$(rtt "${p}west-client" 10.2.0.2)
	outside=$(rtt "${p}west" 10.9.0.2)
	awk -v a="$inside" -v b="$outside" 'BEGIN { printf "%.0f\n", (a - b) * 1000 }'
}

# streams item: one TCP stream, both sides as they are set up
streams() {
	local round side r
	for ((round = 1; round <= rounds; round++)); do
		for side in ours ${peer:+theirs}; do
			progress "$1, round $round, $side"
			r=$(through "${side:0:1}") || stopped "$r"
			note "$1, Gbit/s" $side "$(cut -d' ' -f1 <<<"$r")"
			note "$1, Gbit per CPU-s" $side "$(cut -d' ' -f2 <<<"$r")"
		done
	done
}

small_packets() {
	local round side r
	for ((round = 1; round <= rounds; round++)); do
		for side in ours ${peer:+theirs}; do
			progress "P8, round $round, $side"
			r=$(through "${side:0:1}" -u -l 64 -b 0) || stopped "$r"
			note "P8 64-byte UDP, 1000 packets/s" $side "$(cut -d' ' -f3 <<<"$r")"
			note "P8 64-byte UDP, 1000 packets per CPU-s" $side "$(cut -d' ' -f4 <<<"$r")"
			note "P8 round trip added, us" $side "$(round_trip "${side:0:1}")"
		done
	done
}

# Which part of the sender's data plane is inside the cipher, by perf.
cipher_share() {
	local round pid
	command -v perf >/dev/null || { say "P10: no perf"; return; }
	pid=$(for pid in $(descendants "$(cat "$T/owest/daemon.pid")"); do
		grep -lsaq -- 'role.esp' "/proc/$pid/cmdline" && echo "$pid"; done)
	for ((round = 1; round <= rounds; round++)); do
		progress "P10, round $round"
		in_host owest perf record -q -o "$T/perf.data" -p "${pid%%[!0-9]*}" -F 999 -- sleep "$each" >/dev/null 2>&1 &
		local record=$!
		through o >/dev/null
		wait $record || { say "P10: perf does not work here"; return; }
		note "P10 share of the cipher, percent, beside 50" theirs 50
		note "P10 share of the cipher, percent, beside 50" ours "$(perf report -i "$T/perf.data" --stdio --sort dso 2>/dev/null |
		    awk '/libcrypto/ { sub("%", "", $1); print $1; f = 1 } END { if (!f) print 0 }')"
	done
}

planes() {
	local gcm=own:AES_GCM_16:128::ECP_256 cbc=own:AES:128:HMAC_SHA:ECP_256
	wants P7 || wants P8 || wants P9 || wants P10 || return 0
	command -v iperf3 >/dev/null || { say "P7 to P10: no iperf3"; return 0; }
	pair o
	[ -z "$peer" ] || pair t
	goal "P7 TCP, AES-GCM in UDP, Gbit/s" '>10'
	goal "P10 share of the cipher, percent, beside 50" '>1'
	goal "P9 TCP, AES-GCM in raw ESP beside UDP, Gbit/s" '>3'
	goal "P9 TCP, AES-GCM in raw ESP beside UDP, Gbit per CPU-s" '>3'
	goal "P9 TCP, AES-CBC and HMAC-SHA1, Gbit per CPU-s" '>6'
	goal "P9 TCP, AES-CBC and HMAC-SHA1, Gbit/s" '>6'
	plane_ours p2=$gcm encap=yes
	[ -z "$peer" ] || plane_theirs ike=aes128-sha256-ecp256 esp=aes128gcm16-ecp256
	wants P7 && streams "P7 TCP, AES-GCM in UDP"
	wants P8 && small_packets
	wants P10 && cipher_share
	if wants P9; then
		plane_ours p2=$gcm encap=no
		streams "P9 TCP, AES-GCM in raw ESP beside UDP"
		plane_ours p2=$cbc encap=yes
		[ -z "$peer" ] || plane_theirs ike=aes128-sha256-ecp256 esp=aes128-sha1-ecp256
		streams "P9 TCP, AES-CBC and HMAC-SHA1"
	fi
}
