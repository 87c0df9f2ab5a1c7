/* test_frame.c: an event goes in flat and comes out as a frame that libraries for protobuf and JSON read. */
#include "dnstap/frame.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "dnstap/dnstap.pb-c.h"
#include "dnstap/event_form.h"
#include "dnstap/extra.h"
#include "dnstap/wire.h"
#include "tests/unit/dnstap_event.h"

static uint8_t flat[EVENT_OCTETS_MAX];
static uint8_t packed[FRAME_OCTETS_MAX];
static const uint8_t longest_message[WIRE_RESPONSE_MAX];
static const struct frame_origin origin = { "resolver-1", "unbound-verdict 1", false };

static struct event_view read_back(const struct sample *sample)
{
	size_t octets = event_encode(&sample->event, flat, sizeof(flat));
	struct event_view view;

	assert_in_range(octets, 1, sizeof(flat));
	assert_true(event_read(&view, flat, octets));
	return view;
}

static Dnstap__Dnstap *frame_of(const struct sample *sample)
{
	struct event_view view = read_back(sample);
	size_t octets = frame_encode(&view, &origin, packed, sizeof(packed));
	Dnstap__Dnstap *dnstap = dnstap__dnstap__unpack(NULL, octets, packed);

	assert_non_null(dnstap);
	return dnstap;
}

static void assert_octets(ProtobufCBinaryData data, const char *wanted)
{
	assert_int_equal(data.len, strlen(wanted));
	assert_memory_equal(data.data, wanted, data.len);
}

static void assert_extra(const struct sample *sample, const char *wanted)
{
	struct event_view view = read_back(sample);
	char text[EXTRA_OCTETS_MAX];
	size_t octets = extra_write(&view, text, sizeof(text));
	json_t *json = json_loadb(text, octets, 0, NULL);

	text[octets] = '\0';
	assert_string_equal(text, wanted);
	assert_non_null(json);
	json_decref(json);
}

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

static void extra_tells_verdict_rule_shadow_and_incident(void **state)
{
	struct sample sample;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	sample.verdict.shadow = sample.verdict.rule;
	sample.verdict.shadow.action = ACTION_SINKHOLE;
	sample.verdict.shadow.attack[0] = '\0';
	sample.event.dropped = 9;
	sample.event.left_out = 4;
	sample.event.path = PATH_CACHED;
	assert_extra(&sample, "{\"v\":1,\"boot\":\"0123456789ab\",\"worker\":3,\"seq\":17,\"path\":\"cached\","
		"\"verdict\":\"refuse\",\"list\":\"malware\",\"rule\":\"*.example.com\",\"trigger\":\"QNAME\",\"serial\":42,"
		"\"category\":\"c2\",\"attack\":[\"T1071.004\",\"T1568.002\"],\"ede\":18,"
		"\"shadow\":{\"list\":\"malware\",\"rule\":\"*.example.com\",\"action\":\"sinkhole\",\"category\":\"c2\"},"
		"\"incident\":\"0123456789ab.3.17\",\"dropped\":9,\"left_out\":4}");
}

static void extra_tells_the_group_if_there_are_groups(void **state)
{
	struct sample sample;

	(void)state;
	sample_init(&sample, NULL, 0);
	strcpy(sample.verdict.group_name, "branch");
	assert_extra(&sample, "{\"v\":1,\"boot\":\"0123456789ab\",\"worker\":3,\"seq\":17,\"path\":\"resolved\","
		"\"verdict\":\"allow\",\"group\":\"branch\"}");
}

static struct name name_of(const char *text)
{
	struct name name;

	assert_null(name_from_text(&name, text, strlen(text)));
	return name;
}

static void extra_tells_what_stands_behind_an_answer(void **state)
{
	static const struct address first = { ADDRESS_INET, 0, { 192, 0, 2, 1 } }, none = { .family = ADDRESS_NONE };
	static const struct address second = { ADDRESS_INET6, 0, { 0x20, 1, 0xd, 0xb8, [15] = 1 } };
	const struct name one = name_of("ns1.example.com"), odd = name_of("n\\\"s.test"), root = name_of(".");
	struct behind behind;
	struct sample sample;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample.event.behind = &behind;
	behind_init(&behind);
	behind.security = SECURITY_INSECURE;
	assert_extra(&sample, "{\"v\":1,\"boot\":\"0123456789ab\",\"worker\":3,\"seq\":17,\"path\":\"resolved\","
		"\"verdict\":\"allow\",\"security\":\"insecure\"}");
	behind.has_servers = true;
	behind.security = SECURITY_UNKNOWN;
	assert_extra(&sample, "{\"v\":1,\"boot\":\"0123456789ab\",\"worker\":3,\"seq\":17,\"path\":\"resolved\","
		"\"verdict\":\"allow\",\"servers\":[]}");
	assert_true(behind_add(&behind, &one, &first) && behind_add(&behind, &one, &second));
	assert_true(behind_add(&behind, &odd, &none) && behind_add(&behind, &odd, &none));
	assert_true(behind_add(&behind, &root, &first));
	assert_extra(&sample, "{\"v\":1,\"boot\":\"0123456789ab\",\"worker\":3,\"seq\":17,\"path\":\"resolved\","
		"\"verdict\":\"allow\",\"servers\":[{\"name\":\"ns1.example.com\",\"addresses\":[\"192.0.2.1\",\"2001:db8::1\"]},"
		"{\"name\":\"n\\\\034s.test\"},{\"name\":\"n\\\\034s.test\"},{\"addresses\":[\"192.0.2.1\"]}]}");
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

static void extra_is_valid_whatever_the_texts_hold(void **state)
{
	static const struct { const char *list, *shown, *why; } rows[] = {
		{ "a\"b\\c", "a\\\"b\\\\c", "JSON's own" },
		{ "\1\x1f\x7f\n", "\\u0001\\u001f\\u007f\\u000a", "controls" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "good UTF-8" },
		{ "\xf0\x9f\x92\xa9", "\xf0\x9f\x92\xa9", "four octets" },
		{ "\xff\x80", "\xef\xbf\xbd\xef\xbf\xbd", "no UTF-8" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", "overlong" },
		{ "\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "overlong in three" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "a surrogate" },
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "above U+10FFFF" },
		{ "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd", "cut short" },
	};
	struct sample sample;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[EXTRA_OCTETS_MAX + 1], wanted[128];
		struct event_view view;
		size_t octets;
		json_t *json;

		sample_init(&sample, NULL, 0);
		sample_refuse(&sample);
		strcpy(sample.verdict.rule.list, rows[i].list);
		view = read_back(&sample);
		octets = extra_write(&view, text, sizeof(text) - 1);
		text[octets] = '\0';
		json = json_loads(text, 0, NULL);
		snprintf(wanted, sizeof(wanted), "\"list\":\"%s\",", rows[i].shown);
		if (!json || !strstr(text, wanted))
			fail_msg("%s: %s", rows[i].why, text);
		json_decref(json);
	}
}

static void the_longest_texts_fit(void **state)
{
	struct event_view view;
	struct sample sample;
	uint8_t worst[NAME_TEXT_MAX + 2];
	struct name longest = { .length = 1 };
	struct behind behind;
	char text[EXTRA_OCTETS_MAX];

	(void)state;
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	sample.verdict.shadow = sample.verdict.rule;
	view = read_back(&sample);
	view.number = (struct frame_number){ 0xffffffffffff, UINT16_MAX, UINT64_MAX };
	view.dropped = view.left_out = UINT64_MAX;
	memset(worst, 1, sizeof(worst));
	view.rule.list = view.shadow.list = (struct span){ worst, LIST_NAME_MAX };
	view.rule.rule = view.shadow.rule = (struct span){ worst, NAME_TEXT_MAX + 2 };
	view.rule.category = view.shadow.category = (struct span){ worst, CATEGORY_MAX };
	view.group = (struct span){ worst, LIST_NAME_MAX };
	view.rule.attack = view.shadow.attack = (struct span){ worst, ATTACK_MAX };
	behind_init(&behind);
	while (behind_add(&behind, &longest, &(struct address){ ADDRESS_INET6, 0, { [0 ... 15] = 0xff } }))
		longest = name_of(behind.count % 2 == 0 ? "\\001\\002\\003\\004" : "\\001\\002\\003\\004\\005\\006\\007");
	view.has_servers = true;
	view.security = SECURITY_INSECURE;
	view.servers = (struct span){ behind.octets, behind.used };
	view.query = (struct span){ longest_message, WIRE_QUERY_MAX };
	view.response = (struct span){ longest_message, WIRE_RESPONSE_MAX };
	assert_in_range(extra_write(&view, text, sizeof(text)), 20000, sizeof(text));
	assert_true(frame_encode(&view, &origin, packed, sizeof(packed)) > 0);
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
		cmocka_unit_test(extra_tells_verdict_rule_shadow_and_incident),
		cmocka_unit_test(extra_tells_the_group_if_there_are_groups),
		cmocka_unit_test(extra_tells_what_stands_behind_an_answer),
		cmocka_unit_test(what_the_release_before_left_in_a_ring_is_read),
		cmocka_unit_test(extra_is_valid_whatever_the_texts_hold),
		cmocka_unit_test(the_longest_texts_fit),
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
