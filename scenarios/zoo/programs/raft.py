"""A log that three nodes agree on, and a register on top (Ongaro and Ousterhout, "In search of an
understandable consensus algorithm", 2014). Sections and rules are those of figure 2.

    python3 raft.py MISTAKE
"""

import sys

from echo_app.node import Node

NODES = ("a", "b", "c")
HEARTBEAT = 0.05
ELECTION = 0.15


class Raft(Node):
    def __init__(self, mistake):
        super().__init__(NODES)
        self.mistake = mistake
        kept = {} if mistake == "forgets-everything" else self.load()
        self.term = kept.get("term", 0)
        self.vote = None if mistake == "forgets-vote" else kept.get("vote")
        self.log = kept.get("log", [])  # of [term, command]; the first has index 1
        if mistake == "forgets-term":
            self.term = self.log[-1][0] if self.log else 0
        self.role, self.leader = "follower", None
        self.commit = self.applied = 0
        self.value = None
        self.votes, self.next, self.match = set(), {}, {}
        self.waiting = {}  # index: the request that is answered when it is applied
        self.reads = []  # (request, round of heartbeats that must be confirmed)
        self.round, self.heard = 0, {}
        self.deadline = 0
        self.restart_clock()

    def keep(self):
        self.save(term=self.term, vote=self.vote, log=self.log)

    def last(self):
        return len(self.log), self.log[-1][0] if self.log else 0

    # --- elections

    def restart_clock(self):
        self.deadline += 1
        mine, wait = self.deadline, self.random.uniform(ELECTION, 2 * ELECTION)
        self.later(wait, lambda: mine == self.deadline and self.stand())

    def stand(self):
        if self.role != "leader":
            self.term, self.vote, self.role = self.term + 1, self.name, "candidate"
            self.votes = {self.name}
            self.keep()
            index, term = self.last()
            self.send_all("ask_vote", term=self.term, index=index, last=term)
        self.restart_clock()

    def see(self, term):
        """Rule for all servers: a larger term makes a follower."""
        if term > self.term:
            self.term, self.vote = term, None
            self.keep()
            self.follow()

    def follow(self):
        self.role = "follower"
        for request in [*self.waiting.values(), *(request for request, _ in self.reads)]:
            if self.mistake == "acknowledges-early":
                continue
            self.answer(request, unsure=True)
        self.waiting, self.reads = {}, []

    def on_ask_vote(self, message):
        self.see(message["term"])
        index, last = self.last()
        current = (message["last"], message["index"]) >= (last, index)
        if self.mistake == "no-election-restriction":
            current = True
        free = self.vote in (None, message["sender"])
        granted = message["term"] == self.term and free and current
        if granted:
            self.vote = message["sender"]
            self.keep()
            self.restart_clock()
        self.send(message["sender"], "give_vote", term=self.term, granted=granted)

    def on_give_vote(self, message):
        self.see(message["term"])
        if self.role != "candidate" or message["term"] != self.term or not message["granted"]:
            return
        self.votes.add(message["sender"])
        if len(self.votes) > len(NODES) // 2:
            self.role, self.leader = "leader", self.name
            self.next = {peer: len(self.log) + 1 for peer in self.peers}
            self.match = dict.fromkeys(self.peers, 0)
            self.heard = dict.fromkeys(self.peers, 0)
            self.append(None)  # an entry of its own term, so that older ones can be committed
            self.beat(self.term)

    # --- replication

    def beat(self, term):
        if self.role == "leader" and self.term == term:
            self.replicate()
            self.later(HEARTBEAT, lambda: self.beat(term))

    def append(self, command):
        self.log.append([self.term, command])
        self.keep()

    def replicate(self):
        self.round += 1
        for peer in self.peers:
            before = self.next[peer] - 1
            self.send(
                peer,
                "append",
                term=self.term,
                index=before,
                before=self.log[before - 1][0] if before else 0,
                entries=self.log[before : before + 20],
                commit=self.commit,
                round=self.round,
            )

    def on_append(self, message):
        self.see(message["term"])
        answer = {"term": self.term, "round": message["round"]}
        if message["term"] < self.term:
            self.send(message["sender"], "appended", done=False, index=0, **answer)
            return
        self.role, self.leader = "follower", message["sender"]
        self.restart_clock()
        before, entries = message["index"], message["entries"]
        known = before == 0 or (
            before <= len(self.log) and self.log[before - 1][0] == message["before"]
        )
        if not known:
            self.send(message["sender"], "appended", done=False, index=before - 1, **answer)
            return
        if self.mistake == "truncates-too-far":
            del self.log[before:]
        for number, entry in enumerate(entries, before):
            if number < len(self.log) and self.log[number][0] != entry[0]:
                del self.log[number:]
            if number >= len(self.log):
                self.log.append(entry)
        self.keep()
        self.commit = max(self.commit, min(message["commit"], before + len(entries)))
        self.apply()
        self.send(message["sender"], "appended", done=True, index=before + len(entries), **answer)

    def on_appended(self, message):
        self.see(message["term"])
        peer = message["sender"]
        if self.role != "leader" or message["term"] != self.term:
            return
        self.heard[peer] = max(self.heard[peer], message["round"])
        if not message["done"]:
            self.next[peer] = max(1, min(self.next[peer] - 1, message["index"] + 1))
        else:
            self.match[peer] = max(self.match[peer], message["index"])
            self.next[peer] = self.match[peer] + 1
        self.advance()

    def advance(self):
        """Commit what a majority has, if it is of this term (section 5.4.2)."""
        have = sorted([len(self.log), *self.match.values()])[len(NODES) // 2]
        own = have and self.log[have - 1][0] == self.term
        if have > self.commit and (own or self.mistake == "counts-old-terms"):
            self.commit = have
        self.apply()

    def apply(self):
        while self.applied < min(self.commit, len(self.log)):
            self.applied += 1
            command = self.log[self.applied - 1][1]
            if command is not None:
                self.value = command
            if self.applied in self.waiting:
                request = self.waiting.pop(self.applied)
                self.answer(request)
        self.answer_reads()

    # --- clients

    def on_write(self, message):
        if self.role != "leader":
            self.answer(message, refused=True)
            return
        self.append(message["value"])
        if self.mistake == "acknowledges-early":
            self.answer(message)
        else:
            self.waiting[len(self.log)] = message
        self.replicate()

    def on_read(self, message):
        if self.mistake == "reads-anywhere":
            self.answer(message, value=self.value)
        elif self.role != "leader":
            self.answer(message, refused=True)
        elif self.mistake == "reads-from-old-leader":
            self.answer(message, value=self.value)
        else:  # section 8: is it still the leader?
            self.reads.append((message, self.round + 1))
            self.replicate()

    def answer_reads(self):
        current = self.commit and self.log[self.commit - 1][0] == self.term
        if self.role != "leader" or not current:
            return
        confirmed = sorted([self.round, *self.heard.values()])[len(NODES) // 2]
        due = [one for one in self.reads if one[1] <= confirmed]
        self.reads = [one for one in self.reads if one[1] > confirmed]
        for request, _ in due:
            self.answer(request, value=self.value)


Raft(sys.argv[1]).run()
