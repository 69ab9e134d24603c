#!/bin/bash
# readme.sh readme - what README.md tells to type, typed: the first tunnel with its
# configuration, then the certificates, then the revocation, on two machines
# with a folder /etc/isakmpd each.
#
# readme.sh -l lists the cases.
if [ "${1-}" = -l ]; then
	echo readme
	exit
fi
. "$(dirname "$0")/lib.sh"
command -v openssl >/dev/null || skip "no openssl"
net_enter "$@"

host office
host berlin
link office wan berlin wan
addr office wan 203.0.113.1/32
addr berlin wan 198.51.100.2/32
in_host office ip addr add 10.1.0.1/32 dev lo
in_host berlin ip addr add 10.2.0.1/32 dev lo
for h in office berlin; do in_host $h ip route add default dev wan; done

# Who types is root already, and another machine is another folder.
mkdir "$T/bin"
printf '#!/bin/sh\nexec "$@"\n' >"$T/bin/sudo"
printf '#!/bin/sh\nexec sh "%s" "$@"\n' "$top/src/cmd/isakmpctl.sh" >"$T/bin/isakmpctl"
cat >"$T/bin/scp" <<-S
#!/bin/sh
for to; do :; done
while [ \$# -gt 1 ]; do cp "\$1" "$T/\${to%:}/home/" || exit; shift; done
S
chmod 755 "$T"/bin/*
for h in office berlin; do
	mkdir -p "$T/$h/home"
	cp -a /etc "$T/$h/etc" 2>/dev/null
	rm -rf "$T/$h/etc/isakmpd"
	install -d -m 700 "$T/$h/etc/isakmpd"
	in_host $h mount --bind "$T/$h/etc" /etc
done

# ---- the first tunnel --------------------------------------------------------

key=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
awk '/^    \[General\]/ { on = 1 } on && /^[^ ]/ { exit } on { sub(/^    /, ""); print }' \
    "$top/README.md" | sed "s/0x\.\.\.the key\.\.\./0x$key/" >"$T/conf"
# The mirror image: the other address, and the IDs exchanged.
sed 's/198\.51\.100\.2/203.0.113.1/; s/^Local-ID= .*/Local-ID= lan-berlin/
    s/^Remote-ID= .*/Remote-ID= lan-office/' "$T/conf" >"$T/conf.berlin"
install -m 600 "$T/conf" "$T/office/etc/isakmpd/isakmpd.conf"
install -m 600 "$T/conf.berlin" "$T/berlin/etc/isakmpd/isakmpd.conf"
for h in office berlin; do
	become $h "$BIN/isakmpd" -d -K -c /etc/isakmpd/isakmpd.conf </dev/null >>"$T/$h/log" 2>&1 &
	echo $! >"$T/$h/daemon.pid"
done
goes() {
	wait_for "$1" "the first answer" in_host office ping -n -q -c 1 -W 1 -I 10.1.0.1 10.2.0.1
	in_host office ping -n -q -c 3 -i 0.1 -W 2 -I 10.1.0.1 10.2.0.1 >/dev/null || fail "no $2"
	say "ok: $2"
}
goes 30 "pings by the configuration in README.md"

# ---- the certificates --------------------------------------------------------

# types host script: as somebody would in a shell of that machine
types() {
	PATH=$T/bin:$PATH in_host "$1" sh -c "cd '$T/$1/home' && exec sh -eux '$2'" >"$T/typed" 2>&1 ||
	    fail "on $1: $(cat "$T/typed")"
}
# section n: the n-th block, and in $T/where who types it
section() {
	awk -v want="$1" -v where="$T/where" -v script="$T/script" '
	/^##/ { on = /with certificates/ }
	!on { next }
	/^    / { if (!inside) n++; inside = 1; if (n == want) { print substr($0, 5) >script; print text >where }; next }
	/./ { text = inside ? $0 : text " " $0; inside = 0 }' "$top/README.md"
}
n=0
while :; do
	n=$((n + 1))
	rm -f "$T/script"
	section $n
	[ -e "$T/script" ] || break
	[ $n != 6 ] || {
		authenticated() {
			rm -f "$T/office/run/isakmpd.result"
			order office "S json"
			wait_for 5 "the status" [ -e "$T/office/run/isakmpd.result" ]
			grep -q '"authentication": "RSA_SIG"' "$T/office/run/isakmpd.result"
		}
		wait_for 30 "an ISAKMP SA by signature" authenticated
		goes 30 "pings by certificates"
	}
	case $(cat "$T/where") in
	*"n both machines"*) types office "$T/script"; types berlin "$T/script" ;;
	*"n \`office\`"*) types office "$T/script" ;;
	*"n \`berlin\`"*) types berlin "$T/script" ;;
	*) fail "who is to type block $n?" ;;
	esac
done
[ $n = 7 ] || fail "$n blocks in the section on certificates"
wait_for 20 "that the revoked one is refused" logged office CERT_REVOKED
for h in office berlin; do stop $h || fail "isakmpd on $h ended with status $?"; done
