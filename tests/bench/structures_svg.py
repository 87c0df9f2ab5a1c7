#!/usr/bin/python3
"""structures_svg.py < OUTPUT of bench_structures > PICTURE: a bar for each structure, misses at 1 and 10 million."""
import re
import sys

ORDER = ["prints_66", "scalar_75", "vector_75", "vector_87", "vector_87_no_prefetch", "fuse_vector_87",
	"bloom_vector_87", "library", "hash_alone"]
LABELS = {
	"prints_66": "64-bit fingerprints, open addressing",
	"scalar_75": "lines of 7 tags, one by one, 75 % full",
	"vector_75": "the same, 16-bit tags at once (SSE2)",
	"vector_87": "the same, 87 % full",
	"vector_87_no_prefetch": "the same without prefetch",
	"fuse_vector_87": "binary fuse 8 in front",
	"bloom_vector_87": "blocked Bloom in front, 11 bits",
	"library": "the library: Bloom that knows parents",
	"hash_alone": "hashing all suffixes, no search",
}
LEFT, ROW, WIDTH, TOP = 340, 40, 900, 70


def main():
	figures = {}
	for line in sys.stdin:
		found = re.match(r"bench structures_(\w+)_miss_ns_(\d+)m ([\d.]+)", line)
		if found:
			figures[found[1], found[2]] = float(found[3])
	most = max(figures.values())
	height = TOP + ROW * len(ORDER) + 20
	print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
		'font-family="sans-serif" font-size="14">')
	print(f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>')
	print('<text x="12" y="26" font-size="17">A name that is not listed: CPU ns for all its suffixes</text>')
	for i, (size, colour) in enumerate((("1", "#7aa6c2"), ("10", "#1f4e79"))):
		print(f'<rect x="{LEFT + i * 150}" y="40" width="14" height="14" fill="{colour}"/>')
		print(f'<text x="{LEFT + 20 + i * 150}" y="52">{size} million rules</text>')
	for i, name in enumerate(ORDER):
		top = TOP + i * ROW
		weight = ' font-weight="bold"' if name == "library" else ""
		print(f'<text x="{LEFT - 10}" y="{top + 22}" text-anchor="end"{weight}>{LABELS[name]}</text>')
		for k, (size, colour) in enumerate((("1", "#7aa6c2"), ("10", "#1f4e79"))):
			value = figures[name, size]
			wide = value / most * (WIDTH - LEFT - 60)
			print(f'<rect x="{LEFT}" y="{top + 3 + 15 * k}" width="{wide:.1f}" height="13" fill="{colour}"/>')
			print(f'<text x="{LEFT + wide + 6:.1f}" y="{top + 14 + 15 * k}" font-size="12">{value:.0f}</text>')
	print("</svg>")


if __name__ == "__main__":
	main()
