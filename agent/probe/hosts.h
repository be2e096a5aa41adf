#ifndef PARALLAX_PROBE_HOSTS_H
#define PARALLAX_PROBE_HOSTS_H

#include "words/address.h"

#include <stddef.h>

/*
 * The hosts file (hosts(5)), read again whenever it changes. "localhost" and names under it are loopback even
 * when the file does not say so (RFC 6761, 6.3).
 */
struct hosts;

enum { HOSTS_MAX_BYTES = 1 << 20 };

/** @param path  usually "/etc/hosts". @return NULL without memory; a file that cannot be read is an empty
 * one. */
struct hosts *hosts_new(const char *path);
void hosts_free(struct hosts *hosts);

/**
 * Addresses of a name, in the file's order.
 * @param family  AF_INET or AF_INET6.
 * @return how many were written, at most max.
 */
size_t hosts_find(struct hosts *hosts, const char *name, int family, struct address *ret_addresses,
                  size_t max);

#endif
