#!/bin/bash
# ike-scan.sh - headers and payloads that no honest peer sends: each is answered or
# dropped, and afterwards the daemon works as before.
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/../net/conf.sh"
command -v ike-scan >/dev/null || skip "no ike-scan"
net_enter "$@"
two_sites
ours_conf west
ours_conf east
daemon west "$T/west/run/isakmpd.conf" -D 2=20

good="--trans=(1=7,14=128,2=4,3=1,4=14)"
scan() { in_host east ike-scan -M -r 1 -t 700 --sport=0 "$@" 10.9.0.1 2>&1; }

# answers text option...: the answer must have the text
answers() {
	local text=$1 out
	shift
	out=$(scan "$@")
	printf '%s\n' "$out" | grep -q -- "$text" || { printf '%s\n' "$out"; fail "no $text for: $*"; }
	say "ok: $text for: $*"
}
silent() {
	local out
	out=$(scan "$@")
	printf '%s\n' "$out" | grep -q '; 0 returned handshake; 0 returned notify' ||
	    { printf '%s\n' "$out"; fail "an answer to: $*"; }
	say "ok: silent for: $*"
}
# Anything but harm.
odd() {
	scan "$@" >"$T/odd" || :
	alive west || fail "the daemon died of: $*"
	say "ok: survived: $*: $(grep -oE '[01] returned handshake; [01] returned notify' "$T/odd")"
}

# West knows east only, and only by its configured transform.
answers 'Handshake returned' "$good"
answers 'NO-PROPOSAL-CHOSEN' '--trans=(1=7,14=256,2=4,3=1,4=14)'
answers 'NO-PROPOSAL-CHOSEN' '--trans=(1=1,2=1,3=1,4=1)'
answers 'Handshake returned' "$good" --vendor=afcad71368a1f1c96b8696fc77570100 --vendor=00 --vendor=ffffffff

for n in 0 1 8 27 29 100 65535 4294967295; do odd "$good" "--headerlen=$n"; done
for n in 1 3 5 6 32 33 255; do odd "$good" "--exchange=$n"; done
for n in 0 2 3 4 5 8 13 14 15 20 33 130 255; do odd "$good" "--nextpayload=$n"; done
for n in 1 2 4 8 255; do odd "$good" "--hdrflags=$n"; done
for n in 1 255; do odd "$good" "--mbz=$n"; done
for n in 0x00 0x11 0x20 0x21 0xff; do odd "$good" "--headerver=$n"; done
for n in 0 2 4294967295; do odd "$good" "--doi=$n"; done
for n in 0 2 4 7 4294967295; do odd "$good" "--situation=$n"; done
for n in 0 2 255; do odd "$good" "--protocol=$n"; done
for n in 0 2 255; do odd "$good" "--transid=$n"; done
for n in 1 8 255; do odd "$good" "--spisize=$n"; done
odd "$good" --cookie=0000000000000000
odd "$good" --hdrmsgid=1
odd "$good" --lifetime=0
odd "$good" --lifetime=0xffffffffffffffff
odd "$good" --lifesize=0
odd "$good" --vendor=
odd "--trans=(1=7,14=65535,2=4,3=1,4=14)"
odd "--trans=(14=128)"
odd "--trans=(65535=1)"
odd "--trans=(1=7,1=7,1=7,14=128,2=4,3=1,4=14)"
odd -A --id=x --idtype=255 --dhgroup=14 "$good"
odd -A --id=10.9.0.2 --idtype=1 --dhgroup=14 --noncelen=1 "$good"
# By the NAT traversal port, with and without its marker.
odd --nat-t --sport=0 "$good"
odd --dport=4500 "$good"

# A well-behaved peer is served as if nothing had been.
daemon east "$T/east/run/isakmpd.conf"
order east "c net"
wait_for 20 "a tunnel after all that" tunnel_up west
check "pings" pings ceast 10.1.0.2
stop west || fail "isakmpd ended with status $?"
