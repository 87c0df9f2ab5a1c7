/* detectors.c: what runs when. */
#include "detect/look.h"

const struct detector_row zone_detectors[] = {
	{ DETECTOR_NEWLY_OBSERVED, judge_newly_observed },
	{ DETECTOR_TUNNEL, judge_tunnel },
	{ DETECTOR_WEAK_CHANNEL, judge_weak_channel },
	{ DETECTOR_TUNNEL_DOWN, judge_tunnel_down },
	{ DETECTOR_CHANGED_RESOLUTION, judge_changed_resolution },
	{ DETECTOR_FAST_FLUX, judge_fast_flux },
	{ DETECTOR_RANDOM_SUBDOMAIN, judge_random_subdomain },
	{ DETECTOR_BEACON, judge_beacon },
	{ DETECTOR_DNSSEC_DROP, judge_dnssec_drop },
	{ DETECTOR_NAME_SERVER, judge_delegation },
	{ DETECTOR_DELEGATION_CHANGE, judge_delegation },
	{ DETECTOR_LOOK_ALIKE, judge_look_alike },
	{ DETECTOR_GENERATED_NAME, judge_generated_name },
};
const size_t zone_detector_count = sizeof(zone_detectors) / sizeof(zone_detectors[0]);

const struct detector_row client_detectors[] = {
	{ DETECTOR_ODD_TYPE, judge_odd_type },
	{ DETECTOR_RESOLVER_BYPASS, judge_resolver_bypass },
	{ DETECTOR_REBINDING, judge_rebinding },
	{ DETECTOR_RECON, judge_recon },
	{ DETECTOR_NXDOMAIN_BURST, judge_nxdomain_burst },
};
const size_t client_detector_count = sizeof(client_detectors) / sizeof(client_detectors[0]);
