/* servers_note.c: servers to an RRset and back. */
#include "module/servers_note.h"

#include <string.h>

#define NOTE_TYPE 65280u                /* private use (RFC 6895 section 3.1) */
#define NOTE_FLAG (UINT32_C(1) << 30)   /* no flag of Unbound's: no RRset of a message can have it */
#define RDATA_HEAD 2u                   /* each rdata of Unbound's begins with its length */

/* A record of the note is one of these, its kind first. */
enum note_kind { NOTE_HEAD, NOTE_NAME, NOTE_SERVER };
enum {
	HEAD_OCTETS = 9,     /* kind, dots_min, left_out */
	SERVER_OCTETS = 22,  /* kind, name, chain, family, address, labels of its zone, and of a stub */
};

/* One block, as Unbound's caches expect; the lengths are set. NULL: no memory. */
static struct packed_rrset_data *make_data(const struct servers *servers, struct regional *region)
{
	const size_t count = 1 + servers->name_count + servers->count;
	size_t octets = sizeof(struct packed_rrset_data) +
		count * (sizeof(size_t) + sizeof(uint8_t *) + sizeof(time_t)) + RDATA_HEAD + HEAD_OCTETS +
		servers->count * (RDATA_HEAD + SERVER_OCTETS);
	struct packed_rrset_data *data;

	for (size_t i = 0; i < servers->name_count; i++)
		octets += RDATA_HEAD + 1 + servers->names[i].length;
	data = regional_alloc_zero(region, octets);
	if (data == NULL)
		return NULL;
	data->count = count;
	data->rr_len = (size_t *)(data + 1);
	for (size_t i = 0; i < count; i++)
		data->rr_len[i] = RDATA_HEAD + (i == 0 ? HEAD_OCTETS : i <= servers->name_count ?
			1u + servers->names[i - 1].length : SERVER_OCTETS);
	packed_rrset_ptr_fixup(data);
	return data;
}

static void write_head(const struct servers *servers, uint8_t *to)
{
	to[0] = NOTE_HEAD;
	sldns_write_uint32(to + 1, servers->dots_min);
	sldns_write_uint32(to + 5, (uint32_t)servers->left_out);
}

static void write_server(const struct servers *servers, size_t index, uint8_t *to)
{
	to[0] = NOTE_SERVER;
	to[1] = servers->found[index].name;
	to[2] = servers->found[index].chain;
	to[3] = (uint8_t)servers->found[index].address.family;
	memcpy(to + 4, servers->found[index].address.octets, 16);
	to[20] = servers->found[index].zone_labels;
	to[21] = servers->found[index].configured_labels;
}

static void write_data(const struct servers *servers, struct packed_rrset_data *data, time_t ttl)
{
	for (size_t i = 0; i < data->count; i++) {
		uint8_t *to = data->rr_data[i] + RDATA_HEAD;

		data->rr_ttl[i] = ttl;
		sldns_write_uint16(data->rr_data[i], (uint16_t)(data->rr_len[i] - RDATA_HEAD));
		if (i == 0) {
			write_head(servers, to);
		} else if (i <= servers->name_count) {
			to[0] = NOTE_NAME;
			memcpy(to + 1, servers->names[i - 1].octets, servers->names[i - 1].length);
		} else {
			write_server(servers, i - 1 - servers->name_count, to);
		}
	}
}

struct ub_packed_rrset_key *servers_note(const struct servers *servers, const struct module_qstate *qstate)
{
	const struct reply_info *reply = qstate->return_msg->rep;
	struct ub_packed_rrset_key *key = regional_alloc_zero(qstate->region, sizeof(*key));
	struct packed_rrset_data *data = make_data(servers, qstate->region);

	if (key == NULL || data == NULL)
		return NULL;
	data->ttl = reply->ttl;
	data->trust = rrset_trust_ultimate;
	/* A message is secure as long as all its RRsets are. */
	data->security = reply->security;
	write_data(servers, data, reply->ttl);
	key->rk.dname = qstate->qinfo.qname;
	key->rk.dname_len = qstate->qinfo.qname_len;
	/* One name has as many notes as types of questions: their chains can differ. */
	key->rk.flags = NOTE_FLAG | qstate->qinfo.qtype;
	key->rk.type = htons(NOTE_TYPE);
	key->rk.rrset_class = htons(qstate->qinfo.qclass);
	key->entry.key = key;
	key->entry.data = data;
	key->entry.hash = rrset_key_hash(&key->rk);
	return key;
}

bool servers_is_note(const struct ub_packed_rrset_key *key)
{
	return key->rk.type == htons(NOTE_TYPE) && (key->rk.flags & NOTE_FLAG) != 0;
}

/* --- and back --------------------------------------------------------------------------------------------------- */

static bool read_server(struct servers *servers, const uint8_t *from)
{
	if (servers->count == SERVERS_ADDRESSES_MAX || from[1] >= servers->name_count)
		return false;
	servers->found[servers->count].name = from[1];
	servers->found[servers->count].chain = from[2];
	servers->found[servers->count].address = (struct address){ .family = (enum address_family)from[3] };
	memcpy(servers->found[servers->count].address.octets, from + 4, 16);
	servers->found[servers->count].zone_labels = from[20];
	servers->found[servers->count].configured_labels = from[21];
	servers->count++;
	return true;
}

static bool read_record(struct servers *servers, const uint8_t *from, size_t octets)
{
	switch (octets > 0 ? from[0] : NOTE_HEAD) {
	case NOTE_HEAD:
		if (octets != HEAD_OCTETS)
			return false;
		servers->dots_min = sldns_read_uint32(from + 1);
		servers->left_out = sldns_read_uint32(from + 5);
		return true;
	case NOTE_NAME:
		return servers->name_count < FACTS_SERVERS_MAX &&
			name_from_wire(&servers->names[servers->name_count++], from + 1, octets - 1);
	case NOTE_SERVER:
		return octets == SERVER_OCTETS && read_server(servers, from);
	default:
		return false;
	}
}

bool servers_attach_note(struct servers *servers, struct facts *facts, const struct ub_packed_rrset_key *note,
	const struct snapshot *snapshot)
{
	const struct packed_rrset_data *data = note != NULL ? note->entry.data : NULL;

	facts->servers = NULL;
	facts->servers_source = NULL;
	if (!servers_wanted(snapshot))
		return true;
	servers->name_count = 0;
	servers->count = 0;
	for (size_t i = 0; data != NULL && i < data->count; i++)
		if (!read_record(servers, data->rr_data[i] + RDATA_HEAD, data->rr_len[i] - RDATA_HEAD))
			return false;
	if (data == NULL || servers->dots_min != snapshot_options(snapshot)->min_ns_dots)
		return false;
	servers_show(servers, facts);
	return true;
}
