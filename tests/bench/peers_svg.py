#!/usr/bin/python3
"""peers_svg.py < OUTPUT of `make bench` > PICTURE: a list of a million names beside the peers.

The peers' figures are of one machine: Debian 12's packages on two cores, the same million names, one name added at
5,000 questions a second (doc/figures.md). Ours come from the benchmark's lines.
"""
import re
import sys

# name, octets a rule, seconds without answers at a reload, seconds until the new rule is in force, CPU of a cached answer
PEERS = [
	("Unbound rpz:", 609, 8.7, 8.9, 1.60),
	("Unbound local-zone", 433, 6.3, 7.1, 1.37),
	("BIND rpz", 465, 2.3, 8.8, 1.89),
	("PowerDNS rpz", 189, 0.0, 3600, 1.16),
	("Knot rpz", 141, 3.5, 3.8, 2.24),
	("dnsdist suffix set", 548, 0.05, 17.9, 1.41),
]
PANELS = [("octets a rule", "%.0f"), ("seconds deaf at a reload", "%.2f"), ("s until a cached name obeys", "%.1f"),
	("CPU of a cached answer, bare = 1", "%.2f")]
LEFT, ROW, PANEL, TOP = 160, 30, 215, 76


def figures(lines):
	found = dict(re.match(r"bench (\S+) (\S+) ", line).groups() for line in lines if line.startswith("bench "))
	return ("unbound-verdict", float(found["policy_octets_per_rule"]), float(found["reload_lost_queries"]) / 5000,
		float(found["reload_in_force_ms"]) / 1000, float(found["unbound_cached_cpu_ratio"]))


def panel(rows, column):
	title, form = PANELS[column]
	left = LEFT + column * PANEL
	values = [row[column + 1] for row in rows]
	most = sorted(values)[-2] * 1.15 if column == 2 else max(values)   # one bar leaves the picture, and says so
	print(f'<text x="{left}" y="60" font-size="12">{title}</text>')
	for i, (row, value) in enumerate(zip(rows, values)):
		wide = min(value / most, 1.0) * (PANEL - 70)
		colour = "#1f4e79" if row[0] == "unbound-verdict" else "#b9c6d0"
		top = TOP + i * ROW
		print(f'<rect x="{left}" y="{top}" width="{max(wide, 1.5):.1f}" height="18" fill="{colour}"/>')
		print(f'<text x="{left + wide + 5:.1f}" y="{top + 14}" font-size="12">{form % value}</text>')


def main():
	rows = PEERS + [figures(sys.stdin)]
	width, height = LEFT + PANEL * len(PANELS) + 10, TOP + ROW * len(rows) + 16
	print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="14">')
	print(f'<rect width="{width}" height="{height}" fill="#ffffff"/>')
	print('<text x="12" y="28" font-size="17">A list of a million names, one name more under 5,000 questions a second</text>')
	for i, row in enumerate(rows):
		weight = ' font-weight="bold"' if row[0] == "unbound-verdict" else ""
		print(f'<text x="{LEFT - 10}" y="{TOP + i * ROW + 14}" text-anchor="end"{weight}>{row[0]}</text>')
	for column in range(len(PANELS)):
		panel(rows, column)
	print("</svg>")


if __name__ == "__main__":
	main()
