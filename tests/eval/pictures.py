#!/usr/bin/python3
"""pictures.py ROC.svg DELAY.svg < OUTPUT of make eval: what names are found at what price, and how soon."""
import math
import re
import sys

BLUE, PALE, RED, GREY = "#1f4e79", "#7aa6c2", "#b5452c", "#999999"
WIDTH = 900


def figures(lines):
    found = {}
    for line in lines:
        match = re.match(r"eval (\S+) ([\d.e+-]+)$", line)
        if match:
            found[match[1]] = float(match[2])
    return found


class Picture:
    def __init__(self, height):
        self.parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" '
                      'font-size="13">' % (WIDTH, height), '<rect width="%d" height="%d" fill="#ffffff"/>' % (WIDTH, height)]

    def text(self, x, y, text, anchor="start", size=13):
        self.parts.append('<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d">%s</text>' % (x, y, anchor, size, text))

    def line(self, points, colour, width=1.0):
        self.parts.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="%.1f"/>' % (
            " ".join("%.1f,%.1f" % point for point in points), colour, width))

    def dot(self, x, y, colour, radius=4):
        self.parts.append('<circle cx="%.1f" cy="%.1f" r="%d" fill="%s"/>' % (x, y, radius, colour))

    def write(self, path):
        with open(path, "w") as file:
            file.write("\n".join(self.parts + ["</svg>"]) + "\n")


def draw_roc(found, path):
    picture, left, right, top, bottom = Picture(460), 70, 640, 60, 400

    def at(false, share):
        return (left + (right - left) * (math.log10(max(false, 1e-5)) + 5) / 4, bottom - (bottom - top) * share)

    picture.text(12, 26, "Generated names: found of families never learned from, mean of %d random-like ones" %
                 found["names.families"], size=17)
    for power in range(-5, 0):
        x = at(10.0 ** power, 0)[0]
        picture.line([(x, top), (x, bottom)], "#dddddd")
        picture.text(x, bottom + 18, "1e%d" % power, "middle")
    for tenth in range(0, 11, 2):
        y = at(1, tenth / 10)[1]
        picture.line([(left, y), (right, y)], "#dddddd")
        picture.text(left - 8, y + 4, "%.1f" % (tenth / 10), "end")
    picture.text((left + right) / 2, bottom + 40, "share of %d popular names that are called generated, too" %
                 found["names.negatives"], "middle")
    scores = sorted(int(name.split(".")[2]) for name in found if re.match(r"names\.curve\.\d+\.false", name))
    points = {score: at(found["names.curve.%d.false" % score], found["names.curve.%d.found" % score]) for score in scores}
    picture.line([points[score] for score in scores], BLUE, 2.5)
    for score in (900, 990, 999):
        picture.dot(*points[score], RED)
        picture.text(points[score][0] + 8, points[score][1] + 18, "score %d" % score)
    families = sorted((found[name], name.split(".")[1]) for name in found if name.endswith(".found_at_900"))[::-1]
    picture.text(right + 40, top, "found at 900 and 990")
    for row, (share, family) in enumerate(families):
        y = top + 22 + row * 18
        picture.text(right + 40, y, family, size=12)
        picture.text(right + 165, y, "%.2f" % share, "end", 12)
        picture.text(right + 215, y, "%.2f" % found["names.%s.found_at_990" % family], "end", 12)
    picture.write(path)


def panel(picture, top, title, unit, rows, powers, marks):
    """Dots on a logarithmic axis: rows of (label, [(value, colour)])."""
    left, right = 210, 860

    def x_of(value):
        return left + (right - left) * (math.log10(max(value, 10 ** powers[0])) - powers[0]) / (powers[1] - powers[0])

    bottom = top + 50 + len(rows) * 20
    picture.text(12, top, title, size=17)
    for at, (label, colour) in enumerate(marks):
        picture.dot(left + 10 + at * 210, top + 19, colour)
        picture.text(left + 20 + at * 210, top + 24, label)
    for power in range(powers[0], powers[1] + 1):
        picture.line([(x_of(10 ** power), top + 36), (x_of(10 ** power), bottom)], "#dddddd")
        picture.text(x_of(10 ** power), bottom + 16, "%d" % 10 ** power, "middle")
    picture.text((left + right) / 2, bottom + 34, unit, "middle")
    for at, (label, values) in enumerate(rows):
        y = top + 50 + at * 20
        picture.text(left - 10, y + 4, label, "end")
        if len(values) > 1:
            picture.line([(x_of(value), y) for value, _ in values], GREY)
        for value, colour in values:
            picture.dot(x_of(value), y, colour)
    return bottom + 70


def draw_delay(found, path):
    names = sorted(name[7:-len(".curve.512.octets_until")] for name in found if name.endswith(".curve.512.octets_until"))
    thresholds = ((512, BLUE), (1024, PALE), (2048, RED))
    tunnels = [(name, [(found["tunnel.%s.curve.%d.octets_until" % (name, octets)], colour) for octets, colour in thresholds
                       if "tunnel.%s.curve.%d.octets_until" % (name, octets) in found]) for name in names]
    bursts = sorted((found[name], name.split(".")[1]) for name in found if name.endswith(".misses_until_median"))
    rows = [(family, [(median, BLUE), (found["burst.%s.misses_until_most" % family], PALE)]) for median, family in bursts]
    picture = Picture(30 + (len(tunnels) + len(rows)) * 20 + 210)
    top = panel(picture, 30, "Tunnels: what had left in names when they were told", "octets before the zone, in different names",
                tunnels, (2, 5), [("512 octets of information", BLUE), ("1024", PALE), ("2048", RED)])
    panel(picture, top, "Bursts: names that did not exist until the client was told", "misses", rows, (0, 2),
          [("median of ten clients", BLUE), ("the slowest", PALE)])
    picture.write(path)


if __name__ == "__main__":
    read = figures(sys.stdin)
    if {"names.curve.900.false", "names.curve.900.found"} <= read.keys():
        draw_roc(read, sys.argv[1])
    else:
        sys.stderr.write("%s: not drawn: it takes families and benign names\n" % sys.argv[1])
    draw_delay(read, sys.argv[2])
