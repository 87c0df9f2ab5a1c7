/* conf_value.c: one function for each type of configuration value, and the table of them. */
#include "policy/conf_value.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/conf.h"

/* A word of the configuration and the value it stands for. */
struct word {
	const char *text;
	int value;
};

static const struct word yes_no[] = { { "yes", 1 }, { "no", 0 }, { NULL, 0 } };
static const struct word choices[] = { { "yes", CHOICE_YES }, { "no", CHOICE_NO }, { NULL, 0 } };
static const struct word modes[] = { { "enforce", MODE_ENFORCE }, { "shadow", MODE_SHADOW }, { NULL, 0 } };
static const struct word https[] = {
	{ "pass", HTTPS_PASS }, { "block", HTTPS_BLOCK }, { "strip-hints", HTTPS_STRIP_HINTS },
	{ "strip-ech", HTTPS_STRIP_ECH }, { NULL, 0 }
};
static const struct word expires[] = { { "keep", EXPIRE_KEEP }, { "withdraw", EXPIRE_WITHDRAW }, { NULL, 0 } };
static const struct word formats[] = {
	{ "domains", FORMAT_DOMAINS }, { "hosts", FORMAT_HOSTS }, { "wildcard", FORMAT_WILDCARD },
	{ "rpz", FORMAT_RPZ }, { "adblock", FORMAT_ADBLOCK }, { "dnsmasq", FORMAT_DNSMASQ },
	{ "unbound-local-zone", FORMAT_UNBOUND }, { "cidr", FORMAT_CIDR }, { "csv", FORMAT_CSV },
	{ "detect", FORMAT_DETECT }, { NULL, 0 }
};
static const struct word triggers[] = {
	{ "qname", TRIGGER_QNAME }, { "nsdname", TRIGGER_NSDNAME }, { "ip", TRIGGER_IP },
	{ "client-ip", TRIGGER_CLIENT_IP }, { "nsip", TRIGGER_NSIP }, { NULL, 0 }
};
static const struct word frames[] = {
	{ "all", FRAMES_ALL }, { "verdicts", FRAMES_VERDICTS }, { "sample", FRAMES_SAMPLE }, { NULL, 0 }
};
static const struct word traits[] = { { "no", TRAIT_NONE }, { "popular", TRAIT_POPULAR }, { "approved", TRAIT_APPROVED },
	{ "internal", TRAIT_INTERNAL }, { "registered", TRAIT_REGISTERED }, { "yes", TRAIT_REGISTERED }, { NULL, 0 } };
static const struct word reactions[] = { { "off", REACTION_OFF }, { "observe", REACTION_OBSERVE },
	{ "alert", REACTION_ALERT }, { "block", REACTION_BLOCK }, { NULL, 0 } };
static const struct word fails[] = { { "open", FAIL_OPEN }, { "closed", FAIL_CLOSED }, { NULL, 0 } };
static const struct word ede_modes[] = {
	{ "text", EDE_MODE_TEXT }, { "code", EDE_MODE_CODE }, { "none", EDE_MODE_NONE }, { NULL, 0 }
};
static const struct word privacies[] = {
	{ "none", PRIVACY_NONE }, { "mask", PRIVACY_MASK }, { "pseudonym", PRIVACY_PSEUDONYM }, { NULL, 0 }
};
static const struct word denials[] = {
	{ "observe", ACTION_OBSERVE }, { "nxdomain", ACTION_NXDOMAIN }, { "nodata", ACTION_NODATA },
	{ "refuse", ACTION_REFUSE }, { "drop", ACTION_DROP }, { NULL, 0 },
};
static const struct word flag_actions[] = { { "nxdomain", ACTION_NXDOMAIN }, { "refuse", ACTION_REFUSE }, { NULL, 0 } };
static const struct word actions[] = {
	{ "nxdomain", ACTION_NXDOMAIN }, { "nodata", ACTION_NODATA }, { "refuse", ACTION_REFUSE },
	{ "sinkhole", ACTION_SINKHOLE }, { "drop", ACTION_DROP }, { "truncate", ACTION_TRUNCATE },
	{ "pass", ACTION_PASS }, { "observe", ACTION_OBSERVE }, { "local-data", ACTION_LOCAL_DATA }, { NULL, 0 }
};
static const struct word edes[] = {
	{ "blocked", EDE_BLOCKED }, { "censored", EDE_CENSORED }, { "filtered", EDE_FILTERED },
	{ "prohibited", EDE_PROHIBITED }, { "forged", EDE_FORGED }, { "none", EDE_NONE }, { NULL, 0 }
};

static int refuse(char *wrong, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(char *wrong, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(wrong, CONF_WRONG_MAX, format, args);
	va_end(args);
	return -1;
}

/* "a, b or c" */
static char *list_words(const struct word *words, const char *between, const char *last, char *to, size_t cap)
{
	size_t used = 0;

	to[0] = '\0';
	for (; words->text != NULL && used < cap; words++) {
		const char *before = used == 0 ? "" : words[1].text == NULL ? last : between;

		used += (size_t)snprintf(to + used, cap - used, "%s%s", before, words->text);
	}
	return to;
}

static int find_word(const struct word *words, const char *text, int *value, char *wrong)
{
	const struct word *word;
	char known[CONF_WRONG_MAX / 2];

	for (word = words; word->text != NULL; word++) {
		if (strcmp(word->text, text) == 0) {
			*value = word->value;
			return 0;
		}
	}
	return refuse(wrong, "`%.64s` should be %s", text, list_words(words, ", ", " or ", known, sizeof(known)));
}

static int parse_enum(const struct word *words, const char *text, void *to, char *wrong)
{
	int value;

	if (find_word(words, text, &value, wrong) != 0)
		return -1;
	/* All enums of the configuration have the size of int, whatever their sign. */
	memcpy(to, &value, sizeof(value));
	return 0;
}

static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

static int check_text(const struct conf_limits *limits, const char *text, size_t max, char *wrong)
{
	(void)limits;
	if (*text == '\0')
		return refuse(wrong, "is empty: write a value or leave the line out");
	if (strlen(text) > max)
		return refuse(wrong, "has %zu octets, at most %zu fit", strlen(text), max);
	return 0;
}

static int parse_text(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	if (check_text(limits, text, (size_t)limits->max - 1, wrong) != 0)
		return -1;
	if (!is_printable(text))
		return refuse(wrong, "has an octet outside printable ASCII: it goes into frames and logs as it is");
	memcpy(to, text, strlen(text) + 1);
	return 0;
}

static int parse_list_name(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	if (check_text(limits, text, (size_t)limits->max - 1, wrong) != 0)
		return -1;
	if (text[strspn(text, allowed)] != '\0')
		return refuse(wrong, "`%.64s` has something else than letters, digits, '.', '_' and '-'", text);
	memcpy(to, text, strlen(text) + 1);
	return 0;
}

static int parse_group_name(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	if (strcmp(text, "default") == 0)
		return refuse(wrong, "`default` is the group of all whom no other fits: take another name");
	return parse_list_name(limits, text, to, wrong);
}

/* T1071, T1071.004, TA0011, DC0103: capitals, four digits, and three behind a dot. Where it ends; NULL: no id. */
static const char *attack_id_end(const char *text)
{
	const char *at = text;

	while (*at >= 'A' && *at <= 'Z')
		at++;
	if (at == text || at - text > 3 || strspn(at, "0123456789") != 4)
		return NULL;
	at += 4;
	if (*at == '.') {
		if (strspn(at + 1, "0123456789") != 3)
			return NULL;
		at += 4;
	}
	return *at == '\0' || *at == ' ' ? at : NULL;
}

static int parse_attack(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	const char *at = text;

	if (check_text(limits, text, (size_t)limits->max - 1, wrong) != 0)
		return -1;
	while (at != NULL && *at != '\0') {
		at = attack_id_end(at);
		if (at != NULL && *at == ' ')
			at++;
	}
	if (at == NULL)
		return refuse(wrong,
			"`%.64s` should be ATT&CK ids with one blank between them, as \"T1071.004 T1568\"", text);
	memcpy(to, text, strlen(text) + 1);
	return 0;
}

static int keep(char *copy, void *to, char *wrong)
{
	if (copy == NULL)
		return refuse(wrong, "out of memory");
	memcpy(to, &copy, sizeof(copy));
	return 0;
}

static int parse_string(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	if (check_text(limits, text, (size_t)limits->max, wrong) != 0)
		return -1;
	if (!is_printable(text))
		return refuse(wrong, "has an octet outside printable ASCII: it goes into frames and logs as it is");
	return keep(strdup(text), to, wrong);
}

static int parse_path(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	const char *folder = *text == '/' ? "" : limits->folder;
	size_t octets = strlen(folder) + strlen(text);
	char *copy;

	if (check_text(limits, text, (size_t)limits->max, wrong) != 0)
		return -1;
	if (octets > limits->max)
		return refuse(wrong, "is a path of %zu octets, at most %zu fit", octets, (size_t)limits->max);
	copy = malloc(octets + 1);
	if (copy != NULL)
		snprintf(copy, octets + 1, "%s%s", folder, text);
	return keep(copy, to, wrong);
}

static int parse_log(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	if (strcmp(text, "syslog") == 0)
		return keep(strdup(text), to, wrong);
	return parse_path(limits, text, to, wrong);
}

static int parse_flag(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	int value;

	(void)limits;
	if (find_word(yes_no, text, &value, wrong) != 0)
		return -1;
	*(bool *)to = value != 0;
	return 0;
}

static int parse_inverse(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	bool value;

	if (parse_flag(limits, text, &value, wrong) != 0)
		return -1;
	*(bool *)to = !value;
	return 0;
}

static int parse_rrtypes(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	const char *why = rrtypes_from_text(to, text);

	(void)limits;
	return why == NULL ? 0 : refuse(wrong, "`%.64s` %s", text, why);
}

static int parse_ede(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	int value;

	(void)limits;
	if (find_word(edes, text, &value, wrong) != 0)
		return -1;
	*(int16_t *)to = (int16_t)value;
	return 0;
}

static int parse_zone(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	struct name name;
	const char *why = name_from_text(&name, text, strlen(text));

	(void)limits;
	if (why != NULL)
		return refuse(wrong, "`%.64s` is not a domain name (%s): it should be like `rpz.example`", text, why);
	if (name.labels == 0)
		return refuse(wrong, "the root is too little: it should be like `rpz.example`");
	memcpy(to, &name, sizeof(name));
	return 0;
}

static int parse_address(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	struct address address = { .family = ADDRESS_INET };

	(void)limits;
	if (inet_pton(AF_INET, text, address.octets) != 1) {
		address.family = ADDRESS_INET6;
		if (inet_pton(AF_INET6, text, address.octets) != 1)
			return refuse(wrong, "`%.64s` should be an address, as 192.0.2.1 or 2001:db8::1", text);
	}
	memcpy(to, &address, sizeof(address));
	return 0;
}

struct type_info {
	const char *name;
	const struct word *words;    /* those it takes, for enums; else NULL and `parse` is set */
	int (*parse)(const struct conf_limits *limits, const char *text, void *to, char *wrong);
};

static const struct type_info types[TYPE_COUNT] = {
	[TYPE_TEXT] = { "text", NULL, parse_text },
	[TYPE_LIST_NAME] = { "name", NULL, parse_list_name },
	[TYPE_GROUP_NAME] = { "name", NULL, parse_group_name },
	[TYPE_GROUP] = { "name", NULL, parse_list_name },
	[TYPE_ATTACK] = { "ids", NULL, parse_attack },
	[TYPE_STRING] = { "text", NULL, parse_string },
	[TYPE_PATH] = { "path", NULL, parse_path },
	[TYPE_LOG] = { "path", NULL, parse_log },
	[TYPE_NUMBER] = { "number", NULL, conf_number_parse },
	[TYPE_SIZE] = { "size", NULL, conf_size_parse },
	[TYPE_OCTETS] = { "size", NULL, conf_octets_parse },
	[TYPE_PERCENT] = { "number", NULL, conf_percent_parse },
	[TYPE_FLAG] = { "word", yes_no, parse_flag },
	[TYPE_INVERSE] = { "word", yes_no, parse_inverse },
	[TYPE_RRTYPES] = { "types", NULL, parse_rrtypes },
	[TYPE_CHOICE] = { "word", choices, NULL },
	[TYPE_MODE] = { "word", modes, NULL },
	[TYPE_HTTPS] = { "word", https, NULL },
	[TYPE_TRAIT] = { "word", traits, NULL },
	[TYPE_REACTION] = { "word", reactions, NULL },
	[TYPE_EXPIRE] = { "word", expires, NULL },
	[TYPE_FORMAT] = { "word", formats, NULL },
	[TYPE_TRIGGER] = { "word", triggers, NULL },
	[TYPE_FRAMES] = { "word", frames, NULL },
	[TYPE_FAIL] = { "word", fails, NULL },
	[TYPE_EDE_MODE] = { "word", ede_modes, NULL },
	[TYPE_PRIVACY] = { "word", privacies, NULL },
	[TYPE_ACTION] = { "word", actions, NULL },
	[TYPE_DENIAL] = { "word", denials, NULL },
	[TYPE_FLAG_ACTION] = { "word", flag_actions, NULL },
	[TYPE_EDE] = { "word", edes, parse_ede },
	[TYPE_ZONE] = { "domain name", NULL, parse_zone },
	[TYPE_ADDRESS] = { "address", NULL, parse_address },
	[TYPE_NETWORK] = { "network", NULL, conf_network_parse },
	[TYPE_NAT64] = { "network", NULL, conf_nat64_parse },
	[TYPE_INTERFACE] = { "network", NULL, conf_interface_parse },
};

int conf_value_parse(enum conf_type type, const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	const struct type_info *info = &types[type];

	return info->parse != NULL ? info->parse(limits, text, to, wrong) : parse_enum(info->words, text, to, wrong);
}

const char *conf_type_name(enum conf_type type)
{
	return types[type].name;
}

char *conf_type_limits(enum conf_type type, const struct conf_limits *limits, char *to, size_t cap)
{
	char a[32], b[32];

	if (types[type].words != NULL)
		return list_words(types[type].words, "|", "|", to, cap);
	if (type == TYPE_NUMBER || type == TYPE_PERCENT)
		snprintf(to, cap, "%llu..%llu", (unsigned long long)limits->min, (unsigned long long)limits->max);
	else if (type == TYPE_SIZE || type == TYPE_OCTETS)
		snprintf(to, cap, "%s..%s", conf_size_print(limits->min, a, sizeof(a)),
			conf_size_print(limits->max, b, sizeof(b)));
	else if (type == TYPE_TEXT || type == TYPE_LIST_NAME || type == TYPE_ATTACK ||
		type == TYPE_GROUP_NAME || type == TYPE_GROUP)
		snprintf(to, cap, "1..%llu octets", (unsigned long long)limits->max - 1);
	else if (type == TYPE_STRING || type == TYPE_PATH || type == TYPE_LOG)
		snprintf(to, cap, "1..%llu octets", (unsigned long long)limits->max);
	else if (type == TYPE_RRTYPES)
		snprintf(to, cap, "1..%llu types", (unsigned long long)limits->max);
	else
		snprintf(to, cap, "-");
	return to;
}
