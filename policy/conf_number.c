/* conf_number.c: configuration values that are numbers and sizes. */
#include "policy/conf_value.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define refuse(wrong, ...) (snprintf(wrong, CONF_WRONG_MAX, __VA_ARGS__), -1)

/* Digits from the front of `text`; false when there are none or too many. */
static bool read_digits(const char **text, uint64_t *number)
{
	const char *at = *text;

	for (*number = 0; *at >= '0' && *at <= '9'; at++) {
		if (*number > UINT64_MAX / 1024 / 1024 / 1024 / 16)
			return false;
		*number = *number * 10 + (uint64_t)(*at - '0');
	}
	if (at == *text)
		return false;
	*text = at;
	return true;
}

int conf_number_parse(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	const char *at = text;
	uint64_t number;

	if (!read_digits(&at, &number) || *at != '\0')
		return refuse(wrong, "`%.64s` should be a number from %llu to %llu", text,
			(unsigned long long)limits->min, (unsigned long long)limits->max);
	if (number < limits->min || number > limits->max)
		return refuse(wrong, "%.64s is %s %llu", text, number < limits->min ? "under" : "over",
			(unsigned long long)(number < limits->min ? limits->min : limits->max));
	*(uint32_t *)to = (uint32_t)number;
	return 0;
}

char *conf_size_print(uint64_t octets, char *to, size_t cap)
{
	static const char units[] = "\0kmg";
	unsigned unit = 0;

	for (; octets != 0 && octets % 1024 == 0 && unit < 3; unit++)
		octets /= 1024;
	snprintf(to, cap, "%llu%.1s", (unsigned long long)octets, units + unit);
	return to;
}

int conf_percent_parse(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	char number[32];
	size_t length = strlen(text);

	if (length > 0 && length < sizeof(number) && text[length - 1] == '%')
		length--;
	snprintf(number, sizeof(number), "%.*s", (int)(length < sizeof(number) ? length : sizeof(number) - 1), text);
	return conf_number_parse(limits, number, to, wrong);
}

int conf_octets_parse(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	char a[32], b[32];
	const char *at = text;
	uint64_t number;

	if (!read_digits(&at, &number) || (*at != '\0' && (strchr("kmgKMG", *at) == NULL || at[1] != '\0')))
		return refuse(wrong, "`%.64s` should be a size from %s to %s, as 512k or 1m", text,
			conf_size_print(limits->min, a, sizeof(a)), conf_size_print(limits->max, b, sizeof(b)));
	switch (*at) {
	case 'g': case 'G': number *= 1024; /* fall through */
	case 'm': case 'M': number *= 1024; /* fall through */
	case 'k': case 'K': number *= 1024;
	}
	if (number < limits->min || number > limits->max)
		return refuse(wrong, "%.64s is %s %s", text, number < limits->min ? "under" : "over",
			conf_size_print(number < limits->min ? limits->min : limits->max, a, sizeof(a)));
	*(size_t *)to = (size_t)number;
	return 0;
}

int conf_size_parse(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	char a[32], b[32];
	uint64_t power = 1;
	size_t number;

	if (conf_octets_parse(limits, text, &number, wrong) != 0)
		return -1;
	while (power * 2 <= number)
		power *= 2;
	if (power != number)
		return refuse(wrong, "%.64s is no power of two: write %s or %s", text,
			conf_size_print(power, a, sizeof(a)),
			conf_size_print(power * 2, b, sizeof(b)));
	*(size_t *)to = number;
	return 0;
}
