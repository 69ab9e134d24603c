#!/bin/bash
# tshark.sh - another dissector understands every message we send, and with the key
# file also the encrypted ones.
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/../net/conf.sh"
command -v tshark >/dev/null || skip "no tshark"
net_enter "$@"
two_sites
ours_conf west
ours_conf east
sniff wire west wan -q -w "$T/wire.pcap"
daemon east "$T/east/run/isakmpd.conf"
daemon west "$T/west/run/isakmpd.conf" --keylog
order west "c net"
wait_for 20 "the tunnel" tunnel_up west
check "pings" pings cwest 10.2.0.2
order west "t net"
wait_for 5 "the DELETE" no_tunnel east
stop west || fail "isakmpd ended with status $?"
sniff_end wire

keys=$(ls "$T"/west/run/*.keys "$T"/west/run/*key* 2>/dev/null | head -n 1)
[ -s "$keys" ] || fail "no key file"
grep -q '^ike [0-9a-f]\{16\} ' "$keys" || fail "no ike line in it: $(cut -c1-30 "$keys")"
mode=$(stat -c %a "$keys")
[ "$mode" = 600 ] || fail "the key file's mode is $mode"
show() { "$top/test/lab/peers/decrypt" "$T/wire.pcap" "$keys" "$@"; }

bad=$(show -Y '_ws.malformed || _ws.expert.severity == "error"')
[ -z "$bad" ] || fail "tshark calls malformed: $bad"
say "ok: nothing is malformed"
show -Y isakmp -V >"$T/decrypted"
# Main mode messages 5 and 6, quick mode and the DELETE, in clear now.
for word in 'Identification (5)' 'Hash (8)' 'Security Association (1)' 'Nonce (10)' 'Delete (12)' \
    'ID type: IPV4_ADDR_SUBNET'; do
	grep -qF -- "$word" "$T/decrypted" || { tail -n 60 "$T/decrypted"; fail "not shown: $word"; }
	say "ok: shown: $word"
done
if grep -q '^esp ' "$keys"; then
	n=$(show -Y 'icmp.type == 8' | wc -l)
	[ "$n" -ge 3 ] || fail "tshark decrypts $n pings out of ESP"
	say "ok: $n pings decrypted out of ESP"
fi
