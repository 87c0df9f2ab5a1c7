"""What a run has compared: answers by their kind, and what BIND says that its policy did.

A comparison of nothing passes as well: the totals are printed, and a part of the grid that nothing has met is a failure.
"""

import collections

TRIGGERS = ("CLIENT-IP", "QNAME", "IP", "NSDNAME", "NSIP")
ACTIONS = ("NXDOMAIN", "NODATA", "PASSTHRU", "DROP", "TCP-ONLY", "Local-Data", "CNAME")


def kind(value):
	"""Of an outcome, see ask.py."""
	if len(value) != 3:
		return value[0]
	truncated, rcode, records = value
	if truncated or rcode != "NOERROR":
		return "truncated" if truncated else rcode
	return "data" if records else "NODATA"


def empty(theirs, ours, policy):
	"""Why two equal outcomes say nothing about the policy, or None: no lab of ours fails, and only rules drop."""
	for value in (theirs, ours):
		if value[0] in ("dropped", "malformed") and not policy.drops():
			return "no answer, and no rule drops"
		if kind(value) in ("SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"):
			return "a resolver that fails says nothing"
	return None


class Coverage:
	def __init__(self):
		self.outcomes = collections.Counter()
		self.rewritten = collections.Counter()

	def note(self, theirs, policy_said):
		self.outcomes[kind(theirs)] += 1
		self.outcomes["denied or changed by policy"] += bool(policy_said)

	def add(self, other):
		self.outcomes += other.outcomes
		self.rewritten += other.rewritten

	def unmet(self):
		return ["%s %s" % (trigger, action) for trigger in TRIGGERS for action in ACTIONS if not self.rewritten[trigger, action]]

	def __str__(self):
		lines = ["answers compared: " + ", ".join("%s %d" % item for item in self.outcomes.most_common()),
			"what BIND's log has:"]
		lines += ["%-10s " % trigger + "  ".join("%s %d" % (action, self.rewritten[trigger, action]) for action in ACTIONS)
			for trigger in TRIGGERS]
		return "\n".join(lines)
