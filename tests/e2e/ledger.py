"""What collectors have, set against what the resolver says it sent: every answer is a frame, or is told to be lost.

A frame is known by boot, worker and counter (doc/frames.md); the counters of a worker have no gaps, so what is not there
is missing.
"""

import collections
import json
import re

import frames

EXTRA = re.compile(rb'\{"v":1,"boot":"([0-9a-f]{12})","worker":(\d+),"seq":(\d+),"path":"[a-z]+","verdict":"([a-z-]+)"')
NOTE = re.compile(rb'\{"v":1,"boot":"[0-9a-f]{12}","(?:heartbeat|former)"')
DECODER = json.JSONDecoder()


class Ledger:
	def __init__(self, paths):
		self.got = collections.defaultdict(set)       # (boot, worker) -> counters that came
		self.told = {}                                # (boot, worker) -> the last counter that was told of
		self.dropped = collections.Counter()          # (boot, worker) -> frames told to be dropped
		self.beats = {}                               # (boot, heartbeat) -> heartbeat
		self.former = []
		self.verdicts = collections.Counter()         # of distinct frames
		self.twice = 0
		for path in paths:
			self.read(path)

	def read(self, path):
		with open(path, "rb") as file:
			octets = file.read()
		for frame in frames.stream(octets):
			found = EXTRA.search(frame)
			if found:
				self.note_frame((found[1].decode(), int(found[2])), int(found[3]), found[4].decode())
			else:
				# Other fields of the frame follow.
				self.note_note(DECODER.raw_decode(frame[NOTE.search(frame).start():].decode(errors="replace"))[0])

	def note_frame(self, source, counter, verdict):
		if counter in self.got[source]:
			self.twice += 1
		else:
			self.verdicts[verdict] += 1
			self.got[source].add(counter)

	def tell(self, boot, one):
		source = boot, one["worker"]
		self.told[source] = max(self.told.get(source, 0), one["seq"])
		self.dropped[source] = max(self.dropped[source], one["dropped"])

	def note_note(self, note):
		if "heartbeat" in note:
			self.beats[note["boot"], note["heartbeat"]] = note
			for one in note["workers"]:
				self.tell(note["boot"], one)
		elif note not in self.former:
			self.former.append(note)
			self.tell(note["boot"], note["former"])

	def frames(self):
		"""Distinct ones."""
		return sum(len(counters) for counters in self.got.values())

	def answers(self):
		"""As the numbers have it: the last counter of each worker that is known of."""
		return sum(max(self.told.get(source, 0), max(self.got.get(source, {0}))) for source in set(self.told) | set(self.got))

	def last_beat(self):
		"""Of the process that came last: boots are in the order in which they first spoke."""
		order = list(dict.fromkeys(boot for boot, _ in self.beats))
		return max(self.beats.values(), key=lambda beat: (order.index(beat["boot"]), beat["heartbeat"]), default=None)

	def lost_beats(self):
		"""Heartbeats that are known to have been and did not come."""
		lasts = collections.defaultdict(int)
		for boot, number in self.beats:
			lasts[boot] = max(lasts[boot], number)
		return sum(lasts.values()) - len(self.beats)

	def lost(self, name):
		"""Told to be lost on the way to the target `name`: never put on the way, and gone from the spool. Heartbeats travel in
		the spool like frames."""
		beat = self.last_beat()
		gone = next((one["lost"] + one["unsure"] for one in beat["targets"] if one["name"] == name), 0) if beat else 0
		return sum(self.dropped.values()) + gone - (self.lost_beats() if gone else 0)

	def missing(self):
		return self.answers() - self.frames()
