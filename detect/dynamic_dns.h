/*
 * dynamic_dns.h: zones whose names are handed out to anyone, each with an owner who answers for what is below it.
 *
 * Well-known providers and the zones that they offer, gathered from what they publish. Below them a registrable domain
 * has one label more.
 */
#ifndef DETECT_DYNAMIC_DNS_H
#define DETECT_DYNAMIC_DNS_H

#include <stddef.h>

extern const char *const dynamic_dns_zones[];
extern const size_t dynamic_dns_count;

#endif
