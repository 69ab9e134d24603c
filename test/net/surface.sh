#!/bin/bash
# surface.sh CASE - what an operator gives to a running daemon and gets from it.
#
# surface.sh -l lists the cases.

cases='capture4 capture6 capture-natt capture-natt6 capture-files capture-failed status
	reload-plan renegotiate-on-hup log-levels
	fifo-configuration fifo-batch fifo-teardown fifo-odd passive
	debugger families ports files stdin background acquire-only no-kernel signals
	verbose-lines odd-datagrams
	run-dir descriptors delete-sas-no full-disk no-key flood
	new-key keys-dies strangers-later syslog journal no-account addresses
	clean-log report'
if [ "${1-}" = -l ]; then
	printf '%s\n' $cases
	exit
fi
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/conf.sh"
net_enter "$@"

start() { daemon "$1" "$T/$1/run/isakmpd.conf" "${@:2}"; }
up() {
	order west "c net"
	wait_for 20 "the tunnel on west" tunnel_up west
	wait_for 5 "the tunnel on east" tunnel_up east
}
run=$T/west/run

# ask host order: what it writes to the result file
ask() {
	local f=$T/$1/run/isakmpd.result
	rm -f "$f"
	order "$1" "$2"
	wait_for 5 "the answer to $2" [ -e "$f" ]
	cat "$f"
}

# The daemon on west answers an order.
answers_west() {
	rm -f "$run/isakmpd.result"
	[ -p "$run/isakmpd.fifo" ] && timeout 1 sh -c 'echo S >"$1"' sh "$run/isakmpd.fifo" || return 1
	local i
	for ((i = 0; i < 20; i++)); do
		[ -e "$run/isakmpd.result" ] && return
		pause
	done
	return 1
}
tunnel_up_phase1() { [ "$(phase "$1" 1)" -ge 1 ]; }
tunnel_up_anew() { [ "$(phase east 2)" -ge 1 ]; }

# Both programs read a capture without a key: every message, nothing malformed.
# reads file address-of-west address-of-east
reads() {
	command -v tshark >/dev/null || skip "no tshark"
	command -v tcpdump >/dev/null || skip "no tcpdump"
	# tcpdump as root gives its rights up to an account that is not here.
	tcpdump -Z "$(id -un)" -n -r "$1" -vv >"$T/tcpdump" 2>"$T/tcpdump.said" ||
	    fail "tcpdump: $(cat "$T/tcpdump.said")"
	tshark -n -r "$1" -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE -V \
	    >"$T/tshark" 2>"$T/tshark.said" || fail "tshark: $(cat "$T/tshark.said")"
	local word
	for word in 'bad udp cksum' 'bad cksum' 'truncated' '\[|'; do
		grep -q -- "$word" "$T/tcpdump" && fail "tcpdump: $(grep -m 3 -- "$word" "$T/tcpdump")"
	done
	for word in 'phase 1 I ident' 'phase 1 R ident' 'phase 2/others I oakley-quick' \
	    'phase 2/others R oakley-quick'; do
		grep -qF -- "$word" "$T/tcpdump" || fail "tcpdump does not show: $word: $(cat "$T/tcpdump")"
		say "ok: tcpdump shows $word"
	done
	for word in "$2" "$3"; do
		grep -qF -- "$word" "$T/tcpdump" || fail "tcpdump does not show $word"
		grep -qF -- "$word" "$T/tshark" || fail "tshark does not show $word"
	done
	local bad
	bad=$(tshark -n -r "$1" -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE \
	    -Y '_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0' 2>/dev/null)
	[ -z "$bad" ] || fail "tshark: $bad"
	# Without a key: what is only sent encrypted is there in clear.
	for word in 'Identification (5)' 'Hash (8)' 'ID type: IPV4_ADDR_SUBNET' \
	    'Security Association (1)' 'Nonce (10)' 'Key Exchange (4)'; do
		grep -qF -- "$word" "$T/tshark" || fail "tshark does not show: $word"
		say "ok: tshark shows $word"
	done
	if tshark -n -r "$1" -Y 'isakmp.flag_e == 1' 2>/dev/null | grep .; then
		fail "a message has its ENCRYPTION flag"
	fi
}

# The whole of a negotiation, six and three messages at least.
packets() { tshark -n -r "$1" 2>/dev/null | wc -l; }
nine() { [ "$(packets "$run/isakmpd.pcap")" -ge 9 ]; }

two_sites
case=$1
case $case in

# -L, IPv4: link type, family, ports, the file's mode, and nothing secret in it.
capture4)
	ours_conf west
	ours_conf east
	start east
	start west -L
	up
	wait_for 5 "nine messages" nine
	reads "$run/isakmpd.pcap" 10.9.0.1 10.9.0.2
	[ "$(stat -c %a "$run/isakmpd.pcap")" = 600 ] || fail "mode $(stat -c %a "$run/isakmpd.pcap")"
	# isakmpd.md section 9: link type 108, and family 2 in network order
	[ "$(od -An -tu4 -j20 -N4 "$run/isakmpd.pcap" | tr -d ' ')" = 108 ] || fail "link type"
	[ "$(od -An -tx1 -j40 -N4 "$run/isakmpd.pcap" | tr -d ' ')" = 00000002 ] || fail "family"
	logged west 'log_packet_init: starting IKE packet capture to file "/var/run/isakmpd.pcap"' ||
	    fail "no line about the start"
	grep -q 'a long secret' "$run/isakmpd.pcap" && fail "the pre-shared key is in the capture"
	stop west || fail "isakmpd ended with status $?"
	logged west 'log_packet_stop: stopped capture' || fail "no line about the end" ;;

capture6)
	ours_conf west me=fd09::1 he=fd09::2
	ours_conf east me=fd09::2 he=fd09::1
	start east
	start west -L
	up
	wait_for 5 "nine messages" nine
	reads "$run/isakmpd.pcap" fd09::1 fd09::2
	[ "$(od -An -tx1 -j40 -N4 "$run/isakmpd.pcap" | tr -d ' ')" = 00000018 ] || fail "family" ;;

# After floating the ports are the real ones and the marker stands before the message.
capture-natt)
	ours_conf west encap=yes
	ours_conf east
	start east
	start west -L
	up
	wait_for 5 "nine messages" nine
	reads "$run/isakmpd.pcap" 10.9.0.1 10.9.0.2
	n=$(tshark -n -r "$run/isakmpd.pcap" -Y 'udp.port == 4500 && udpencap.non_esp_marker && isakmp' \
	    2>/dev/null | wc -l)
	[ "$n" -ge 5 ] || fail "$n messages on port 4500 with their marker"
	n=$(tshark -n -r "$run/isakmpd.pcap" -Y 'udp.port == 500 && isakmp' 2>/dev/null | wc -l)
	[ "$n" -ge 4 ] || fail "$n messages on port 500" ;;

capture-natt6)
	ours_conf west me=fd09::1 he=fd09::2 encap=yes
	ours_conf east me=fd09::2 he=fd09::1
	start east
	start west -L
	up
	wait_for 5 "nine messages" nine
	reads "$run/isakmpd.pcap" fd09::1 fd09::2
	n=$(tshark -n -r "$run/isakmpd.pcap" -Y 'ipv6 && udp.port == 4500 && udpencap.non_esp_marker && isakmp' \
	    2>/dev/null | wc -l)
	[ "$n" -ge 5 ] || fail "$n messages on port 4500 with their marker" ;;

# p on, p on=path, p off; what may be appended to and what not; the size.
capture-files)
	ours_conf west "general=Capture-size=4"
	ours_conf east
	start east
	start west
	order west "p on"
	wait_for 5 "the start" logged west 'starting IKE packet capture to file "/var/run/isakmpd.pcap"'
	order west "p on=/run/other.pcap"
	wait_for 5 "the refusal" logged west \
	    'log_packet_restart: capture already active on file "/var/run/isakmpd.pcap"'
	order west "p off"
	wait_for 5 "the end" logged west 'log_packet_stop: stopped capture'
	size=$(stat -c %s "$run/isakmpd.pcap")
	[ "$size" = 24 ] || fail "a capture of nothing has $size octets"
	up
	[ "$(stat -c %s "$run/isakmpd.pcap")" = 24 ] || fail "it grows after p off"
	# appended, not begun anew: one header, all messages
	order west "p on"
	order west "t net"
	grown() { [ "$(packets "$run/isakmpd.pcap")" -ge 1 ]; }
	wait_for 5 "the DELETE in the capture" grown
	one=$(packets "$run/isakmpd.pcap")
	order west "p off"
	order west "p on"
	order west "c net"
	more() { [ "$(packets "$run/isakmpd.pcap")" -gt "$one" ]; }
	wait_for 10 "more messages in it" more
	# 4 kilobytes are full soon
	full() { logged west 'has reached its size of 4 kilobytes' || { order west "t net"; order west "c net"; false; }; }
	wait_for 20 "the size to be reached" full
	[ "$(stat -c %s "$run/isakmpd.pcap")" -le 4096 ] || fail "it is larger than it may be"
	packets "$run/isakmpd.pcap" >/dev/null || fail "the full file is not readable"
	# files that are not taken
	: >"$run/open.pcap"
	chmod 644 "$run/open.pcap"
	order west "p on=/run/open.pcap"
	wait_for 5 "the modes" logged west 'existing capture file has bad modes: "/run/open.pcap"'
	ln -s /run/isakmpd.pcap "$run/link.pcap"
	order west "p on=/run/link.pcap"
	wait_for 5 "the link" logged west 'existing capture file is not a regular file: "/run/link.pcap"'
	(umask 077; echo "some other file of 24 octets and more" >"$run/odd.pcap")
	order west "p on=/run/odd.pcap"
	wait_for 5 "the odd file" logged west 'existing file "/run/odd.pcap" is no capture of ours'
	grep -q '^some other file' "$run/odd.pcap" || fail "it was changed"
	order west "p on=/etc/passwd"
	wait_for 5 "the path" logged west 'm_priv_getfd: illegal path "/etc/passwd"'
	alive west || fail "it ended" ;;

# Always there: the messages of what went wrong, without having asked before.
capture-failed)
	ours_conf west p2=QM-ESP-AES-256-SHA2-512-PFS-GRP14-SUITE
	ours_conf east
	start east
	start west
	order west "c net"
	wait_for 20 "the refusal" logged west PEER_REFUSED
	order west "p failed"
	wait_for 5 "the file" [ -e "$run/isakmpd.failed.pcap" ]
	[ "$(stat -c %a "$run/isakmpd.failed.pcap")" = 600 ] || fail "its mode"
	command -v tshark >/dev/null || skip "no tshark"
	tshark -n -r "$run/isakmpd.failed.pcap" -V >"$T/tshark" 2>&1
	# Our quick mode offer in clear; no phase 1, for that was in order.
	grep -q 'Exchange type: Quick Mode (32)' "$T/tshark" || fail "no quick mode: $(cat "$T/tshark")"
	grep -q 'Key Length: 256' "$T/tshark" || fail "the proposal is not there"
	grep -q 'Identity Protection' "$T/tshark" && fail "what did not fail is there, too"
	logged west 'ui_packetlog: messages of [1-9][0-9]* failed negotiations' || fail "no line" ;;

# The state, for people and for programs; before, during and after a failure.
status)
	ours_conf west
	ours_conf east
	start east
	start west
	wait_for 10 "the back end" logged west 'IPsec back end: user'
	state() { ask west "S json"; }
	get() { "$BIN/json" "$T/state" "$@"; }
	# is value key...: what the state says there
	is() {
		local want=$1 got
		shift
		got=$(get "$@") || fail "not in the state: $*: $(cat "$T/state")"
		[ "$got" = "$want" ] || fail "$*: $got instead of $want: $(cat "$T/state")"
		say "ok: $* is $want"
	}
	state >"$T/state"
	is user backend
	is active mode
	is 1 connections
	is net connections 0 name
	is peer connections 0 peer
	is false connections 0 up
	is true connections 0 passive
	is 0 sas
	is 0 failures
	up
	state >"$T/state"
	is true connections 0 up
	is true connections 0 active
	is 10.1.0.0/24 connections 0 local_id
	is 2 sas
	is 1 sas 0 phase
	is initiator sas 0 role
	is 10.9.0.1:500 sas 0 local
	is 10.9.0.2:500 sas 0 remote
	is MODP_2048 sas 0 group
	is 128 sas 0 key_bits
	is 2 sas 1 phase
	is net sas 1 name
	# the same values as in the table
	set -- $(spis west)
	is "$1" sas 1 spi_out
	is "$2" sas 1 spi_in
	set -- $(cookies west)
	is "$1" sas 0 icookie
	is "$2" sas 0 rcookie
	# traffic: what the tunnel carried is counted, octet by octet on both sides
	ask west "S json" >"$T/state"
	is 0 sas 1 usage in_packets
	in_host cwest ping -n -q -i 0.05 -c 20 -W 2 10.2.0.2 >"$T/pings" 2>&1 || fail "pings: $(cat "$T/pings")"
	ask west "S json" >"$T/state"
	is 20 sas 1 usage out_packets
	is 20 sas 1 usage in_packets
	is 1680 sas 1 usage out_bytes
	is 0 sas 1 usage in_refused
	ask east "S json" >"$T/other"
	[ "$("$BIN/json" "$T/other" sas 1 usage in_bytes)" = 1680 ] || fail "east counts something else"
	ask west "S text" >"$T/text"
	grep -q 'in 20 packets' "$T/text" || fail "no counters in the text: $(cat "$T/text")"
	grep -q net "$T/text" && grep -q user "$T/text" || fail "the text: $(cat "$T/text")"
	# a failure, with all its fields
	order east "C set [peer]:Authentication=another force"
	order west "t net"
	order west "t main peer"
	no_sa() { [ "$(phase west 1)" = 0 ]; }
	wait_for 5 "no SA" no_sa
	order west "c net"
	wait_for 20 "the failure on east" logged east WRONG_PSK
	ask east "S json" >"$T/state"
	is WRONG_PSK failures 0 why
	is "pre-shared keys differ" failures 0 text
	get failures 0 remedy | grep -q Authentication || fail "no remedy"
	get failures 0 peer | grep -q '^10.9.0.1:' || fail "no peer"
	ask east "S text" | grep -q 'pre-shared keys differ' || fail "not in the text"
	grep -q 'a long secret' "$T/state" "$T/text" && fail "a secret is in the status"
	order west "M passive"
	ask west "S json" >"$T/state"
	is passive mode
	ask west "S and more" | grep -q '^{' && fail "another word than json gives JSON"
	alive west && alive east || fail "a daemon ended" ;;

# What a reload will do is told before it is done.  What is the same keeps its
# SPIs and loses no packet; what changed gets a new pair before the old one goes;
# what is gone is deleted on both sides; a broken file changes nothing.
reload-plan)
	for s in west east; do
		ours_conf $s active=$([ $s = west ] && echo yes || echo no)
		n=1 m=2
		[ $s = east ] && n=2 m=1
		sed -i 's/onnections=net$/onnections=net,net6,gone/' "$T/$s/run/isakmpd.conf"
		{
			printf '[%s]\nPhase=2\nISAKMP-peer=peer\nConfiguration=%s\nLocal-ID=%s\nRemote-ID=%s\n' \
			    net6 qm6 mine6 his6 gone qm mine7 his7
			printf '[qm6]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=QM-ESP-AES-128-SHA2-256-SUITE\n'
			conf_id mine6 fd0$n::/64
			conf_id his6 fd0$m::/64
			conf_id mine7 10.7.$n.0/24
			conf_id his7 10.7.$m.0/24
		} >>"$T/$s/run/isakmpd.conf"
	done
	start east
	start west -v
	pairs() { [ "$(phase west 2)" = "$1" ] && [ "$(phase east 2)" = "$1" ]; }
	wait_for 20 "three pairs" pairs 3
	wait_for 5 "the first answer" can_ping cwest 10.2.0.2
	spi_of() { sas west | awk -v n="SA name: $1 " 'index($0, n) == 1 { on = /Phase 2/ }
		/^Flags 0x.*[89a-f]$/ { on = 0 } on && /^SPI 1:/ { print $3; exit }'; }	# not a replaced one
	mine=$(spi_of net) six=$(spi_of net6)
	[ -n "$mine" ] && [ -n "$six" ] || fail "no SPIs: $(sas west)"

	# nothing changed: nothing happens
	order west R
	wait_for 5 "the reload" logged west 'isakmpd: reinitializing daemon'
	[ "$(spi_of net)" = "$mine" ] && [ "$(spi_of net6)" = "$six" ] || fail "SPIs changed for nothing"

	become cwest ping -n -q -i 0.05 -c 100 -W 2 10.2.0.2 >"$T/four" 2>&1 &
	p4=$!
	become cwest ping -n -q -i 0.05 -c 100 -W 2 fd02::2 >"$T/six" 2>&1 &
	p6=$!
	for s in east west; do
		sed -i 's/^Suites=QM-ESP-AES-128-SHA2-256-SUITE$/Suites=QM-ESP-AES-256-SHA2-256-SUITE/
		    s/,gone$//' "$T/$s/run/isakmpd.conf"
	done
	kill -HUP "$(cat "$T/east/daemon.pid")"
	wait_for 5 "the plan of east" logged east 'plan: connection net6 changed (suites): renegotiated'
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 5 "the plan" logged west 'plan: connection net6 changed (suites): renegotiated'
	wait_for 5 "the plan" logged west 'plan: connection gone removed: its SAs are deleted'
	wait_for 5 "the plan" logged west 'plan: connections: 1 stay as they are, 1 changed, 0 new, 1 removed'
	long() { logged west 'quick mode done.*connection net6.*AES-256'; }
	wait_for 20 "net6 with AES-256" long
	# the plan stands before the deed
	awk '/plan: connection net6/ { plan = NR } /quick mode done.*net6.*AES-256/ { exit !plan }' "$T/west/log" ||
	    fail "done before it was told"
	wait $p4 && wait $p6 || fail "pings ended: $(cat "$T/four" "$T/six")"
	grep -q ' 0% packet loss' "$T/four" || fail "the untouched one lost packets: $(cat "$T/four")"
	grep -q ' 0% packet loss' "$T/six" || fail "the changed one lost packets: $(cat "$T/six")"
	[ "$(spi_of net)" = "$mine" ] || fail "the untouched one has another SPI"
	[ "$(spi_of net6)" != "$six" ] || fail "the changed one has its old SPI"
	no_gone() { ! sas "$1" | grep -q '^SA name: gone'; }
	wait_for 5 "the removed one to go" no_gone west
	wait_for 5 "the removed one to go on east" no_gone east

	# a broken file: the running configuration stays, and the log says so
	echo '[qm' >>"$T/west/run/isakmpd.conf"
	sed -i 's/^ISAKMP-peer=peer$/ISAKMP-peer=nobody/' "$T/west/run/isakmpd.conf"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 5 "the refusal" logged west 'not usable ([0-9]* errors); the running configuration stays'
	[ "$(spi_of net)" = "$mine" ] || fail "a broken file changed the SPIs"
	chmod 644 "$T/west/run/isakmpd.conf"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 5 "the refusal" logged west 'too open permissions.*the running configuration stays'
	[ "$(spi_of net)" = "$mine" ] || fail "an open file changed the SPIs"
	check "still works" pings cwest 10.2.0.2
	stop west || fail "isakmpd ended with status $?" ;;

renegotiate-on-hup)
	ours_conf west "general=Renegotiate-on-HUP="
	ours_conf east
	start east
	start west -v
	up
	was=$(spis west)
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 5 "the order" logged west 'isakmpd: 1 SAs are renegotiated'
	wait_for 10 "new SPIs" renewed spis "$was"
	[ "$(phase west 1)" = 1 ] || fail "phase 1 was made anew, too"
	check "pings" pings cwest 10.2.0.2
	# without the tag nothing of the kind
	sed -i '/^Renegotiate-on-HUP/d' "$T/west/run/isakmpd.conf"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	twice() { [ "$(grep -c 'reinitializing daemon' "$T/west/log")" = 2 ]; }
	wait_for 5 "the reload" twice
	sas west >/dev/null
	[ "$(grep -c 'SAs are renegotiated' "$T/west/log")" = 1 ] || fail "renegotiated without the tag" ;;

# Loglevel and Logverbose, at the start and upon reload; D and D T.
log-levels)
	ours_conf west "general=Loglevel=7=99, 99=1, x"
	ours_conf east
	start east
	start west
	wait_for 5 "the bad members" logged west 'init: invalid logging class or level: 99=1'
	wait_for 5 "the bad members" logged west 'init: invalid logging class or level: x'
	up
	logged west ' Exch 30 ' || fail "class 7 is not there"
	logged west ' Mesg ' && fail "class 2 is there"
	logged west 'quick mode done' && fail "verbose, although nobody said so"
	sed -i 's/^Loglevel=.*/Loglevel=A=20\nLogverbose=/' "$T/west/run/isakmpd.conf"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 5 "the reload" logged west 'reinitializing daemon'
	sas west >/dev/null
	order west "t net"
	order west "c net"
	wait_for 10 "the line of success" logged west 'isakmpd: quick mode done: src: 10.9.0.1 dst: 10.9.0.2'
	logged west ' Mesg 20 ' || fail "class 2 is not there after the reload"
	# what was switched on stays on when the tag goes
	sed -i '/^Loglevel/d; /^Logverbose/d' "$T/west/run/isakmpd.conf"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	sas west >/dev/null
	order west "D T"
	sas west >/dev/null
	lines=$(grep -c ' Mesg ' "$T/west/log")
	order west "t net"
	order west "c net"
	wait_for 10 "the tunnel" tunnel_up west
	[ "$(grep -c ' Mesg ' "$T/west/log")" = "$lines" ] || fail "class 2 speaks after D T"
	order west "D T"
	order west "t net"
	more() { [ "$(grep -c ' Mesg ' "$T/west/log")" -gt "$lines" ]; }
	wait_for 10 "class 2 again" more
	order west "D 2 0"
	order west "D 11 1"
	wait_for 5 "the complaint" logged west 'log_debug_cmd: invalid debugging class 11' ;;

# C set, add, rmv, rm, rms, get: each line its own transaction; answers in the
# result file; a key is never in one.
fifo-configuration)
	ours_conf west
	start west -n
	# gets value-or-nothing tag: what C get writes
	gets() {
		local got
		got=$(ask west "C get [$2]:$3")
		[ "$got" = "$1" ] || fail "[$2]:$3 is \"$got\" instead of \"$1\""
		say "ok: [$2]:$3 is \"$1\""
	}
	gets 10.9.0.2 peer Address
	gets 10.9.0.2 PEER address
	gets "" peer Nothing
	gets "" nothing Nothing
	[ "$(stat -c %a "$run/isakmpd.result")" = 600 ] || fail "mode of the result file"
	order west "C set [x]:A=one"
	gets one x A
	order west "C set [x]:A=two"
	wait_for 5 "the duplicate" logged west 'conf_set_now: duplicate tag \[x\]:A, ignoring'
	gets one x A
	order west "C set [x]:A=two anything"
	gets two x A
	order west "C add [x]:A=three"
	order west "C add [x]:A=three"
	gets two,three x A
	order west "C add [x]:B=four"
	gets four x B
	order west "C rmv [x]:A=two"
	gets three x A
	order west "C rmv [x]:A=three"
	gets "" x A
	order west "C rm [x]:B"
	gets "" x B
	order west 'C set [a section]:C="a \"value\" with blanks"'
	gets 'a "value" with blanks' "a section" C
	order west "C rms [a section]"
	gets "" "a section" C
	# keys: set, replaced, told by their length
	gets "<hidden, 33 octets>" peer Authentication
	order west 'C set [peer]:Authentication="four words of secret" force'
	gets "<hidden, 20 octets>" peer Authentication
	# what is wrong is quoted with what was expected; and no key
	order west "C set [peer]Authentication=hidden-key-one"
	wait_for 5 "the complaint" logged west \
	    'ui_config: command .* malformed; expected: C set \[section\]:tag=value'
	order west "C get peer:Address"
	wait_for 5 "the complaint" logged west 'ui_config: command .* malformed; expected: C get'
	order west "C set [General]:Check-interval=often force"
	wait_for 5 "what the configuration says" logged west 'the previous one stays in force'
	# upon R all that is gone
	order west "C set [x]:D=five"
	order west R
	wait_for 5 "the reload" logged west 'reinitializing daemon'
	wait_for 5 "the reload" sh -c "sleep 0.3"
	gets "" x D
	kill -USR1 "$(cat "$T/west/daemon.pid")"
	wait_for 5 "the report" [ -s "$run/isakmpd.report" ]
	order west r
	wait_for 5 "the report" logged west conf_report
	for word in 'a long secret' 'words of secret' hidden-key; do
		grep -q "$word" "$T/west/log" "$run/isakmpd.report" "$run/isakmpd.result" &&
		    fail "a secret is in the log, the report or the result: $word"
	done
	alive west || fail "it ended" ;;

# As ipsecctl writes: a whole tunnel line by line; the list takes effect five
# seconds after its last line, c at once.
fifo-batch)
	ours_conf east
	ours_conf west
	mv "$run/isakmpd.conf" "$T/whole"
	(umask 077; printf '[General]\nUse-Keynote=no\n' >"$run/isakmpd.conf")
	start east
	start west
	batch() {
		sed -n '/^\[/ { s/^\[\(.*\)\]/\1/; h; d; }; /=/ { G; s/^\([^=]*\)=\(.*\)\n\(.*\)/C set [\3]:\1="\2" force/; p; }' "$1" |
		    grep -v '\[Phase 2\]\|\[General\]'
	}
	batch "$T/whole" >"$T/batch"
	[ "$(wc -l <"$T/batch")" -gt 15 ] || fail "hardly any lines: $(cat "$T/batch")"
	cat "$T/batch" >"$run/isakmpd.fifo"
	order west "C add [Phase 2]:Connections=net"
	t0=$(now_ms)
	never 2 "the list acted at once" tunnel_up west
	order west "C add [Phase 2]:Connections=net"
	wait_for 20 "the tunnel" tunnel_up west
	t1=$(now_ms)
	[ $((t1 - t0)) -ge 6500 ] || fail "the list acted after $((t1 - t0)) ms: the second order did not restart the five seconds"
	check "pings" pings cwest 10.2.0.2
	# rm is as good as rmv: the connection goes
	order west "C rm [Phase 2]:Connections"
	wait_for 15 "the tunnel to go" no_tunnel west
	# and c does not wait
	order west "C add [Phase 2]:Connections=net"
	order west "c net"
	t0=$(now_ms)
	wait_for 4 "the tunnel at once" tunnel_up west ;;

# t by name and by address, both phases; T; d; what the log says then.
fifo-teardown)
	ours_conf west active=yes
	ours_conf east
	start east
	start west
	wait_for 20 "the tunnel" tunnel_up west
	again() { order west "c net"; wait_for 10 "the tunnel again" tunnel_up west; }
	gone_on_both() { no_tunnel west && no_tunnel east; }
	order west "t NET"		# names compare without case
	wait_for 5 "t name" gone_on_both
	never 2 "it came back by itself" tunnel_up west
	again
	order west "t quick net"
	wait_for 5 "t quick name" gone_on_both
	again
	order west "t 10.9.0.2"
	wait_for 5 "t address" gone_on_both
	again
	no_phase1() { [ "$(phase "$1" 1)" = 0 ]; }
	order west "t main 10.9.0.2"
	wait_for 5 "t main address" no_phase1 west
	wait_for 5 "t main address on east" no_phase1 east
	tunnel_up west || fail "t main took the tunnel along"
	order west "t net"
	again
	order west "t main peer"
	wait_for 5 "t main name" no_phase1 west
	order west "t net"
	again
	order west "T"
	wait_for 5 "T" gone_on_both
	logged west 'connections stay down until c, R or' || fail "nobody says how to get them back"
	# C lines do not bring it back, R does
	order west "C set [x]:y=z"
	never 2 "C brought it back" tunnel_up west
	order west "R"
	wait_for 10 "R" tunnel_up west
	# d: one pair by cookies and message ID, then the ISAKMP SA
	ask west "S json" >"$T/state"
	i=$("$BIN/json" "$T/state" sas 0 icookie)
	r=$("$BIN/json" "$T/state" sas 0 rcookie)
	for n in 1 2 3; do
		id=$("$BIN/json" "$T/state" sas $n message_id) && break
	done
	order west "d $i$r $id"
	wait_for 5 "d" gone_on_both
	again
	order west "d $i$r -"
	gone_cookies() { ! cookies west | grep -q "$i $r"; }
	wait_for 5 "d ... -" gone_cookies
	order west "d $i$r $id"
	wait_for 5 "the complaint" logged west 'ui_delete: command found no SA'
	order west "d xyz 1"
	wait_for 5 "the complaint" logged west 'ui_delete: command "d xyz 1" has bad arguments'
	order west "d"
	wait_for 5 "the complaint" logged west 'ui_delete: command "d" malformed' ;;

# Whatever comes through the FIFO: a line of log each, escaped, and no end.
fifo-odd)
	ours_conf west
	start west -n
	printf '\033[2Jx\n' >"$run/isakmpd.fifo"
	wait_for 5 "the stranger" logged west "unrecognized command: '.x1b'"
	printf 'no newline' >"$run/isakmpd.fifo"
	printf ' yet\r\n\n\n\n' >"$run/isakmpd.fifo"
	wait_for 5 "the line" logged west "unrecognized command: 'n'"
	head -c 200000 /dev/zero | tr '\0' x >"$run/isakmpd.fifo"
	printf '\n' >"$run/isakmpd.fifo"
	wait_for 5 "the long line" logged west 'line too long, dropped'
	order west "c nobody"
	wait_for 5 "the unknown connection" logged west \
	    'exchange_establish: peer "nobody" does not have a correct phase'
	order west "M maybe"
	wait_for 5 "the mode" logged west 'ui_mode: command "M maybe" malformed; expected: M active, or M passive'
	order west "t"
	wait_for 5 "t" logged west 'ui_teardown: command "t" malformed'
	order west "D x y"
	wait_for 5 "D" logged west 'ui_debug: command "D x y" malformed'
	order west "Q now"
	wait_for 5 "Q" logged west 'ui_shutdown_daemon: command "Q now" malformed'
	alive west || fail "it ended"
	# many lines at once: none is lost
	for ((n = 0; n < 3000; n++)); do echo "C set [many]:T$n=v$n"; done >"$run/isakmpd.fifo"
	[ "$(ask west "C get [many]:T2999")" = v2999 ] || fail "the last of many lines was lost"
	[ "$(ask west "C get [many]:T0")" = v0 ] || fail "the first of many lines was lost" ;;

# -S and M passive: nothing at all leaves, whatever comes; M active ends it.
passive)
	ours_conf west active=yes dpd=1
	ours_conf east active=yes
	start west -S
	sniff wire west wan -q
	start east
	never 4 "a tunnel with a passive end" tunnel_up east
	sniff_end wire
	out=$(in_host west cat /proc/net/snmp | awk '/^Udp: [0-9]/ { print $5 }')
	[ "$out" = 0 ] || fail "$out datagrams left a passive daemon"
	order west "M active"
	wait_for 20 "the tunnel" tunnel_up west
	logged west 'isakmpd: active mode' || fail "no line"
	order west "M passive"
	wait_for 5 "the line" logged west 'isakmpd: passive mode'
	before=$(in_host west cat /proc/net/snmp | awk '/^Udp: [0-9]/ { print $5 }')
	order east "t net"
	order east "c net"
	never 4 "it answered" tunnel_up_anew
	after=$(in_host west cat /proc/net/snmp | awk '/^Udp: [0-9]/ { print $5 }')
	[ "$before" = "$after" ] || fail "$((after - before)) datagrams left a passive daemon"
	order west "M active"
	wait_for 30 "the tunnel again" tunnel_up east
	# with -S it goes without a DELETE
	stop west || fail "it ended with status $?"
	never 1 "a DELETE came" no_tunnel east ;;

# -dd: everybody stands still until SIGCONT to the monitor.
debugger)
	ours_conf west
	become west "$BIN/isakmpd" -dd -K -n -c /run/isakmpd.conf -f /run/isakmpd.fifo -i /run/isakmpd.pid \
	    </dev/null >>"$T/west/log" 2>&1 &
	echo $! >"$T/west/daemon.pid"
	pid=$!
	stopped() { for p in $(descendants $pid); do grep -q '^State:.T' /proc/$p/status || return 1; done; }
	four() { [ "$(descendants $pid | wc -l)" -ge 4 ] && stopped; }
	wait_for 10 "all processes to stand still" four
	logged west 'stopped for a debugger' || fail "no line"
	never 1 "it goes on by itself" answers_west
	kill -CONT $pid
	wait_for 10 "an answer" answers_west
	stop west || fail "it ended with status $?" ;;

# -4, -6, both, and -T: which sockets there are.
families)
	ours_conf west
	# ports file: the local ports in a table of sockets
	ports() { in_host west cat /proc/net/$1 | awk 'NR > 1 { n = split($2, a, ":"); print a[n] }' | sort -u | tr '\n' ' '; }
	has() {
		[ "$(ports udp)" = "$1" ] && [ "$(ports udp6)" = "$2" ] ||
		    fail "ports of IPv4: $(ports udp), of IPv6: $(ports udp6) with $3"
		say "ok: $3"
	}
	for o in "-4:01F4 1194 ::-4" "-6::01F4 1194 :-6" "-4 -6:01F4 1194 :01F4 1194 :both" \
	    "-4 -T:01F4 ::-4 -T"; do
		IFS=: read -r option four six what <<<"$o"
		# shellcheck disable=SC2086
		become west "$BIN/isakmpd" -d -K -n -c /run/isakmpd.conf $option </dev/null >>"$T/west/log" 2>&1 &
		echo $! >"$T/west/daemon.pid"
		wait_for 10 "an answer with $option" answers_west
		has "$four" "$six" "$what"
		stop west || fail "it ended with status $?"
	done ;;

# -p and -N: ours, and where peers are expected.
ports)
	ours_conf west encap=yes
	ours_conf east
	for s in west east; do
		become $s "$BIN/isakmpd" -d -K -c /run/isakmpd.conf -p 1500 -N 0x1388 </dev/null >>"$T/$s/log" 2>&1 &
		echo $! >"$T/$s/daemon.pid"
	done
	wait_for 10 "an answer" answers_west
	sniff wire west wan -q
	up
	sas west | grep -q 'dst: 10.9.0.2' || fail "no SA"
	ask west "S json" >"$T/state"
	[ "$("$BIN/json" "$T/state" sas 0 remote)" = 10.9.0.2:5000 ] ||
	    fail "the peer is at $("$BIN/json" "$T/state" sas 0 remote), not on the port of -N"
	check "pings" pings cwest 10.2.0.2 ;;

# Where files may be, what they look like, and that they go.
files)
	ours_conf west
	start west -n -R /run/other.report
	[ "$(cat "$run/isakmpd.pid")" = "$(in_host west cat /run/isakmpd.pid)" ] || fail "the PID file"
	grep -q '^[0-9][0-9]*$' "$run/isakmpd.pid" || fail "the PID file is not a number and a newline"
	[ "$(stat -c %a "$run/isakmpd.fifo")" = 600 ] || fail "mode of the FIFO"
	kill -USR1 "$(cat "$T/west/daemon.pid")"
	wait_for 5 "the report" [ -s "$run/other.report" ]
	[ "$(stat -c %a "$run/other.report")" = 600 ] || fail "mode of the report"
	# isakmpd.md 7.3: HHMMSS.uuuuuu Report> text
	grep -qvE '^[0-9]{6}\.[0-9]{6} Report> ' "$run/other.report" && fail "a line of the report: $(head -n 3 "$run/other.report")"
	for word in transport_report: 'connection_report: passive connection net local_id: ' \
	    'conf_report: dumping running configuration' '\[peer\]'; do
		grep -q -- "$word" "$run/other.report" || fail "not in the report: $word"
	done
	logged west 'SIGUSR1 received' || fail "no line about the signal"
	stop west || fail "it ended with status $?"
	[ ! -e "$run/isakmpd.pid" ] && [ ! -e "$run/isakmpd.fifo" ] || fail "files stay behind"
	# refused: outside of the run directory, and what is in the way
	refused() {
		local text=$1
		shift
		in_host west timeout 10 "$BIN/isakmpd" -d -K -n -c /run/isakmpd.conf "$@" >"$T/out" 2>&1 </dev/null
		[ $? = 1 ] || fail "$*: status is not 1: $(cat "$T/out")"
		grep -q -- "$text" "$T/out" || fail "$*: $(cat "$T/out")"
		say "ok: refused: $*"
	}
	refused '-i /tmp/x.pid: must be a file in' -i /tmp/x.pid
	refused '-R /tmp/x.report: must be a file in' -R /tmp/x.report
	refused '-l /tmp/x.pcap: must be a file in' -l /tmp/x.pcap
	: >"$run/isakmpd.fifo"
	refused 'ui_init: could not create FIFO "/var/run/isakmpd.fifo"' -4
	rm "$run/isakmpd.fifo"
	mkdir -m 700 "$T/west/elsewhere"
	cp -p "$run/isakmpd.conf" "$T/west/elsewhere/"
	refused 'm_priv_getfd: illegal path' -c "$T/west/elsewhere/isakmpd.conf"
	ln -s "$T/west/elsewhere/isakmpd.conf" "$run/link.conf"
	refused 'm_priv_getfd: illegal path' -c /run/link.conf
	chmod 640 "$run/isakmpd.conf"
	refused 'check_file_secrecy_fd: not loading /run/isakmpd.conf - too open permissions' -4
	chmod 600 "$run/isakmpd.conf"
	chown 12345 "$run/isakmpd.conf" 2>/dev/null &&
	    refused 'check_file_secrecy_fd: not loading /run/isakmpd.conf - file owner is not process user' -4
	say "ok: modes and owners" ;;

# -f -: orders from standard input.
stdin)
	ours_conf west
	printf 'S\n' | in_host west timeout 20 "$BIN/isakmpd" -d -K -n -c /run/isakmpd.conf -f - >>"$T/west/log" 2>&1 &
	wait_for 10 "the table" [ -e "$run/isakmpd.result" ]
	[ ! -e "$run/isakmpd.fifo" ] || fail "there is a FIFO"
	printf 'x\nQ\n' | in_host west timeout 20 "$BIN/isakmpd" -d -K -n -T -p 1501 -c /run/isakmpd.conf -f - -i /run/two.pid >"$T/two" 2>&1 ||
	    fail "Q on standard input: status $?: $(cat "$T/two")"
	# a file, to whose end it reads, in the background and passive
	printf 'D 10 5\nS\n' >"$run/orders"
	rm -f "$run/isakmpd.result"
	in_host west timeout 20 sh -c '"$1" -K -n -S -T -p 1502 -c /run/isakmpd.conf -f - -i /run/three.pid \
	    --run-dir /run </run/orders' sh "$BIN/isakmpd" || fail "-f - in the background: status $?"
	never 1 "orders out of /dev/null" [ -e "$run/isakmpd.result" ]
	kill "$(cat "$run/three.pid")"
	in_host west timeout 20 "$BIN/isakmpd" -d -K -n -S -T -p 1503 -c /run/isakmpd.conf -f - -i /run/four.pid \
	    <"$run/orders" >"$T/four" 2>&1 &
	wait_for 10 "the table from a file" [ -e "$run/isakmpd.result" ]
	kill "$(cat "$run/four.pid")"
	wait $!
	grep -qv ' Default ' "$T/four" && fail "a line that is none: $(cat "$T/four")"
	grep -q "unrecognized command: 'x'" "$T/two" && grep -q 'ui_shutdown_daemon' "$T/two" ||
	    fail "the orders: $(cat "$T/two")" ;;

# Without -d: the first process ends with 0 once the daemon runs, or with 1.
background)
	ours_conf west
	in_host west timeout 20 "$BIN/isakmpd" -K -n -c /run/isakmpd.conf </dev/null >"$T/out" 2>&1 ||
	    fail "status $? in the background: $(cat "$T/out")"
	pid=$(cat "$run/isakmpd.pid")
	grep -q '^Name:.isakmpd' "/proc/$pid/status" || fail "the PID file names no isakmpd"
	echo "$pid" >"$T/west/daemon.pid"
	wait_for 5 "an answer" answers_west
	in_host west timeout 20 "$BIN/isakmpd" -K -n -c /run/isakmpd.conf -f /run/b.fifo -i /run/b.pid </dev/null >"$T/out" 2>&1
	[ $? = 1 ] || fail "a second daemon on the same ports begins"
	in_host west timeout 20 "$BIN/isakmpd" -d -K -n -c /run/isakmpd.conf -f /run/b.fifo -i /run/b.pid </dev/null >"$T/out" 2>&1
	grep -q 'virtual_init: could not bind the ISAKMP port(s) on all interfaces' "$T/out" || fail "it says: $(cat "$T/out")"
	kill "$pid"
	wait_for 10 "its end" gone "$pid" ;;

# -a: SAs, but no flows: nothing is led into the tunnel.
acquire-only)
	ours_conf west
	ours_conf east
	start east
	start west -a
	before=$(in_host west ip -4 rule; in_host west ip -4 route show table all)
	up
	after=$(in_host west ip -4 rule; in_host west ip -4 route show table all)
	[ "$before" = "$after" ] || fail "-a changes routes: $after" ;;

# -n: no device, no SA, and both phases all the same.
no-kernel)
	ours_conf west
	ours_conf east
	start east -n
	start west -n
	up
	[ -z "$(in_host west ip -o link show type tun)" ] || fail "there is a TUN device"
	logged west 'IPsec back end: none (asked for)' || fail "no line" ;;

# Signals: what ends it and what does not, and the lines of its life.
signals)
	ours_conf west
	start west -n
	pid=$(cat "$T/west/daemon.pid")
	kill -USR2 "$pid"
	kill -PIPE "$pid"
	wait_for 5 "an answer" answers_west
	kill -HUP "$pid"
	wait_for 5 "SIGHUP" logged west 'SIGHUP received'
	kill -USR1 "$pid"
	wait_for 5 "SIGUSR1" logged west 'SIGUSR1 received'
	stop west INT || fail "SIGINT: status $?"
	[ ! -e "$run/isakmpd.pid" ] || fail "SIGINT leaves the PID file"
	start west -n
	stop west TERM || fail "SIGTERM: status $?"
	for word in 'isakmpd: starting' 'isakmpd: reinitializing daemon' 'isakmpd: shutting down...' 'isakmpd: exit'; do
		logged west "$word" || fail "no line: $word"
	done
	# isakmpd.md 8.1: HHMMSS.uuuuuu, then the class
	grep -qvE '^[0-9]{6}\.[0-9]{6} (Default|Report>|[A-Z][a-z ]{3} [0-9]{2}) ' "$T/west/log" &&
	    fail "a line of the log: $(grep -m 1 -vE '^[0-9]{6}\.[0-9]{6} ' "$T/west/log")"
	say "ok: every line has its time and class" ;;

# -v: the lines of success, word by word (isakmpd.md 8.4), and that of a DELETE.
verbose-lines)
	ours_conf west
	ours_conf east
	start east -v
	start west -v
	up
	says() { wait_for 5 "\"$2\" on $1" logged "$1" " Default $2"; }
	says west 'isakmpd: phase 1 done: initiator id 10.9.0.1, responder id 10.9.0.2, src: 10.9.0.1 dst: 10.9.0.2'
	says east 'isakmpd: phase 1 done (as responder): initiator id 10.9.0.1, responder id 10.9.0.2, src: 10.9.0.2 dst: 10.9.0.1'
	says west 'isakmpd: quick mode done: src: 10.9.0.1 dst: 10.9.0.2'
	says east 'isakmpd: quick mode done (as responder): src: 10.9.0.2 dst: 10.9.0.1'
	order west "t net"
	says east 'isakmpd: Peer 10.9.0.1 made us delete live SA net for proto 3, initiator id: 10.1.0.0/255.255.255.0, responder id: 10.2.0.0/255.255.255.0' ;;

# What strangers send: a line, and never an answer larger than the question.
odd-datagrams)
	ours_conf west
	start west -n -D 1=99
	throw() { in_host east bash -c 'printf "$1" >"/dev/udp/10.9.0.1/$2"' throw "$1" "$2"; }
	throw abc 4500
	wait_for 5 "the marker" logged west 'udp_encap_handle_message: Null-ESP marker not NULL or short message'
	# keepalives: the octet of RFC 3948, and the same behind a marker; neither is a message
	throw '\xff' 4500
	throw '\x00\x00\x00\x00\xff' 4500
	sas west >/dev/null
	logged west 'bad message length' && fail "a keepalive is taken for a message"
	throw abc 500
	wait_for 5 "the length" logged west 'message_recv: bad message length: dropped message from 10.9.0.2 port [0-9]* due to notification type <Unknown 0>'
	# cookies nobody knows: main mode, length 28
	throw 'b2345678abcdefgh\x05\x10\x02\x00\x00\x00\x00\x00\x00\x00\x00\x1c' 500
	wait_for 5 "the cookies" logged west 'message_recv: invalid cookie(s) 6232333435363738 6162636465666768'
	# version 2, quick mode without cookies, odd flags
	throw 'c2345678\x00\x00\x00\x00\x00\x00\x00\x00\x01\x20\x02\x00\x00\x00\x00\x00\x00\x00\x00\x1c' 500
	wait_for 5 "the version" logged west 'dropped message from 10.9.0.2 port [0-9]* due to notification type INVALID_MAJOR_VERSION'
	throw 'd2345678\x00\x00\x00\x00\x00\x00\x00\x00\x01\x10\x02\x80\x00\x00\x00\x00\x00\x00\x00\x1c' 500
	wait_for 5 "the flags" logged west 'due to notification type INVALID_FLAGS'
	throw 'e2345678\x00\x00\x00\x00\x00\x00\x00\x00\x01\x10\x02\x00\x00\x00\x00\x07\x00\x00\x00\x1c' 500
	wait_for 5 "the message ID" logged west 'due to notification type INVALID_MESSAGE_ID'
	# aggressive mode where main mode is configured
	throw 'f2345678\x00\x00\x00\x00\x00\x00\x00\x00\x01\x10\x04\x00\x00\x00\x00\x00\x00\x00\x00\x1c' 500
	wait_for 5 "the mode" logged west 'exchange_setup_p1: expected exchange type ID_PROT got AGGRESSIVE'
	# main mode that begins with a vendor ID and nothing else
	throw 'g2345678\x00\x00\x00\x00\x00\x00\x00\x00\x0d\x10\x02\x00\x00\x00\x00\x00\x00\x00\x00\x24\x00\x00\x00\x08abcd' 500
	wait_for 5 "the missing payload" logged west 'exchange_run: exchange_validate failed: dropped message from 10.9.0.2 port [0-9]* due to notification type PAYLOAD_MALFORMED'
	# a DELETE of an ESP SPI, and a notification of a type that nobody assigned, in clear
	throw 'h2345678abcdefgh\x0c\x10\x05\x00\x00\x00\x00\x09\x00\x00\x00\x2c\x00\x00\x00\x10\x00\x00\x00\x01\x03\x04\x00\x01\x11\x22\x33\x44' 500
	wait_for 5 "the DELETE" logged west 'message_validate_delete: got unauthenticated DELETE'
	throw 'i2345678abcdefgh\x0b\x10\x05\x00\x00\x00\x00\x1a\x00\x00\x00\x28\x00\x00\x00\x0c\x00\x00\x00\x01\x01\x00\x00\x63' 500
	wait_for 5 "the type" logged west 'message_validate_notify: message type not supported'
	throw 'j2345678abcdefgh\x0b\x10\x05\x00\x00\x00\x00\x0b\x00\x00\x00\x38\x00\x00\x00\x1c\x00\x00\x00\x01\x01\x10\x00\x0e87654321abcdefgh' 500
	wait_for 5 "the cookies of a notification" logged west 'message_validate_notify: bad cookies'
	alive west || fail "it ended" ;;

# What comes from anybody under the cookies of an SA that is ready.
strangers-later)
	ours_conf west
	ours_conf east
	start east
	start west
	up
	set -- $(cookies west)
	hex=
	for ((i = 0; i < 16; i++)); do hex+="\\x${1:i*2:2}"; done
	octets=$1$2 hex=
	for ((i = 0; i < 32; i += 2)); do hex+="\\x${octets:i:2}"; done
	throw() { in_host east bash -c 'printf "$1" >"/dev/udp/10.9.0.1/500"' throw "$1"; }
	# main mode message with a nonce; quick mode in clear
	throw "$hex"'\x0d\x10\x02\x00\x00\x00\x00\x00\x00\x00\x00\x28\x00\x00\x00\x0cabcdefgh'
	wait_for 5 "phase 1" logged west 'message_recv: phase 1 message after ISAKMP SA is ready'
	throw "$hex"'\x0d\x10\x20\x00\x12\x34\x56\x78\x00\x00\x00\x28\x00\x00\x00\x0cabcdefgh'
	wait_for 5 "quick mode in clear" logged west 'message_recv: cleartext phase 2 message'
	tunnel_up west || fail "the tunnel is gone" ;;

# Without -d the lines go to syslog(3), with their priorities.
syslog)
	ours_conf west
	in_host west sh -c 'mkdir /run/dev /run/dev/net && for d in null zero full random urandom tty net/tun; do
		[ -e /dev/$d ] || continue
		: >/run/dev/$d && mount --bind /dev/$d /run/dev/$d || exit 1
	    done && mount --rbind /run/dev /dev' || skip "no /dev of its own here"
	become west "$BIN/dgrams" /dev/log >"$T/syslog" 2>&1 &
	echo $! >"$T/west/helper.pid"
	wait_for 5 "the socket" [ -S "$run/dev/log" ]
	in_host west timeout 20 "$BIN/isakmpd" -K -n -c /run/isakmpd.conf -D 10=50 </dev/null >"$T/out" 2>&1 ||
	    fail "status $? in the background: $(cat "$T/out")"
	cp "$run/isakmpd.pid" "$T/west/daemon.pid"
	seen=0
	new() { tail -n +$((seen + 1)) "$T/syslog" | grep -q -- "$1"; }
	says() { wait_for 5 "$1 in syslog" new "^<$2>.*isakmpd\[[0-9]*\]: $1"; }
	# facility daemon (3 * 8) and the priorities of isakmpd.md 8.1
	says 'isakmpd: starting' 29
	order west x
	says "ui_handle_messages: unrecognized command: 'x'" 27
	kill -HUP "$(cat "$run/isakmpd.pid")"
	says 'isakmpd: reinitializing daemon' 29
	order west r
	says 'conf_report: dumping running configuration' 25
	kill "$(cat "$T/west/daemon.pid")"
	says 'isakmpd: exit' 29
	[ ! -s "$T/out" ] || fail "something is on standard error, too: $(cat "$T/out")"
	# with -d, and standard error cannot be written to: nothing is lost (8.1)
	wait_for 10 "the end" gone "$(cat "$T/west/daemon.pid")"
	seen=$(wc -l <"$T/syslog")
	become west "$BIN/isakmpd" -d -K -n -c /run/isakmpd.conf </dev/null 2>/dev/full &
	echo $! >"$T/west/daemon.pid"
	says 'write to log file failed: No space' 25
	says 'isakmpd: starting' 29
	wait_for 10 "an answer" answers_west
	order west Q
	says 'isakmpd: exit' 29 ;;

# Under systemd every part of a line is a field of the journal.
journal)
	ours_conf west
	in_host west mkdir -p /run/systemd/journal
	become west "$BIN/dgrams" /run/systemd/journal/socket >"$T/journal" 2>&1 &
	echo $! >"$T/west/helper.pid"
	wait_for 5 "the socket" [ -S "$run/systemd/journal/socket" ]
	: >"$T/west/stream"
	become west env JOURNAL_STREAM="$(stat -c %d:%i "$T/west/stream")" "$BIN/isakmpd" -d -K -n -D 10=50 \
	    -c /run/isakmpd.conf </dev/null >"$T/out" 2>>"$T/west/stream" &
	echo $! >"$T/west/daemon.pid"
	wait_for 10 "an answer" answers_west
	# has line...: one record with all these fields, each a line
	has() {
		local IFS=$'\n'
		awk -v RS='\n\n' -v want="$*" 'BEGIN { n = split(want, w, "\n") }
			{ all = 1; for (i = 1; i <= n; i++) if (index("\n" $0 "\n", "\n" w[i]) == 0) all = 0
			  if (all) found = 1 } END { exit !found }' "$T/journal"
	}
	field() { wait_for 5 "$* in the journal" has "$@"; }
	field "MESSAGE=isakmpd: starting" PRIORITY=5 SYSLOG_IDENTIFIER=isakmpd SYSLOG_FACILITY=3 ISAKMPD_ROLE=monitor
	order west "c nobody"
	field 'MESSAGE=exchange_establish: peer "nobody" does not have a correct phase' PRIORITY=3 ISAKMPD_ROLE=ike \
	    ISAKMPD_WHY=NOT_CONFIGURED ISAKMPD_EXCHANGE=c "ISAKMPD_EXPECTED=a connection of [Phase 2]" \
	    ISAKMPD_GOT=nobody ISAKMPD_REMEDY=
	order west "t net"
	field "MESSAGE=ui_teardown:" ISAKMPD_CLASS=UI ISAKMPD_LEVEL=10 PRIORITY=6
	[ ! -s "$T/west/stream" ] || fail "lines are on standard error, too: $(cat "$T/west/stream")"
	# without the variable standard error is what it is
	order west Q
	wait_for 10 "the end" gone "$(cat "$T/west/daemon.pid")"
	start west -n
	logged west 'isakmpd: starting' || fail "no line on standard error" ;;

# No account for the roles: that is said, and nothing runs as root instead.
no-account)
	[ "$(awk '{ n += $3 } END { printf "%.0f", n }' /proc/self/uid_map)" -gt 1 ] || skip "one account only in here"
	ours_conf west
	grep -v '^_isakmpd:' /etc/passwd >"$T/passwd"
	in_host west sh -c 'mount --bind "$1" /etc/passwd' sh "$T/passwd"
	in_host west getent passwd _isakmpd >/dev/null && skip "the account comes from elsewhere"
	in_host west timeout 20 "$BIN/isakmpd" -d -K -n -c /run/isakmpd.conf </dev/null >"$T/out" 2>&1
	[ $? = 1 ] || fail "status is not 1: $(cat "$T/out")"
	grep -q 'monitor_init: getpwnam("_isakmpd") failed' "$T/out" || fail "it says: $(cat "$T/out")" ;;

# Names of interfaces and "default" stand for what the machine has now.
addresses)
	ours_conf west
	ours_conf east
	in_host west ip route add default via 10.9.0.2
	sed -i 's/^Local-address=.*/Local-address=default/; s/^Use-Keynote=.*/&\nListen-on=default/' "$run/isakmpd.conf"
	ordered() { "$@" || { order west "c net"; read -r -t 0.5 -u $pause_fd _ || :; false; }; }
	start east
	start west
	up
	check "pings" pings cwest 10.2.0.2
	sas west | grep -q 'src: 10.9.0.1 dst: 10.9.0.2' || fail "default is something else: $(sas west)"
	order west "t net"
	order west "t main peer"
	# by the interface's name; another address comes, and the first goes
	sed -i 's/^Local-address=.*//; s/^Listen-on=.*/Listen-on=wan/' "$run/isakmpd.conf"
	order west R
	# until the reload is over, it forgets what c said
	wait_for 15 "the tunnel" ordered tunnel_up west
	order west "t net"
	order west "t main peer"
	in_host west ip addr add 10.9.0.3/24 dev wan
	in_host west ip addr del 10.9.0.1/24 dev wan
	in_host west ip addr add 10.9.0.3/24 dev wan 2>/dev/null
	wait_for 10 "the line" logged west 'the addresses of this machine have changed'
	sed -i 's/10\.9\.0\.1$/10.9.0.3/; s/^10\.9\.0\.1=/10.9.0.3=/' "$T/east/run/isakmpd.conf"
	order east R
	from_new() { sas west | grep -q 'src: 10.9.0.3 dst: 10.9.0.2'; }
	wait_for 20 "a tunnel from the new address" ordered from_new
	# an address that is not there
	sed -i 's/^Address=10.9.0.2/&\nLocal-address=10.9.0.77/' "$run/isakmpd.conf"
	order west R
	wait_for 10 "the line" ordered logged west 'udp_create: 10.9.0.77:500 must exist as a listener too: exchange_establish: transport "udp" for peer "peer" could not be created' ;;

# --run-dir: two daemons on one machine; --no-sandbox says so.
run-dir)
	ours_conf west
	mkdir -m 700 "$run/a" "$run/b"
	for d in a b; do
		o=
		[ $d = b ] && o="-p 1500 -N 1501 --no-sandbox"
		# shellcheck disable=SC2086
		become west "$BIN/isakmpd" -d -K -n -c /run/isakmpd.conf --run-dir /run/$d $o </dev/null >>"$T/west/log" 2>&1 &
		echo $! >"$T/west/daemon.$d"
		wait_for 10 "the FIFO in $d" [ -p "$run/$d/isakmpd.fifo" ]
	done
	for d in a b; do
		wait_for 10 "the PID in $d" [ -s "$run/$d/isakmpd.pid" ]
		echo S >"$run/$d/isakmpd.fifo"
		wait_for 5 "the answer in $d" [ -e "$run/$d/isakmpd.result" ]
	done
	logged west 'THE SANDBOX IS OFF' || fail "--no-sandbox in silence"
	[ ! -e "$run/isakmpd.pid" ] || fail "a file outside of --run-dir"
	for d in a b; do
		kill "$(cat "$T/west/daemon.$d")"
		wait_for 10 "the end of $d" gone "$(cat "$T/west/daemon.$d")"
	done ;;

# Standard descriptors that are closed, and others that are left over.
descriptors)
	ours_conf west
	in_host west bash -c 'exec 7</etc/passwd 8>/run/left.over 0<&- 1>&-
	    exec "$1" -d -K -n -c /run/isakmpd.conf 2>>"$2"' bash "$BIN/isakmpd" "$T/west/log" &
	wait_for 10 "the PID file" [ -s "$run/isakmpd.pid" ]
	wait_for 10 "an answer" answers_west
	in_host west pgrep -x isakmpd >/dev/null 2>&1 || :
	for p in /proc/[0-9]*; do
		tr '\0' ' ' <"$p/cmdline" 2>/dev/null | grep -q '^isakmpd: \|isakmpd -d -K' || continue
		ls -l "$p/fd" 2>/dev/null | grep -q 'passwd\|left.over' && fail "a descriptor is inherited by $(cat "$p/cmdline")"
	done
	order west Q
	wait_for 10 "the end" [ ! -e "$run/isakmpd.pid" ] ;;

# Delete-SAs=no: the peer keeps its SAs.
delete-sas-no)
	ours_conf west "general=Delete-SAs=no"
	ours_conf east
	start east
	start west
	up
	stop west || fail "it ended with status $?"
	never 1 "a DELETE came" no_tunnel east ;;

# A file system that is full ends the capture, with no half record in it.
full-disk)
	ours_conf west
	ours_conf east
	mkdir -m 700 "$run/small"
	in_host west mount -t tmpfs -o size=8k,mode=700 tmpfs /run/small || skip "no tmpfs here"
	start east
	become west "$BIN/isakmpd" -d -K -L -c /run/isakmpd.conf --run-dir /run/small </dev/null >>"$T/west/log" 2>&1 &
	echo $! >"$T/west/daemon.pid"
	small() { in_host west sh -c 'echo "$1" >/run/small/isakmpd.fifo' sh "$1"; }
	there() { in_host west test -p /run/small/isakmpd.fifo; }
	wait_for 10 "the FIFO" there
	full() { small "t net"; small "c net"; logged west 'log_packet_iov: .*No space left'; }
	wait_for 30 "the disk to be full" full
	wait_for 5 "the end of the capture" logged west 'log_packet_stop: stopped capture'
	alive west || fail "it ended"
	in_host west cat /run/small/isakmpd.pcap >"$T/full.pcap"
	command -v tshark >/dev/null || skip "no tshark"
	tshark -n -r "$T/full.pcap" >/dev/null 2>"$T/said" || fail "half a record: $(cat "$T/said")"
	grep -q 'cut short' "$T/said" && fail "half a record: $(cat "$T/said")" ;;

# A key that is taken away at run time, and a peer that cannot be reached.
no-key)
	ours_conf west
	ours_conf east
	start east
	start west
	order west "C rm [peer]:Authentication"
	order west "c net"
	wait_for 10 "the record" logged west 'ike_auth_get_key: no key found'
	in_host west ip route add prohibit 10.9.0.2/32
	order west R
	wait_for 5 "the reload" logged west 'reinitializing daemon'
	order west "c net"
	wait_for 10 "the refusal" logged west 'sendmsg ('
	alive west || fail "it ended" ;;

# Hundreds of bad datagrams a second: few lines, and one that counts the rest.
flood)
	ours_conf west
	start west -n
	in_host east bash -c 'exec 3>/dev/udp/10.9.0.1/500
	    for ((i = 0; i < 600; i++)); do printf "%08dabcdefgh\x05\x10\x02\x00\x00\x00\x00\x00\x00\x00\x00\x1c" $i >&3; done' 2>/dev/null
	wait_for 5 "a line" logged west INVALID_COOKIE
	sas west >/dev/null
	n=$(grep -c INVALID_COOKIE "$T/west/log")
	[ "$n" -le 60 ] || fail "$n lines for 600 datagrams"
	more() { in_host east bash -c 'printf abc >/dev/udp/10.9.0.1/500'; logged west 'further refusals were not logged'; }
	wait_for 10 "the count of the others" more ;;

# A key that alone is new: the peer is another one, nothing is lost on the way, and
# what was not accepted is not used.
new-key)
	ours_conf west active=yes
	ours_conf east
	start east
	start west -v
	wait_for 20 "the tunnel" tunnel_up west
	wait_for 5 "the first answer" can_ping cwest 10.2.0.2
	was=$(spis west)
	# the same file: nothing happens
	order west R
	wait_for 5 "the reload" logged west 'isakmpd: reinitializing daemon'
	never 1 "plans for nothing" logged west 'plan: connection net changed'
	[ "$(spis west)" = "$was" ] || fail "SPIs changed for nothing"
	# a key together with an error: neither counts
	cp -p "$run/isakmpd.conf" "$T/good"
	sed -i 's/^Authentication=.*/Authentication=one more secret that nobody has/
	    s/^ISAKMP-peer=peer$/ISAKMP-peer=nobody/' "$run/isakmpd.conf"
	order west R
	wait_for 5 "the refusal" logged west 'the running configuration stays'
	cp -p "$T/good" "$run/isakmpd.conf"
	order west "t main peer"
	order west "t net"
	order west "c net"
	wait_for 10 "the tunnel by the old key" tunnel_up west
	was=$(spis west)
	become cwest ping -n -q -i 0.05 -c 100 -W 2 10.2.0.2 >"$T/pings" 2>&1 &
	p=$!
	for s in east west; do
		sed -i 's/^Authentication=.*/Authentication=one more secret that both now have/' "$T/$s/run/isakmpd.conf"
		kill -HUP "$(cat "$T/$s/daemon.pid")"
	done
	wait_for 5 "the plan" logged west "plan: connection net changed (its peer's section): renegotiated"
	wait_for 15 "new SPIs" renewed spis "$was"
	wait $p || fail "pings ended: $(cat "$T/pings")"
	grep -q ' 0% packet loss' "$T/pings" || fail "packets were lost: $(cat "$T/pings")"
	# by order: the same key again is no change, another is
	planned() { grep -c 'plan: connection net changed' "$T/west/log"; }
	n=$(planned)
	order west 'C set [peer]:Authentication="one more secret that both now have" force'
	never 1 "a plan for the same key" logged west 'plan: connection net changed.*\n.*changed'
	[ "$(planned)" = "$n" ] || fail "the same key by order is taken for another"
	order west 'C set [peer]:Authentication="and now a third one for both of us" force'
	third() { [ "$(planned)" -gt "$n" ]; }
	wait_for 5 "the plan for a third key" third
	grep -q 'one more secret\|third one' "$T/west/log" && fail "a key is in the log"
	alive west || fail "it ended" ;;

# keys ends: what was set by order holds, keys and all, and the tunnel stays.
keys-dies)
	ours_conf west
	ours_conf east
	start east
	start west
	order west 'C set [peer]:Authentication="a secret by order, twenty octets" force'
	order east 'C set [peer]:Authentication="a secret by order, twenty octets" force'
	order west "C set [x]:y=z"
	up
	was=$(spis west)
	role() { for p in $(descendants "$(cat "$T/$1/daemon.pid")"); do
		tr '\0' ' ' <"/proc/$p/cmdline" | grep -q "isakmpd: $2" && echo "$p"; done; }
	old=$(role west keys)
	kill -KILL "$old"
	anew() { new=$(role west keys); [ -n "$new" ] && [ "$new" != "$old" ]; }
	wait_for 10 "a new keys" anew
	wait_for 5 "its keys" logged west 'role keys: 1 pre-shared keys are held again'
	[ "$(spis west)" = "$was" ] || fail "the SPIs changed"
	[ "$(ask west "C get [x]:y")" = z ] || fail "what was set by order is gone"
	order west "t net"
	order west "t main peer"
	no_sa() { [ "$(phase west 1)" = 0 ]; }
	wait_for 5 "no SA" no_sa
	up
	check "pings" pings cwest 10.2.0.2
	# R drops what was set by order, here as ever
	order west R
	wait_for 5 "the reload" logged west 'reinitializing daemon'
	order west "t main peer"
	wait_for 5 "no SA" no_sa
	order west "c net"
	never 3 "the key by order is still in force" tunnel_up_phase1 west ;;

# What an operator reads of an ordinary day, at the default level and with -v:
# these lines and no others.
clean-log)
	ours_conf west active=yes
	ours_conf east
	start east -v
	start west
	wait_for 20 "the tunnel" tunnel_up west
	wait_for 5 "the tunnel on east" tunnel_up east
	planned() { [ "$(grep -c 'plan: connections: 1 stay' "$T/west/log")" = "$1" ]; }
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 5 "the reload" planned 1
	order west R
	wait_for 5 "the second reload" planned 2
	kill -USR1 "$(cat "$T/west/daemon.pid")"
	wait_for 5 "the report" [ -s "$run/isakmpd.report" ]
	stop west || fail "it ended with status $?"
	wait_for 5 "the DELETE on east" no_tunnel east
	stop east || fail "it ended with status $?"
	# lines host: without the time, and without the fences that this machine does not have
	lines() { sed 's/^[0-9]\{6\}\.[0-9]\{6\} Default //
	    /^role [a-z]*: .*\(no Landlock\|no account of its own\|no chroot\)/d' "$T/$1/log"; }
	cat >"$T/want" <<-W
	isakmpd: starting [priv]
	IPsec back end: user (asked for)
	SIGHUP received
	isakmpd: reinitializing daemon
	isakmpd: plan: connections: 1 stay as they are, 0 changed, 0 new, 0 removed
	isakmpd: reinitializing daemon
	isakmpd: plan: connections: 1 stay as they are, 0 changed, 0 new, 0 removed
	SIGUSR1 received
	isakmpd: shutting down...
	isakmpd: exit [priv]
	W
	lines west | diff "$T/want" - || fail "other lines, of west"
	# with -v also its successes, and the peer's end; the order of the last two may differ
	cat >"$T/want" <<-W
	isakmpd: starting [priv]
	IPsec back end: user (asked for)
	isakmpd: phase 1 done (as responder): initiator id 10.9.0.1, responder id 10.9.0.2, src: 10.9.0.2 dst: 10.9.0.1
	isakmpd: quick mode done (as responder): src: 10.9.0.2 dst: 10.9.0.1
	isakmpd: Peer 10.9.0.1 made us delete live SA net for proto 3
	isakmpd: shutting down...
	isakmpd: exit [priv]
	W
	lines east | awk 'NR == FNR { want[FNR] = $0; n = FNR; next }
	    index($0, want[FNR]) != 1 { print "line " FNR ": " $0; bad = 1 } END { exit bad || FNR != n }' \
	    "$T/want" - || fail "other lines, of east" ;;

# isakmpd.md 7.2 and 7.3: each line of the report, in the log and in the file, and in
# the order of its six parts.
report)
	ours_conf west active=yes
	ours_conf east
	start east
	start west
	wait_for 20 "the tunnel" tunnel_up west
	order west r
	wait_for 5 "the report" logged west 'Report> Netmask='
	kill -USR1 "$(cat "$T/west/daemon.pid")"
	wait_for 5 "the file" [ -s "$run/isakmpd.report" ]
	[ "$(stat -c %a "$run/isakmpd.report")" = 600 ] || fail "mode of the report"
	grep ' Report> ' "$T/west/log" >"$T/in.log"
	c='[0-9a-f]\{16\}' a='10\.9\.0\.1' b='10\.9\.0\.2'
	cat >"$T/shapes" <<-W
	sa_report: [0-9]* peer phase 1 doi 1 flags 0x[0-9a-f]*
	sa_report: icookie $c rcookie $c
	sa_report: msgid 00000000 refcnt [0-9]*
	sa_report: life secs 3600 kb 0
	sa_report: suite [0-9]* proto 1
	sa_report: initiator id: $a, responder id: $b, src: $a dst: $b
	sa_report: [0-9]* net phase 2 doi 1 flags 0x3
	sa_report: suite [0-9]* proto 3
	sa_report: spi_sz\\[0\\] 4 spi\\[0\\] [0-9a-f]* spi_sz\\[1\\] 4 spi\\[1\\] [0-9a-f]*
	sa_report: initiator id: 10\.1\.0\.0/255\.255\.255\.0, responder id: 10\.2\.0\.0/255\.255\.255\.0, src: $a dst: $b
	exchange_report: [0-9]* net qm policy initiator phase 2 doi 1 exchange QUICK_MODE step .*
	exchange_report: icookie $c rcookie $c
	exchange_report: msgid [0-9a-f]\{8\} .*
	transport_report: transport [0-9]* flags [0-9a-f]* refcnt [0-9]*
	udp_report: fd [0-9]* src 0\.0\.0\.0:500 dst \\*:0
	udp_encap_report: fd [0-9]* src 0\.0\.0\.0:4500 dst \\*:0
	connection_report: connection net next check [0-9]* seconds
	connection_report: passive connection net local_id: 10\.1\.0\.0/255\.255\.255\.0, remote_id: 10\.2\.0\.0/255\.255\.255\.0
	timer_report: event sa_soft_expire([0-9]*) scheduled in [0-9]* seconds
	timer_report: event sa_hard_expire([0-9]*) scheduled in [0-9]* seconds
	timer_report: event exchange_free_aux([0-9]*) scheduled in [0-9]* seconds
	timer_report: event connection_checker([0-9]*) scheduled in [0-9]* seconds
	conf_report: dumping running configuration
	\[General\]
	Authentication=	<hidden, 33 octets>
	Netmask=	255\.255\.255\.0
	W
	for f in "$T/in.log" "$run/isakmpd.report"; do
		while IFS= read -r shape; do
			grep -q "^[0-9]\{6\}\.[0-9]\{6\} Report> $shape\$" "$f" ||
			    fail "no line \"$shape\" in $f: $(cat "$f")"
		done <"$T/shapes"
		sed 's/^[^>]*> //' "$f" | awk '/^[a-z_]*_report:/ { part = $1; sub("udp_(encap_)?report", "transport_report", part)
			if (part != last) printf "%s ", part; last = part }' >"$T/parts"
		[ "$(cat "$T/parts")" = "sa_report: exchange_report: transport_report: connection_report: timer_report: conf_report: " ] ||
		    fail "the order of the parts: $(cat "$T/parts")"
		grep -q 'a long secret\|0x7f[0-9a-f]\{8\}' "$f" && fail "a key or an address of memory is in $f"
		say "ok: $f"
	done
	# a report that is asked for again replaces the first
	old=$(stat -c %i "$run/isakmpd.report")
	kill -USR1 "$(cat "$T/west/daemon.pid")"
	again() { [ "$(stat -c %i "$run/isakmpd.report")" != "$old" ]; }
	wait_for 5 "another report" again
	[ "$(grep -c 'conf_report:' "$run/isakmpd.report")" = 1 ] || fail "it was appended" ;;

*)
	fail "no case $case" ;;
esac
say "ok: $case"
