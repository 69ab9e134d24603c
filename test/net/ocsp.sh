#!/bin/bash
# ocsp.sh CASE - two of our daemons with certificates, and responders that are
# asked about them: openssl ocsp.  ocsp.sh -l lists the cases.
#
# west asks.  The certificate of east is signed by an intermediate CA; both have
# a responder of their own, one by name, one by address, on east.

cases='ocsp ocsp-down ocsp-deaths'
if [ "${1-}" = -l ]; then
	printf '%s\n' $cases
	exit
fi
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/conf.sh"
net_enter "$@"
command -v openssl >/dev/null || skip "no openssl"

start() { daemon "$1" "$T/$1/run/isakmpd.conf" -v "${@:2}"; }
up() {
	order west "c net"
	wait_for 20 "the tunnel on west" tunnel_up west
	wait_for 5 "the tunnel on east" tunnel_up east
}
down() {
	local h
	for h in west east; do
		order $h "t net"
		order $h "t main peer"
	done
	wait_for 10 "no tunnel on west" no_tunnel west
	wait_for 10 "no tunnel on east" no_tunnel east
}
# A reload, until the new set of certificates counts.
hup() {
	local n
	n=$(count_logged west 'trust: 1 CA certificates')
	kill -HUP "$(cat "$T/west/daemon.pid")"
	wait_for 10 "the new set" more_logged west 'trust: 1 CA certificates' "$n"
}
count_logged() { grep -c -- "$2" "$T/$1/log"; }
more_logged() { [ "$(count_logged "$1" "$2")" -gt "$3" ]; }
role_of() {	# host role: its process
	local p
	for p in $(descendants "$(cat "$T/$1/daemon.pid")"); do
		grep -q "^isakmpd: $2" "/proc/$p/cmdline" && echo "$p"
	done
}
runs() { [ -n "$(role_of "$1" "$2")" ]; }
runs_not() { ! runs "$1" "$2"; }

# ---- certificates ----

make_ca() {
	mkdir "$T/ca"
	(cd "$T/ca" && exec 2>err
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=db\nnew_certs_dir=.\nserial=number\ndefault_md=sha256
policy=p\nunique_subject=no\n[p]\ncommonName=supplied\n' >conf
	sed 's/=db/=db2/' conf >conf2
	echo 10 >number
	: >db
	: >db2
	for n in root inter; do
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $n.key
		openssl req -new -key $n.key -subj "/CN=$n" -out $n.csr
	done
	printf 'basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n' >ext
	openssl ca -batch -config conf -in root.csr -extfile ext -days 30 -notext -selfsign \
	    -keyfile root.key -out root.pem
	echo 'authorityInfoAccess=OCSP;URI:http://ocsp.example.org:8001/' >>ext
	openssl ca -batch -config conf -in inter.csr -extfile ext -days 30 -notext \
	    -cert root.pem -keyfile root.key -out inter.pem) || fail "no CA: $(cat "$T/ca/err")"
}
# leaf host address
leaf() {
	(cd "$T/ca" && exec 2>err
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"
	openssl pkey -in "$1.key" -pubout -out "$1.pub"
	openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
	printf 'keyUsage=critical,digitalSignature\nsubjectAltName=IP:%s\n%s\n' "$2" \
	    'authorityInfoAccess=OCSP;URI:http://10.9.0.2:8002/ocsp' >ext
	openssl ca -batch -config conf2 -in "$1.csr" -extfile ext -days 30 -notext \
	    -cert inter.pem -keyfile inter.key -out "$1.pem") || fail "no certificate: $(cat "$T/ca/err")"
}

# responders on: as the two lists stand now
responders() {
	local n port ca list
	for n in 1:root:db 2:inter:db2; do
		IFS=: read -r port ca list <<<"$n"
		become east openssl ocsp -port "800$port" -index "$T/ca/$list" -CA "$T/ca/$ca.pem" \
		    -rsigner "$T/ca/$ca.pem" -rkey "$T/ca/$ca.key" -ndays 1 >"$T/east/ocsp$port" 2>&1 &
		responder[port]=$!
		wait_for 10 "responder $port" listens "800$port"
	done
}
listens() { in_host east cat /proc/net/tcp /proc/net/tcp6 | grep -qi "$(printf ':%04X .*:0000 0A' "$1")"; }
# A question is under way: somebody is connected.
waits() { in_host east cat /proc/net/tcp /proc/net/tcp6 | grep -qi ':1F42 [0-9A-F]*:[0-9A-F]* 01 '; }
responders_end() { kill -KILL "${responder[@]}" 2>/dev/null; wait "${responder[@]}" 2>/dev/null; }
declare -a responder

# settings of [X509-certificates] on west
west_conf() {
	sed -i '/^OCSP/d' "$T/west/run/isakmpd.conf"
	printf '%s\n' "$@" >>"$T/west/run/isakmpd.conf"
}

two_sites
make_ca
n=1
for h in west east; do
	leaf $h 10.9.0.$n
	ours_conf $h p1=AES-256-SHA2-256-GRP19-ECDSA_256 key="$T/ca/$h.key" hispub="$T/ca/$h.pub" psk="$h only"
	rm -r "$T/$h/run/pubkeys"
	mkdir "$T/$h/run/ca" "$T/$h/run/certs"
	cp "$T/ca/root.pem" "$T/$h/run/ca/"
	cat "$T/ca/$h.pem" "$T/ca/inter.pem" >"$T/$h/run/certs/own.pem"
	echo "[X509-certificates]" >>"$T/$h/run/isakmpd.conf"
	n=$((n + 1))
done
# Who west asks for names: a server on east.
echo "nameserver 10.9.0.2" >"$T/west/resolv.conf"
in_host west mount --bind "$T/west/resolv.conf" "$(readlink -f /etc/resolv.conf)" ||
    skip "no /etc/resolv.conf to put another one in its place"
become east "$BIN/dns" 10.9.0.2 ocsp.example.org 10.9.0.2 &

case $1 in

# What is good connects, what is revoked does not, whoever begins.
ocsp)
	west_conf OCSP=require
	responders
	start east
	start west
	wait_for 10 "the role that fetches" runs west fetch
	runs east fetch && fail "east has no use for that role"
	up
	down
	order east "c net"		# west as the responder
	wait_for 20 "the tunnel" tunnel_up west
	down
	for policy in require if-available; do
		for who in inter:db east:db2; do
			IFS=: read -r name list <<<"$who"
			serial=$(openssl x509 -in "$T/ca/$name.pem" -noout -serial | cut -d= -f2)
			cp "$T/ca/$list" "$T/ca/saved"
			awk -F '\t' -v OFS='\t' -v s="$serial" '$4 == s { $1 = "R"; $3 = "250102030405Z,keyCompromise" } 1' \
			    "$T/ca/saved" >"$T/ca/$list"
			responders_end
			responders
			west_conf OCSP=$policy
			before=$(count_logged west CERT_REVOKED)
			hup
			order west "c net"
			wait_for 20 "the refusal of $name" more_logged west CERT_REVOKED "$before"
			grep CERT_REVOKED "$T/west/log" | tail -n 1 |
			    grep -q "since 2025-01-02 03:04:05Z (keyCompromise), /CN=$name, by http://" ||
			    fail "not told when, why and by whom: $(grep CERT_REVOKED "$T/west/log" | tail -n 1)"
			tunnel_up west && fail "$name is revoked, and there is a tunnel"
			down
			cp "$T/ca/saved" "$T/ca/$list"
		done
	done
	responders_end
	responders
	hup
	up
	# Off: nobody is asked, and nobody is there to ask.
	down
	responders_end
	west_conf OCSP=off
	hup
	wait_for 10 "the end of the role that fetches" runs_not west fetch
	up
	say "ok: good, revoked, off" ;;

# The responder is down, or silent: as the policy says, and nothing else stands still.
ocsp-down)
	west_conf OCSP=if-available OCSP-timeout=3
	start east
	start west
	up
	logged west '/CN=east passes without an OCSP answer: .*http://10.9.0.2:8002/ocsp: Connection refused' ||
	    fail "it is not told: $(grep ocsp "$T/west/log")"
	logged west '/CN=inter passes without an OCSP answer' || fail "nothing of the intermediate certificate"
	down
	west_conf OCSP=require OCSP-timeout=3
	hup
	order west "c net"
	wait_for 20 "the refusal" logged west 'OCSP_UNREACHABLE.*Connection refused'
	tunnel_up west && fail "a tunnel without an answer"
	down
	responders
	kill -STOP "${responder[@]}"		# they take connections and say nothing
	hup
	order west "c net"
	wait_for 5 "a question under way" waits
	rm -f "$T/west/run/isakmpd.result"
	order west "S json"
	wait_for 2 "an order that does not wait for the responder" [ -e "$T/west/run/isakmpd.result" ]
	wait_for 20 "the deadline" logged west 'OCSP_UNREACHABLE.*the answer took too long'
	tunnel_up west && fail "a tunnel without an answer"
	down
	kill -CONT "${responder[@]}"
	hup
	up
	# One responder for all, by address: its name server is not needed.
	down
	west_conf OCSP=if-available OCSP-responder=http://10.9.0.2:8002/
	hup
	up
	logged west '/CN=inter passes without an OCSP answer: .*http://10.9.0.2:8002/' ||
	    fail "the responder of the other CA was not asked about the intermediate certificate"
	stop west
	grep -qE 'ended by|did not end by itself' "$T/west/log" && fail "not a clean end: $(grep -E 'ended by|by itself' "$T/west/log")"
	say "ok: refused connections, silence, a clean end" ;;

# fetch and trust die while an exchange waits.
ocsp-deaths)
	west_conf OCSP=require OCSP-timeout=20
	responders
	start east
	start west
	up
	down
	kill -STOP "${responder[@]}"
	hup
	order west "c net"
	wait_for 10 "a question under way" waits
	kill -KILL "$(role_of west fetch)"
	wait_for 10 "its death" logged west 'role fetch (pid .*) ended by signal 9 (Killed); it is started anew'
	kill -CONT "${responder[@]}"
	wait_for 20 "the tunnel" tunnel_up west
	say "ok: fetch died, and its question was asked once more"
	down
	kill -STOP "${responder[@]}"
	hup
	wait_for 10 "the role that fetches" runs west fetch
	order west "c net"
	wait_for 10 "a question under way" waits
	kill -KILL "$(role_of west trust)"
	wait_for 10 "its death" logged west 'role trust (pid .*) ended by signal 9'
	wait_for 10 "the end of the exchange, with its reason" logged west 'ROLE_GONE'
	kill -CONT "${responder[@]}"
	down
	up
	say "ok: trust died, the exchange ended with that reason, and the daemon went on"
	# Too often: it rests, and the daemon does not end.
	for i in 1 2 3 4 5; do
		wait_for 10 "the role that fetches" runs west fetch
		before=$(count_logged west 'role fetch .* ended by signal 9')
		kill -KILL "$(role_of west fetch)"
		wait_for 10 "its death" more_logged west 'role fetch .* ended by signal 9' "$before"
	done
	wait_for 10 "its rest" logged west 'more than 5 times in 60 s: no OCSP for so long'
	alive west || fail "the daemon ended"
	tunnel_up west || fail "the tunnel is gone"
	say "ok: fetch rests" ;;

*)
	fail "no such case: $1" ;;
esac
