/*
 * monitor: the only role that keeps its rights.  It opens files and sockets,
 * starts the other roles, writes what they log, forwards signals, and
 * decides what happens when one dies.  It parses nothing that a peer sent.
 */
#ifndef ROLE_MONITOR_H
#define ROLE_MONITOR_H

#include "role/options.h"

/* The whole life of the daemon; its exit status. */
int	monitor_run(struct options *);

#endif
