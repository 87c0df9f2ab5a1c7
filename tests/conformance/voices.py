"""What other resolvers say, counted and never held against us: they read some of the draft in ways of their own."""

import collections

import coverage

SHOWN = 2               # examples of a difference of one kind
SHOWN_KINDS = 3         # of one voice in one part


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
		self.ends = collections.defaultdict(list)

	def note(self, voice, part, asked, theirs, ours, said):
		bind, here, value = essence(theirs), essence(ours), essence(said)
		column = {(True, True): "both", (True, False): "BIND", (False, True): "ours", (False, False): "neither"}[
			value == bind, value == here]
		self.counts[voice, part, column] += 1
		if column == "neither":
			key = voice, part, coverage.kind(ours), coverage.kind(said)
			self.differences[key] += 1
			if len(self.examples[key]) < SHOWN:
				self.examples[key].append(asked)

	def ended(self, voice, part, title, count):
		self.silent(voice, part, "ended", count)
		self.ends[voice, part].append(title)

	def silent(self, voice, part, why, count):
		"""Of a set that it has no say in: "unsupported", or "ended" when it died over it."""
		self.counts[voice, part, why] += count

	def add(self, other):
		self.counts += other.counts
		self.differences += other.differences
		for key, found in other.examples.items():
			self.examples[key] = (self.examples[key] + found)[:SHOWN]
		for key, found in other.ends.items():
			self.ends[key] = (self.ends[key] + found)[:SHOWN]

	def __str__(self):
		columns = "both", "BIND", "ours", "neither", "ended", "unsupported"
		lines = ["%-18s %-20s" % ("agrees with", "") + "".join("%12s" % column for column in columns)]
		for voice, part in dict.fromkeys((voice, part) for voice, part, _ in sorted(self.counts)):
			lines.append("%-18s %-20s" % (voice, part) + "".join("%12d" % self.counts[voice, part, column] for column in columns))
		lines += ["%s, %s: ended over a set, such as %s" % (voice, part, "; ".join(found))
			for (voice, part), found in sorted(self.ends.items())]
		for voice, part in dict.fromkeys(key[:2] for key in sorted(self.differences)):
			kinds = collections.Counter({key: count for key, count in self.differences.items() if key[:2] == (voice, part)})
			lines += ["%s, %s: %s here, %s there: %d, such as %s" % (*key, count, " and ".join(self.examples[key]))
				for key, count in kinds.most_common(SHOWN_KINDS)]
		return "\n".join(lines)
