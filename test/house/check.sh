#!/bin/sh
# check.sh isakmpd - the command line that reads and ends: statuses and texts of
# --check, --strict, -h, --help, --version, and what is refused with 1.
set -u
bin=${1:?isakmpd}
[ -x "$bin" ] || { echo "skipped: no $bin"; exit 77; }
t=$(mktemp -d) || exit 1
trap 'rm -rf "$t"' EXIT
rc=0
umask 077

# conf extra...: a configuration without a fault, and more lines
conf() {
	rm -f "$t/c"
	cat >"$t/c" <<-C
	[General]
	Use-Keynote=no
	[Phase 1]
	192.0.2.2=peer
	[Phase 2]
	Connections=net
	[peer]
	Phase=1
	Address=192.0.2.2
	Configuration=mm
	Authentication=a key that nobody will guess in time
	[mm]
	EXCHANGE_TYPE=ID_PROT
	Transforms=AES-256-SHA2-256-GRP14
	[net]
	Phase=2
	ISAKMP-peer=peer
	Configuration=qm
	Local-ID=mine
	Remote-ID=his
	[qm]
	EXCHANGE_TYPE=QUICK_MODE
	Suites=QM-ESP-AES-256-SHA2-256-PFS-GRP14-SUITE
	[mine]
	ID-type=IPV4_ADDR
	Address=192.0.2.1
	[his]
	ID-type=IPV4_ADDR
	Address=192.0.2.2
	C
	for l; do echo "$l" >>"$t/c"; done
}

# status n what [option...]
status() {
	want=$1 what=$2
	shift 2
	"$bin" "$@" >"$t/out" 2>&1
	got=$?
	[ $got = "$want" ] || { echo "$what: status $got instead of $want"; sed 's/^/    /' "$t/out"; rc=1; }
}
says() { grep -q -- "$1" "$t/out" || { echo "not said: $1"; sed 's/^/    /' "$t/out"; rc=1; }; }

conf
status 0 "no fault" --check -c "$t/c"
says "usable: 2 peers, 1 connections, 0 warnings"
status 0 "no fault, strict" --check --strict -c "$t/c"

conf "[his]" "Adress=192.0.2.3"
status 0 "a warning" --check -c "$t/c"
status 1 "a warning, strict" --check --strict -c "$t/c"
# file:line:column, the offending text, and what was meant
says "^$t/c:31:1: warning: .*Adress.*Address"

conf "[mm]" "Transforms=" "[other]" "Phase=2" "[Phase 1]" "192.0.2.9=nobody"
status 2 "errors" --check -c "$t/c"
says "nobody"
status 2 "errors, strict" --check --strict -c "$t/c"
# every problem in one run
conf "[Phase 1]" "192.0.2.9=nobody" "[net2]" "Phase=2" "ISAKMP-peer=nowhere"
sed -i 's/^Connections=net$/Connections=net,net2,net3/' "$t/c"
status 2 "several errors" --check -c "$t/c"
for word in nobody nowhere net3; do says $word; done

# A signature needs a private key, and a certificate of our name that key.
signing() {
	conf "[X509-certificates]" "Private-key=$t/private/local.key" "Private-key-directory=$t/private/" \
	    "Cert-directory=$t/certs/" "[us]" ID-type=ASN1_DN "Name=$1" "[peer]" ID=us
	sed -i 's/^Transforms=.*/Transforms=AES-256-SHA2-256-GRP14-ECDSA_256/' "$t/c"
}
us=/C=SE/O=Example/CN=gw
mkdir -p "$t/private" "$t/certs"
signing $us
status 0 "no private key" --check -c "$t/c"
# as test/vectors/dn has the DER of this name, and sha256sum its digest
says "^$t/c:38: warning: \[peer\]: no private key for ECDSA_256 as $us: there should be one in $t/private/local.key or $t/private/3d94d7f0263d1ea6c8c2713454b85421e7e46929fc5797b0ad97bb5ee669bff7$"
status 1 "no private key, strict" --check --strict -c "$t/c"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$t/private/local.key" 2>/dev/null
status 1 "a key that cannot do the method" --check --strict -c "$t/c"
says "no private key for ECDSA_256 as $us"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$t/private/local.key"
status 0 "a private key" --check --strict -c "$t/c"
openssl req -x509 -new -key "$t/private/local.key" -subj $us -out "$t/certs/gw.crt"
status 0 "its certificate" --check --strict -c "$t/c"
signing %fromcert
status 0 "the name of the certificate" --check --strict -c "$t/c"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$t/private/local.key"
status 1 "a certificate of another key" --check --strict -c "$t/c"
says "warning: \[peer\]: as %fromcert: no certificate is of our private key"
signing $us
status 1 "the same, with our name" --check --strict -c "$t/c"
says "warning: \[peer\]: as $us: the certificate gw.crt is of another key than our private one"
cp "$t/private/local.key" "$t/private/3d94d7f0263d1ea6c8c2713454b85421e7e46929fc5797b0ad97bb5ee669bff7"
echo nonsense >"$t/private/local.key"
status 1 "no key" --check --strict -c "$t/c"
says "warning: $t/private/local.key: not used: "
says "as $us: the certificate gw.crt is of another key"
chmod 644 "$t/private/local.key"
status 1 "too open" --check --strict -c "$t/c"
says "check_file_secrecy_fd: not loading $t/private/local.key"
signing /C=SE/CM=gw
status 2 "not a name" --check -c "$t/c"
says "^$t/c:36:12: error: \[us\]:Name: CM is not an attribute of names (C, ST, "

status 2 "no file" --check -c "$t/none"
says "does not exist"
conf
chmod 644 "$t/c"
status 2 "too open" --check -c "$t/c"
says "check_file_secrecy_fd: not loading $t/c - too open permissions"
conf
sed -i 's/^Use-Keynote=no$/Use-Keynote=yes/' "$t/c"
status 2 "KeyNote" --check -c "$t/c"
says "start with -K"
status 0 "KeyNote, but -K" --check -K -c "$t/c"

status 0 "-h" -h
says "usage: isakmpd"
status 0 "--help" --help
for o in 4 6 a c d D f i K L l n N p R S T v h; do says "-$o[, ]"; done
for o in check strict keylog run-dir no-sandbox; do says "--$o"; done
status 0 "--version" --version
says "^isakmpd [0-9]"

# isakmpd.md section 1: three lines on stderr, status 1
for o in -x --nothing operand "-c" "-D" "-4 operand"; do
	# shellcheck disable=SC2086
	"$bin" $o >"$t/stdout" 2>"$t/out"
	got=$?
	[ $got = 1 ] || { echo "$o: status $got instead of 1"; rc=1; }
	[ -s "$t/stdout" ] && { echo "$o: something on standard output"; rc=1; }
	[ "$(grep -c '^usage: \|^       ' "$t/out")" = 3 ] || { echo "$o: not three lines of usage"; cat "$t/out"; rc=1; }
done
status 1 "-D" -D nonsense
says "parse_args: -D argument unparseable: nonsense"
status 1 "-D 11=1" -D 11=1
says "log_debug_cmd: invalid debugging class 11"
status 1 "-D 1=-2" -D 1=-2
says "log_debug_cmd: invalid debugging level -2 for class 1"
for p in 0 65536 99999999999999999999 5x; do
	status 1 "-p $p" -p $p
	says "text2port: port $p out of range"
done
status 1 "-N name" -N no-such-service
says 'text2port: service "no-such-service" unknown'
status 1 "-p 501" -p 501
says "Disallowed port 501"
status 1 "--strict alone" --strict
says "goes with --check"
# hexadecimal, octal, a service's name, as C reads numbers
for p in 0x1f4 0764 isakmp 1024; do
	conf
	status 0 "-p $p" --check -c "$t/c" -p $p
done
exit $rc
