#!/bin/bash
# life.sh CASE - the life of a tunnel with strongSwan: rekeying, deletion, restarts, death.
#
# life.sh -l lists the cases.

cases='itself rekey2-us rekey2-them rekey1-us rekey1-them
	rekey2-us-answering rekey2-them-answering rekey1-us-answering rekey1-them-answering
	two-subnets delete-us delete-them restart-us restart-them dpd-them-dead dpd-us-dead wrong-psk-we-start wrong-psk-they-start
	no-proposal wrong-ids'
if [ "$1" = -l ]; then
	printf '%s\n' $cases
	exit
fi
. "$(dirname "$0")/cases.sh"
swan_needed
net_enter "$@"

case $1 in

# The harness without us: what fails here is not our fault.
itself)
	two_sites
	swan_conf east
	swan_conf west me=10.9.0.1 he=10.9.0.2 mynet=10.1.0.0/24 hisnet=10.2.0.0/24
	swan_start east
	swan_start west
	swan east --initiate --child net >/dev/null || fail "no tunnel"
	wait_for 5 "the tunnel" swan_up west
	traffic
	swan_stop west
	swan_stop east
	exit 0 ;;

# Our lifetime ends first: the new SA is there before the old one goes.  Who
# renews has begun the first one or, "answering", has not.
rekey2-us|rekey2-us-answering)
	if [ "$1" = rekey2-us ]; then
		both p2life=20,10:86400
		we_start
	else
		# They do not renew by themselves, and what we keep up is for us to renew.
		both p2life=20,10:86400 esp_time=$'0s\n        life_time = 30s'
		they_start
		order west "c net"
	fi
	old=$(spis west)
	ping_begin
	wait_for 40 "new SPIs" renewed spis "$old"
	ping_end
	check "pings with the new SA" pings cwest 10.2.0.2 ;;

rekey2-them|rekey2-them-answering)
	both
	[ "$1" = rekey2-them ] && they_start || we_start
	old=$(spis west)
	ping_begin
	swan east --rekey --child net >/dev/null
	wait_for 10 "new SPIs" renewed spis "$old"
	ping_end
	check "pings with the new SA" pings cwest 10.2.0.2 ;;

# Phase 1 may pass away and return without a packet of the tunnel being lost.
rekey1-us|rekey1-us-answering)
	if [ "$1" = rekey1-us ]; then
		both p1life=20,10:86400 active=yes
		we_start
	else
		both p1life=20,10:86400 ike_time=$'0s\n    over_time = 30s'
		they_start
		order west "c net"
	fi
	old=$(cookies west)
	ping_begin
	wait_for 40 "new cookies" renewed cookies "$old"
	ping_end
	swan east --rekey --child net >/dev/null
	check "the new phase 1 is of use" pings cwest 10.2.0.2 ;;

rekey1-them|rekey1-them-answering)
	both
	[ "$1" = rekey1-them ] && they_start || we_start
	old=$(cookies west)
	ping_begin
	swan east --rekey --ike lab >/dev/null
	wait_for 10 "new cookies" renewed cookies "$old"
	# strongSwan moves the child to the new IKE SA; its own data plane may miss one meanwhile.
	ping_end $([ "$swan_plane" = kernel ] && echo 0 || echo 1)
	check "still pings" pings cwest 10.2.0.2 ;;

# Two pairs of networks under one ISAKMP SA, one begun by each side.
two-subnets)
	both
	sed -i '/^    children {/a\
      net6 {\
        local_ts = fd02::/64\
        remote_ts = fd01::/64\
        esp_proposals = aes128-sha256-modp2048\
      }' "$T/east/swan/swanctl.conf"
	swan east --load-conns >/dev/null || fail "strongSwan does not take a second child"
	sed -i 's/^Passive-connections=net$/Passive-connections=net,net6/' "$T/west/run/isakmpd.conf"
	{
		printf '[net6]\nPhase=2\nISAKMP-peer=peer\nConfiguration=qm\nLocal-ID=mine6\nRemote-ID=his6\n'
		conf_id mine6 fd01::/64
		conf_id his6 fd02::/64
	} >>"$T/west/run/isakmpd.conf"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 5 "the reload" logged west 'reinitializing daemon'
	we_start
	swan east --initiate --child net6 --timeout 20 >"$T/initiate" 2>&1 ||
	    fail "the second child: $(tail -n 5 "$T/initiate")"
	two() { [ "$(phase west 2)" = 2 ]; }
	wait_for 10 "the second SA pair" two
	[ "$(phase west 1)" = 1 ] || fail "$(phase west 1) ISAKMP SAs for one peer"
	traffic
	traffic fd02::2 fd01::2 ;;

delete-us)
	both
	we_start
	order west "t net"
	wait_for 5 "their child to go" swan_down east
	no_tunnel west || fail "our side still has it"
	say "ok: our DELETE is understood"
	order west "c net"
	wait_for 10 "the tunnel again" tunnel_up west
	traffic ;;

# A connection that is kept up returns by itself after their DELETE.
delete-them)
	both active=yes
	we_start
	old=$(spis west)
	swan east --terminate --child net >/dev/null
	wait_for 10 "another tunnel" renewed spis "$old"
	traffic ;;

# Ours loses its power: it returns, says INITIAL-CONTACT and is accepted.
restart-us)
	both active=yes
	we_start
	crash west
	daemon west "$T/west/run/isakmpd.conf" -D 2=20 -v
	wait_for 20 "our tunnel" tunnel_up west
	traffic
	[ "$(swan_children east)" = 1 ] || say "note: strongSwan holds $(swan_children east) children" ;;

# Theirs restarts and initiates: accepted at once although we still have the old SAs.
restart-them)
	both
	they_start
	swan_crash east
	swan_start east
	they_start
	traffic
	[ "$(phase west 2)" = 1 ] || fail "$(phase west 2) SAs where one is alive" ;;

dpd-them-dead)
	both dpd=2 active=yes
	we_start
	swan_crash east
	wait_for 60 "the dead peer to be noticed" no_tunnel west
	logged west 'dead peer detection' || fail "the log does not say so"
	say "ok: a dead peer is noticed"
	swan_start east
	wait_for 90 "the tunnel to return by itself" tunnel_up west
	traffic ;;

dpd-us-dead)
	both swan_dpd=2 dpd_timeout=10
	they_start
	never 6 "we did not answer their DPD" swan_down east
	say "ok: their DPD is answered"
	crash west
	wait_for 40 "strongSwan to notice" swan_down east
	daemon west "$T/west/run/isakmpd.conf" -v
	they_start
	traffic ;;

# The responder recognises it from a message 5 that does not decrypt.
wrong-psk-they-start)
	both "swan_psk=not the same secret"
	swan east --initiate --child net --timeout 6 >/dev/null 2>&1 && fail "it was accepted"
	wait_for 10 "the record" logged west 'pre-shared keys differ'
	grep 'pre-shared keys differ' "$T/west/log" | head -n 1
	no_tunnel west || fail "a tunnel with the wrong key" ;;

wrong-psk-we-start)
	both "swan_psk=not the same secret"
	order west "c net"
	wait_for 30 "the record" logged west 'pre-shared keys differ'
	grep 'pre-shared keys differ' "$T/west/log" | head -n 1
	no_tunnel west || fail "a tunnel with the wrong key" ;;

no-proposal)
	both p1=AES-256-SHA2-256-GRP14 ike=aes128-sha256-modp2048
	swan east --initiate --child net --timeout 6 >/dev/null 2>&1 && fail "it was accepted"
	wait_for 5 "the record" logged west 'no acceptable proposal'
	grep 'no acceptable proposal' "$T/west/log" | head -n 1
	grep -q 'NO_PROP' "$T/east/log" || fail "strongSwan was not told"
	logged west 'KEY_LENGTH' || fail "the record does not name the attribute that differs" ;;

wrong-ids)
	both swan_mynet=10.77.0.0/24
	swan east --initiate --child net --timeout 6 >/dev/null 2>&1 && fail "it was accepted"
	wait_for 5 "the record" logged west 'no connection for the proposed phase 2 IDs'
	grep 'no connection for the proposed' "$T/west/log" | head -n 1
	grep -q 'INVAL_ID' "$T/east/log" || fail "strongSwan was not told" ;;

*)
	echo "no case $1"
	exit 2 ;;
esac
healthy
