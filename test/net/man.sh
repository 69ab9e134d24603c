#!/bin/bash
# man.sh CASE - every command in the EXAMPLES of isakmpd(8) and isakmpctl(8), taken
# from the page itself and typed on a machine as the page supposes it.  A command
# must succeed, and one that shows something must show it; what an example is for
# is looked at behind it.  man.sh -l lists the cases.

cases='man-isakmpd man-isakmpctl'
if [ "${1-}" = -l ]; then
	printf '%s\n' $cases
	exit
fi
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/conf.sh"
net_enter "$@"
run=$T/west/run

# examples page: "block<TAB>prompt<TAB>command" for each, continued lines in one
examples() {
	awk '
		/^\.Sh/ { on = $2 == "EXAMPLES" }
		!on { next }
		/^\.Bd -literal/ { block++; inside = 1; next }
		/^\.Ed/ { inside = 0; next }
		/^\.Dl/ { block++; sub(/^\.Dl /, ""); say($0); next }
		inside { say($0) }
		function say(l) {
			gsub(/\\e/, "\\", l); gsub(/\\-/, "-", l); gsub(/\\\(aq/, "\047", l); gsub(/\\&/, "", l)
			if (sub(/\\$/, "", l)) { held = held l; return }
			l = held l; held = ""
			if (match(l, /^[a-z]*# */)) {
				prompt = substr(l, 1, RLENGTH); sub(/# *$/, "", prompt)
				print block "\t" (prompt == "" ? "-" : prompt) "\t" substr(l, RLENGTH + 1)
			} else
				print block "\t?\t" l
		}' "$1"
}

# The names that the pages use; `odd` is refused by the other side.
configure() {
	local h
	for h in west east; do
		ours_conf $h
		sed -i 's/=net$/=office-berlin/; s/^\[net\]/[office-berlin]/; s/=peer$/=berlin/; s/^\[peer\]/[berlin]/' \
		    "$T/$h/run/isakmpd.conf"
	done
	sed -i 's/^Passive-connections=.*/&,odd/' "$run/isakmpd.conf"
	{
		printf '[odd]\nPhase=2\nISAKMP-peer=berlin\nConfiguration=qm\nLocal-ID=mine\nRemote-ID=other\n'
		conf_id other 10.7.0.0/24
	} >>"$run/isakmpd.conf"
	# The pages speak of /etc/isakmpd: this host has an /etc of its own.
	mkdir -p "$T/west/etc/isakmpd"
	chmod 755 "$T/west/etc"
	local f
	mkdir -p "$T/west/etc/ssl"
	for f in passwd group nsswitch.conf services protocols hosts localtime ld.so.cache ssl/openssl.cnf; do
		[ ! -e "/etc/$f" ] || cp "/etc/$f" "$T/west/etc/$f"
	done
	[ ! -d /etc/alternatives ] || cp -R /etc/alternatives "$T/west/etc/"
	in_host west mount --bind "$T/west/etc" /etc || skip "no /etc of its own here"
	install -m 600 "$run/isakmpd.conf" "$T/west/etc/isakmpd/isakmpd.conf"
	mkdir -p "$T/bin" "$T/wd"
	ln -s "$BIN/isakmpd" "$T/bin/isakmpd"
	printf '#!/bin/sh\nexec sh %s "$@"\n' "$top/src/cmd/isakmpctl.sh" >"$T/bin/isakmpctl"
	# as root it gives its rights up to an account that is not in here
	printf '#!/bin/sh\nexec %s -Z %s "$@"\n' "$(command -v tcpdump)" "$(id -un)" >"$T/bin/tcpdump"
	chmod 755 "$T/bin"/*
	daemon east "$T/east/run/isakmpd.conf"
}

typed() {
	in_host west env PATH="$T/bin:$PATH" bash -c "cd $T/wd && set -o pipefail; $1" >"$T/shown" 2>"$T/said"
}
# Orders take effect a moment later: what reads is typed again until there is something.
shows() { typed "$1" && [ -s "$T/shown" ]; }

# What shows nothing: it writes somewhere, or makes something.
silent() {
	case $1 in
	*'>'*|'isakmpctl order '*|'isakmpd --check'*|'install '*|'kill '*) return 0 ;;
	*) return 1 ;;
	esac
}

foreground() {
	become west env PATH="$T/bin:$PATH" bash -c "exec $1" </dev/null >>"$T/west/log" 2>&1 &
	echo $! >"$T/west/daemon.pid"
	wait_for 20 "isakmpd to listen" listens_or_ended west
	sas west >/dev/null || fail "no answer of isakmpd"
}

# before command, after command: what the page leaves to its reader
before() {
	case $1 in
	*"'p failed'"*|'isakmpctl status json'*)
		order west "c odd"
		wait_for 10 "a failure" logged west 'PEER_REFUSED.*odd' ;;
	'echo S >'*)
		order west "c office-berlin"
		wait_for 20 "the tunnel" tunnel_up west
		rm -f "$run/isakmpd.result" ;;
	*'"two words"'*)
		order east 'C set [berlin]:Authentication="two words" force'
		old=$(cookies west) ;;
	'isakmpctl order '*main*)
		order west "c office-berlin"
		wait_for 20 "the tunnel" tunnel_up west
		old=$(cookies west) ;;
	*'isakmpctl pki sign'*)	# it is carried from the gateway to the administrator
		in_host west sh -c 'cp /etc/isakmpd/*.csr "$1"' sh "$T/wd" ;;
	'install '*)	# and back
		cp "$T/wd"/isakmpd-ca/*.crt "$T/wd"/isakmpd-ca/*.crl "$T/wd/" ;;
	esac
}
after() {
	case $1 in
	*'"two words"'*|*"order 'c office-berlin'"*)
		wait_for 20 "a new ISAKMP SA" renewed cookies "$old"
		wait_for 20 "the tunnel" tunnel_up west ;;
	*"'p on'"*)
		order west "t main berlin"
		order west "t office-berlin"
		order west "c office-berlin"
		nine() { [ "$(tshark -n -r "$run/isakmpd.pcap" 2>/dev/null | wc -l)" -ge 9 ]; }
		wait_for 20 "nine messages" nine ;;
	tcpdump*) grep -q 'phase 2/others I oakley-quick' "$T/shown" || fail "no quick mode: $(cat "$T/shown")" ;;
	tshark*) grep -q 'Exchange type: Quick Mode (32)' "$T/shown" || fail "no quick mode: $(cat "$T/shown")" ;;
	cat*) grep -q '^SA name: office-berlin (Phase 2)' "$T/shown" || fail "no SA: $(cat "$T/shown")" ;;
	'isakmpctl status') grep -q '^CONNECTIONS: ' "$T/shown" || fail "no connections: $(cat "$T/shown")" ;;
	*jq*) grep -q odd "$T/shown" || fail "the connection that is down is not there: $(cat "$T/shown")" ;;
	'kill -HUP'*) wait_for 10 "the reload" logged west 'reinitializing daemon' ;;
	*'pki sign'*) [ -s "$T/wd/isakmpd-ca/gw.example.org.crt" ] || fail "no certificate" ;;
	esac
}

# every_example page least: all of them, in the order of the page
every_example() {
	local n=0 last=0 block prompt command
	examples "$1" >"$T/examples"
	while IFS=$'\t' read -r block prompt command <&9; do
		[ "$prompt" != '?' ] || fail "not a command: $command"
		[ "$block" = $last ] || rm -f "$run/isakmpd.result" "$run/isakmpd.failed.pcap"
		last=$block
		local word
		for word in jq tcpdump tshark openssl; do
			case " $command" in
			*" $word "*) command -v $word >/dev/null || { say "not tried, no $word: $command"; continue 2; } ;;
			esac
		done
		before "$command"
		case $command in
		'isakmpd -d'*) foreground "$command" ;;
		*)
			if silent "$command"; then
				typed "$command" || fail "$command: $(cat "$T/shown" "$T/said")"
			else
				local i
				for ((i = 0; i < 100; i++)); do
					shows "$command" && break
					pause
				done
				# in a user namespace tcpdump cannot give its rights up, and refuses
				[ $i -lt 100 ] || ! grep -q "Couldn't change to" "$T/said" || {
					say "not tried, no tcpdump in a user namespace: $command"
					continue
				}
				[ $i -lt 100 ] || fail "$command: shows nothing: $(cat "$T/shown" "$T/said")"
			fi ;;
		esac
		after "$command"
		n=$((n + 1))
		say "ok: $command"
	done 9<"$T/examples"
	[ $n -ge "$2" ] || fail "only $n examples in $1"
	grep -e malformed -e unrecognized -e 'not usable' "$T/west/log" && fail "an order was not understood"
	say "ok: $n examples of $1"
}

two_sites
case $1 in
man-isakmpd)
	configure
	every_example "$top/man/isakmpd.8" 10
	stop west || fail "it ended with status $?" ;;
man-isakmpctl)
	configure
	foreground "isakmpd -d -K"
	every_example "$top/man/isakmpctl.8" 9
	stop west || fail "it ended with status $?"
	# without a daemon it says so, and does not wait for ever
	typed "isakmpctl status" && fail "a status without a daemon"
	grep -q 'isakmpd does not run' "$T/said" || fail "it says: $(cat "$T/said")" ;;
*)
	fail "no case $1" ;;
esac
say "ok: $1"
