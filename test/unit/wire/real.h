/* Messages laid out by hand after the RFCs' pictures. */
#ifndef UNIT_WIRE_REAL_H
#define UNIT_WIRE_REAL_H

#include <stdint.h>

/*
 * Main mode, message 1: two transforms (AES-256/SHA2-256/group 14 and
 * 3DES/SHA/group 2), then the vendor IDs of RFC 3947 and RFC 3706.
 */
static const uint8_t real_first[] = {
	0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x07, 0x18, 0, 0, 0, 0, 0, 0, 0, 0,
	1, 0x10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 168,
	/* SA, 100 octets */
	13, 0, 0, 100, 0, 0, 0, 1, 0, 0, 0, 1,
	/* proposal 1, ISAKMP, no SPI, 2 transforms: 88 octets */
	0, 0, 0, 88, 1, 1, 0, 2,
	/* transform 1, KEY_IKE: 40 octets */
	3, 0, 0, 40, 1, 1, 0, 0,
	0x80, 1, 0, 7, 0x80, 14, 1, 0, 0x80, 2, 0, 4, 0x80, 3, 0, 1, 0x80, 4, 0, 14,
	0x80, 11, 0, 1, 0, 12, 0, 4, 0, 1, 0x51, 0x80,
	/* transform 2: 40 octets, its lifetime in eight octets */
	0, 0, 0, 40, 2, 1, 0, 0,
	0x80, 1, 0, 5, 0x80, 2, 0, 2, 0x80, 3, 0, 1, 0x80, 4, 0, 2, 0x80, 11, 0, 1,
	0, 12, 0, 8, 0, 0, 0, 0, 0, 0, 0x0e, 0x10,
	/* vendor ID of RFC 3947 */
	13, 0, 0, 20, 0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45,
	0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f,
	/* vendor ID of RFC 3706 */
	0, 0, 0, 20, 0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9,
	0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57, 1, 0,
};

#endif
