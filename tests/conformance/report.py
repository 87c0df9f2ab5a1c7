"""What came of the questions: which answers are the same, which differ, and which differ as doc/policy.md says."""

import collections

import ask
import coverage
import rules
import voices
import world

TTL_SLACK = 60          # seconds that a record may have been in one cache longer than in the other
SHOWN = 12              # differences of one set


def same_ttl(one, two, policy):
	"""Of a record in the answers of two resolvers. Local data never comes from a cache."""
	if one == two or not one or not two:   # an alias that Unbound makes from a DNAME has 0
		return True
	if rules.DATA_TTL in (one, two):
		return any(entry.override.startswith("cname") for entry in policy.lists)
	return abs(one - two) <= TTL_SLACK


def same(one, two, policy):
	if one == two:
		return True
	if len(one) != 3 or len(two) != 3:
		return False
	if one[0] == two[0] == "TC":
		return one[2] == two[2]   # the real answer's rcode may stand there
	theirs, ours = dict(one[2]), dict(two[2])
	return one[:2] == two[:2] and theirs.keys() == ours.keys() and all(same_ttl(theirs[key], ours[key], policy) for key in ours)


def alias_asked_for(policy, question, theirs, ours):
	"""A question for CNAME: BIND does not judge where the record leads, we do."""
	return question.qtype in ("CNAME", "DNAME") and len(theirs) == 3 and any(
		owner == question.name + "." and rtype == "CNAME" and ttl != rules.DATA_TTL for (owner, rtype, _), ttl in theirs[2])


def partly_signed(policy, question, theirs, ours):
	"""With break-dnssec no: BIND rewrites at the first name that is not signed, we leave an answer with signatures whole."""
	if policy.options["break-dnssec"] == "yes" or not question.do or len(ours) != 3:
		return False
	names = [name for (owner, rtype, data), _ in ours[2] for name in (owner, data) if name == owner or rtype == "CNAME"]
	return len({name.endswith(world.SIGNED + ".") for name in names}) == 2


# Rows of doc/policy.md that generated cases meet.
KNOWN = {"a question for CNAME or DNAME": alias_asked_for, "an answer that is signed in part": partly_signed}


def known(policy, question, theirs, ours):
	return next((name for name, holds in KNOWN.items() if holds(policy, question, theirs, ours)), None)


def show(result):
	value, why = result
	if len(value) != 3:
		return " ".join(value)
	lines = ["%s %s" % (value[1], value[0])] + ["%s %d %s %s" % (key[0], ttl, key[1], key[2]) for key, ttl in value[2]]
	return "; ".join(lines) + (" [%s]" % why if why else "")


class Report:
	"""What came of one set, or of many."""

	def __init__(self):
		self.passed = self.failed = 0
		self.text = ""          # differences of one set
		self.known = collections.Counter()
		self.coverage = coverage.Coverage()
		self.tally = voices.Tally()

	def add(self, other):
		self.passed += other.passed
		self.failed += other.failed
		self.known += other.known
		self.coverage.add(other.coverage)
		self.tally.add(other.tally)

	def judge(self, policy, questions, title, rounds):
		found = []
		for index, question in enumerate(questions):
			wrong, rows = [], []
			for when, (theirs, ours) in rounds.items():
				(their_value, _), (our_value, why) = theirs[index], ours[index]
				self.coverage.note(their_value, why or our_value == ask.DROPPED)
				if not same(their_value, our_value, policy):
					wrong.append((when, "", theirs[index], ours[index]))
					rows.append(known(policy, question, their_value, our_value))
				elif coverage.empty(their_value, our_value, policy):
					wrong.append((when, coverage.empty(their_value, our_value, policy) + ", ", theirs[index], ours[index]))
					rows.append(None)
			if wrong and all(rows):
				self.known[rows[0]] += 1
				continue
			self.failed += bool(wrong)
			self.passed += not wrong
			if wrong and len(found) < SHOWN:
				found.append(" ".join(map(str, question[:3])) + "".join(" %s" % name for name in ("tcp", "do") if getattr(question, name)))
				found += ["    %s %sBIND: %s\n          ours: %s" % (when, what, show(one), show(two)) for when, what, one, two in wrong]
		self.text = "%s\n%s\n%s" % (title, policy, "\n".join(found)) if found else ""

	def listen(self, part, title, questions, answers, others):
		"""`answers`: BIND's, ours, and those of these resolvers."""
		for resolver, said in zip(others, answers[2:]):
			voice = resolver.voice
			if not resolver.process.alive():
				self.tally.ended(voice, part, title, len(questions))
				continue
			for index, question in enumerate(questions):
				if "truncate" in resolver.without and coverage.kind(answers[0][index][0]) == "truncated":
					self.tally.silent(voice, part, "unsupported", 1)
					continue
				self.tally.note(voice, part, "%s %s from %s (%s)" % (question[:3] + (title,)), answers[0][index][0], answers[1][index][0],
					said[index][0])
