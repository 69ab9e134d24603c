#!/bin/bash
# flood.sh - who cannot be reached by force.
#
# While a flood of first messages from forged sources, strangers' and those of the peers
# themselves, garbage and noise comes in, an established tunnel is renewed and carries packets, a known peer connects
# within two seconds, the daemon stays small and sends fewer octets than it gets.
#
#	RATE=100000 FLOOD_SECONDS=10 KINDS="first same known garbage noise mixed" flood.sh
#
# west is attacked; it has a tunnel with east and knows the peers of `friend`;
# its configuration has a Default peer, so that strangers may begin.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
. "$lib/conf.sh"
rate=${RATE:-30000} seconds=${FLOOD_SECONDS:-12} kinds=${KINDS:-first known mixed}
most_kb=${MOST_KB:-65536}
net_enter "$@"
for tool in flood ikeload; do [ -x "$BIN/$tool" ] || skip "no $BIN/$tool"; done

two_sites
host storm
host friend
link west storm storm wan
link west friend friend wan
addr west storm 10.9.8.1/24
addr storm wan 10.9.8.2/24
addr west friend 10.9.7.1/24
addr friend wan 10.9.7.2/24
in_host west ip -batch - <<-B
	route add 172.16.0.0/12 via 10.9.8.2
	route add 10.64.0.0/10 via 10.9.7.2
	route add 10.128.0.0/9 via 10.9.7.2
	B
in_host friend ip route add local 10.64.0.0/10 dev lo
in_host storm sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward; ip route add blackhole 172.16.0.0/12'

# The tunnel is renewed about every fifteen seconds.
ours_conf east p2life=20,10:86400 active=yes
ours_conf west p2life=20,10:86400 active=no
(
	umask 077
	awk -v p1="$p1_suites" -v p2="$p2_suites" -v psk="$psk" '
	/^\[Phase 1\]/ { print; print "Default=anybody"; for (i = 1; i <= 20; i++) print "10.64.0." i "=peer-" i; next }
	/^Passive-connections=/ { printf("%s,anybody-net", $0); for (i = 1; i <= 20; i++) printf(",con-%d", i); print ""; next }
	{ print }
	END {
		print "[anybody]\nPhase=1\nConfiguration=many-mm\nAuthentication=nobody knows this one"
		print "[anybody-net]\nPhase=2\nISAKMP-peer=anybody\nConfiguration=many-qm\nLocal-ID=many-mine\nRemote-ID=nobody"
		print "[nobody]\nID-type=IPV4_ADDR\nAddress=192.0.2.1"
		print "[many-mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=" p1
		print "[many-qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=" p2
		print "[many-mine]\nID-type=IPV4_ADDR_SUBNET\nNetwork=10.1.0.0\nNetmask=255.255.255.0"
		for (i = 1; i <= 20; i++) {
			print "[peer-" i "]\nPhase=1\nAddress=10.64.0." i "\nConfiguration=many-mm\nAuthentication=" psk
			print "[con-" i "]\nPhase=2\nISAKMP-peer=peer-" i "\nConfiguration=many-qm"
			print "Local-ID=many-mine\nRemote-ID=his-" i
			print "[his-" i "]\nID-type=IPV4_ADDR\nAddress=10.128.0." i
		}
	}' "$T/west/run/isakmpd.conf" >"$T/west.conf" && mv "$T/west.conf" "$T/west/run/isakmpd.conf"
)
daemon west "$T/west/run/isakmpd.conf"
daemon east "$T/east/run/isakmpd.conf"
wait_for 20 "the tunnel" tunnel_up west
wait_for 5 "the first answer" can_ping cwest 10.2.0.2

# traffic_count rx|tx: octets on all outside links.  The answers to forged messages go
# where the sources are said to be.
traffic_count() {
	in_host west awk -v col="$([ "$1" = rx ] && echo 2 || echo 10)" '
		{ sub(":", " ") } $1 ~ /^(storm|friend|wan)$/ { n += $col } END { print n }' /proc/net/dev
}

# A known peer, as early as the flood runs and again while it does.
friend_connects() {
	local from ms
	from=$(now_ms)
	in_host friend "$BIN/ikeload" -E -D -n 1 -s 1 -o "$1" -R 250 -t 10 10.9.7.1 >"$T/friend.out" || {
		say "the known peer did not get through: $(cat "$T/friend.out")"
		return 1
	}
	ms=$(($(now_ms) - from))
	say "   a known peer connected after $ms ms"
	[ $ms -le 2000 ]
}

flows() { [ "$(traffic_count rx)" -gt $((in0 + 100000)) ]; }
half_over() { [ $(($(now_ms) - began)) -ge $((seconds * 500)) ]; }

n=0
for kind in $kinds; do
	in0=$(traffic_count rx)
	out0=$(traffic_count tx)
	old=$(spis west)
	become storm "$BIN/flood" -k "$kind" -r "$rate" -t "$seconds" -s 10.9.0.2 \
	    -s 10.64.0.1+20 10.9.8.1 >"$T/flood.out" 2>&1 &
	flood=$!
	began=$(now_ms)
	wait_for 5 "the flood" flows
	for part in early late; do
		n=$((n + 1))
		check "$kind: a known peer connects within 2 s, $part" friend_connects $n
		# Half-open exchanges are given up after some seconds: be there later, too.
		[ $part = late ] || wait_for "$seconds" "the middle of the flood" half_over
	done
	wait $flood || fail "flood: $(cat "$T/flood.out")"
	say "   $(cat "$T/flood.out")"
	wait_for 25 "the tunnel to be renewed" renewed spis "$old"
	check "$kind: the tunnel was renewed and passes packets" pings cwest 10.2.0.2
	in=$(($(traffic_count rx) - in0))
	out=$(($(traffic_count tx) - out0))
	[ $out -le $in ] || fail "$kind: $out octets out for $in in"
	say "ok: $kind: $in octets in, $out out"
	kb=$(used west pss_kb)
	[ "$kb" -le "$most_kb" ] || fail "$kind: $kb KiB resident"
	say "ok: $kind: $kb KiB resident, largest process $(used west most_kb)"
done
alive west || fail "isakmpd has ended"
! grep -E 'role [a-z]+ \(pid [0-9]+\) ended' "$T/west/log" || fail "a role ended"
say "ok: $(wc -l <"$T/west/log") lines of log"
stop west
