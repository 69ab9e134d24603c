/*
 * dgrams PATH - makes a UNIX datagram socket there and prints what comes, an
 * empty line after each: a syslog or a journal for tests.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int
main(int argc, char **argv)
{
	struct sockaddr_un me = { .sun_family = AF_UNIX };
	static char room[65536];
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (argc != 2 || strlen(argv[1]) >= sizeof(me.sun_path) || fd < 0)
		return 1;
	memcpy(me.sun_path, argv[1], strlen(argv[1]));
	if (bind(fd, (const struct sockaddr *)&me, sizeof(me)) < 0) {
		perror(argv[1]);
		return 1;
	}
	for (ssize_t n; (n = recv(fd, room, sizeof(room), 0)) >= 0;) {
		fwrite(room, 1, (size_t)n, stdout);
		puts("\n");
		fflush(stdout);
	}
	return 1;
}
