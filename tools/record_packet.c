/* record_packet.c: past the headers of a packet, to the DNS message in it. */
#include "tools/record_packet.h"

#include <pcap/pcap.h>
#include <string.h>

#define PORT_DNS 53
#define ETHERTYPE_IP 0x0800
#define ETHERTYPE_IP6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_QINQ_OLD 0x9100
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define IP6_HOP_BY_HOP 0
#define IP6_ROUTING 43
#define IP6_FRAGMENT 44
#define IP6_DESTINATION 60

struct packet {
	const uint8_t *at;
	size_t left;
};

static bool skip(struct packet *packet, size_t octets)
{
	if (octets > packet->left)
		return false;
	packet->at += octets;
	packet->left -= octets;
	return true;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static bool past_ethernet(struct packet *packet, size_t head)
{
	uint16_t type;

	do {
		if (packet->left < head)
			return false;
		type = get16(packet->at + head - 2);
		skip(packet, head);
		head = 4;
	} while (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD);
	return type == ETHERTYPE_IP || type == ETHERTYPE_IP6;
}

/* Behind the link's own header; false: it holds no IP. */
static bool past_link(struct packet *packet, int link)
{
	switch (link) {
	case DLT_EN10MB: return past_ethernet(packet, 14);
	case DLT_LINUX_SLL: return past_ethernet(packet, 16);
	case DLT_LINUX_SLL2:
		return packet->left >= 20 && (get16(packet->at) == ETHERTYPE_IP || get16(packet->at) == ETHERTYPE_IP6) &&
			skip(packet, 20);
	case DLT_NULL: case DLT_LOOP: return skip(packet, 4);
	case DLT_RAW: case DLT_IPV4: case DLT_IPV6: return true;
	default: return false;
	}
}

bool record_reads_link(int link)
{
	static const int links[] = { DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL, DLT_LOOP,
		DLT_RAW, DLT_IPV4, DLT_IPV6 };

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (links[i] == link)
			return true;
	return false;
}

struct ends {
	struct address from, to;
	unsigned protocol;
};

static struct address address_at(const uint8_t *octets, enum address_family family)
{
	struct address address = { .family = family };

	memcpy(address.octets, octets, family == ADDRESS_INET ? 4 : 16);
	return address;
}

static enum record_skip past_ip4(struct packet *packet, struct ends *ends)
{
	const uint8_t *ip = packet->at;
	size_t head = packet->left < 20 ? 0 : (size_t)(ip[0] & 15u) * 4, total = packet->left < 20 ? 0 : get16(ip + 2);

	if (head < 20 || total < head || head > packet->left)
		return SKIP_UNREADABLE;
	if ((get16(ip + 6) & 0x3fffu) != 0)
		return SKIP_FRAGMENT;
	if (total < packet->left)
		packet->left = total;
	*ends = (struct ends){ address_at(ip + 12, ADDRESS_INET), address_at(ip + 16, ADDRESS_INET), ip[9] };
	skip(packet, head);
	return SKIP_REASONS;
}

static enum record_skip past_ip6(struct packet *packet, struct ends *ends)
{
	const uint8_t *ip = packet->at;

	if (packet->left < 40)
		return SKIP_UNREADABLE;
	*ends = (struct ends){ address_at(ip + 8, ADDRESS_INET6), address_at(ip + 24, ADDRESS_INET6), ip[6] };
	if ((size_t)get16(ip + 4) + 40 < packet->left)
		packet->left = (size_t)get16(ip + 4) + 40;
	skip(packet, 40);
	while (ends->protocol == IP6_HOP_BY_HOP || ends->protocol == IP6_ROUTING || ends->protocol == IP6_DESTINATION) {
		const uint8_t *option = packet->at;

		if (packet->left < 8 || !skip(packet, 8 + (size_t)option[1] * 8))
			return SKIP_UNREADABLE;
		ends->protocol = option[0];
	}
	return ends->protocol == IP6_FRAGMENT ? SKIP_FRAGMENT : SKIP_REASONS;
}

/* Behind UDP's or TCP's header, and TCP's length of the message. */
static enum record_skip past_ports(struct packet *packet, struct ends *ends)
{
	const bool tcp = ends->protocol == PROTOCOL_TCP;
	size_t head;

	if (!tcp && ends->protocol != PROTOCOL_UDP)
		return SKIP_NOT_DNS;
	if (packet->left < (tcp ? 20u : 8u))
		return SKIP_UNREADABLE;
	ends->from.port = get16(packet->at);
	ends->to.port = get16(packet->at + 2);
	if (ends->from.port != PORT_DNS && ends->to.port != PORT_DNS)
		return SKIP_NOT_DNS;
	head = tcp ? (size_t)(packet->at[12] >> 4) * 4 : 8;
	if (!skip(packet, head))
		return SKIP_UNREADABLE;
	if (tcp && packet->left == 0)
		return SKIP_NOT_DNS;
	if (tcp && (packet->left < 2 || get16(packet->at) != packet->left - 2))
		return SKIP_FRAGMENT;
	if (tcp)
		skip(packet, 2);
	return SKIP_REASONS;
}

enum record_skip record_take_packet(int link, const uint8_t *octets, size_t length, struct recorded *to)
{
	struct packet packet = { octets, length };
	struct ends ends;
	enum record_skip why;

	if (!past_link(&packet, link))
		return SKIP_NOT_DNS;
	if (packet.left == 0)
		return SKIP_UNREADABLE;
	why = packet.at[0] >> 4 == 4 ? past_ip4(&packet, &ends) : packet.at[0] >> 4 == 6 ? past_ip6(&packet, &ends)
		: SKIP_NOT_DNS;
	if (why == SKIP_REASONS)
		why = past_ports(&packet, &ends);
	if (why != SKIP_REASONS)
		return why;
	if (!recorded_take_message(to, packet.at, packet.left))
		return SKIP_NO_QUESTION;
	to->client = to->answered ? ends.to : ends.from;
	to->server = to->answered ? ends.from : ends.to;
	return SKIP_REASONS;
}
