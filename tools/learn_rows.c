/* learn_rows.c: which thresholds can be learned, and from what. */
#include "tools/learn_parts.h"

/* Options by their place in the table of detectors. */
enum { TUNNEL_LOW, TUNNEL_LOW_12H, TUNNEL_HIGH, TUNNEL_BLOCK };
enum { DOWN_OCTETS, DOWN_ODD };
enum { WEAK_OCTETS };
enum { BURST_ZONES, BURST_SHARE, BURST_VOLUME };
enum { FLUX_SCORE };
enum { RECON_PTR, RECON_NETWORK, RECON_OWNERS, RECON_CHILDREN };
enum { RANDOM_RATE };

/* A tunnel says its sum when that is over `high-octets`, and hardly else. `ptr` hides `ptr-network`, `zones` hides
 * `volume-zones`, and `odd-octets` hides `octets`: each of them has an instance of its own. ANY and CHAOS are told with
 * the threshold 1. */
const struct learn_row learn_rows[] = {
	{ DETECTOR_TUNNEL, TUNNEL_LOW_12H, 0, TUNNEL_HIGH, 1, false },
	{ DETECTOR_TUNNEL_DOWN, DOWN_OCTETS, 0, DOWN_OCTETS, 1, false },
	{ DETECTOR_TUNNEL_DOWN, DOWN_ODD, 1, DOWN_ODD, 1, false },
	{ DETECTOR_WEAK_CHANNEL, WEAK_OCTETS, 0, WEAK_OCTETS, 1, false },
	{ DETECTOR_NXDOMAIN_BURST, BURST_ZONES, 1, BURST_ZONES, 1, true },
	{ DETECTOR_NXDOMAIN_BURST, BURST_VOLUME, 0, BURST_VOLUME, 1, true },
	{ DETECTOR_FAST_FLUX, FLUX_SCORE, 0, FLUX_SCORE, 1, false },
	{ DETECTOR_RECON, RECON_PTR, 0, RECON_PTR, 2, true },
	{ DETECTOR_RECON, RECON_NETWORK, 1, RECON_NETWORK, 2, true },
	{ DETECTOR_RECON, RECON_OWNERS, 0, RECON_OWNERS, 3, true },
	{ DETECTOR_RECON, RECON_CHILDREN, 0, RECON_CHILDREN, 4, true },
	{ DETECTOR_RANDOM_SUBDOMAIN, RANDOM_RATE, 0, RANDOM_RATE, 1, false },
};
const unsigned learn_row_count = sizeof(learn_rows) / sizeof(learn_rows[0]);

/* What would be said instead is put out of the way. */
static void raise_others(struct detector_conf conf[DETECTOR_COUNT])
{
	static const struct { enum detector detector; unsigned option; } others[] = {
		{ DETECTOR_TUNNEL, TUNNEL_BLOCK }, { DETECTOR_TUNNEL_DOWN, DOWN_OCTETS }, { DETECTOR_TUNNEL_DOWN, DOWN_ODD },
		{ DETECTOR_NXDOMAIN_BURST, BURST_ZONES }, { DETECTOR_NXDOMAIN_BURST, BURST_VOLUME },
		{ DETECTOR_RECON, RECON_PTR }, { DETECTOR_RECON, RECON_NETWORK },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		conf[others[i].detector].values[others[i].option] =
			detector_table[others[i].detector].options[others[i].option].max;
}

void learn_lower(struct detector_conf conf[DETECTOR_COUNT], unsigned instance)
{
	raise_others(conf);
	for (unsigned i = 0; i < learn_row_count; i++)
		if (learn_rows[i].instance == instance)
			conf[learn_rows[i].detector].values[learn_rows[i].floor_option] = learn_rows[i].floor;
}

bool learn_is_about_client(enum detector detector)
{
	return detector == DETECTOR_RECON || detector == DETECTOR_NXDOMAIN_BURST;
}

bool learn_is_ordinary(enum detector detector)
{
	switch (detector) {
	case DETECTOR_TUNNEL: case DETECTOR_TUNNEL_DOWN: case DETECTOR_WEAK_CHANNEL: case DETECTOR_GENERATED_NAME:
	case DETECTOR_NEWLY_OBSERVED: case DETECTOR_CHANGED_RESOLUTION: case DETECTOR_FAST_FLUX:
	case DETECTOR_RANDOM_SUBDOMAIN: case DETECTOR_BEACON: case DETECTOR_CONDITIONAL_ANSWER:
		return true;
	default:
		return false;
	}
}
