/* conf_words.c: names that the configuration shares with reports. */
#include "policy/conf.h"

const char *const format_names[FORMAT_COUNT] = {
	[FORMAT_DOMAINS] = "domains",
	[FORMAT_HOSTS] = "hosts",
	[FORMAT_WILDCARD] = "wildcard",
	[FORMAT_RPZ] = "rpz",
};
