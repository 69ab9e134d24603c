#!/bin/bash
# life.sh CASE - two of our daemons, real sockets, real packets.
#
# life.sh -l lists the cases.

cases='tunnel4 tunnel6 six-in-four four-in-six transport udp-encap several-flows
	no-clear-text big-packets delete restart crash rekey both-start
	unknown-connection wrong-psk wrong-id wrong-proposal no-answer
	hup orders certificates signed-by-ca first-asks signed-by-chain role-dies stop-is-clean secrets-stay nat lossy
	signatures key-files'
if [ "${1-}" = -l ]; then
	printf '%s\n' $cases
	exit
fi
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/conf.sh"
net_enter "$@"

start() { daemon "$1" "$T/$1/run/isakmpd.conf" -D 2=20 "${@:2}"; }
both_start() { start east; start west; }
up() {
	order west "c net"
	wait_for 20 "the tunnel on west" tunnel_up west
	wait_for 5 "the tunnel on east" tunnel_up east
}
traffic() {
	local to=${1:-10.2.0.2} from=${2:-10.1.0.2} out
	wait_for 5 "the first answer from $to" can_ping cwest "$to"
	check "pings $to" pings cwest "$to"
	check "pings $from back" pings ceast "$from"
	out=$(bulk cwest ceast "$to" 5000000) || fail "bulk data: $out"
	say "ok: $out"
}
# Both gateways signed by one authority, with keys of their own.
certified() {
	local h me
	ctl=$PWD/../../src/cmd/isakmpctl.sh
	pki() { (cd "$T" && sh "$ctl" pki "$@") >"$T/pki" 2>&1 || fail "pki $*: $(cat "$T/pki")"; }
	pki ca "Example VPN"
	for h in west east; do
		me=10.9.0.$([ $h = west ] && echo 1 || echo 2)
		pki key -e "$T/$h-keys"
		pki request -e "$T/$h-keys" $me
		pki sign "$T/$h-keys/$me.csr"
		ours_conf $h p1=AES-256-SHA2-256-GRP19-RSA_SIG key="$T/$h-keys/private/local.key" \
		    hispub="$T/$h-keys/local.pub" psk="$h only"
		rm -r "$T/$h/run/pubkeys"
		mkdir "$T/$h/run/ca" "$T/$h/run/certs" "$T/$h/run/crls"
		cp "$T/isakmpd-ca/ca.crt" "$T/$h/run/ca/"
		cp "$T/isakmpd-ca/ca.crl" "$T/$h/run/crls/"
		cp "$T/isakmpd-ca/$me.crt" "$T/$h/run/certs/"
	done
}
six_outside_west="me=fd09::1 he=fd09::2"
six_outside_east="me=fd09::2 he=fd09::1"
six_inside_west="mynet=fd01::/64 hisnet=fd02::/64"
six_inside_east="mynet=fd02::/64 hisnet=fd01::/64"
# Nothing but IKE and ESP was on the outside link since `sniff wire`.
all_protected() {
	sniff_end wire
	[ "$(sniffed wire clear)" = 0 ] || fail "$(sniffed wire clear) packets in clear: $(sed 1d "$T/wire.sniff" | head -n 8)"
	[ $(($(sniffed wire esp) + $(sniffed wire udp-esp))) -gt "${1:-20}" ] ||
	    fail "hardly any ESP: $(tail -n 1 "$T/wire.sniff")"
	say "ok: on the wire: $(tail -n 1 "$T/wire.sniff")"
}
count_logged() { grep -c -- "$2" "$T/$1/log"; }
more_logged() { [ "$(count_logged "$1" "$2")" -gt "$3" ]; }

two_sites
case $1 in

tunnel4)
	ours_conf west
	ours_conf east
	sniff wire west wan -q
	both_start
	up
	traffic
	all_protected
	[ "$(sniffed wire esp)" -gt 0 ] || fail "no plain ESP although there is no NAT" ;;

tunnel6)
	ours_conf west $six_outside_west $six_inside_west
	ours_conf east $six_outside_east $six_inside_east
	sniff wire west wan -q
	both_start
	up
	traffic fd02::2 fd01::2
	all_protected ;;

six-in-four)
	ours_conf west $six_inside_west
	ours_conf east $six_inside_east
	sniff wire west wan -q
	both_start
	up
	traffic fd02::2 fd01::2
	all_protected ;;

four-in-six)
	ours_conf west $six_outside_west
	ours_conf east $six_outside_east
	sniff wire west wan -q
	both_start
	up
	traffic
	all_protected ;;

# Host to host, without an inner header.
transport)
	ours_conf west mynet=10.9.0.1 hisnet=10.9.0.2 mode=TRANSPORT p2=own:AES_GCM_16:128::MODP_2048
	ours_conf east mynet=10.9.0.2 hisnet=10.9.0.1 mode=TRANSPORT p2=own:AES_GCM_16:128::MODP_2048
	sniff wire west wan -q
	both_start
	up
	wait_for 5 "the first answer" can_ping west 10.9.0.2
	check "pings the other gateway" pings west 10.9.0.2
	out=$(bulk west east 10.9.0.2 3000000) || fail "bulk data: $out"
	say "ok: $out"
	all_protected ;;

# As behind a NAT that is not there.
udp-encap)
	ours_conf west encap=yes
	ours_conf east
	sniff wire west wan -q
	both_start
	up
	traffic
	all_protected
	[ "$(sniffed wire udp-esp)" -gt 0 ] && [ "$(sniffed wire esp)" = 0 ] ||
	    fail "not all ESP is in UDP: $(tail -n 1 "$T/wire.sniff")" ;;

# A second phase 2 under the same phase 1.
several-flows)
	for s in west east; do
		ours_conf $s
		n=1 m=2
		[ $s = east ] && n=2 m=1
		sed -i 's/^Passive-connections=net$/Passive-connections=net,net6/' "$T/$s/run/isakmpd.conf"
		cat >>"$T/$s/run/isakmpd.conf" <<-C
		[net6]
		Phase=2
		ISAKMP-peer=peer
		Configuration=qm
		Local-ID=mine6
		Remote-ID=his6
		C
		{ conf_id mine6 fd0$n::/64; conf_id his6 fd0$m::/64; } >>"$T/$s/run/isakmpd.conf"
	done
	both_start
	up
	order west "c net6"
	two() { [ "$(phase "$1" 2)" = 2 ]; }
	wait_for 10 "the second SA pair" two west
	[ "$(phase west 1)" = 1 ] || fail "$(phase west 1) ISAKMP SAs for one peer"
	traffic
	traffic fd02::2 fd01::2 ;;

# A connection that is kept up is never replaced by the open road: not before the
# first tunnel, not while the peer is away.
no-clear-text)
	ours_conf west active=yes
	ours_conf east
	start west
	# The promise begins with the flow; before the daemon there is none.
	flow() { { in_host west ip rule; in_host west ip xfrm policy; } 2>&1 | grep -q 10.2.0.0; }
	wait_for 10 "the flow" flow
	sniff wire west wan -q -o
	never 2 "a ping passed without a tunnel" can_ping cwest 10.2.0.2
	start east
	order west "c net"
	wait_for 40 "the tunnel" tunnel_up west
	traffic
	stop east
	wait_for 5 "west to lose the tunnel" no_tunnel west
	never 2 "a ping passed without a tunnel" can_ping cwest 10.2.0.2
	all_protected ;;

# What does not fit is fragmented, or refused with the size that fits.
big-packets)
	ours_conf west
	ours_conf east
	both_start
	up
	wait_for 5 "the first answer" can_ping cwest 10.2.0.2
	check "4000 octets in fragments" \
	    in_host cwest ping -n -q -c 3 -i 0.2 -W 2 -s 4000 10.2.0.2
	in_host cwest ping -n -c 2 -i 0.2 -W 1 -M do -s 1472 10.2.0.2 >"$T/big" 2>&1
	grep -Eq 'Frag needed|mtu = ?1[34]|Message too long' "$T/big" ||
	    { cat "$T/big"; fail "no \"fragmentation needed\""; }
	say "ok: $(grep -Eom1 '(mtu ?= ?[0-9]+)' "$T/big")"
	mtu=$(grep -Eom1 'mtu ?= ?[0-9]+' "$T/big" | grep -o '[0-9]*$')
	check "what was said to fit does" \
	    in_host cwest ping -n -q -c 2 -i 0.2 -W 2 -M do -s $((mtu - 28)) 10.2.0.2 ;;

delete)
	ours_conf west
	ours_conf east
	both_start
	up
	order west "t net"
	wait_for 5 "east to hear the DELETE" no_tunnel east
	no_tunnel west || fail "west still has it"
	order east "c net"
	wait_for 10 "the tunnel from the other side" tunnel_up west
	traffic
	order east "T"
	wait_for 5 "west to hear of T" no_tunnel west ;;

restart)
	ours_conf west active=yes
	ours_conf east
	both_start
	wait_for 20 "the tunnel" tunnel_up west
	stop west
	wait_for 5 "east to hear the DELETE" no_tunnel east
	start west
	wait_for 20 "the tunnel again" tunnel_up west
	traffic ;;

# The initiator loses its power and returns; the responder does not stick to what it had.
crash)
	ours_conf west active=yes
	ours_conf east
	both_start
	wait_for 20 "the tunnel" tunnel_up west
	crash west
	start west
	wait_for 20 "the tunnel again" tunnel_up west
	traffic
	one() { [ "$(phase east 2)" = 1 ]; }
	wait_for 5 "east to forget the SA of the dead" one ;;

rekey)
	ours_conf west p2life=15,5:86400
	ours_conf east p2life=1200,5:86400
	both_start
	up
	old=$(spis west)
	become cwest ping -n -i 0.1 10.2.0.2 >"$T/long" 2>&1 </dev/null &
	p=$!
	wait_for 5 "the first answer" grep -q 'bytes from' "$T/long"
	wait_for 30 "new SPIs" renewed spis "$old"
	kill -INT $p
	wait $p 2>/dev/null
	grep -q ' 0% packet loss' "$T/long" || fail "$(grep transmitted "$T/long")"
	say "ok: $(grep transmitted "$T/long")" ;;

# Both want the same tunnel at the same moment: it settles on one.
both-start)
	ours_conf west
	ours_conf east
	both_start
	order west "c net"
	order east "c net"
	wait_for 30 "the tunnel on west" tunnel_up west
	wait_for 30 "the tunnel on east" tunnel_up east
	traffic ;;

unknown-connection)
	ours_conf west
	start west
	order west "c nothing-of-this-name"
	wait_for 5 "the record" logged west 'nothing-of-this-name'
	grep 'nothing-of-this-name' "$T/west/log" | head -n 2 ;;

wrong-psk)
	ours_conf west
	ours_conf east "psk=another secret that is long enough"
	both_start
	order west "c net"
	wait_for 20 "the record on the responder" logged east 'pre-shared keys differ'
	wait_for 60 "the record on the initiator" logged west 'pre-shared keys differ\|no answer\|refused'
	grep -h 'pre-shared keys differ\|no answer\|refused' "$T"/????/log | head -n 3
	no_tunnel west || fail "a tunnel with the wrong key" ;;

wrong-id)
	ours_conf west
	ours_conf east hisnet=10.1.7.0/24
	both_start
	order west "c net"
	wait_for 10 "the record" logged east 'no connection for the proposed phase 2 IDs'
	grep -h 'no connection for' "$T/east/log" | head -n 1
	wait_for 10 "west to be told" logged west 'INVALID_ID_INFORMATION' ;;

wrong-proposal)
	ours_conf west p1=AES-256-SHA2-256-GRP14
	ours_conf east
	both_start
	order west "c net"
	wait_for 10 "the record" logged east 'no acceptable proposal'
	grep -h 'no acceptable proposal' "$T/east/log" | head -n 1
	logged east KEY_LENGTH || fail "the record does not name the attribute"
	order east "C set [mm]:Transforms=AES-256-SHA2-256-GRP14 force"
	order west "C set [qm]:Suites=QM-ESP-AES-256-SHA2-512-PFS-GRP14-SUITE force"
	n=$(count_logged east 'no acceptable proposal')
	order west "c net"
	wait_for 60 "the record about phase 2" more_logged east 'no acceptable proposal' "$n" ;;

no-answer)
	ours_conf west
	start west
	order west "c net"
	wait_for 90 "the record" logged west 'no answer from the peer'
	grep -h 'no answer from the peer' "$T/west/log" | head -n 1 ;;

# A reload touches what changed only.
signatures)
	# Keys made as README.md says; each side has the other's public key, no secret is shared.
	for h in west east; do
		sh ../../src/cmd/isakmpctl.sh pki key -e "$T/$h-keys" >"$T/pki" 2>&1 || fail "$(cat "$T/pki")"
		cp "$T/$h-keys/local.pub" "$T/$h.pub"
	done
	for h in west east; do
		other=$([ $h = west ] && echo east || echo west)
		ours_conf $h p1=AES-256-SHA2-256-GRP19-RSA_SIG key="$T/$h-keys/private/local.key" \
		    hispub="$T/$other.pub" psk="$h only"
	done
	sniff wire west wan -q
	both_start
	up
	traffic
	all_protected
	# New keys are read upon SIGHUP; the tunnel that is up does not notice.
	before=$(spis west)
	rm "$T/west/run/pubkeys/ipv4/10.9.0.2"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 10 "the configuration" logged west 'reinitializing daemon'
	check "still pings" pings cwest 10.2.0.2
	[ "$(spis west)" = "$before" ] || fail "the tunnel changed"
	order west "t main peer"
	order west "t net"
	order west "c net"
	wait_for 20 "the refusal" logged west 'pubkeys/ipv4/10.9.0.2'
	cp "$T/east.pub" "$T/west/run/pubkeys/ipv4/10.9.0.2"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	order west "c net"
	wait_for 40 "the tunnel" tunnel_up west ;;
key-files)
	# What is wrong with a key file is said at the start, by the file's name.
	openssl genpkey -algorithm ED25519 -out "$T/ed.pem" || fail "openssl makes no key"
	openssl pkey -in "$T/ed.pem" -pubout -out "$T/ed.pub"
	ours_conf west p1=AES-128-SHA2-256-GRP14-RSA_SIG key="$T/ed.pem" hispub="$T/ed.pub"
	run=$T/west/run
	install -m 600 "$T/ed.pub" "$run/private/10.9.0.1"
	install -m 644 "$T/ed.pem" "$run/private/other"
	install -m 666 "$T/ed.pub" "$run/pubkeys/ipv4/10.9.0.3"
	install -m 644 "$T/ed.pub" "$run/pubkeys/ipv4/no-address"
	ln -s /etc/passwd "$run/pubkeys/ipv4/10.9.0.4"
	start west
	wait_for 10 "local.key" logged west 'private/local.key: not used: ED25519 keys cannot be used'
	wait_for 10 "a public key" logged west 'private/10.9.0.1: not used: this is a public key'
	wait_for 10 "the mode" logged west 'check_file_secrecy_fd: not loading .*private/other - too open'
	wait_for 10 "the peer's" logged west 'ipv4/10.9.0.2: not used: ED25519 keys cannot be used'
	wait_for 10 "who may write" logged west 'ipv4/10.9.0.3 - writable by group or others'
	wait_for 10 "a name" logged west 'ipv4/no-address: not used: this is not the name of an identity'
	wait_for 10 "a link" logged west 'ipv4/10.9.0.4 - it lies outside'
	alive west || fail "the daemon ended" ;;
hup)
	ours_conf west
	ours_conf east
	both_start
	up
	old=$(spis west)
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 5 "the reload" logged west 'reinitializing daemon'
	tunnel_up west || fail "the tunnel is gone"
	[ "$(spis west)" = "$old" ] || fail "the SPIs changed"
	echo "[broken" >>"$T/west/run/isakmpd.conf"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 5 "a complaint about the file" logged west 'isakmpd.conf:'
	tunnel_up west || fail "a broken file took the tunnel down"
	traffic ;;

orders)
	ours_conf west
	ours_conf east
	both_start
	up
	sas west | grep -q '^SA name: net (Phase 2)' || fail "S does not show the tunnel: $(sas west)"
	sas west | grep -q '^SA name: peer (Phase 1/Initiator)' || fail "S does not show phase 1"
	order west "r"
	wait_for 5 "the report" logged west 'sa_report'
	kill -USR1 "$(cat "$T/west/daemon.pid")"
	wait_for 5 "the report file" [ -s "$T/west/run/isakmpd.report" ]
	order west "no such order"
	wait_for 5 "the complaint" logged west 'unrecognized command'
	order west "Q"
	wait_for 10 "the end" gone "$(cat "$T/west/daemon.pid")"
	wait_for 5 "east to hear the DELETE" no_tunnel east
	[ ! -e "$T/west/run/isakmpd.fifo" ] || fail "the FIFO is still there"
	[ ! -e "$T/west/run/isakmpd.pid" ] || fail "the PID file is still there" ;;

# Certificates are read at the start and on HUP by a process of their own; when
# that dies the tunnel stays, and they are read again.
certificates)
	ours_conf west active=yes
	ours_conf east
	pki() { (cd "$T/west/run" && sh "$OLDPWD/../../src/cmd/isakmpctl.sh" pki "$@") >"$T/pki" 2>&1 || fail "pki $*: $(cat "$T/pki")"; }
	held() {	# file: it is among what S json shows
		rm -f "$T/west/run/isakmpd.result"
		order west "S json"
		wait_for 5 "the status" [ -e "$T/west/run/isakmpd.result" ]
		grep -q "\"file\": \"$1\"" "$T/west/run/isakmpd.result"
	}
	cat >>"$T/west/run/isakmpd.conf" <<-EOT
	[X509-certificates]
	CA-directory=	/run/ca
	Cert-directory=	/run/certs
	CRL-directory=	/run/crls
	EOT
	pki ca -d "$T/vpn-ca" "Example VPN"
	mkdir -p "$T/west/run/ca" "$T/west/run/certs"
	cp "$T/vpn-ca/ca.crt" "$T/west/run/ca/"
	echo nonsense >"$T/west/run/ca/broken"
	start east
	start west -v
	wait_for 20 "the tunnel" tunnel_up west
	wait_for 5 "the broken file" logged west 'x509_read_from_dir: /run/ca/broken: no PEM certificate'
	logged west 'x509_read_from_dir: /run/crls: No such file' || fail "a missing folder is not told"
	wait_for 5 "the anchor in the status" held ca.crt
	held gw.crt && fail "a certificate that is not there is shown"
	pki key -e "$T/vpn-host" -a p256
	pki request -e "$T/vpn-host" gw.example.org
	pki sign -d "$T/vpn-ca" -t 20 "$T/vpn-host/gw.example.org.csr"
	cp "$T/vpn-ca/gw.example.org.crt" "$T/west/run/certs/gw.crt"
	chmod 666 "$T/west/run/ca/broken"
	old=$(spis west)
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 5 "a warning" logged west 'certs/gw.crt (/CN=gw.example.org) expires in [12][09] days'
	wait_for 5 "who can write it" logged west 'not loading /run/ca/broken - writable by group or others'
	wait_for 5 "the certificate in the status" held gw.crt
	for p in $(descendants "$(cat "$T/west/daemon.pid")"); do
		grep -q '^isakmpd: trust' "/proc/$p/cmdline" && trust=$p
	done
	n=$(count_logged west 'expires in [12][09] days')
	kill -KILL "$trust"
	wait_for 10 "its death" logged west "role trust (pid .*) ended by signal 9"
	wait_for 10 "that the files are read again" more_logged west 'expires in [12][09] days' "$n"
	held gw.crt || fail "the certificate is not shown any more"
	[ "$(spis west)" = "$old" ] || fail "the SPIs changed"
	traffic ;;

# Neither side has the other's key: both trust a CA.
signed-by-ca)
	certified
	both_start
	up
	traffic
	# What is revoked does not come back; what is up stays.
	pki revoke "$T/isakmpd-ca/10.9.0.2.crt"
	cp "$T/isakmpd-ca/ca.crl" "$T/west/run/crls/"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 10 "the reload" logged west 'reinitializing daemon'
	tunnel_up west || fail "the tunnel is gone"
	order west "t main peer"
	order west "t net"
	order west "c net"
	wait_for 20 "the refusal" logged west 'CERT_REVOKED'
	logged west 'x509_cert_validate: a certificate is revoked' || fail "not the line people search for"
	logged west 'serial .* since 20' || fail "no date: $(grep CERT_REVOKED "$T/west/log")" ;;

# A daemon that has much to load asks for the peer's certificate at its first try.
first-asks)
	certified
	sed -i "s/^Passive-connections=.*/Connections=net/" "$T/west/run/isakmpd.conf"
	printf '%s\n' "[X509-certificates]" Send-certificates=if-asked >>"$T/east/run/isakmpd.conf"
	for i in {1..400}; do cp "$T/isakmpd-ca/ca.crt" "$T/west/run/ca/$i.crt"; done
	start east
	start west
	wait_for 10 "the tunnel" tunnel_up west
	[ "$(count_logged west 'out main/1')" = 1 ] || fail "more than one try: $(grep main "$T/west/log")"
	logged west 'out main/3 .*CR,' || fail "nothing was asked: $(grep main/ "$T/west/log")" ;;

# Root, two authorities below it and the host: only the root is known to the
# peer, and the hosts are called by the subjects of their certificates.
signed-by-chain)
	export OPENSSL_CONF="$T/pki.cnf"
	printf '%s\n' [req] distinguished_name=dn string_mask=utf8only [dn] \
	    [ca] basicConstraints=critical,CA:true keyUsage=critical,keyCertSign,cRLSign \
	    subjectKeyIdentifier=hash [leaf] basicConstraints=critical,CA:false \
	    keyUsage=critical,digitalSignature >"$T/pki.cnf"
	issue() {	# name issuer subject section
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/$1.key" 2>/dev/null
		openssl req -new -key "$T/$1.key" -subj "$3" -out "$T/$1.csr"
		openssl x509 -req -in "$T/$1.csr" -days 90 -sha256 -extfile "$T/pki.cnf" -extensions "$4" \
		    -set_serial 0x$(openssl rand -hex 8) -out "$T/$1.crt" \
		    $(if [ "$2" = "$1" ]; then echo "-signkey $T/$1.key"; else echo "-CA $T/$2.crt -CAkey $T/$2.key"; fi) \
		    2>"$T/issue" || fail "$1: $(cat "$T/issue")"
	}
	issue root root "/O=Example/CN=Root" ca
	issue ca1 root "/O=Example/CN=First" ca
	issue ca2 ca1 "/O=Example/CN=Second" ca
	issue west ca2 "/C=SE/O=Example\\/VPN/CN=west" leaf
	issue east ca1 "/C=SE/O=Example\\/VPN/CN=east" leaf
	cat "$T/west.crt" "$T/ca2.crt" "$T/ca1.crt" >"$T/west.pem"
	cat "$T/east.crt" "$T/ca1.crt" >"$T/east.pem"
	for h in west east; do
		ours_conf $h p1=AES-256-SHA2-256-GRP19-ECDSA_256 key="$T/$h.key" cert="$T/$h.pem" \
		    ca="$T/root.crt" psk="$h only" peer='ID=us\nRemote-ID=them'
	done
	printf '%s\n' [us] ID-type=ASN1_DN Name=%fromcert [them] ID-type=ASN1_DN \
	    'Name=/C=SE/O=example\/vpn/CN=EAST' >>"$T/west/run/isakmpd.conf"
	printf '%s\n' [us] ID-type=ASN1_DN 'Name=/C=SE/O=Example/VPN/CN=east' [them] ID-type=ASN1_DN \
	    'Name=/C=SE/O=Example/VPN/CN=west' >>"$T/east/run/isakmpd.conf"
	start east
	start west -v
	up
	traffic
	logged west 'isakmpd: phase 1 done: initiator id /C=SE/O=Example\\/VPN/CN=west, responder id /C=SE/O=Example\\/VPN/CN=east' ||
	    fail "no names in the log: $(grep 'phase 1 done' "$T/west/log")"
	rm -f "$T/east/run/isakmpd.result"
	order east "S json"
	wait_for 5 "the status" [ -s "$T/east/run/isakmpd.result" ]
	grep -qF '"remote_id": "/C=SE/O=Example\\/VPN/CN=west"' "$T/east/run/isakmpd.result" ||
	    fail "no name in the status: $(grep _id "$T/east/run/isakmpd.result")"
	# Another name of the same authorities is not the peer.
	sed -i 's/CN=EAST/CN=north/' "$T/west/run/isakmpd.conf"
	order west "t main peer"
	order west "t net"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 10 "the reload" logged west 'reinitializing daemon'
	order west "c net"
	wait_for 20 "the refusal" logged west \
	    'ID_OTHER.*expected="DER_ASN1_DN /C=SE/O=example\\/vpn/CN=north" got="DER_ASN1_DN /C=SE/O=Example\\/VPN/CN=east"'
	# What cannot sign is told when it is read, with the line of the ID.
	cp "$T/ca2.key" "$T/west/run/private/local.key"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 10 "the other key" logged west \
	    'isakmpd.conf:[0-9]*: \[peer\]: as %fromcert: no certificate is of our private key'
	rm "$T/west/run/private/local.key"
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 10 "the missing key" logged west \
	    'isakmpd.conf:[0-9]*: \[peer\]: no private key for ECDSA_256 as %fromcert: there should be one in /run/private/local.key' ;;

# A role that dies is noticed, and the daemon does not stay half alive.
role-dies)
	ours_conf west active=yes
	ours_conf east
	both_start
	wait_for 20 "the tunnel" tunnel_up west
	monitor=$(cat "$T/west/daemon.pid")
	roles=$(descendants "$monitor" | grep -vx "$monitor")
	[ "$(echo "$roles" | wc -l)" -ge 3 ] || fail "only these processes: $roles"
	for p in $roles; do
		n=$(count_logged west 'ended by signal 9')
		[ -d "/proc/$p" ] || continue
		kill -KILL "$p"
		wait_for 10 "a line about the death of $p" more_logged west 'ended by signal 9' "$n"
		if ! alive west; then
			say "ok: the daemon ended with the role"
			break
		fi
	done
	grep -h 'ended by signal 9' "$T/west/log" | head -n 4
	if alive west; then
		wait_for 60 "the tunnel again" tunnel_up west
		traffic
	else
		wait_for 5 "all roles to end" gone "$monitor"
		rm -f "$T/west/daemon.pid"
	fi ;;

stop-is-clean)
	ours_conf west active=yes
	ours_conf east
	both_start
	wait_for 20 "the tunnel" tunnel_up west
	monitor=$(cat "$T/west/daemon.pid")
	roles=$(descendants "$monitor")
	stop west || fail "status $?"
	for p in $roles; do gone "$p" || fail "process $p is still there"; done
	[ ! -e "$T/west/run/isakmpd.fifo" ] && [ ! -e "$T/west/run/isakmpd.pid" ] ||
	    fail "files left: $(ls "$T/west/run")"
	left=$(in_host west sh -c 'ip rule; ip -6 rule; ip link' | grep -Ev 'lookup (local|main|default)|: (lo|wan|lan)[@:]|link/' || :)
	[ -z "$left" ] || fail "left behind: $left"
	say "ok: no process, file, rule or interface left" ;;

# What is planted as a key is in no log, report or result.
secrets-stay)
	canary=canary-5f1c0e7b-in-clear
	ours_conf west "psk=$canary"
	ours_conf east "psk=$canary"
	daemon east "$T/east/run/isakmpd.conf" -D A=99
	daemon west "$T/west/run/isakmpd.conf" -D A=99 -v
	up
	for d in west east; do
		order $d "r"
		order $d "C get [peer]:Authentication"
		kill -USR1 "$(cat "$T/$d/daemon.pid")"
		wait_for 5 "the report" [ -s "$T/$d/run/isakmpd.report" ]
		sas $d >"$T/$d/sas"
	done
	rm -f "$T"/????/run/isakmpd.conf
	hex=$(printf %s "$canary" | od -An -tx1 | tr -d ' \n')
	found=$(grep -rliE "$canary|$hex" "$T/west" "$T/east" --exclude=isakmpd.fifo)
	[ -z "$found" ] || fail "the key is in: $found"
	say "ok: the key is in no log, report or result" ;;

# A real NAT between them: port 4500, ESP in UDP, keep-alives from behind it.
nat)
	command -v nft >/dev/null || skip "no nft"
	host box
	in_host west ip link del wan
	link west wan box inside
	link box outside east wan
	addr west wan 10.9.1.1/24
	addr box inside 10.9.1.254/24
	addr box outside 10.9.0.1/24
	addr east wan 10.9.0.2/24
	in_host west ip route add default via 10.9.1.254
	in_host box nft -f - 2>"$T/nft" <<-N || skip "no NAT in this kernel: $(head -n 1 "$T/nft")"
	table ip lab {
		chain post {
			type nat hook postrouting priority srcnat
			oifname "outside" masquerade random
		}
	}
	N
	ours_conf west me=10.9.1.1 general='NAT-T-Keepalive=1' \
	    peer='ID=name\n[name]\nID-type=FQDN\nName=west.example'
	ours_conf east peer='Remote-ID=name\n[name]\nID-type=FQDN\nName=west.example'
	sniff wire east wan -q
	both_start
	order west "c net"
	wait_for 20 "the tunnel" tunnel_up west
	wait_for 5 "the tunnel on east" tunnel_up east
	traffic
	in_host east "$BIN/sniff" -q -t 3 wan >"$T/idle"
	awk '{ for (i = 1; i < NF; i++) if ($i == "keepalive" && $(i + 1) > 0) ok = 1 } END { exit !ok }' \
	    "$T/idle" || fail "no keep-alive from behind the NAT: $(tail -n 1 "$T/idle")"
	say "ok: keep-alives: $(tail -n 1 "$T/idle")"
	all_protected
	[ "$(sniffed wire udp-esp)" -gt 0 ] && [ "$(sniffed wire esp)" = 0 ] ||
	    fail "not all ESP is in UDP: $(tail -n 1 "$T/wire.sniff")" ;;

# Every sixth packet is lost, some come twice or late.
lossy)
	for h in west east; do
		in_host $h tc qdisc add dev wan root netem delay 5ms 3ms loss 16% duplicate 5% \
		    2>"$T/tc" || skip "no netem in this kernel: $(head -n 1 "$T/tc")"
	done
	ours_conf west active=yes
	ours_conf east
	both_start
	for round in 1 2 3; do
		wait_for 60 "the tunnel, round $round" tunnel_up west
		wait_for 20 "an answer, round $round" can_ping cwest 10.2.0.2
		say "ok: round $round"
		order west "t main peer"
		order west "T"
		wait_for 10 "no tunnel" no_tunnel west
		order west "c net"
	done ;;

*)
	echo "no case $1"
	exit 2 ;;
esac

# What must hold at the end of every case.
for h in west east; do
	[ -e "$T/$h/log" ] || continue
	! grep -Eq 'Sanitizer|runtime error|[Aa]ssertion' "$T/$h/log" ||
	    fail "the log of $h tells of a fault"
	if [ -e "$T/$h/daemon.pid" ] && alive $h; then
		stop $h || fail "isakmpd on $h ended with status $?"
	fi
done
