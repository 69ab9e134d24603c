#!/bin/bash
# examples.sh CASE - the worked configurations of etc/, file by file as they
# are, between real daemons.  The first, site to site, is that of net/demo.
#
# examples.sh -l lists the cases.

cases='example-several-subnets example-road-warriors example-transport example-hub-and-spokes
	example-redundant-pair'
if [ "${1-}" = -l ]; then
	printf '%s\n' $cases
	exit
fi
. "$(dirname "$0")/lib.sh"
net_enter "$@"
top=$(cd "$(dirname "$0")/../.." && pwd)

# Everybody on one wire, and everything beyond it.
host wire
in_host wire ip link add br0 type bridge
in_host wire ip link set br0 up
ports=0
# member host outside-address inside-address...: inside ones are the host's own
member() {
	local h=$1 outside=$2 a
	shift 2
	host "$h"
	ports=$((ports + 1))
	link "$h" wan wire p$ports
	in_host wire ip link set p$ports master br0 up
	in_host "$h" ip link set wan up
	[ "$outside" = none ] || in_host "$h" ip addr add "$outside/32" dev wan
	in_host "$h" ip route add default dev wan
	for a; do in_host "$h" ip addr add "$a/32" dev lo; done
}
# runs host file [option...]
runs() {
	local h=$1 f=$2
	shift 2
	(umask 077; cp "$top/etc/examples/$f" "$T/$h/run/isakmpd.conf")
	daemon "$h" "$T/$h/run/isakmpd.conf" "$@"
}
# pairs host n: so many connections are up; there may be more SAs where both ends began
pairs() { [ "$(phase "$1" 2)" -ge "$2" ]; }
# goes host from to
goes() {
	wait_for 10 "$2 to reach $3" in_host "$1" ping -n -q -c 1 -W 1 -I "$2" "$3"
	in_host "$1" ping -n -q -i 0.05 -c 10 -W 2 -I "$2" "$3" >/dev/null || fail "$2 -> $3 loses packets"
	say "ok: $2 -> $3"
}
# in no case in clear
sealed() { ! in_host "$1" ping -n -q -c 1 -W 1 -I "$2" "$3" >/dev/null 2>&1; }

case=$1
case $case in

example-several-subnets)
	member hub 203.0.113.9 10.30.1.1 10.30.2.10 10.30.2.201
	member office 203.0.113.1 10.20.0.1 10.21.4.1
	runs hub several-subnets-hub.conf
	runs office several-subnets.conf
	wait_for 20 "three connections" pairs office 3
	goes office 10.20.0.1 10.30.1.1
	goes office 10.20.0.1 10.30.2.10
	goes office 10.21.4.1 10.30.1.1
	goes hub 10.30.2.10 10.20.0.1 ;;

example-road-warriors)
	member gate 203.0.113.10 10.20.0.1
	member branch 198.51.100.7
	member walker 192.0.2.77
	runs gate road-warrior.conf
	runs walker road-warrior-client.conf
	(umask 077; sed 's/^Authentication=.*/Authentication=EXAMPLE-ONLY:one-key-for-the-branches-0123456789/' \
	    "$top/etc/examples/road-warrior-client.conf" >"$T/branch/run/isakmpd.conf")
	daemon branch "$T/branch/run/isakmpd.conf"
	wait_for 20 "the traveller" pairs walker 1
	wait_for 20 "the branch" pairs branch 1
	goes walker 192.0.2.77 10.20.0.1
	goes branch 198.51.100.7 10.20.0.1
	# elsewhere: another address, and the tunnel comes from there
	in_host walker ip addr add 192.0.2.99/32 dev wan
	in_host walker ip addr del 192.0.2.77/32 dev wan
	in_host walker ip route replace default dev wan
	moved() { sas walker | grep -q 'src: 192.0.2.99 dst: 203.0.113.10'; }
	wait_for 30 "a tunnel from the new place" moved
	goes walker 192.0.2.99 10.20.0.1 ;;

example-transport)
	member a 192.0.2.1
	member b 192.0.2.2
	runs a transport.conf
	runs b transport-b.conf
	wait_for 20 "both hosts" pairs a 1
	goes a 192.0.2.1 192.0.2.2
	goes b 192.0.2.2 192.0.2.1 ;;

example-hub-and-spokes)
	member hub 198.51.100.1 10.0.0.1
	member one 198.51.100.11 10.1.0.1
	member two 198.51.100.12 10.2.0.1
	runs hub hub.conf
	runs one spoke-one.conf
	runs two spoke-two.conf
	wait_for 30 "the first spoke" pairs one 2
	wait_for 30 "the second spoke" pairs two 2
	goes one 10.1.0.1 10.0.0.1
	goes two 10.2.0.1 10.0.0.1
	goes one 10.1.0.1 10.2.0.1
	goes two 10.2.0.1 10.1.0.1 ;;

example-redundant-pair)
	member first none 10.1.0.1
	member second none 10.1.0.1
	member branch 203.0.113.9 10.2.0.1
	in_host first ip addr add 192.0.2.10/32 dev wan
	in_host first ip route replace default dev wan
	runs branch redundant-pair-branch.conf
	runs first redundant-pair.conf -S
	(umask 077; cp "$top/etc/examples/redundant-pair.conf" "$T/second/run/isakmpd.conf")
	never 2 "a passive gateway answers" pairs branch 1
	order first "M active"
	wait_for 20 "the first gateway" pairs first 1
	goes first 10.1.0.1 10.2.0.1
	# the address moves, and with it the work
	order first "M passive"
	in_host first ip addr del 192.0.2.10/32 dev wan
	in_host second ip addr add 192.0.2.10/32 dev wan
	in_host second ip route replace default dev wan
	in_host branch ip neigh flush all
	daemon second "$T/second/run/isakmpd.conf" -S
	order second "M active"
	wait_for 60 "the second gateway" pairs second 1
	goes second 10.1.0.1 10.2.0.1
	pairs first 1 || fail "the first one lost its SAs without a word from anybody" ;;

*)
	fail "no case $case" ;;
esac
say "ok: $case"
