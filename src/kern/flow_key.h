/*
 * A flow as a key for a map: a flow's octets exceed what a map keeps, so the
 * key is their hash, twice under different keys.  Who finds an entry still
 * compares the flow itself.
 */
#ifndef KERN_FLOW_KEY_H
#define KERN_FLOW_KEY_H

#include "base/map.h"
#include "base/sa_spec.h"

struct flow_key { uint8_t b[16]; };

struct flow_key	flow_key_of(const uint8_t hash_key[16], const struct flow *);
struct view	flow_key_view(const struct flow_key *);

#endif
