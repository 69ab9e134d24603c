/*
 * dns ADDRESS NAME RESULT - a name server for tests: says on UDP port 53 of
 * ADDRESS that NAME has the IPv4 address RESULT, and that there is nothing else.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD = 12, ROOM = 512, TYPE_A = 1, NXDOMAIN = 3 };

/* The name of the question as text; octets it took, 0 if it is none. */
static size_t
read_name(const uint8_t *p, size_t n, char *ret)
{
	size_t at = 0, out = 0;

	while (at < n && p[at] != 0) {
		size_t label = p[at++];
		if (label > 63 || at + label >= n)
			return 0;
		if (out > 0)
			ret[out++] = '.';
		memcpy(ret + out, p + at, label);
		out += label;
		at += label;
	}
	ret[out] = '\0';
	return at + 1;
}

/* RFC 1035 4.1: makes the answer in place; its length, 0: none. */
static size_t
answer(uint8_t *p, size_t n, const char *name, const uint8_t address[4])
{
	static const uint8_t record[] = { 0xc0, HEAD, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4 };
	char asked[ROOM] = "";

	if (n < HEAD + 5 || n > ROOM - 32)
		return 0;
	size_t took = read_name(p + HEAD, n - HEAD, asked);
	if (took == 0 || HEAD + took + 4 > n)
		return 0;
	bool known = strcasecmp(asked, name) == 0;
	bool has = known && p[HEAD + took] == 0 && p[HEAD + took + 1] == TYPE_A;
	size_t end = HEAD + took + 4;
	p[2] = 0x84;
	p[3] = known ? 0 : NXDOMAIN;
	memset(p + 6, 0, 6);
	p[7] = has;
	if (!has)
		return end;
	memcpy(p + end, record, sizeof(record));
	memcpy(p + end + sizeof(record), address, 4);
	return end + sizeof(record) + 4;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(53) };
	uint8_t address[4], p[ROOM];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (argc != 4 || inet_pton(AF_INET, argv[1], &a.sin_addr) != 1 ||
	    inet_pton(AF_INET, argv[3], address) != 1) {
		fprintf(stderr, "usage: dns address name result\n");
		return 2;
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		perror("dns");
		return 1;
	}
	for (;;) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&from, &len);

		if (n < 0)
			return 1;
		size_t out = answer(p, (size_t)n, argv[2], address);
		if (out > 0)
			(void)!sendto(fd, p, out, 0, (struct sockaddr *)&from, len);
	}
}
