/* flag.c: whom a flag is about, and why. */
#include "control/flag.h"

#include <stdio.h>

#include "control/override_store.h"
#include "policy/address.h"

const char *const flag_state_names[FLAG_STATE_COUNT] = {
	[FLAG_ALERT] = "alert", [FLAG_DUE] = "due", [FLAG_DENIED] = "denied", [FLAG_WOULD_DENY] = "would deny",
	[FLAG_REFUSED] = "refused",
};

struct network flag_client(const struct flag *flag)
{
	struct network network = { .address = flag->call.client };

	network.address.port = 0;
	network.prefix_length = (uint8_t)address_client(&network.address);
	return network;
}

char *flag_why(const struct flag *flag, char *to)
{
	const struct detection *lead = &flag->call.lead;
	const struct detector_info *info = &detector_table[lead->detector];
	size_t used = (size_t)snprintf(to, OVERRIDE_WHY_MAX, "%s: %u %s %u %s", info->says, lead->value,
		lead->value > lead->threshold ? "over" : "reaches", lead->threshold, info->options[0].unit != NULL ? info->options[0].unit : "");

	for (unsigned i = 0; i < lead->feature_count && used < OVERRIDE_WHY_MAX; i++)
		used += (size_t)snprintf(to + used, OVERRIDE_WHY_MAX - used, "%s%s=%u", i == 0 ? "; " : " ",
			feature_names[lead->features[i].name], lead->features[i].value);
	if (used < OVERRIDE_WHY_MAX)
		snprintf(to + used, OVERRIDE_WHY_MAX - used, "; points=%u", flag->call.points);
	return to;
}

bool flag_is_released(const struct flag *flag, const struct override *allow)
{
	const struct network client = flag_client(flag);

	return override_releases(allow, &flag->call.zone, &client);
}
