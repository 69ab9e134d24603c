#!/bin/bash
# suites.sh NAME - one suite of algorithms against strongSwan: we initiate, traffic in
# both directions; everything is torn down; they initiate, the same again.
#
# suites.sh -l lists the names for CMakeLists.txt.

#	name		ours, phase 1			ours, phase 2
#			theirs, phase 1			theirs, phase 2		more
table='
aes128-sha256-modp2048	AES-128-SHA2-256-GRP14		QM-ESP-AES-128-SHA2-256-PFS-GRP14-SUITE
			aes128-sha256-modp2048		aes128-sha256-modp2048	-
cbc128-sha1-ecp256	AES-128-SHA-GRP19		QM-ESP-AES-128-SHA-PFS-GRP14-SUITE
			aes128-sha1-ecp256		aes128-sha1-modp2048	-
aes256-sha512-ecp384	AES-256-SHA2-512-GRP20		QM-ESP-AES-256-SHA2-512-PFS-GRP20-SUITE
			aes256-sha512-ecp384		aes256-sha512-ecp384	-
aes256-sha256-x25519	own:AES_CBC:256:SHA2_256:X25519	own:AES:256:HMAC_SHA2_256:X25519
			aes256-sha256-x25519		aes256-sha256-x25519	-
3des-sha1-modp1024	3DES-SHA-GRP2			QM-ESP-3DES-SHA-PFS-GRP2-SUITE
			3des-sha1-modp1024		3des-sha1-modp1024	-
gcm128-no-pfs		AES-128-SHA2-256-GRP19		QM-ESP-AESGCM-128-SUITE
			aes128-sha256-ecp256		aes128gcm16		-
gcm256-pfs		AES-256-SHA2-384-GRP14		QM-ESP-AESGCM-256-PFS-GRP19-SUITE
			aes256-sha384-modp2048		aes256gcm16-ecp256	-
cbc256-no-pfs		AES-256-SHA2-256-GRP15		QM-ESP-AES-256-SHA2-256-SUITE
			aes256-sha256-modp3072		aes256-sha256		-
cbc192-sha384		AES-192-SHA2-384-GRP21		QM-ESP-AES-192-SHA2-384-PFS-GRP21-SUITE
			aes192-sha384-ecp521		aes192-sha384-ecp521	-
ctr128-sha1		AES-128-SHA-GRP5		QM-ESP-AESCTR-128-SHA-SUITE
			aes128-sha1-modp1536		aes128ctr-sha1		-
brainpool		AES-128-SHA2-256-GRP28		QM-ESP-AES-128-SHA2-256-PFS-GRP28-SUITE
			aes128-sha256-ecp256bp		aes128-sha256-ecp256bp	-
ipv6			AES-128-SHA2-256-GRP14		QM-ESP-AES-128-SHA2-256-PFS-GRP14-SUITE
			aes128-sha256-modp2048		aes128-sha256-modp2048	six
ipv6-gcm		AES-256-SHA2-256-GRP19		QM-ESP-AESGCM-128-PFS-GRP19-SUITE
			aes256-sha256-ecp256		aes128gcm16-ecp256	six
six-in-four		AES-128-SHA2-256-GRP14		QM-ESP-AES-128-SHA2-256-PFS-GRP14-SUITE
			aes128-sha256-modp2048		aes128-sha256-modp2048	six-in-four
four-in-six		AES-128-SHA2-256-GRP14		QM-ESP-AES-128-SHA2-256-PFS-GRP14-SUITE
			aes128-sha256-modp2048		aes128-sha256-modp2048	four-in-six
transport		AES-128-SHA2-256-GRP14		own:AES:128:HMAC_SHA2_256:MODP_2048
			aes128-sha256-modp2048		aes128-sha256-modp2048	transport
transport-gcm-ecp256	AES-128-SHA2-256-GRP19		own:AES_GCM_16:128::ECP_256
			aes128-sha256-ecp256		aes128gcm16-ecp256	transport
udp-encap		AES-128-SHA2-256-GRP14		QM-ESP-AES-128-SHA2-256-PFS-GRP14-SUITE
			aes128-sha256-modp2048		aes128-sha256-modp2048	udp
udp-encap-ipv6		AES-128-SHA2-256-GRP14		QM-ESP-AESGCM-128-PFS-GRP19-SUITE
			aes128-sha256-modp2048		aes128gcm16-ecp256	six-udp
udp-encap-transport	AES-128-SHA2-256-GRP14		own:AES:128:HMAC_SHA2_256:MODP_2048
			aes128-sha256-modp2048		aes128-sha256-modp2048	transport-udp
'
rows=$(printf '%s' "$table" | tr -s '\t\n' '  ' | xargs -n 6)
if [ "$1" = -l ]; then
	printf '%s\n' "$rows" | cut -d' ' -f1
	exit
fi
read -r name p1 p2 ike esp more <<<"$(printf '%s\n' "$rows" | grep "^$1 ")"
[ -n "$name" ] || { echo "no suite $1"; exit 2; }

. "$(dirname "$0")/cases.sh"
swan_needed
net_enter "$@"

outer=() inner=() to=10.2.0.2 from=10.1.0.2
six_outside="swan_me=fd09::2 swan_he=fd09::1 me=fd09::1 he=fd09::2"
six_inside="swan_mynet=fd02::/64 swan_hisnet=fd01::/64 mynet=fd01::/64 hisnet=fd02::/64"
case $more in
six|six-udp|four-in-six) read -ra outer <<<"$six_outside" ;;
esac
case $more in
six|six-udp|six-in-four) read -ra inner <<<"$six_inside"; to=fd02::2 from=fd01::2 ;;
transport|transport-udp)
	[ "$swan_plane" = kernel ] || skip "transport mode with strongSwan needs the kernel's ESP (make lab)"
	inner=(type=transport swan_mynet=10.9.0.2/32 swan_hisnet=10.9.0.1/32
	    mynet=10.9.0.1 hisnet=10.9.0.2 mode=TRANSPORT)
	to=10.9.0.2 from=10.9.0.1
	traffic() {
		wait_for 5 "the first answer" can_ping west "$1"
		check "pings $1" pings west "$1"
		check "is pinged back at $2" pings east "$2"
		bulk west east "$1" 3000000 >"$T/bulk.out" || fail "bulk data: $(cat "$T/bulk.out")"
	} ;;
esac
word=
case $more in
*udp)
	[ "$swan_plane" = kernel ] || skip "the same as the others without the kernel's ESP (make lab)"
	inner+=(swan_encap=yes encap=yes)
	word=udp-esp ;;
esac
both p1="$p1" p2="$p2" ike="$ike" esp="$esp" ${outer[@]+"${outer[@]}"} ${inner[@]+"${inner[@]}"}
# While a tunnel is up nothing may pass beside it.  Between the two there is none,
# and the connection is a passive one: what TCP has left to say is in clear then.
protected() {
	sniff wire west wan -q
	traffic $to $from
	sniff_end wire
	[ "$(sniffed wire clear)" = 0 ] ||
	    fail "$(sniffed wire clear) packets in clear: $(sed 1d "$T/wire.sniff" | head -n 8)"
	local esp
	esp=$(($(sniffed wire udp-esp) + $(sniffed wire esp)))
	[ $esp -gt 100 ] || fail "only $esp ESP packets"
	[ -z "$word" ] || [ "$(sniffed wire "$word")" = $esp ] ||
	    fail "not all ESP is in UDP: $(tail -n 1 "$T/wire.sniff")"
	say "ok: $esp ESP packets, none in clear"
}

we_start
say "ok: we initiate"
protected
we_end
say "ok: we delete"

they_start
say "ok: they initiate"
protected
healthy
