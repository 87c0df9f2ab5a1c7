/* test_frame_extra.c: the words of a frame, which libraries for JSON read. */
#include "dnstap/frame.h"

#include "tests/unit/framing.h"

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

static void extra_tells_what_was_not_sent(void **state)
{
	struct sample sample;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample.event.unsent = true;
	assert_extra(&sample, "{\"v\":1,\"boot\":\"0123456789ab\",\"worker\":3,\"seq\":17,\"path\":\"resolved\","
		"\"verdict\":\"allow\",\"unsent\":true}");
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
	view.has_servers = view.unsent = true;
	view.security = SECURITY_INSECURE;
	view.servers = (struct span){ behind.octets, behind.used };
	view.query = (struct span){ longest_message, WIRE_QUERY_MAX };
	view.response = (struct span){ longest_message, WIRE_RESPONSE_MAX };
	assert_in_range(extra_write(&view, text, sizeof(text)), 20000, sizeof(text));
	assert_true(frame_encode(&view, &origin, packed, sizeof(packed)) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extra_tells_verdict_rule_shadow_and_incident),
		cmocka_unit_test(extra_tells_the_group_if_there_are_groups),
		cmocka_unit_test(extra_tells_what_stands_behind_an_answer),
		cmocka_unit_test(extra_tells_what_was_not_sent),
		cmocka_unit_test(extra_is_valid_whatever_the_texts_hold),
		cmocka_unit_test(the_longest_texts_fit),
	};

	return cmocka_run_group_tests_name("frame_extra", tests, NULL, NULL);
}
