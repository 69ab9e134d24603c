#!/bin/sh
# pki.sh - isakmpctl pki makes what openssl and a gateway can use, and refuses
# what would do harm.
set -u
ctl=$(cd "$(dirname "$0")/../../src/cmd" && pwd)/isakmpctl.sh
command -v openssl >/dev/null 2>&1 || { echo "skipped: no openssl"; exit 77; }
t=$(mktemp -d) || exit 1
trap 'rm -rf "$t"' EXIT
cd "$t" || exit 1
rc=0
pki() { sh "$ctl" pki "$@"; }
wrong() { echo "$*"; rc=1; }
# does PATTERN arguments: it succeeds and says so
does() {
	want=$1
	shift
	out=$(pki "$@" 2>&1) || wrong "pki $*: failed: $out"
	printf '%s\n' "$out" | grep -q -- "$want" || wrong "pki $*: no \"$want\" in: $out"
}
refuses() {
	want=$1
	shift
	out=$(pki "$@" 2>&1) && wrong "pki $*: was done: $out"
	printf '%s\n' "$out" | grep -q -- "$want" || wrong "pki $*: no \"$want\" in: $out"
}

does 'ca.crt  *-> /etc/isakmpd/ca/' ca 'Example VPN'
refuses 'is there already' ca 'Example VPN'
refuses 'not a name' ca -d other 'a/O=b'
refuses 'no CA in' crl -d other
[ "$(stat -c %a isakmpd-ca/ca.key)" = 600 ] || wrong "mode of the CA's key"
n=0
for id in gw.example.org 192.0.2.1 2001:db8::1 admin@example.org; do
	n=$((n + 1))
	algorithm=$(echo rsa p256 p384 p521 | cut -d' ' -f $n)
	does 'stays on this host' key -e "host$n" -a "$algorithm"
	[ "$(stat -c %a "host$n/private/local.key")" = 600 ] || wrong "mode of the host's key"
	does 'pki sign' request -e "host$n" "$id"
	file=$(echo $id | tr : _)
	does '/etc/isakmpd/certs/' sign "host$n/$file.csr"
	openssl verify -purpose sslserver -CAfile isakmpd-ca/ca.crt "isakmpd-ca/$file.crt" >/dev/null ||
	    wrong "openssl does not believe the certificate of $id"
	case $id in
	*@*) check=-checkemail ;;
	*[!0-9.]*.*) check=-checkhost ;;
	*) check=-checkip ;;
	esac
	openssl x509 -in "isakmpd-ca/$file.crt" -noout $check $id | grep -q ' does match' ||
	    wrong "the certificate does not name $id"
	[ "$(openssl x509 -in "isakmpd-ca/$file.crt" -noout -pubkey)" = "$(cat "host$n/local.pub")" ] ||
	    wrong "the certificate has another key than the host"
done
refuses 'is there already' key -e host1
refuses 'not an identity' request -e host1 'gw/../x'
refuses 'not an identity' request -e host1 'a,IP:1.2.3.4'
refuses 'not user@host' request -e host1 'a@b@c'
refuses 'no key in' request -e host9 gw.example.org

# A request may ask for more than it should get.
openssl req -new -key host1/private/local.key -subj /CN=x -out many.csr \
    -addext 'subjectAltName=DNS:gw.example.org,DNS:other.example.org,IP:192.0.2.7' \
    -addext 'basicConstraints=critical,CA:true'
refuses 'asks for several names' sign many.csr
does 'DNS:gw.example.org is certified' sign many.csr gw.example.org
openssl x509 -in isakmpd-ca/many.crt -noout -text >text
grep -q 'other.example.org\|192.0.2.7\|CA:TRUE' text && wrong "the certificate has what the request asked for"
grep -q 'CA:FALSE' text || wrong "the certificate could be one of a CA"
sed 's/^MII./MIIA/' many.csr >bad.csr
refuses 'not a request' sign bad.csr gw.example.org

does 'is revoked' revoke isakmpd-ca/gw.example.org.crt
cat isakmpd-ca/ca.crt isakmpd-ca/ca.crl >both
openssl verify -crl_check -CAfile both isakmpd-ca/gw.example.org.crt 2>&1 | grep -q 'certificate revoked' ||
    wrong "openssl does not see the revocation"
openssl verify -crl_check -CAfile both isakmpd-ca/many.crt >/dev/null || wrong "another certificate is revoked, too"
does 'Revocation Date' show isakmpd-ca/ca.crl
does 'DNS:gw.example.org' show isakmpd-ca/many.crt
# The digest of the DER that test/vectors/dn has for this name.
openssl req -x509 -new -utf8 -key host1/private/local.key -subj /C=SE/O=Example/CN=gw -out dn.crt
openssl req -new -utf8 -key host1/private/local.key -subj /C=SE/O=Example/CN=gw -out dn.csr
for file in dn.crt dn.csr; do
	does 'pubkeys/asn1_dn/3d94d7f0263d1ea6c8c2713454b85421e7e46929fc5797b0ad97bb5ee669bff7.pem$' show $file
done
does 'DNS:gw.example.org' show host1/gw.example.org.csr
does 'Private-Key' show host1/private/local.key
refuses 'usage' nothing
exit $rc
