#!/bin/bash
# libreswan.sh suites|life|impair|keys [CASE...] - our daemon and libreswan, both
# on the kernel's ESP; inside `in-kernel`.
#
# libreswan.sh -l suites|life|impair|keys	lists the cases
#
# In IKEv1 it takes elliptic curves for phase 1 only, and no ECDSA.

lab=$(cd "$(dirname "$0")" && pwd)

#	name		ours, phase 1		ours, phase 2
#			theirs, phase 1		theirs, phase 2	PFS	more
table='
modp2048		AES-128-SHA2-256-GRP14	QM-ESP-AES-128-SHA2-256-PFS-GRP14-SUITE
			aes128-sha2_256;modp2048	aes128-sha2_256	modp2048	-
modp1536-sha1		AES-128-SHA-GRP5	QM-ESP-AES-128-SHA-PFS-GRP5-SUITE
			aes128-sha1;modp1536	aes128-sha1	modp1536	-
gcm128-modp3072		AES-256-SHA2-256-GRP15	QM-ESP-AESGCM-128-PFS-GRP15-SUITE
			aes256-sha2_256;modp3072	aes_gcm128-null	modp3072	-
ecp256			AES-128-SHA2-256-GRP19	QM-ESP-AESGCM-128-PFS-GRP14-SUITE
			aes128-sha2_256;dh19	aes_gcm128-null	modp2048	-
gcm256-no-pfs		AES-256-SHA2-512-GRP14	QM-ESP-AESGCM-256-SUITE
			aes256-sha2_512;modp2048	aes_gcm256-null	no	-
cbc256-sha512		AES-256-SHA2-512-GRP14	QM-ESP-AES-256-SHA2-512-PFS-GRP14-SUITE
			aes256-sha2_512;modp2048	aes256-sha2_512	modp2048	-
cbc128-no-pfs		AES-128-SHA2-256-GRP14	QM-ESP-AES-128-SHA2-256-SUITE
			aes128-sha2_256;modp2048	aes128-sha2_256	no	-
cbc128-sha1-no-pfs	AES-128-SHA-GRP14	QM-ESP-AES-128-SHA-SUITE
			aes128-sha1;modp2048	aes128-sha1	no	-
udp-encap		AES-128-SHA2-256-GRP14	QM-ESP-AES-128-SHA2-256-PFS-GRP14-SUITE
			aes128-sha2_256;modp2048	aes128-sha2_256	modp2048	udp
transport		AES-128-SHA2-256-GRP14	own:AES:128:HMAC_SHA2_256:MODP_2048
			aes128-sha2_256;modp2048	aes128-sha2_256	modp2048	transport
transport-gcm		AES-128-SHA2-256-GRP14	own:AES_GCM_16:128::MODP_2048
			aes128-sha2_256;modp2048	aes_gcm128-null	modp2048	transport
udp-encap-transport	AES-128-SHA2-256-GRP14	own:AES:128:HMAC_SHA2_256:MODP_2048
			aes128-sha2_256;modp2048	aes128-sha2_256	modp2048	transport-udp
udp-encap-ipv6		AES-128-SHA2-256-GRP14	QM-ESP-AESGCM-128-PFS-GRP14-SUITE
			aes128-sha2_256;modp2048	aes_gcm128-null	modp2048	six-udp
ipv6			AES-128-SHA2-256-GRP14	QM-ESP-AES-128-SHA2-256-PFS-GRP14-SUITE
			aes128-sha2_256;modp2048	aes128-sha2_256	modp2048	six
six-in-four		AES-128-SHA2-256-GRP14	QM-ESP-AES-128-SHA2-256-PFS-GRP14-SUITE
			aes128-sha2_256;modp2048	aes128-sha2_256	modp2048	six-in-four
four-in-six		AES-128-SHA2-256-GRP14	QM-ESP-AES-128-SHA2-256-PFS-GRP14-SUITE
			aes128-sha2_256;modp2048	aes128-sha2_256	modp2048	four-in-six
'
rows=$(printf '%s' "$table" | tr -s '\t\n' '  ' | xargs -n 7)
life='rekey2-us rekey2-them rekey1-us rekey1-them
	rekey2-us-answering rekey2-them-answering rekey1-us-answering rekey1-them-answering
	delete-us delete-them restart-us restart-them dpd-them-dead dpd-us-dead wrong-psk
	no-proposal two-subnets'
impair='twice duplicates forward backward corrupt no-hash empty-hash bad-hash-quick
	bad-hash-delete short-ke no-ke empty-ke doubled-ke bogus-flags dropped silent huge'
keys='certs-2048 certs-4096 chain raw-2048 raw-4096 unknown-issuer revoked no-ecdsa cookbook
	cookbook-secret'
case $1 in
-l)
	case $2 in
	keys) printf '%s\n' $keys ;;
	suites) printf '%s\n' "$rows" | cut -d' ' -f1 ;;
	life) printf '%s\n' $life ;;
	impair) printf '%s\n' $impair ;;
	esac
	exit ;;
esac

export LAB_BACKEND=xfrm LAB_PATIENCE=${LAB_PATIENCE:-4}
. "$lab/../interop/cases.sh"
. "$lab/several.sh"
. "$lab/peers/libreswan.sh"
libre_needed
net_enter "$@"
two_sites

# pair NAME=VALUE...: both daemons, idle.  libre_NAME goes to them, others to us.
pair() {
	local a to_libre=() to_us=()
	for a; do
		case $a in
		libre_*) to_libre+=("${a#libre_}") ;;
		*) to_us+=("$a") ;;
		esac
	done
	libre_conf east ${to_libre[@]+"${to_libre[@]}"}
	ours_conf west ${to_us[@]+"${to_us[@]}"}
	libre_start east
	daemon west "$T/west/run/isakmpd.conf" -D 2=20 -v
}

we_begin() {
	order west "c net"
	wait_for 20 "our tunnel" tunnel_up west
	wait_for 5 "their tunnel" libre_up east
}
they_begin() {
	libre east --initiate --name lab >"$T/initiate" 2>&1 ||
	    fail "libreswan could not initiate: $(tail -n 5 "$T/initiate")"
	wait_for 5 "our tunnel" tunnel_up west
}
all_gone() {
	order west "t net"
	wait_for 10 "their SA to go" libre_down east
	order west "t main peer"
	wait_for 5 "our side to be empty" nothing_left west
}
# pass: a few packets each way.
pass() {
	wait_for 5 "the first answer from $to" can_ping "$from_host" "$to"
	check "pings $to" pings "$from_host" "$to"
	check "is pinged back at $back" pings "$back_host" "$back"
}

suite() {
	local name p1 p2 ike esp pfs more outer=() inner=() encap=no word=esp
	local to=10.2.0.2 back=10.1.0.2 from_host=cwest back_host=ceast
	read -r name p1 p2 ike esp pfs more <<<"$(printf '%s\n' "$rows" | grep "^$1 ")"
	[ -n "$name" ] || fail "no suite $1"
	case $more in
	six|six-udp|four-in-six) outer=(libre_me=fd09::2 libre_he=fd09::1 me=fd09::1 he=fd09::2) ;;
	esac
	case $more in
	six|six-udp|six-in-four)
		inner=(libre_mynet=fd02::/64 libre_hisnet=fd01::/64 mynet=fd01::/64 hisnet=fd02::/64)
		to=fd02::2 back=fd01::2 ;;
	transport|transport-udp)
		inner=(libre_type=transport mynet=10.9.0.1 hisnet=10.9.0.2 mode=TRANSPORT)
		to=10.9.0.2 back=10.9.0.1 from_host=west back_host=east ;;
	esac
	case $more in
	*udp)
		inner+=(libre_more=encapsulation=yes encap=yes)
		word=udp-esp ;;
	esac
	pair p1="$p1" p2="$p2" libre_ike="$ike" libre_esp="$esp" libre_pfs="$pfs" \
	    ${outer[@]+"${outer[@]}"} ${inner[@]+"${inner[@]}"}
	sniff wire west wan -q
	we_begin
	say "ok: we initiate"
	pass
	all_gone
	say "ok: we delete"
	they_begin
	say "ok: they initiate"
	pass
	sniff_end wire
	[ "$(sniffed wire clear)" = 0 ] ||
	    fail "$(sniffed wire clear) packets in clear: $(sed 1d "$T/wire.sniff" | head -n 8)"
	[ "$(sniffed wire $word)" -ge 14 ] || fail "hardly any ESP: $(tail -n 1 "$T/wire.sniff")"
	say "ok: on the wire: $(tail -n 1 "$T/wire.sniff")"
	healthy
}

# ---- life --------------------------------------------------------------------

# renew_us spis|cookies: what must be new, without a lost ping
renew_us() {
	local old
	old=$("$1" west)
	ping_begin
	wait_for 40 "new $1" renewed "$1" "$old"
	ping_end
	healthy
}
# renew_them spis|cookies number who-begins
renew_them() {
	local old
	pair
	"$3"
	old=$("$1" west)
	ping_begin
	# What the two ends make within 10 seconds was begun by both at once to us,
	# and the first may stay (doc/decisions/0008-collisions.md).
	sleep 11
	# The command returns when the old SA is gone too.
	libre east --impair "event-sa-replace:$2" >"$T/rekey" 2>&1 </dev/null &
	wait_for 20 "new $1" renewed "$1" "$old"
	ping_end
	healthy
}

# Our lifetime ends first: the new SA is there before the old one goes.
life_rekey2_us() {
	pair p2life=20,10:86400
	we_begin
	renew_us spis
}
# They do not renew by themselves, and what we keep up is for us to renew.
life_rekey2_us_answering() {
	pair p2life=20,10:86400 'libre_more=salifetime=30s\nrekey=no'
	they_begin
	order west "c net"
	renew_us spis
}
# It is numbered: 1 is its ISAKMP SA, 2 its first IPsec SA.
life_rekey2_them() { renew_them spis 2 "${1:-they_begin}"; }
life_rekey1_us() {
	pair p1life=20,10:86400 active=yes
	we_begin
	renew_us cookies
}
life_rekey1_us_answering() {
	pair p1life=20,10:86400 'libre_more=ikelifetime=30s\nrekey=no'
	they_begin
	order west "c net"
	renew_us cookies
}
life_rekey1_them() { renew_them cookies 1 "${1:-they_begin}"; }
# The same where the other side has begun.
life_rekey2_them_answering() { life_rekey2_them we_begin; }
life_rekey1_them_answering() { life_rekey1_them we_begin; }
life_delete_us() {
	pair
	we_begin
	order west "t net"
	wait_for 5 "their SA to go" libre_down east
	no_tunnel west || fail "our side still has it"
	order west "c net"
	wait_for 10 "the tunnel again" tunnel_up west
	check "pings" pings cwest 10.2.0.2
	healthy
}
life_delete_them() {
	pair
	they_begin
	libre east --terminate --name lab >/dev/null 2>&1
	wait_for 10 "our SA to go" no_tunnel west
	they_begin
	check "pings" pings cwest 10.2.0.2
	healthy
}
life_restart_us() {
	pair active=yes
	we_begin
	crash west
	daemon west "$T/west/run/isakmpd.conf" -v
	wait_for 20 "our tunnel" tunnel_up west
	wait_for 5 "an answer" can_ping cwest 10.2.0.2
	check "pings" pings cwest 10.2.0.2
	healthy
}
life_restart_them() {
	pair
	they_begin
	libre_crash east
	libre_start east
	they_begin
	wait_for 5 "an answer" can_ping cwest 10.2.0.2
	check "pings" pings cwest 10.2.0.2
	# It says no INITIAL-CONTACT unless told: the old pair is replaced and soon goes.
	one() { [ "$(phase west 2)" = 1 ]; }
	wait_for 45 "the SA of the dead to go" one
	healthy
}
life_dpd_them_dead() {
	pair dpd=2 active=yes
	we_begin
	libre_crash east
	wait_for 60 "the dead peer to be noticed" no_tunnel west
	logged west 'dead peer detection' || fail "the log does not say so"
	libre_start east
	wait_for 90 "the tunnel to return by itself" tunnel_up west
	wait_for 5 "an answer" can_ping cwest 10.2.0.2
	healthy
}
life_dpd_us_dead() {
	pair 'libre_more=dpddelay=2\ndpdtimeout=10\ndpdaction=clear'
	they_begin
	never 6 "we did not answer their DPD" libre_down east
	crash west
	in_host west ip xfrm state flush
	wait_for 40 "libreswan to notice" libre_down east
	daemon west "$T/west/run/isakmpd.conf" -v
	they_begin
	wait_for 5 "an answer" can_ping cwest 10.2.0.2
	healthy
}
life_no_proposal() {
	pair p1=AES-256-SHA2-256-GRP14
	libre east --asynchronous --initiate --name lab >/dev/null 2>&1
	wait_for 20 "the record" logged west 'no acceptable proposal'
	logged west 'KEY_LENGTH' || fail "the record does not name the attribute that differs"
	no_tunnel west || fail "a tunnel"
	healthy
}
life_wrong_psk() {
	pair "libre_psk=not the same secret"
	libre east --asynchronous --initiate --name lab >/dev/null 2>&1
	wait_for 20 "the record" logged west 'pre-shared keys differ'
	no_tunnel west || fail "a tunnel with the wrong key"
	healthy
}
# Two pairs of networks under one ISAKMP SA.
life_two_subnets() {
	libre_conf east
	sed 's/^conn lab$/conn lab6/; /^config setup/,/^conn/{/^conn/!d}' "$T/east/libre/ipsec.conf" |
	    sed 's|leftsubnet=.*|leftsubnet=fd02::/64|; s|rightsubnet=.*|rightsubnet=fd01::/64|' >"$T/more"
	cat "$T/more" >>"$T/east/libre/ipsec.conf"
	ours_conf west
	sed -i 's/^Passive-connections=net$/Passive-connections=net,net6/' "$T/west/run/isakmpd.conf"
	printf '[net6]\nPhase=2\nISAKMP-peer=peer\nConfiguration=qm\nLocal-ID=mine6\nRemote-ID=his6\n' \
	    >>"$T/west/run/isakmpd.conf"
	{ conf_id mine6 fd01::/64; conf_id his6 fd02::/64; } >>"$T/west/run/isakmpd.conf"
	libre_start east
	daemon west "$T/west/run/isakmpd.conf" -v
	we_begin
	libre east --initiate --name lab6 >"$T/initiate" 2>&1 || fail "lab6: $(tail -n 3 "$T/initiate")"
	two() { [ "$(phase west 2)" = 2 ]; }
	wait_for 10 "the second SA pair" two
	[ "$(phase west 1)" = 1 ] || fail "$(phase west 1) ISAKMP SAs for one peer"
	check "pings by IPv4" pings cwest 10.2.0.2
	check "pings by IPv6" pings cwest fd02::2
	healthy
}

# ---- certificates and raw keys -------------------------------------------------

names=(id=west.example hisid=east.example libre_myid=east.example libre_hisid=west.example)
rsa_sig=AES-128-SHA2-256-GRP14-RSA_SIG

# both_begin: whoever begins, packets pass
both_begin() {
	local to=10.2.0.2 back=10.1.0.2 from_host=cwest back_host=ceast
	we_begin
	say "ok: we initiate"
	pass
	all_gone
	they_begin
	say "ok: they initiate"
	pass
	healthy
}
# certified west-key west's-issuer east-key east's-issuer: an issuer is root, or between
# root and the leaf; west has the root only
certified() {
	rm -rf "$pki" "$T/west/run"/{pubkeys,certs,ca,crls}
	ca_make root rsa:2048
	local ca
	for ca in "$2" "$4"; do
		case $ca in
		root) ;;
		elsewhere) ca_make elsewhere rsa:2048 ;;
		*) ca_make "$ca" rsa:2048 root ;;
		esac
	done
	cert_make west "$1" "$2" DNS:west.example
	cert_make east "$3" "$4" DNS:east.example
	cp "$pki/west.crt" "$pki/west.chain"
	[ "$2" = root ] || cat "$pki/$2.crt" >>"$pki/west.chain"
}
# certified_pair NAME=VALUE...
certified_pair() {
	pair p1=$rsa_sig "${names[@]}" key="$pki/west.key" cert="$pki/west.chain" ca="$pki/root.crt" \
	    libre_mykey="$pki/east.key" libre_mycert="$pki/east.crt" libre_ca="$pki/root.crt" "$@"
}
keys_certs_2048() {
	certified rsa:2048 root rsa:2048 root
	certified_pair
	both_begin
}
keys_certs_4096() {
	certified rsa:4096 root rsa:4096 root
	certified_pair
	both_begin
}
keys_chain() {
	certified rsa:2048 west-ca rsa:3072 east-ca
	certified_pair libre_chain="$pki/east-ca.crt"
	both_begin
}
raw() {
	local k
	rm -rf "$pki" "$T/west/run"/{pubkeys,certs,ca,crls}
	mkdir "$pki"
	for k in west east; do
		key_make "$1" "$pki/$k.key"
		openssl pkey -in "$pki/$k.key" -pubout -out "$pki/$k.pub"
	done
	pair p1=$rsa_sig "${names[@]}" key="$pki/west.key" hispub="$pki/east.pub" \
	    libre_mykey="$pki/east.key" libre_hispub="$pki/west.pub"
	both_begin
}
keys_raw_2048() { raw rsa:2048; }
keys_raw_4096() { raw rsa:4096; }
# refused pattern: whoever begins, the record says why, and there is no tunnel
refused() {
	order west "c net"
	wait_for 20 "our refusal" logged west "$1.*initiator"
	order west "t main peer"
	order west "t net"
	libre east --asynchronous --initiate --name lab >/dev/null 2>&1
	wait_for 20 "our refusal as responder" logged west "$1.*responder"
	no_tunnel west || fail "a tunnel"
	healthy
}
keys_unknown_issuer() {
	certified rsa:2048 root rsa:2048 elsewhere
	certified_pair
	refused CERT_ISSUER
}
keys_revoked() {
	certified rsa:2048 root rsa:2048 root
	certified_pair
	crl_make root east
	cp "$pki/root.crl" "$T/west/run/crls/"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 10 "the list to be read" logged west 'reinitializing daemon'
	refused CERT_REVOKED
}
# It knows no ECDSA in IKEv1, takes it for no authentication at all, and does not answer.
keys_no_ecdsa() {
	certified rsa:2048 root rsa:2048 root
	certified_pair p1=AES-128-SHA2-256-GRP14-ECDSA_256
	order west "c net"
	wait_for 20 "its refusal" logged east 'no connection has been authorized with authby=none'
	no_tunnel west || fail "a tunnel"
	healthy
}

# doc/interoperability.md as it is.
cookbook() {
	# The tests know it by this name; routes are there.
	sed -i 's/^conn office/conn lab\n    leftupdown=%disabled/' "$T/east/libre/ipsec.conf"
	libre_start east
	daemon west "$T/west/run/isakmpd.conf" -v
	local to=10.2.0.2 back=10.1.0.2 from_host=cwest back_host=ceast
	wait_for 20 "our tunnel" tunnel_up west
	pass
	order west "t office-berlin"
	order west "t main berlin"
	wait_for 10 "their SA to go" libre_down east
	they_begin
	pass
	healthy
}
keys_cookbook() {
	local dir=$T/east/libre
	rm -rf "$pki" "$dir" "$T/west/run"/{pubkeys,private,certs,ca,crls}
	mkdir -p "$dir/nss"
	doc_certificates "$pki"
	doc_ours "$pki"
	certutil -N -d "sql:$dir/nss" --empty-password
	doc_block 'libreswan with certificates' 1 | sed "s|/var/lib/ipsec/nss|$dir/nss|" >"$pki/commands"
	(cd "$pki" && sh -eu ./commands) >"$T/commands.out" 2>&1 || fail "certutil: $(tail -n 3 "$T/commands.out")"
	doc_block 'libreswan with certificates' 2 | doc_addresses >"$dir/ipsec.conf"
	: >"$dir/ipsec.secrets"
	cookbook
}
keys_cookbook_secret() {
	local dir=$T/east/libre key
	rm -rf "$dir"
	mkdir -p "$dir"
	key=$(openssl rand -hex 32)
	doc_readme "$key"
	sed -i 's/^Suites=.*/Suites=QM-ESP-AES-128-SHA2-256-PFS-GRP14-SUITE/' "$T/west/run/isakmpd.conf"
	doc_block libreswan 1 | doc_addresses >"$dir/ipsec.conf"
	doc_block libreswan 2 | doc_addresses | sed "s/0x\.\.\.the key\.\.\./0x$key/" >"$dir/ipsec.secrets"
	cookbook
}

# ---- impairments: libreswan does wrong on purpose ------------------------------

# upset option...: with it, both sides try, and whatever comes of that, we are
# well; without it a tunnel comes up as if nothing had been.
upset() {
	local o end
	pair
	for o; do
		libre east --impair "$o" >"$T/impair" 2>&1 || fail "no impairment $o: $(cat "$T/impair")"
	done
	order west "c net"
	timeout 8 "$libreswan/usr/libexec/ipsec/whack" --rundir "$T/east/libre/run" \
	    --initiate --name lab >/dev/null 2>&1
	tunnel_up west && pings cwest 10.2.0.2 2
	libre east --terminate --name lab >/dev/null 2>&1
	order west "T"
	alive west || fail "isakmpd has ended"
	libre east --impair none >/dev/null 2>&1
	libre east --terminate --name lab >/dev/null 2>&1
	# A negotiation that was spoilt may still be tried again for a while.
	end=$(($(now_ms) + 60000))
	until timeout 20 "$libreswan/usr/libexec/ipsec/whack" --rundir "$T/east/libre/run" \
	    --initiate --name lab >"$T/initiate" 2>&1 && tunnel_up west; do
		[ "$(now_ms)" -lt $end ] || fail "no tunnel afterwards: $(tail -n 3 "$T/initiate")"
		pause
	done
	wait_for 10 "an answer" can_ping cwest 10.2.0.2
	check "pings afterwards" pings cwest 10.2.0.2
	healthy
}
impair_twice() { upset jacob-two-two; }
impair_duplicates() { upset replay-duplicates; }
impair_forward() { upset replay-forward; }
impair_backward() { upset replay-backward; }
impair_corrupt() { upset corrupt-encrypted; }
impair_no_hash() { upset v1-hash-payload:OMIT; }
impair_empty_hash() { upset v1-hash-payload:EMPTY; }
impair_bad_hash_quick() { upset v1-hash-exchange:QUICK v1-hash-payload:0; }
impair_bad_hash_delete() { upset v1-hash-exchange:DELETE v1-hash-payload:0; }
impair_short_ke() { upset ke-payload:1; }
impair_no_ke() { upset ke-payload:OMIT; }
impair_empty_ke() { upset ke-payload:EMPTY; }
impair_doubled_ke() { upset ke-payload:DUPLICATE; }
impair_bogus_flags() { upset send-bogus-isakmp-flag send-bogus-payload-flag; }
impair_dropped() { upset drop-i2; }
impair_silent() { upset send-no-delete suppress-retransmits; }
impair_huge() { upset bust-mi2 bust-mr2; }

kind=$1
shift
case $kind in
suites)
	for s in $(printf '%s\n' "$rows" | cut -d' ' -f1); do
		eval "suites_${s//-/_}() { suite $s; }"
	done
	several suites "$(printf '%s\n' "$rows" | cut -d' ' -f1 | xargs)" "$@" ;;
life) several life "$life" "$@" ;;
impair) several impair "$impair" "$@" ;;
keys)
	command -v pk12util >/dev/null || skip "no pk12util"
	. "$lab/../interop/openssl.sh"
	. "$lab/../interop/doc.sh"
	several keys "$keys" "$@" ;;
*) exit 2 ;;
esac
