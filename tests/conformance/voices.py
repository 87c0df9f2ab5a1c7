"""What other resolvers say, counted and never held against us: they read some of the draft in ways of their own."""

import collections

import coverage

SHOWN = 2               # examples of a difference of one kind


def essence(value):
	"""rcode, TC and records; TTLs are each resolver's own."""
	if len(value) != 3:
		return value
	if value[0] == "TC":
		return ("TC",)
	return value[1], frozenset(key for key, _ in value[2])


class Tally:
	"""By voice and part of the run: with whom it agrees. By voice and kind of difference: examples."""

	def __init__(self):
		self.counts = collections.Counter()      # (voice, part, column)
		self.differences = collections.Counter() # (voice, part, ours, its own)
		self.examples = collections.defaultdict(list)

	def note(self, voice, part, asked, theirs, ours, said):
		bind, here, value = essence(theirs), essence(ours), essence(said)
		column = {(True, True): "both", (True, False): "BIND", (False, True): "ours", (False, False): "neither"}[value == bind, value == here]
		self.counts[voice, part, column] += 1
		if column == "neither":
			key = voice, part, coverage.kind(ours), coverage.kind(said)
			self.differences[key] += 1
			if len(self.examples[key]) < SHOWN:
				self.examples[key].append(asked)

	def unsupported(self, voice, part, count):
		self.counts[voice, part, "unsupported"] += count

	def add(self, other):
		self.counts += other.counts
		self.differences += other.differences
		for key, found in other.examples.items():
			self.examples[key] = (self.examples[key] + found)[:SHOWN]

	def against_us(self):
		return sum(count for (_, _, column), count in self.counts.items() if column == "BIND")

	def __str__(self):
		columns = "both", "BIND", "ours", "neither", "unsupported"
		lines = ["%-18s %-20s" % ("agrees with", "") + "".join("%12s" % column for column in columns)]
		for voice, part in dict.fromkeys((voice, part) for voice, part, _ in sorted(self.counts)):
			lines.append("%-18s %-20s" % (voice, part) + "".join("%12d" % self.counts[voice, part, column] for column in columns))
		for key, count in sorted(self.differences.items(), key=lambda item: (item[0][:2], -item[1])):
			lines.append("%s, %s: %s here, %s there: %d, such as %s" % (*key, count, " and ".join(self.examples[key])))
		return "\n".join(lines)
