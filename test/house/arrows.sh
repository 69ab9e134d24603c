#!/bin/sh
# arrows.sh [source-tree] - every #include points the way the design says.
#
# A room may include itself, the rooms named in its row, and system headers;
# the libraries listed below only where their row says.  Prints each wrong
# arrow as file:line and fails if there is one.
set -u
src=${1:-$(dirname "$0")/../..}

find "$src/src" "$src/sim" -name '*.[ch]' | sort | xargs awk -v root="$src/" '
BEGIN {
	# room: what it may include besides itself
	may["base"] = ""
	may["wire"] = "base"
	may["crypto"] = "base"
	may["conf"] = "base"
	may["policy"] = "base crypto"
	may["trust"] = "base"
	may["fetch"] = "base"
	may["ike"] = "base wire crypto conf"
	may["kern"] = "base"
	may["esp"] = "base crypto"
	may["ipc"] = "base"
	may["os"] = "base"
	may["ctl"] = "base conf"
	may["ha"] = "base crypto ipc"
	may["role"] = "base wire crypto conf policy trust fetch ike kern esp ipc os ctl ha"
	may["cmd"] = "base conf policy ctl role"
	may["sim"] = "base wire crypto conf policy trust ike kern esp ipc ctl role"
	# library header prefix: the rooms that may include it
	# The simulator makes certificates, which nothing of the daemon does.
	lib["openssl/"] = "crypto trust sim"
	lib["libmnl/"] = "kern"
	lib["event2/"] = "os role"
	lib["seccomp.h"] = "os"
	lib["cap-ng.h"] = "os"
	lib["jansson.h"] = "ctl"
	lib["pcap"] = "os role"
	# The core has no world: it reads no clock and opens nothing.
	lib["sys/socket.h"] = "base kern esp ipc os ctl role cmd"
	lib["netinet/"] = "base kern esp ipc os ctl role cmd"
	lib["arpa/"] = "base kern esp ipc os ctl role cmd"
	lib["linux/"] = "kern esp ipc os role cmd"
	lib["pthread.h"] = "crypto esp ipc os role"
	lib["poll.h"] = "kern esp ipc os role cmd sim"
	lib["sys/poll.h"] = "kern esp ipc os role cmd sim"
	lib["sys/epoll.h"] = "esp os role"
	lib["fcntl.h"] = "kern esp ipc os ctl conf role cmd sim"
	lib["syslog.h"] = "os role cmd"
}
function within(word, list) { return index(" " list " ", " " word " ") > 0 }
function wrong(what) {
	printf "%s:%d: %s may not include %s\n", shown, FNR, room, what
	bad = 1
}
FNR == 1 {
	shown = substr(FILENAME, length(root) + 1)
	n = split(shown, part, "/")
	room = part[1] == "src" ? part[2] : part[1]
}
/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
	name = $0
	sub(/^[^<"]*[<"]/, "", name)
	sub(/[>"].*/, "", name)
	for (prefix in lib)
		if (index(name, prefix) == 1 && !within(room, lib[prefix]))
			wrong("<" name ">")
	split(name, path, "/")
	if ($0 ~ /"/) {
		seen++
		target = name ~ /\// ? path[1] : room
		if (!(room in may))
			wrong("anything: it has no row in " "test/house/arrows.sh")
		else if (target != room && !within(target, may[room]))
			wrong("\"" name "\"")
		else if (!(target in may))
			wrong("\"" name "\", which is in no room")
	}
}
END {
	if (seen == 0) {
		print "no #include line found: wrong directory?"
		exit 1
	}
	exit bad
}'
