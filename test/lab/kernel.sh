#!/bin/bash
# kernel.sh [CASE...] - the kernel's ESP as others see it: packets that ask for a
# tunnel, other programs that remove or change what is ours, and what is theirs.
#
# kernel.sh -l lists the cases.

cases='acquire acquire-only flush-sas flush-policies delete-one drift taken-over leftovers
	shared kept own-sockets'
if [ "${1-}" = -l ]; then
	printf '%s\n' $cases
	exit
fi
lab=$(cd "$(dirname "$0")" && pwd)
export LAB_BACKEND=xfrm LAB_PATIENCE=${LAB_PATIENCE:-4}
. "$lab/../net/lib.sh"
. "$lab/../net/conf.sh"
. "$lab/several.sh"
net_enter "$@"
two_sites

xfrm() { in_host "$1" ip xfrm "${@:2}"; }
start() { daemon "$1" "$T/$1/run/isakmpd.conf" -D 2=20 -v; }
# pair NAME=VALUE...: both daemons; the names are west's.
pair() {
	ours_conf west "$@"
	ours_conf east
	start east
	start west
}
up() {
	order west "c net"
	wait_for 20 "the tunnel on west" tunnel_up west
	wait_for 5 "an answer" can_ping cwest 10.2.0.2
}
times_logged() { grep -c -- "$2" "$T/$1/log"; }
once() { [ "$(times_logged west "$1")" = 1 ] || fail "$(times_logged west "$1") lines: $1"; }

# What another program has on west: reqid 42, a network of its own.
others() {
	xfrm west state add src 10.9.0.1 dst 10.9.0.2 proto esp spi 0x4242 reqid 42 mode tunnel \
	    aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128
	xfrm west policy add src 10.1.0.0/24 dst 10.77.0.0/24 dir out \
	    tmpl src 10.9.0.1 dst 10.9.0.2 proto esp mode tunnel reqid 42
}
others_stay() {
	xfrm west state | grep -q 'spi 0x00004242' || fail "another program's SA is gone"
	xfrm west policy | grep -q 'dst 10.77.0.0/24' || fail "another program's policy is gone"
	say "ok: what another program has stays"
}
ours_in_kernel() { { xfrm west state; xfrm west policy; } | grep -c 'reqid 0x15a\|reqid 3630'; }
none_of_ours() { [ "$(ours_in_kernel)" = 0 ]; }

# All its processes at the same moment: no role sees that another is gone.
lose_power() {
	# shellcheck disable=SC2046
	kill -STOP $(descendants "$(cat "$T/$1/daemon.pid")")
	crash "$1"
}

# What a good end looks like everywhere.
orderly() {
	local h
	for h in west east; do
		[ -e "$T/$h/daemon.pid" ] || continue
		! grep -Eq 'runtime error|[Aa]ssertion|ended by signal' "$T/$h/log" ||
		    fail "the log of $h tells of a fault"
		stop $h || fail "isakmpd on $h ended with status $?"
	done
	none_of_ours || fail "left behind: $(xfrm west state; xfrm west policy)"
}

# ---- a packet asks ------------------------------------------------------------

# The peer was away for long, so it is tried again only now and then; a packet
# that meets our flow begins at once.
kernel_acquire() {
	ours_conf west active=yes general='Retransmits=1\nExchange-max-time=3'
	ours_conf east
	start west
	fifth() { [ "$(times_logged west 'exchange did not end in time')" -ge 5 ]; }
	wait_for 60 "five vain tries" fifth
	start east			# the next try is 24 to 32 seconds later
	never 2 "a tunnel that nobody asked for" tunnel_up west
	in_host cwest ping -n -q -c 1 -W 1 10.2.0.2 >/dev/null 2>&1
	LAB_PATIENCE=1 wait_for 8 "the tunnel" tunnel_up west
	wait_for 5 "an answer" can_ping cwest 10.2.0.2
	check "pings" pings cwest 10.2.0.2
	orderly
}

# -a: the administrator has the policies, the daemon the SAs.
admin_policies() {
	local d
	xfrm west policy add src 10.1.0.0/24 dst 10.2.0.0/24 dir out \
	    tmpl src 10.9.0.1 dst 10.9.0.2 proto esp mode tunnel reqid 42
	for d in in fwd; do
		xfrm west policy add src 10.2.0.0/24 dst 10.1.0.0/24 dir $d \
		    tmpl src 10.9.0.2 dst 10.9.0.1 proto esp mode tunnel reqid 42
	done
}
kernel_acquire_only() {
	ours_conf west
	ours_conf east
	admin_policies
	start east
	daemon west "$T/west/run/isakmpd.conf" -D 2=20 -v -a
	sniff wire west wan -q
	never 2 "a tunnel that nobody asked for" tunnel_up west
	in_host cwest ping -n -q -c 1 -W 1 10.2.0.2 >/dev/null 2>&1
	wait_for 10 "the tunnel" tunnel_up west
	wait_for 5 "an answer" can_ping cwest 10.2.0.2
	check "pings" pings cwest 10.2.0.2
	check "is pinged back" pings ceast 10.1.0.2
	[ "$(xfrm west policy | grep -c '^src 10')" = 3 ] || fail "policies of ours: $(xfrm west policy)"
	order west "t net"
	wait_for 5 "the SA to go" no_tunnel west
	in_host cwest ping -n -q -c 1 -W 1 10.2.0.2 >/dev/null 2>&1
	wait_for 10 "the tunnel again" tunnel_up west
	wait_for 5 "an answer" can_ping cwest 10.2.0.2
	sniff_end wire
	[ "$(sniffed wire clear)" = 0 ] || fail "$(sniffed wire clear) packets in clear"
	# These SAs carry the administrator's reqid; a later run knows them all the same.
	lose_power west
	[ "$(xfrm west state | grep -c 'reqid 42')" = 2 ] || fail "no SAs to leave: $(xfrm west state)"
	daemon west "$T/west/run/isakmpd.conf" -v -a
	[ "$(xfrm west state | grep -c 'reqid 42')" = 0 ] || fail "left of the earlier run: $(xfrm west state)"
	stop west || fail "status $?"
	[ "$(xfrm west policy | grep -c 'reqid 42')" = 3 ] || fail "the administrator's policies are gone"
	say "ok: the administrator's policies stay"
	orderly
}

# ---- others do something to ours ------------------------------------------------

kernel_flush_sas() {
	pair
	up
	local old
	old=$(spis west)
	sniff wire west wan -q
	xfrm west state flush
	wait_for 10 "new SPIs" renewed spis "$old"
	wait_for 5 "an answer" can_ping cwest 10.2.0.2
	check "pings" pings cwest 10.2.0.2
	sniff_end wire
	[ "$(sniffed wire clear)" = 0 ] || fail "$(sniffed wire clear) packets in clear"
	once 'something else has removed all IPsec SAs'
	one() { [ "$(phase west 2)" = 1 ] && [ "$(phase east 2)" = 1 ]; }
	wait_for 10 "the lost pair to go on both sides" one
	orderly
}

kernel_flush_policies() {
	pair
	up
	local old
	old=$(spis west)
	xfrm west policy flush
	wait_for 5 "the policies again" flow_is_there
	once 'something else has removed all IPsec policies'
	sniff wire west wan -q
	check "pings" pings cwest 10.2.0.2
	sniff_end wire
	[ "$(sniffed wire clear)" = 0 ] || fail "$(sniffed wire clear) packets in clear"
	[ "$(spis west)" = "$old" ] || fail "the SAs were renewed without need"
	orderly
}
flow_is_there() { [ "$(xfrm west policy | grep -c '10.2.0.0/24')" = 3 ]; }

kernel_delete_one() {
	pair
	up
	local old
	old=$(spis west)
	xfrm west state delete src 10.9.0.1 dst 10.9.0.2 proto esp spi \
	    "$(xfrm west state | awk '/^src 10.9.0.1/ { getline; print $4; exit }')"
	wait_for 10 "new SPIs" renewed spis "$old"
	wait_for 5 "an answer" can_ping cwest 10.2.0.2
	check "pings" pings cwest 10.2.0.2
	once 'something else has removed an SA of connection net (read outbound SA'
	orderly
}

kernel_drift() {
	pair
	up
	local old reqid
	old=$(spis west)
	reqid=$(xfrm west policy | awk '/reqid/ { for (i = 1; i < NF; i++) if ($i == "reqid") print $(i + 1); exit }')
	xfrm west policy update src 10.1.0.0/24 dst 10.2.0.0/24 dir out priority 77 \
	    tmpl src 10.9.0.1 dst 10.9.0.99 proto esp mode tunnel reqid "$reqid"
	wait_for 5 "the line" logged west 'changed the flow of connection net (outbound policy: priority: wanted .*, the kernel holds 77)'
	grep -h 'changed the flow' "$T/west/log"
	wait_for 5 "the policy as it was" as_it_was
	check "pings" pings cwest 10.2.0.2
	[ "$(spis west)" = "$old" ] || fail "the SAs were renewed without need"
	orderly
}
as_it_was() { ! xfrm west policy | grep -q '10.9.0.99\|priority 77 '; }

# What another program has put in the place of ours is not ours any more.
kernel_taken_over() {
	pair
	up
	xfrm west policy update src 10.1.0.0/24 dst 10.2.0.0/24 dir out \
	    tmpl src 10.9.0.1 dst 10.9.0.99 proto esp mode tunnel reqid 42
	wait_for 5 "the line" logged west 'another program has replaced the flow of connection net'
	grep -h 'another program has replaced' "$T/west/log"
	orderly
	xfrm west policy | grep -q '10.9.0.99' || fail "it was removed at the end"
	say "ok: it stays"
}

# ---- an earlier run, other people -----------------------------------------------

kernel_leftovers() {
	others
	pair active=yes
	wait_for 20 "the tunnel" tunnel_up west
	others_stay
	lose_power west
	[ "$(xfrm west state | grep -c 'proto esp')" -ge 3 ] || fail "nothing was left: $(xfrm west state)"
	flow_is_there || fail "the flow went with the daemon"
	# The next run has another configuration: nobody asks for that flow again.
	ours_conf west hisnet=10.8.0.0/24
	start west
	[ "$(xfrm west state | grep -c 'proto esp')" = 1 ] || fail "SAs left: $(xfrm west state)"
	say "ok: SAs of the earlier run are gone at once"
	gone_flow() { ! xfrm west policy | grep -q '10.2.0.0/24'; }
	wait_for 45 "the flow of the earlier run to go" gone_flow
	others_stay
	orderly
	others_stay
}

# Delete-SAs=no: the tunnel goes on without the daemon, and the next run begins anew.
kernel_kept() {
	pair general=Delete-SAs=no
	up
	stop west || fail "it ended with status $?"
	[ "$(xfrm west state | grep -c 'proto esp')" = 2 ] || fail "SAs: $(xfrm west state)"
	flow_is_there || fail "the flow went with the daemon"
	check "pings without a daemon" pings cwest 10.2.0.2
	sed -i '/Delete-SAs/d' "$T/west/run/isakmpd.conf"
	start west
	[ "$(xfrm west state | grep -c 'proto esp')" = 0 ] || fail "SAs left: $(xfrm west state)"
	up
	orderly
}

# Shared-SADB: SAs have no replay window; a reload without the tag makes them anew
# with one; the next run with it removes nothing, for it may be another daemon's.
kernel_shared() {
	guarded() { xfrm west state | grep -q 'replay_window 64'; }
	pair general=Shared-SADB= active=yes
	wait_for 20 "the tunnel" tunnel_up west
	wait_for 5 "an answer" can_ping cwest 10.2.0.2
	guarded && fail "there is a replay window: $(xfrm west state)"
	say "ok: no replay window"
	sed -i '/^Shared-SADB/d' "$T/west/run/isakmpd.conf"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 30 "SAs with a replay window" guarded
	check "pings" pings cwest 10.2.0.2
	lose_power west
	local left
	left=$(xfrm west state | grep -c 'proto esp')
	ours_conf west general=Shared-SADB=
	start west
	[ "$(xfrm west state | grep -c 'proto esp')" = "$left" ] || fail "SAs were removed: $(xfrm west state)"
	flow_is_there || fail "the flow was removed"
	say "ok: what may be another daemon's stays"
}

# A flow between the gateways themselves: IKE passes it, in both directions, for all time.
kernel_own_sockets() {
	ours_conf west mynet=10.9.0.1 hisnet=10.9.0.2 mode=TRANSPORT p2=own:AES_GCM_16:128::MODP_2048 \
	    p2life=20,10:86400 p1life=25,10:86400 active=yes
	ours_conf east mynet=10.9.0.2 hisnet=10.9.0.1 mode=TRANSPORT p2=own:AES_GCM_16:128::MODP_2048 \
	    p2life=1200,10:86400 p1life=3600,10:86400
	start east
	start west
	wait_for 20 "the tunnel" tunnel_up west
	local old
	old=$(cookies west)
	sniff wire west wan -q
	wait_for 40 "new cookies" renewed cookies "$old"
	sniff_end wire
	[ "$(sniffed wire ike)" -ge 3 ] || fail "IKE was not seen: $(tail -n 1 "$T/wire.sniff")"
	say "ok: on the wire: $(tail -n 1 "$T/wire.sniff")"
	check "pings" pings west 10.9.0.2
	orderly
}

several kernel "$(echo $cases)" "$@"
