/* detectors.c: what runs when. */
#include "detect/look.h"

const struct detector_row detector_rows[] = {
	{ DETECTOR_NEWLY_OBSERVED, HOOK_ZONE, judge_newly_observed },
	{ DETECTOR_TUNNEL, HOOK_ZONE, judge_tunnel },
	{ DETECTOR_WEAK_CHANNEL, HOOK_ZONE, judge_weak_channel },
	{ DETECTOR_TUNNEL_DOWN, HOOK_ZONE, judge_tunnel_down },
	{ DETECTOR_CHANGED_RESOLUTION, HOOK_ZONE, judge_changed_resolution },
	{ DETECTOR_FAST_FLUX, HOOK_ZONE, judge_fast_flux },
	{ DETECTOR_RANDOM_SUBDOMAIN, HOOK_ZONE, judge_random_subdomain },
	{ DETECTOR_BEACON, HOOK_ZONE, judge_beacon },
	{ DETECTOR_DNSSEC_DROP, HOOK_ZONE, judge_dnssec_drop },
	{ DETECTOR_NAME_SERVER, HOOK_ZONE, judge_delegation },
	{ DETECTOR_DELEGATION_CHANGE, HOOK_ZONE, judge_delegation },
	{ DETECTOR_LOOK_ALIKE, HOOK_ZONE, judge_look_alike },
	{ DETECTOR_GENERATED_NAME, HOOK_ZONE, judge_generated_name },
	{ DETECTOR_ODD_TYPE, HOOK_CLIENT, judge_odd_type },
	{ DETECTOR_RESOLVER_BYPASS, HOOK_CLIENT, judge_resolver_bypass },
	{ DETECTOR_REBINDING, HOOK_CLIENT, judge_rebinding },
	{ DETECTOR_RECON, HOOK_CLIENT, judge_recon },
	{ DETECTOR_NXDOMAIN_BURST, HOOK_CLIENT, judge_nxdomain_burst },
};
const size_t detector_row_count = sizeof(detector_rows) / sizeof(detector_rows[0]);
