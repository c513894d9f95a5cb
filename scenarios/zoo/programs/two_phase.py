"""Two-phase commit: a coordinator and two participants, all or none (Gray, 1978).

Transactions add an element on both participants. A participant that has said yes is bound until it
is told, and asks again and again; what it has promised, and what was decided, is on disk. A
decision is on disk before anybody is told. What is not there was not decided, and is aborted.

    python3 two_phase.py MISTAKE
"""

import sys

from echo_app.node import Node

COORDINATOR, PARTICIPANTS = "a", ("b", "c")
AGAIN = 0.1
PATIENCE = 0.3


class Coordinator(Node):
    def __init__(self, mistake):
        super().__init__(PARTICIPANTS)
        self.mistake = mistake
        self.decided = {} if mistake == "forgets-decision" else self.load().get("decided", {})
        self.open = {}

    def on_add(self, message):
        name = message["element"]
        self.open[name] = (message, set())
        self.send_all("prepare", element=name)
        if self.mistake == "acknowledges-early":
            self.answer(message)
        self.later(PATIENCE, lambda: name in self.open and self.decide(name, False))

    def on_vote(self, message):
        name = message["element"]
        if name not in self.open:
            return
        yes = self.open[name][1]
        yes.add(message["sender"])
        needed = 1 if self.mistake == "counts-one-vote" else len(PARTICIPANTS)
        if len(yes) >= needed:
            self.decide(name, True)

    def decide(self, name, commit):
        request, _ = self.open.pop(name)
        self.decided[name] = commit
        if self.mistake != "forgets-decision":
            self.save(decided=self.decided)
        self.send_all("decision", element=name, commit=commit)
        if commit and self.mistake != "acknowledges-early":
            self.answer(request, done=True)
        elif not commit:
            self.answer(request, refused=True)

    def on_ask(self, message):
        name = message["element"]
        if name not in self.open:
            commit = self.decided.get(name, False)
            self.send(message["sender"], "decision", element=name, commit=commit)


class Participant(Node):
    def __init__(self, mistake):
        super().__init__([COORDINATOR])
        self.mistake = mistake
        kept = {} if mistake == "forgets-promise" else self.load()
        self.elements = kept.get("elements", [])
        self.promised = kept.get("promised", [])
        self.remind()

    def keep(self):
        if self.mistake != "forgets-promise":
            self.save(elements=self.elements, promised=self.promised)

    def remind(self):
        for name in self.promised:
            self.send(COORDINATOR, "ask", element=name)
        self.later(AGAIN, self.remind)

    def on_prepare(self, message):
        name = message["element"]
        if name not in self.promised:
            self.promised.append(name)
            self.keep()
        self.send(COORDINATOR, "vote", element=name)
        if self.mistake in ("commits-alone", "aborts-alone"):
            self.later(2 * PATIENCE, lambda: self.end(name, self.mistake == "commits-alone"))

    def on_decision(self, message):
        if self.mistake == "counts-one-vote" and message["element"] not in self.promised:
            return
        self.end(message["element"], message["commit"])

    def end(self, name, commit):
        if name not in self.promised:
            return
        self.promised.remove(name)
        if commit:
            self.elements.append(name)
        self.keep()

    def on_read(self, message):
        self.answer(message, elements=sorted(self.elements))


mistake, name = sys.argv[1:]
(Coordinator if name == COORDINATOR else Participant)(mistake).run()
