/*
 * Hostile inner packets: nothing leaves but ESP, or an ICMP error that is a
 * whole packet.
 */
#include "fuzz/esp_planes.h"

#include "esp/ip.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct esp_plane *plane;
	static int64_t second;
	struct esp_sent sent;
	struct ip_info ip;
	bool ok = true;

	if (n > 65535)
		return 0;
	if (plane == NULL)
		plane = fuzz_plane();
	struct fuzz_buf f = fuzz_buf_of(data, n);
	/* A second for each, so that no limit of ICMP is in the way. */
	struct mono now = { second++ % 1000000 * 1000000 };
	if (esp_plane_out(plane, now, &f.b, &sent) == WHY_NONE) {
		struct rd r = rd_of(buf_view(&f.b));
		uint32_t spi = rd_u32(&r);

		ok = spi >= FUZZ_SPI && spi < FUZZ_SPI + FUZZ_SAS;
	} else if (sent.reply) {
		ok = ip_parse(buf_view(&f.b), &ip) && ip.total_n == f.b.n &&
		    (ip.protocol == IPPROTO_ICMP_ || ip.protocol == IPPROTO_ICMPV6_);
	}
	assert(ok);
	free(f.room);
	return 0;
}
