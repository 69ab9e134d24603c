/*
 * The mark on packets that the daemon itself sends to its peers (IKE and
 * ESP).  Routing rules of the user back end let marked packets pass, so that
 * a flow whose remote side contains the peer's own address does not swallow
 * the tunnel that carries it.
 */
#ifndef BASE_MARK_H
#define BASE_MARK_H

enum { OUTER_MARK = 0x15a4 };

#endif
