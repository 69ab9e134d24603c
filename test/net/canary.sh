#!/bin/bash
# canary.sh CASE - keys are planted, and then searched for.
#
# Pre-shared keys in every form that a configuration and an order can give them,
# and the session keys, which the key log of the *other* end tells; searched for
# in everything a daemon writes at the highest level, and in the memory of each of its
# processes.  canary.sh -l lists the cases.

cases='canary-outputs canary-memory'
if [ "${1-}" = -l ]; then
	printf '%s\n' $cases
	exit
fi
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/conf.sh"
net_enter "$@"
two_sites

run=$T/west/run
plain='canary-5f1c0e7b-in-clear'
blanks='canary four words 91d3a6'
binary=00c0ffee8badf00ddeadbeefcafebabe0102030405060708
wrong='canary-another-77777777'

hex() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n'; }
octets() { printf "$(printf %s "$1" | sed 's/../\\x&/g')"; }

# The forms in which a key could be told: as it is, in hexadecimal, in base64.
forms() {
	local h=$1
	octets "$h" | tr -d '\0'
	echo
	echo "$h"
	printf '%s\n' "$h" | sed 's/../& /g'
	printf '%s\n' "$h" | sed 's/../&:/g; s/:$//'
	octets "$h" | base64 -w0 | sed 's/=*$//; s/.$//'
	echo
}

# Everything that the daemon can write, about whatever it has.
write_all() {
	order west r
	order west "C get [peer]:Authentication"
	kill -USR1 "$(cat "$T/west/daemon.pid")"
	wait_for 5 "the report" [ -s "$run/isakmpd.report" ]
	sas west >"$T/west/said.$1"
	rm -f "$run/isakmpd.result"
	local s
	for s in 'S json' 'S text'; do
		rm -f "$run/isakmpd.result"
		order west "$s"
		wait_for 5 "the status" [ -e "$run/isakmpd.result" ]
		cp "$run/isakmpd.result" "$T/west/said.$1.${s#S }"
	done
	order west 'p failed'
	wait_for 5 "the failed ones" [ -e "$run/isakmpd.failed.pcap" ]
}

# searched key-in-hex name: in what stands under west, but the configuration
searched() {
	local found form
	while IFS= read -r form; do
		[ ${#form} -ge 8 ] || continue
		found=$(grep -rliaF --exclude=isakmpd.fifo --exclude='isakmpd.conf*' -- "$form" "$T/west") &&
		    fail "$2 is in: $found"
	done < <(forms "$1")
	say "ok: $2 is in no log, report, result, status or capture"
}

role_pid() {
	local p
	for p in $(descendants "$(cat "$T/$1/daemon.pid")"); do
		tr '\0' ' ' <"/proc/$p/cmdline" | grep -qE -- "role[= ]*$2\b|: $2\b| $2( |\$)" && echo "$p"
	done | head -n 1
}

case ${1-} in
canary-outputs)
	ours_conf west "psk=$wrong"
	ours_conf east "psk=$plain"
	daemon east "$T/east/run/isakmpd.conf" --keylog
	daemon west "$T/west/run/isakmpd.conf" -D A=99 -v -L -l /run/isakmpd.pcap
	order west 'c net'
	wait_for 20 "the failure" logged west WRONG_PSK
	write_all failed

	# The same key on both ends in each of its forms; the last one stays.
	for key in "$blanks" "0x$binary" "$plain"; do
		for h in west east; do
			order $h "C set [peer]:Authentication=\"$key\" force"
		done
		sleep 0.5
		order west 'c net'
		wait_for 30 "the tunnel with another key" tunnel_up west
		write_all up
		order west 't main peer'
		order west 't net'
		wait_for 5 "its end" no_tunnel west
	done
	order west 'c net'
	wait_for 20 "the tunnel" tunnel_up west
	write_all last
	(searched "$(hex 'negotiation')" x) >/dev/null && fail "the search finds nothing"
	searched "$(hex "$plain")" "the key from the file"
	searched "$(hex "$blanks")" "the key with blanks"
	searched "$binary" "the key in hexadecimal"
	searched "$(hex "$wrong")" "the wrong key"
	[ "$(wc -l <"$T/east/run/isakmpd.keys")" -ge 9 ] || fail "east tells no keys"
	n=0
	for key in $(grep -oE '\b(0x)?[0-9a-f]{32,}\b' "$T/east/run/isakmpd.keys" | sed 's/^0x//'); do
		n=$((n + 1))
		searched "$key" "session key $n"
	done
	[ $n -ge 9 ] || fail "only $n session keys" ;;

canary-memory)
	ours_conf west "psk=$plain"
	ours_conf east "psk=$plain"
	daemon east "$T/east/run/isakmpd.conf" --keylog
	daemon west "$T/west/run/isakmpd.conf" -v
	order west "C set [nobody]:Authentication=\"$blanks\" force"
	order west 'c net'
	wait_for 20 "the tunnel" tunnel_up west
	wait_for 5 "the tunnel on east" tunnel_up east
	{ echo "$(hex "$plain") pre-shared key"; echo "$(hex "$blanks") key with blanks"; } >"$T/psk"
	awk '$1 == "ike" { print $3, "phase 1 cipher key" }' "$T/east/run/isakmpd.keys" >"$T/ike-keys"
	grep -E '^esp' "$T/east/run/isakmpd.keys" | grep -oE '0x[0-9a-f]{32,}' | sed 's/^0x//; s/$/ key of an IPsec SA/' >"$T/esp-keys"
	[ -s "$T/ike-keys" ] && [ -s "$T/esp-keys" ] || fail "east tells no keys"
	for p in $(descendants "$(cat "$T/west/daemon.pid")"); do
		say "process $p: $(tr '\0' ' ' <"/proc/$p/cmdline")"
	done
	# memory role keys want: `want` is `some` or `none`
	memory() {
		local pid rc
		pid=$(role_pid west "$1")
		[ "$1" != monitor ] || pid=$(cat "$T/west/daemon.pid")
		[ -n "$pid" ] || fail "no process $1"
		"$BIN/memgrep" "$pid" "$T/$2" >"$T/memgrep"
		rc=$?
		[ $rc != 77 ] || skip "the memory of another process cannot be read here"
		[ $rc = "$([ "$3" = some ] && echo 1 || echo 0)" ] ||
		    fail "$1 holds of $2, where $3 should be: $(cat "$T/memgrep")"
		say "ok: $1 holds $3 of $2"
	}
	memory keys psk some		# the search does find
	memory monitor psk none
	memory ike psk none
	memory kern psk none
	memory esp psk none
	memory trust psk none
	memory ike ike-keys some
	memory monitor ike-keys none
	memory kern ike-keys none
	memory esp ike-keys none
	memory esp esp-keys some
	memory monitor esp-keys none
	memory ike esp-keys none
	memory keys esp-keys none
	memory trust esp-keys none ;;
*)
	fail "no such case: ${1-}" ;;
esac
