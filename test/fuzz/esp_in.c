/*
 * Hostile outer packets.  The first octet chooses: the rest is an ESP packet
 * as it came, or a text that is sealed first (a hostile peer's own).
 */
#include "fuzz/esp_planes.h"

#include "crypto/esp_cipher.h"
#include "esp/ip.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
seal(struct fuzz_buf *f, unsigned i, uint32_t seq)
{
	struct sa_spec s = fuzz_spec(i);
	struct esp_cipher *c;
	size_t text_n = f->b.n;
	uint8_t *icv = buf_put(&f->b, 12), *head = buf_push(&f->b, 8);

	assert(icv != NULL && head != NULL);
	struct wr w = wr_of(head, 8);
	bool ok = true;

	wr_u32(&w, s.in.spi);
	wr_u32(&w, seq);
	ok = ok && esp_cipher_new(&s.suite, secret_view(&s.in.keymat), true, &c) == WHY_NONE;
	ok = ok && esp_cipher_seal(c, 0, head, text_n);
	assert(ok);
	esp_cipher_free(c);
	sa_spec_done(&s);
}

static void
deliver(struct esp_plane *p, struct fuzz_buf *f, uint8_t choice)
{
	struct path path = { .encap = (choice & 3) == 3 };
	struct esp_came came = { .path = &path, .tos = choice };
	struct ip_info ip;
	struct esp_event e;
	bool ok = addr_parse("198.51.100.1", &path.remote.addr);

	ok = addr_parse("192.0.2.1", &path.local.addr) && ok;
	path.remote.port = choice;
	/* What passes is a whole packet inside the buffer. */
	if (esp_plane_in(p, (struct mono){ 1 }, &came, &f->b) == WHY_NONE && f->b.n > 0)
		ok = ip_parse(buf_view(&f->b), &ip) && ip.total_n == f->b.n && ok;
	while (esp_plane_event(p, &e))
		;
	assert(ok);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct esp_plane *plane;
	static uint32_t seq;

	if (n == 0 || n > 4096)
		return 0;
	if (plane == NULL || ++seq == UINT32_MAX) {
		esp_plane_free(plane);
		plane = fuzz_plane();
		seq = 0;
	}
	struct fuzz_buf f = fuzz_buf_of(data + 1, n - 1);
	if ((data[0] & 4) != 0)
		seal(&f, data[0] & 3, seq + 1);
	deliver(plane, &f, data[0]);
	free(f.room);
	return 0;
}
