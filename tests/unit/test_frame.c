/* test_frame.c: an event goes in flat and comes out as a frame that libraries for protobuf and JSON read. */
#include "dnstap/frame.h"

#include "tests/unit/framing.h"

static void a_refused_answer_has_every_field(void **state)
{
	struct sample sample;
	Dnstap__Dnstap *dnstap;
	Dnstap__Message *message;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	dnstap = frame_of(&sample);
	message = dnstap->message;
	assert_octets(dnstap->identity, "resolver-1");
	assert_octets(dnstap->version, "unbound-verdict 1");
	assert_int_equal(message->type, DNSTAP__MESSAGE__TYPE__CLIENT_RESPONSE);
	assert_int_equal(message->socket_family, DNSTAP__SOCKET_FAMILY__INET);
	assert_int_equal(message->socket_protocol, DNSTAP__SOCKET_PROTOCOL__UDP);
	assert_int_equal(message->query_address.len, 4);
	assert_memory_equal(message->query_address.data, "\xc0\0\2\7", 4);
	assert_int_equal(message->query_port, 40000);
	assert_memory_equal(message->response_address.data, "\xc0\0\2\x35", 4);
	assert_int_equal(message->response_port, 53);
	assert_int_equal(message->query_time_sec, 1700000000);
	assert_int_equal(message->query_time_nsec, 1);
	assert_int_equal(message->response_time_nsec, 999999999);
	assert_int_equal(message->query_message.len, 12 + 17 + 4);
	assert_int_equal(message->response_message.data[3] & 15, 5);
	assert_string_equal(message->policy->type, "list");
	assert_octets(message->policy->rule, "malware:*.example.com");
	assert_int_equal(message->policy->action, DNSTAP__POLICY__ACTION__LOCAL_DATA);
	assert_int_equal(message->policy->match, DNSTAP__POLICY__MATCH__QNAME);
	assert_octets(message->policy->value, "www.example.com");
	assert_int_equal(message->has_http_protocol, 0);
	dnstap__dnstap__free_unpacked(dnstap, NULL);
}

/* Octets of a client's address anywhere in what is kept or sent. */
static bool tells(const struct sample *sample, const void *octets, size_t count)
{
	size_t kept = event_encode(&sample->event, flat, sizeof(flat)), sent;
	struct event_view view;

	assert_true(event_read(&view, flat, kept));
	sent = frame_encode(&view, &origin, packed, sizeof(packed));
	assert_in_range(sent, 1, sizeof(packed));
	return memmem(flat, kept, octets, count) || memmem(packed, sent, octets, count);
}

static void a_hidden_client_is_nowhere_in_its_frame(void **state)
{
	static const struct address shown = { ADDRESS_INET6, 0, { 1, [15] = 9 } };
	struct sample sample;
	Dnstap__Dnstap *dnstap;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	sample.verdict.rule.trigger = sample.verdict.shadow.trigger = TRIGGER_CLIENT_IP;
	strcpy(sample.verdict.shadow.list, "other");
	sample.verdict.rule.address = sample.verdict.rule.matched_address = sample.facts.client;
	sample.verdict.shadow.address = sample.facts.client;
	sample.verdict.rule.prefix_length = sample.verdict.shadow.prefix_length = 32;
	sample.verdict.rule.matched_name.length = sample.verdict.rule.rule_name.length = 0;
	sample.event.edns = true;
	sample.event.ede_text = "192.0.2.7/32";
	assert_true(tells(&sample, sample.facts.client.octets, 4));
	assert_true(tells(&sample, "192.0.2.7", 9));
	sample.event.privacy = PRIVACY_PSEUDONYM;
	sample.event.shown = &shown;
	assert_false(tells(&sample, sample.facts.client.octets, 4));
	assert_false(tells(&sample, "192.0.2.7", 9));
	assert_false(tells(&sample, "\x9c\x40", 2));   /* its port */
	dnstap = frame_of(&sample);
	assert_int_equal(dnstap->message->query_port, 0);
	assert_int_equal(dnstap->message->query_address.len, 16);
	assert_int_equal(dnstap->message->socket_family, DNSTAP__SOCKET_FAMILY__INET6);
	assert_octets(dnstap->message->policy->rule, "malware:(private)");
	assert_octets(dnstap->message->policy->value, "100::9");
	dnstap__dnstap__free_unpacked(dnstap, NULL);
}

static void an_allowed_answer_has_a_policy_all_the_same(void **state)
{
	struct sample sample;
	Dnstap__Dnstap *dnstap;

	(void)state;
	sample_init(&sample, NULL, 0);
	dnstap = frame_of(&sample);
	assert_string_equal(dnstap->message->policy->type, "none");
	assert_int_equal(dnstap->message->policy->has_action, 1);
	assert_int_equal(dnstap->message->policy->action, DNSTAP__POLICY__ACTION__PASS);
	assert_int_equal(dnstap->message->policy->has_rule, 0);
	dnstap__dnstap__free_unpacked(dnstap, NULL);
	assert_extra(&sample, "{\"v\":1,\"boot\":\"0123456789ab\",\"worker\":3,\"seq\":17,\"path\":\"resolved\","
		"\"verdict\":\"allow\"}");
}

static void actions_are_told_in_the_words_of_dnstap(void **state)
{
	static const struct { enum action action; int wanted; const char *why; } rows[] = {
		{ ACTION_PASS, DNSTAP__POLICY__ACTION__PASS, "exempt" },
		{ ACTION_OBSERVE, DNSTAP__POLICY__ACTION__PASS, "reported only" },
		{ ACTION_NXDOMAIN, DNSTAP__POLICY__ACTION__NXDOMAIN, "same word" },
		{ ACTION_NODATA, DNSTAP__POLICY__ACTION__NODATA, "same word" },
		{ ACTION_DROP, DNSTAP__POLICY__ACTION__DROP, "same word" },
		{ ACTION_TRUNCATE, DNSTAP__POLICY__ACTION__TRUNCATE, "same word" },
		{ ACTION_SINKHOLE, DNSTAP__POLICY__ACTION__LOCAL_DATA, "our own records" },
		{ ACTION_LOCAL_DATA, DNSTAP__POLICY__ACTION__LOCAL_DATA, "same word" },
	};
	struct sample sample;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		Dnstap__Dnstap *dnstap;

		sample_init(&sample, NULL, 0);
		sample_refuse(&sample);
		sample.verdict.action = rows[i].action;
		dnstap = frame_of(&sample);
		if ((int)dnstap->message->policy->action != rows[i].wanted)
			fail_msg("%s: %s", action_table[rows[i].action].name, rows[i].why);
		dnstap__dnstap__free_unpacked(dnstap, NULL);
	}
}

static void transports_are_told_as_they_are(void **state)
{
	static const struct { enum transport transport; int wanted; const char *why; } rows[] = {
		{ TRANSPORT_UNKNOWN, 0, "left out" }, { TRANSPORT_UDP, 1, "UDP" }, { TRANSPORT_TCP, 2, "TCP" },
		{ TRANSPORT_DOT, 3, "TLS" }, { TRANSPORT_DOH, 4, "HTTPS" }, { TRANSPORT_DOQ, 7, "QUIC" },
	};
	struct sample sample;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		Dnstap__Dnstap *dnstap;

		sample_init(&sample, NULL, 0);
		sample.facts.transport = rows[i].transport;
		dnstap = frame_of(&sample);
		if ((dnstap->message->has_socket_protocol ? (int)dnstap->message->socket_protocol : 0) != rows[i].wanted)
			fail_msg("%s", rows[i].why);
		assert_int_equal(dnstap->message->has_http_protocol, rows[i].transport == TRANSPORT_DOH);
		dnstap__dnstap__free_unpacked(dnstap, NULL);
	}
}

static void what_the_release_before_left_in_a_ring_is_read(void **state)
{
	struct sample sample;
	struct event_view view;
	uint16_t version = EVENT_FORM_VERSION_2;
	size_t octets;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	octets = event_encode(&sample.event, flat, sizeof(flat));
	memcpy(flat + offsetof(struct event_form, version), &version, sizeof(version));
	assert_false(event_read(&view, flat, octets));
	octets -= sizeof(struct event_form) - EVENT_FORM_OCTETS_2;
	memmove(flat + EVENT_FORM_OCTETS_2, flat + sizeof(struct event_form), octets - EVENT_FORM_OCTETS_2);
	assert_true(event_read(&view, flat, octets));
	assert_int_equal(view.action, ACTION_REFUSE);
	assert_int_equal(view.security, SECURITY_UNKNOWN);
	assert_false(view.has_servers);
	assert_int_equal(view.servers.length, 0);
	for (size_t cut = 0; cut < octets; cut++)
		assert_false(event_read(&view, flat, cut));
}

static void the_value_is_what_matched(void **state)
{
	static const struct {
		enum trigger trigger;
		unsigned chain;
		const char *name;           /* NULL: none */
		struct address address;
		const char *value, *why;
	} rows[] = {
		{ TRIGGER_QNAME, 0, "www.example.com", { 0 }, "www.example.com", "the question's name" },
		{ TRIGGER_QNAME, 0, NULL, { 0 }, "www.example.com", "and when nothing else is said" },
		{ TRIGGER_QNAME, 1, "evil.example.net", { 0 }, "evil.example.net", "a later name of the chain" },
		{ TRIGGER_QNAME, 1, NULL, { 0 }, NULL, "a later name that is not known" },
		{ TRIGGER_NSDNAME, 0, "ns.evil.example", { 0 }, "ns.evil.example", "a name server" },
		{ TRIGGER_NSDNAME, 0, NULL, { 0 }, NULL, "a name server that is not known" },
		{ TRIGGER_IP, 0, NULL, { ADDRESS_INET, 0, { 192, 0, 2, 9 } }, "192.0.2.9", "an address" },
		{ TRIGGER_NSIP, 2, NULL, { ADDRESS_INET6, 0, { 0x20, 1, 0xd, 0xb8, [15] = 1 } }, "2001:db8::1", "IPv6" },
		{ TRIGGER_CLIENT_IP, 0, NULL, { ADDRESS_INET, 0, { 10, 0, 0, 1 } }, "10.0.0.1", "a client" },
		{ TRIGGER_IP, 0, NULL, { 0 }, NULL, "an address that is not known" },
	};
	struct sample sample;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rule_match *rule = &sample.verdict.rule;
		Dnstap__Policy *policy;
		Dnstap__Dnstap *dnstap;

		sample_init(&sample, NULL, 0);
		sample_refuse(&sample);
		rule->trigger = rows[i].trigger;
		rule->chain = (uint8_t)rows[i].chain;
		rule->matched_address = rows[i].address;
		if (rows[i].name)
			name_from_text(&rule->matched_name, rows[i].name, strlen(rows[i].name));
		dnstap = frame_of(&sample);
		policy = dnstap->message->policy;
		if (!rows[i].value != !policy->has_value)
			fail_msg("%s", rows[i].why);
		if (rows[i].value)
			assert_octets(policy->value, rows[i].value);
		dnstap__dnstap__free_unpacked(dnstap, NULL);
	}
}

static void a_rule_for_addresses_reads_as_a_prefix(void **state)
{
	struct sample sample;
	struct rule_match *rule = &sample.verdict.rule;
	Dnstap__Dnstap *dnstap;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	rule->trigger = TRIGGER_IP;
	rule->address = (struct address){ ADDRESS_INET, 0, { 192, 0, 2 } };
	rule->prefix_length = 24;
	dnstap = frame_of(&sample);
	assert_octets(dnstap->message->policy->rule, "malware:192.0.2.0/24");
	assert_int_equal(dnstap->message->policy->match, DNSTAP__POLICY__MATCH__RESPONSE_IP);
	dnstap__dnstap__free_unpacked(dnstap, NULL);
}

static void a_dropped_answer_has_no_response(void **state)
{
	struct sample sample;
	Dnstap__Dnstap *dnstap;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample.event.path = PATH_DROPPED;
	sample.event.query_time = (struct timespec){ 0, 0 };
	dnstap = frame_of(&sample);
	assert_int_equal(dnstap->message->has_response_message, 0);
	assert_int_equal(dnstap->message->has_query_time_sec, 0);
	assert_int_equal(dnstap->message->has_response_time_sec, 1);
	dnstap__dnstap__free_unpacked(dnstap, NULL);
}

static void numbers_read_as_boot_worker_and_counter(void **state)
{
	static const struct { struct frame_number number; const char *text; } rows[] = {
		{ { 0, 0, 0 }, "000000000000.0.0" },
		{ { 0x0123456789ab, 3, 17 }, "0123456789ab.3.17" },
		{ { 0xffffffffffff, UINT16_MAX, UINT64_MAX }, "ffffffffffff.65535.18446744073709551615" },
	};
	char text[FRAME_NUMBER_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(frame_number_text(&rows[i].number, text), rows[i].text);
}

static void counters_of_every_size_read_as_decimals(void **state)
{
	char text[FRAME_NUMBER_TEXT_MAX], expected[FRAME_NUMBER_TEXT_MAX];

	(void)state;
	for (uint64_t most = 1; most != 0; most = most <= UINT64_MAX / 3 ? most * 3 : 0) {
		for (uint64_t counter = most - 1; counter <= most + 1; counter++) {
			const struct frame_number number = { 1, (uint16_t)most, counter };

			snprintf(expected, sizeof(expected), "000000000001.%u.%llu", (unsigned)number.worker,
				(unsigned long long)counter);
			assert_string_equal(frame_number_text(&number, text), expected);
		}
	}
	for (uint64_t counter = 0; counter < 2000000; counter += counter < 20000 ? 1 : 997) {
		const struct frame_number number = { 1, 0, counter * 100 };

		snprintf(expected, sizeof(expected), "000000000001.0.%llu", (unsigned long long)counter * 100);
		assert_string_equal(frame_number_text(&number, text), expected);
	}
}

static void encodes_all_or_nothing_in_every_size(void **state)
{
	struct sample sample;
	struct event_view view;
	size_t need, cap;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	need = event_encode(&sample.event, flat, sizeof(flat));
	for (cap = 0; cap <= need; cap++) {
		uint8_t *exact = malloc(cap ? cap : 1);

		assert_int_equal(event_encode(&sample.event, exact, cap), cap == need ? need : 0);
		free(exact);
	}
	view = read_back(&sample);
	need = frame_encode(&view, &origin, packed, sizeof(packed));
	for (cap = 0; cap <= need; cap++) {
		uint8_t *exact = malloc(cap ? cap : 1);

		assert_int_equal(frame_encode(&view, &origin, exact, cap), cap == need ? need : 0);
		free(exact);
	}
}

/* Damages every octet in turn, and cuts at every length: refused, or readable within bounds (the sanitizer looks). */
static void damaged_events_are_refused_or_harmless(void **state)
{
	struct sample sample;
	struct event_view view;
	size_t octets, i;
	unsigned flip;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	octets = event_encode(&sample.event, flat, sizeof(flat));
	for (i = 0; i < octets; i++) {
		for (flip = 1; flip < 256; flip += 2) {
			uint8_t *copy = malloc(octets);

			memcpy(copy, flat, octets);
			copy[i] = (uint8_t)(copy[i] ^ flip);
			if (event_read(&view, copy, octets))
				assert_true(frame_encode(&view, &origin, packed, sizeof(packed)) > 0);
			free(copy);
		}
		assert_false(event_read(&view, flat, i));
	}
	assert_true(event_read(&view, flat, octets));
	assert_false(event_read(&view, flat, octets + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_answer_has_every_field),
		cmocka_unit_test(a_hidden_client_is_nowhere_in_its_frame),
		cmocka_unit_test(an_allowed_answer_has_a_policy_all_the_same),
		cmocka_unit_test(actions_are_told_in_the_words_of_dnstap),
		cmocka_unit_test(transports_are_told_as_they_are),
		cmocka_unit_test(what_the_release_before_left_in_a_ring_is_read),
		cmocka_unit_test(the_value_is_what_matched),
		cmocka_unit_test(a_rule_for_addresses_reads_as_a_prefix),
		cmocka_unit_test(a_dropped_answer_has_no_response),
		cmocka_unit_test(numbers_read_as_boot_worker_and_counter),
		cmocka_unit_test(counters_of_every_size_read_as_decimals),
		cmocka_unit_test(encodes_all_or_nothing_in_every_size),
		cmocka_unit_test(damaged_events_are_refused_or_harmless),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
