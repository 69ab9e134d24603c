# lib.sh - responders and load in namespaces, for the benchmarks; to be sourced.
#
#	load-ours === ours		10.9.1.2 === 10.9.1.1
#	load-theirs === theirs		10.9.2.2 === 10.9.2.1
#	load-big === big		10.9.3.2 === 10.9.3.1	ours again, with thousands
#	load-signed === signed		10.9.4.2 === 10.9.4.1	ours, with certificates
#
# Every address of 10.64.0.0/10 is one initiator at its load host; behind initiator
# 10.64.0.0 + i is the address 10.128.0.0 + i, behind a responder 10.1.0.0/24.

. "$(dirname "${BASH_SOURCE[0]}")/../net/lib.sh"

LINES_OF_LOG=${LINES_OF_LOG:-8}
charon=${LAB_CHARON:-/usr/lib/ipsec/charon}
psk='a long secret of the load'

have_charon() {
	[ -x "$charon" ] && command -v swanctl >/dev/null &&
	    [ -e "${charon%/*}/plugins/libstrongswan-kernel-libipsec.so" ]
}

# bench_hosts side...: a load host and a responder for each side.
bench_hosts() {
	local s i
	for s; do
		i=$(side_number "$s")
		host "$s"
		host "load-$s"
		link "$s" wan "load-$s" wan
		addr "$s" wan 10.9.$i.1/24
		addr "load-$s" wan 10.9.$i.2/24
		in_host "$s" ip addr add 10.1.0.1/24 dev lo
		in_host "$s" ip route add 10.64.0.0/10 via 10.9.$i.2
		in_host "$s" ip route add 10.128.0.0/9 via 10.9.$i.2
		in_host "load-$s" ip route add local 10.64.0.0/10 dev lo
		# Thousands of neighbours and long queues are the test, not the limit.
		in_host "$s" sysctl -qw net.ipv4.neigh.default.gc_thresh3=65536 2>/dev/null
	done
}

side_number() { case $1 in ours) echo 1 ;; theirs) echo 2 ;; signed) echo 4 ;; *) echo 3 ;; esac; }

# ---- ours ------------------------------------------------------------------

p1_suites=AES-128-SHA2-256-GRP14,AES-128-SHA2-256-GRP19
p2_suites=QM-ESP-AES-128-SHA2-256-SUITE,QM-ESP-AES-128-SHA2-256-PFS-GRP14-SUITE
p2_suites+=,QM-ESP-AES-128-SHA2-256-PFS-GRP19-SUITE
# Only where MODP-1024 is measured: each connection that has it gets a warning.
p1_weak=,AES-128-SHA2-256-GRP2 p2_weak=,QM-ESP-AES-128-SHA2-256-PFS-GRP2-SUITE

# ours_conf_many file number back-end [change]: with a change the last connection's subnet is another
ours_conf_many() {
	local p1_suites=$p1_suites p2_suites=$p2_suites
	mkdir -p "${1%/*}"
	[ "$2" -gt 100 ] || { p1_suites+=$p1_weak; p2_suites+=$p2_weak; }
	(
		umask 077
		awk -v n="$2" -v backend="$3" -v change="${4:-0}" -v p1="$p1_suites" -v p2="$p2_suites" -v psk="$psk" '
		function nth(base, i) {
			return sprintf("10.%d.%d.%d", base + int(i / 65536), int(i / 256) % 256, i % 256)
		}
		BEGIN {
			print "[General]\nUse-Keynote=no\nKernel-backend=" backend
			print "DPD-check-interval=0"
			print "[Phase 1]"
			for (i = 1; i <= n; i++) print nth(64, i) "=peer-" i
			print "[Phase 2]"
			printf "Passive-connections="
			for (i = 1; i <= n; i++) printf("%scon-%d", (i > 1 ? "," : ""), i)
			print ""
			print "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=" p1
			print "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=" p2
			print "[mine]\nID-type=IPV4_ADDR_SUBNET\nNetwork=10.1.0.0\nNetmask=255.255.255.0"
			for (i = 1; i <= n; i++) {
				print "[peer-" i "]\nPhase=1\nAddress=" nth(64, i) "\nConfiguration=mm"
				print "Authentication=" psk
				print "[con-" i "]\nPhase=2\nISAKMP-peer=peer-" i "\nConfiguration=qm"
				print "Local-ID=mine\nRemote-ID=his-" i
				print "[his-" i "]\nID-type=IPV4_ADDR\nAddress=" nth(128 + (i == n ? change : 0), i)
			}
		}' >"$1"
	)
}

# ours_up side connections back-end: starts the daemon and waits until it has read all.
ours_up() {
	local s=$1
	ours_conf_many "$T/$s/run/isakmpd.conf" "$2" "$3"
	ours_start "$s"
}

ours_start() {
	local s=$1
	rm -f "$T/$s/run/isakmpd.fifo" "$T/$s/run/isakmpd.result"
	: >"$T/$s/log"
	become "$s" "$BIN/isakmpd" -d -K -c /run/isakmpd.conf -f /run/isakmpd.fifo \
	    -i /run/isakmpd.pid </dev/null >>"$T/$s/log" 2>&1 &
	echo $! >"$T/$s/daemon.pid"
	wait_for 120 "isakmpd to open its FIFO" fifo_or_ended "$s"
	alive "$s" || fail "isakmpd ended while starting"
	# An order waits for the first configuration.
	order "$s" S
	wait_for 120 "its first answer" [ -e "$T/$s/run/isakmpd.result" ]
}

fifo_or_ended() { [ -p "$T/$1/run/isakmpd.fifo" ] || ! alive "$1"; }

# ---- theirs ----------------------------------------------------------------

# theirs_conf_many file number: number 0 is one connection for whoever comes.
theirs_conf_many() {
	mkdir -p "${1%/*}"
	awk -v n="$2" -v psk="$psk" '
	function nth(base, i) {
		return sprintf("10.%d.%d.%d", base + int(i / 65536), int(i / 256) % 256, i % 256)
	}
	BEGIN {
		print "connections {"
		for (i = n > 0; i <= n; i++) {
			who = i ? nth(64, i) : "%any"
			print "c" i " {\n version = 1\n local_addrs = 10.9.2.1\n remote_addrs = " who
			print " proposals = aes128-sha256-modp2048,aes128-sha256-ecp256,aes128-sha256-modp1024"
			print " encap = yes\n unique = never\n rekey_time = 8h"
			print " local {\n auth = psk\n id = 10.9.2.1\n }\n remote {\n auth = psk\n id = " who "\n }"
			print " children {\n net" i " {\n local_ts = 10.1.0.0/24\n remote_ts = " (i ? nth(128, i) "/32" : "10.128.0.0/9")
			print " esp_proposals = aes128-sha256-modp2048,aes128-sha256-ecp256,aes128-sha256-modp1024,aes128-sha256"
			print " rekey_time = 8h\n }\n }\n}"
		}
		print "}\nsecrets {\n ike-load {\n secret = \"" psk "\"\n }\n}"
	}' >"$1"
}

theirs_settings() {
	local d dir=$T/theirs/swan
	for d in x509 x509ca x509aa x509ac x509ocsp x509crl private rsa ecdsa bliss \
	    pkcs8 pkcs12 pubkey; do
		mkdir -p "$dir/$d"
	done
	cat >"$dir/strongswan.conf" <<-C
	charon {
	  filelog {
	    quiet {
	      path = $T/theirs/log
	      default = -1
	    }
	  }
	  dos_protection = no
	  load_modular = yes
	  plugins {
	    include /etc/strongswan.d/charon/*.conf
	    vici {
	      socket = unix://$dir/vici
	    }
	    kernel-libipsec {
	      load = yes
	      allow_peer_ts = yes
	    }
	$(for d in stroke bypass-lan connmark dhcp farp forecast ha resolve; do
		printf '    %s {\n      load = no\n    }\n' $d
	done)
	  }
	}
	C
}

# theirs_up connections
theirs_up() {
	local dir=$T/theirs/swan
	theirs_conf_many "$dir/swanctl.conf" "$1"
	theirs_settings
	theirs_run
}

theirs_run() {
	local dir=$T/theirs/swan
	rm -f "$dir/vici" "$T/theirs/run/charon.pid"
	STRONGSWAN_CONF=$dir/strongswan.conf become theirs "$charon" \
	    >"$T/theirs/swan.out" 2>&1 </dev/null &
	echo $! >"$T/theirs/daemon.pid"
	wait_for 20 "charon's control socket" [ -S "$dir/vici" ]
	[ -n "${NO_LOAD-}" ] || theirs_load
}

theirs_load() {
	local dir=$T/theirs/swan
	local TIMEFORMAT='%U %S'
	{ time SWANCTL_DIR=$dir STRONGSWAN_CONF=$dir/strongswan.conf in_host theirs \
	    swanctl --load-all --noprompt --uri "unix://$dir/vici" >"$T/theirs/load" 2>&1; } \
	    2>"$T/theirs/load.cpu" || fail "swanctl --load-all: $(tail -n 3 "$T/theirs/load")"
}

theirs_down() {
	local p
	p=$(cat "$T/theirs/daemon.pid")
	rm -f "$T/theirs/daemon.pid"
	kill "$p" 2>/dev/null
	wait_for 30 "charon to end" gone "$p"
	wait "$p" 2>/dev/null
}

# ---- signatures ------------------------------------------------------------

# sign_files rsa|ecdsa: an authority, and a certificate for the responder and for all initiators
sign_files() {
	. "$lib/../interop/openssl.sh"
	local key=rsa:2048
	[ "$1" = rsa ] || key=ec:P-256
	ca_make "root-$1" $key
	cert_make "gate-$1" $key "root-$1" DNS:gate.example
	cert_make "load-$1" $key "root-$1" DNS:load.example
	openssl x509 -in "$pki/load-$1.crt" -outform DER -out "$pki/load-$1.der"
	sign_load=(-A "$1" -K "$pki/load-$1.key" -C "$pki/load-$1.der" -I load.example)
}

# ours_signed rsa|ecdsa connections: starts side `signed`
ours_signed() {
	local run=$T/signed/run method=RSA_SIG
	[ "$1" = rsa ] || method=ECDSA_256
	p1_weak='' p2_weak='' p1_suites=AES-128-SHA2-256-GRP19-$method \
	    ours_conf_many "$T/signed.conf" "$2" none
	mkdir -p "$run"/{ca,certs,private}
	(
		umask 077
		sed 's/^Authentication=.*/ID=gate\nRemote-ID=load/' "$T/signed.conf"
		printf '%s\n' "[gate]" ID-type=FQDN Name=gate.example "[load]" ID-type=FQDN Name=load.example \
		    "[X509-certificates]" CA-directory=/run/ca Cert-directory=/run/certs \
		    Private-key=/run/private/local.key
	) >"$run/isakmpd.conf"
	chmod 600 "$run/isakmpd.conf"
	cp "$pki/root-$1.crt" "$run/ca/root.crt"
	cp "$pki/gate-$1.crt" "$run/certs/gate.crt"
	install -m 600 "$pki/gate-$1.key" "$run/private/local.key"
	ours_start signed
}

# theirs_signed rsa|ecdsa connections
theirs_signed() {
	local dir=$T/theirs/swan
	theirs_settings
	theirs_conf_many "$T/theirs.conf" "$2"
	sed -e 's/ version = 1/&\n send_cert = always/' -e 's/auth = psk/auth = pubkey/' \
	    -e 's/ id = 10.9.2.1$/ id = gate.example\n certs = gate.crt/' \
	    -e 's/ id = [1%].*/ id = load.example/' "$T/theirs.conf" >"$dir/swanctl.conf"
	cp "$pki/root-$1.crt" "$dir/x509ca/root.crt"
	cp "$pki/gate-$1.crt" "$dir/x509/gate.crt"
	cp "$pki/gate-$1.key" "$dir/private/gate.key"
	theirs_run
}
theirs_unsigned() { rm -f "$T/theirs/swan"/{x509,x509ca,private}/*; }

# ---- the load --------------------------------------------------------------

# load side option...: prints ikeload's JSON.
load() {
	local side=$1
	shift
	in_host "load-$side" ${LOAD_CPU:+taskset -c "$LOAD_CPU"} "$BIN/ikeload" \
	    -p "$(cat "$T/$side/daemon.pid")" -E "$@" "10.9.$(side_number "$side").1"
}

# used side field: cpu, rss_kb, pss_kb, most_kb of a daemon so far
used() { in_host "$1" "$BIN/ikeload" -m -p "$(cat "$T/$1/daemon.pid")" | field "$2"; }

# field name: of the JSON object on standard input
field() { sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p"; }
