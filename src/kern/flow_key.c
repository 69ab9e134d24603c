#include "kern/flow_key.h"

struct flow_key
flow_key_of(const uint8_t hash_key[16], const struct flow *flow)
{
	uint8_t room[128], other_key[16];
	struct wr w = wr_of(room, sizeof(room));
	struct flow_key k;

	flow_encode(&w, flow);
	for (size_t i = 0; i < sizeof(other_key); i++)
		other_key[i] = (uint8_t)~hash_key[i];

	struct wr out = wr_of(k.b, sizeof(k.b));
	wr_u64(&out, siphash(hash_key, wr_done(&w)));
	wr_u64(&out, siphash(other_key, wr_done(&w)));
	return k;
}

struct view
flow_key_view(const struct flow_key *k)
{
	return view_of(k->b, sizeof(k->b));
}
