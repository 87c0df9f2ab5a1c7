/*
 * record_packet.h: the DNS message of a captured packet (RFC 791, 8200, 768, 9293; RFC 1035 section 4.2).
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_RECORD_PACKET_H
#define TOOLS_RECORD_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/record_source.h"

/* Are packets of that link type (pcap's DLT_) read? */
bool record_reads_link(int link);

/* Takes the message out of a packet of the link type. SKIP_REASONS: it was taken; else why not. */
enum record_skip record_take_packet(int link, const uint8_t *octets, size_t length, struct recorded *to);

#endif
