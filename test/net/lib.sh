# lib.sh - hosts, links and daemons for tests with real packets; to be sourced.
#
#	. "$(dirname "$0")/../net/lib.sh"
#	net_enter "$@"			# from here on: a world of our own
#	two_sites			# west, east and a client behind each
#	daemon west conf...		# starts isakmpd there
#	wait_for 10 "the tunnel" tunnel_up west
#
# net_enter runs the script again inside user, mount, process and network
# namespaces of its own.  Nothing in there has a name outside, so nothing can
# collide, and when the script ends, however it ends, the kernel ends every
# process in it and with the last process every interface.  All files live
# in one directory, $T, which the outer half removes.  The same works for root
# and, in a user namespace, for anybody else.
#
# A *host* is a process that holds a network and a mount namespace.  Its /run
# is $T/HOST/run, so that a daemon there uses its own default paths and
# everybody can still read them from outside.
#
# Nothing in here sleeps for a fixed time: it waits for a condition, with a limit.

set -u
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL=C

lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$lib/../.." && pwd)
BIN=${BIN:-$top/build/bin}
case $BIN in /*) ;; *) BIN=$PWD/$BIN ;; esac

say() { printf '%s\n' "$*"; }

# The test cannot run here; the reason goes to the summary of all tests.
skip() {
	say "skipped: $*"
	exit 77
}

# ---- a world of our own ----------------------------------------------------

net_tools() {
	local c
	for c in ip nsenter unshare setpriv mount ping; do
		command -v $c >/dev/null 2>&1 || skip "no $c"
	done
	[ -c /dev/net/tun ] || skip "no /dev/net/tun"
	[ -n "${NET_NO_DAEMON-}" ] || [ -x "$BIN/isakmpd" ] || skip "no $BIN/isakmpd: build first"
}

# One world inside another would only cost: a caller that has one shares it.
net_enter() {
	if [ -n "${NET_INSIDE-}" ]; then
		net_inside
		return
	fi
	net_tools
	net_leave_chroot "$@"
	T=$(mktemp -d "${TMPDIR:-/tmp}/isakmpd.XXXXXX") || exit 1
	chmod 755 "$T"
	export T BIN NET_INSIDE=1
	local user=
	[ "$(id -u)" = 0 ] || user="-U -r"
	# shellcheck disable=SC2086
	if ! unshare $user -m -n -p --fork --mount-proc true 2>"$T/why"; then
		local why
		why=$(head -n 1 "$T/why")
		rm -rf "$T"
		skip "no namespaces: $why"
	fi
	inner=
	lost() { exec 2>/dev/null; [ -z "$inner" ] || kill -KILL $inner; exit "$1"; }
	trap 'rm -rf "$T"' EXIT
	trap "lost 129" HUP
	trap "lost 130" INT
	trap "lost 143" TERM
	# The inner half dies with us, whatever we die of.
	# shellcheck disable=SC2086
	setpriv --pdeathsig KILL unshare $user -m -n -p --fork --kill-child --mount-proc \
	    bash "$0" "$@" </dev/null &
	inner=$!
	wait $inner
	local rc=$?
	inner=
	exit $rc
}

# In a chroot / is no mount: it cannot be made private, so that what is mounted
# below could be seen outside and stay.  A mount namespace that is entered
# anew begins at its true root; seen from there the chroot can become a mount.
net_leave_chroot() {
	[ "$(id -u)" = 0 ] && [ -z "${NET_REROOTED-}" ] || return 0
	unshare -m true 2>/dev/null && return
	export NET_REROOTED=1 NET_WD=$PWD
	# shellcheck disable=SC2016
	exec unshare -m --propagation unchanged sh -c 'exec 9</ &&
	    exec nsenter --mount=/proc/self/ns/mnt sh -c '\''
		cd -P /proc/self/fd/9 && tree=$(pwd -P) && mount --make-rprivate / &&
		mount --rbind "$tree" "$tree" && exec 9<&- &&
		exec chroot "$tree" sh -c "cd \"\$NET_WD\" && exec bash \"\$@\"" sh "$@"'\'' sh "$@"
	' sh "$0" "$@"
}

net_inside() {
	trap net_end EXIT
	trap 'exit 143' TERM
	mount --make-rprivate /
	mkdir -p "$T/.etc"
	ip link set lo up
	# The roles' account exists in here only, and the machine keeps its own.
	if ! getent passwd _isakmpd >/dev/null; then
		local id=64999
		while getent passwd $id >/dev/null || getent group $id >/dev/null; do
			id=$((id - 1))
		done
		cp /etc/passwd "$T/.etc/passwd" && cp /etc/group "$T/.etc/group"
		echo "_isakmpd:x:$id:$id:ISAKMP daemon:/var/empty:/usr/sbin/nologin" >>"$T/.etc/passwd"
		echo "_isakmpd:x:$id:" >>"$T/.etc/group"
		mount --bind "$T/.etc/passwd" /etc/passwd
		mount --bind "$T/.etc/group" /etc/group
	fi
}

# Every end passes here; whatever still runs is ended with us by the kernel.
net_end() {
	local rc=$?
	trap - EXIT
	local p
	for p in "$T"/*/daemon.pid; do
		[ -e "$p" ] && kill "$(cat "$p")" 2>/dev/null
	done
	if [ $rc != 0 ] && [ $rc != 77 ] && [ -n "${KEEP-}" ]; then
		mkdir -p "$KEEP" && cp -r "$T"/. "$KEEP"/ 2>/dev/null
	fi
	exit $rc
}

# fail text: with everything a person needs to see why.
fail() {
	say "FAILED: $*"
	local f
	for f in "$T"/*/log; do
		[ -s "$f" ] || continue
		say "---- ${f#"$T"/}, its end:"
		tail -n "${LINES_OF_LOG:-60}" "$f"
	done
	exit 1
}

# wait_for seconds text command...: until the command succeeds.  A slow machine
# asks for more patience.
wait_for() {
	local limit=$(($1 * ${LAB_PATIENCE:-1})) what=$2 end
	shift 2
	end=$(($(now_ms) + limit * 1000))
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt $end ] || fail "waited $limit s for $what"
		pause
	done
}

# never seconds text command...: the command must keep failing all that time.
never() {
	local limit=$1 what=$2 end
	shift 2
	end=$(($(now_ms) + limit * 1000))
	while [ "$(now_ms)" -lt $end ]; do
		"$@" >/dev/null 2>&1 && fail "$what"
		pause
	done
}

now_ms() {
	local t=${EPOCHREALTIME/./}
	echo $((t / 1000))
}

# A twentieth of a second without a process of its own.
exec {pause_fd}<> <(:)
pause() { read -r -t 0.05 -u $pause_fd _ || :; }

# ---- hosts and links -------------------------------------------------------

host() {
	local h=$1
	mkdir -p "$T/$h/run"
	chmod 755 "$T/$h" "$T/$h/run"
	: >"$T/$h/holder"
	unshare -m -n bash -c '
		mount --make-rprivate / && mount --bind "$1/run" /run && ip link set lo up || exit
		echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
		echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
		for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done
		echo 0 >/proc/sys/net/ipv4/conf/all/send_redirects
		echo 0 >/proc/sys/net/ipv4/conf/default/send_redirects
		: >"$1/ready"
		exec sleep infinity' host "$T/$h" </dev/null >"$T/$h/holder" 2>&1 &
	echo $! >"$T/$h/pid"
	wait_for 10 "host $h ($(cat "$T/$h/holder"))" [ -e "$T/$h/ready" ]
}

# in_host name command...
in_host() {
	local pid
	pid=$(cat "$T/$1/pid")
	shift
	nsenter -t "$pid" -m -n -r -- "$@"
}
# The same in place of this shell: for the background, where $! is then the
# command and not a shell around it.
become() {
	local pid
	pid=$(cat "$T/$1/pid")
	shift
	exec nsenter -t "$pid" -m -n -r -- "$@"
}

# link a interface b interface: a cable between two hosts.
link() {
	ip link add "$2" netns "$(cat "$T/$1/pid")" type veth \
	    peer name "$4" netns "$(cat "$T/$3/pid")" || fail "link $*"
}

# addr host interface address...: up, with these addresses.
addr() {
	local h=$1 i=$2 a
	shift 2
	{
		echo "link set $i up"
		for a; do
			case $a in
			*:*) echo "addr add $a dev $i nodad" ;;
			*) echo "addr add $a dev $i" ;;
			esac
		done
	} | in_host "$h" ip -batch - || fail "addresses of $h"
}

#	cwest --- west === outside === east --- ceast
#
#	outside	10.9.0.1, fd09::1	10.9.0.2, fd09::2	interface `wan`
#	inside	10.1.0.1, fd01::1	10.2.0.1, fd02::1	interface `lan`
#	clients	10.1.0.2, fd01::2	10.2.0.2, fd02::2	interface `eth`
#
# Each gateway routes the other's inside through the outside link: without a
# tunnel and without a policy, packets would leave in clear, and be seen.
two_sites() {
	local h
	for h in west east cwest ceast; do host $h; done
	link west wan east wan
	link west lan cwest eth
	link east lan ceast eth
	site west cwest 1 2
	site east ceast 2 1
}

site() {
	local gw=$1 client=$2 me=$3 he=$4
	addr "$gw" wan "10.9.0.$me/24" "fd09::$me/64"
	addr "$gw" lan "10.$me.0.1/24" "fd0$me::1/64"
	addr "$client" eth "10.$me.0.2/24" "fd0$me::2/64"
	in_host "$gw" ip -batch - <<-B
	route add 10.$he.0.0/24 via 10.9.0.$he src 10.$me.0.1
	route add fd0$he::/64 via fd09::$he src fd0$me::1
	B
	in_host "$client" ip -batch - <<-B
	route add default via 10.$me.0.1
	route add default via fd0$me::1
	B
}

# ---- the daemon ------------------------------------------------------------

# daemon host configuration [option...]: starts it and waits until it listens.
daemon() {
	local h=$1 conf=$2
	shift 2
	mkdir -p "$T/$h/run"
	[ "$conf" = "$T/$h/run/isakmpd.conf" ] ||
	    install -m 600 "$conf" "$T/$h/run/isakmpd.conf"
	rm -f "$T/$h/run/isakmpd.fifo"
	become "$h" "$BIN/isakmpd" -d -K -c /run/isakmpd.conf -f /run/isakmpd.fifo \
	    -i /run/isakmpd.pid "$@" </dev/null >>"$T/$h/log" 2>&1 &
	echo $! >"$T/$h/daemon.pid"
	wait_for 20 "isakmpd on $h to listen" listens_or_ended "$h"
	# Orders are read once the configuration is in force; datagrams before that are lost.
	rm -f "$T/$h/run/isakmpd.result"
	alive "$h" && order "$h" S
	wait_for 20 "isakmpd on $h to take its configuration" answers_or_ended "$h"
	alive "$h" || fail "isakmpd on $h ended while starting"
}

listens_or_ended() {
	alive "$1" || return 0
	[ -p "$T/$1/run/isakmpd.fifo" ] &&
	    in_host "$1" cat /proc/net/udp /proc/net/udp6 | grep -q ':01F4 '
}

answers_or_ended() { ! alive "$1" || [ -e "$T/$1/run/isakmpd.result" ]; }

alive() { kill -0 "$(cat "$T/$1/daemon.pid")" 2>/dev/null; }

# stop host [signal]: and wait for the end; the status is the daemon's.
stop() {
	local pid
	pid=$(cat "$T/$1/daemon.pid")
	rm -f "$T/$1/daemon.pid"
	kill -"${2:-TERM}" "$pid" 2>/dev/null
	wait_for 15 "isakmpd on $1 to end" gone "$pid"
	wait "$pid" 2>/dev/null
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# Kills every process of a daemon at once: a machine that lost its power.
crash() {
	local pid all
	pid=$(cat "$T/$1/daemon.pid")
	rm -f "$T/$1/daemon.pid"
	all=$(descendants "$pid")
	# shellcheck disable=SC2086
	kill -KILL $all 2>/dev/null
	wait "$pid" 2>/dev/null
	for pid in $all; do wait_for 10 "process $pid of $1 to end" gone "$pid"; done
	rm -f "$T/$1/run/isakmpd.fifo"
}

descendants() {
	local c
	echo "$1"
	for c in $(cat /proc/"$1"/task/*/children 2>/dev/null); do descendants "$c"; done
}

# order host text: a line for its FIFO.
order() { printf '%s\n' "$2" >"$T/$1/run/isakmpd.fifo"; }

# sas host: what `S` says now.  The daemon renames a whole file into place, so
# once there is one it is complete.
sas() {
	local f=$T/$1/run/isakmpd.result
	rm -f "$f"
	order "$1" S
	local end=$(($(now_ms) + 5000 * ${LAB_PATIENCE:-1}))
	until [ -e "$f" ]; do
		[ "$(now_ms)" -lt $end ] || { say "no result file on $1" >&2; return 1; }
		pause
	done
	cat "$f"
}

# How many ready phase 2 SAs; their blocks have no cookies and a flag bit 1.
phase() {
	sas "$1" | awk -v want="Phase $2" '
		/^SA name:/ { this = index($0, want) > 0 }
		this && /^Flags 0x/ { if (substr($2, 10) ~ /[13579bdf]/) n++ }
		END { print n + 0 }'
}
tunnel_up() { [ "$(phase "$1" 2)" -ge 1 ]; }
no_tunnel() { [ "$(phase "$1" 2)" = 0 ]; }
# The SPIs of phase 2, one a line: "out in".
spis() { sas "$1" | awk '/^SPI 0:/ { o = $3 } /^SPI 1:/ { print o, $3 }'; }
# The cookies of phase 1, one pair a line.
cookies() { sas "$1" | awk '/^icookie/ { print $2, $4 }'; }

# renewed what old: `spis` or `cookies` of west have a line that is not among
# the old ones.  Those may live on: a peer can keep what it has replaced.
renewed() { $1 west | grep -qvxF -- "$2"; }

logged() { grep -q -- "$2" "$T/$1/log"; }

# ---- traffic ---------------------------------------------------------------

# pings host address [count]
pings() {
	in_host "$1" ping -n -q -c "${3:-3}" -i 0.2 -W 2 "$2" >"$T/ping" 2>&1
}
can_ping() { in_host "$1" ping -n -q -c 1 -W 1 "$2" >/dev/null 2>&1; }

# bulk from to address octets: checksummed TCP; prints the sender's line.
bulk() {
	local from=$1 to=$2 address=$3 octets=$4 pid
	: >"$T/$to/bulk"
	become "$to" "$BIN/bulk" -t 60 recv "$address" 5001 >"$T/$to/bulk" 2>&1 &
	pid=$!
	wait_for 10 "the receiver" grep -q listening "$T/$to/bulk"
	in_host "$from" "$BIN/bulk" -t 60 send "$address" 5001 "$octets" 2>&1 || {
		cat "$T/$to/bulk"
		kill $pid 2>/dev/null
		return 1
	}
	wait $pid
}

# sniff name host interface [option...]: output in $T/NAME.sniff.  The kernel's
# own ESP shows each packet that it decrypted as received once more, so there
# only what is sent is proof.
sniff() {
	local name=$1 h=$2 i=$3
	shift 3
	[ "${LAB_BACKEND:-user}" != xfrm ] || set -- -o "$@"
	become "$h" "$BIN/sniff" "$@" "$i" >"$T/$name.sniff" 2>&1 </dev/null &
	echo $! >"$T/$name.sniff.pid"
	wait_for 10 "the packet reader" grep -q ready "$T/$name.sniff"
}

sniff_end() {
	kill "$(cat "$T/$1.sniff.pid")" 2>/dev/null
	wait "$(cat "$T/$1.sniff.pid")" 2>/dev/null
	wait_for 10 "the packet reader's end" grep -q '^ike ' "$T/$1.sniff"
}

# sniffed name word: a number from its last line: ike esp udp-esp clear
sniffed() {
	awk -v w="$2" '/^ike / { for (i = 1; i < NF; i += 2) if ($i == w) print $(i + 1) }' \
	    "$T/$1.sniff"
}

# check text command...: one proven fact a line.
check() {
	local what=$1
	shift
	"$@" || fail "$what"
	say "ok: $what"
}
