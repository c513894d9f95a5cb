"""A primary and its backup, appointed by a view service (as in the labs of MIT's 6.824, 2012).

Node c is the view service and does not fail. A view is a number, a primary and a backup. A primary
does nothing before its backup has done the same, reads too, so an old primary can answer nothing. A
new backup is given the whole state. No view follows before its primary has said that it knows it.

    python3 primary_backup.py service|MISTAKE
"""

import sys

from echo_app.node import Node

SERVICE = "c"
NODES = ("a", "b", SERVICE)
PING = 0.05
DEAD = 4 * PING


class Service(Node):
    """The view service: it counts a node as dead that is silent, or that has lost its memory."""

    def __init__(self):
        super().__init__(NODES)
        self.view = [0, None, None]
        self.known = True  # whether the primary has said that it knows the view
        self.heard = {}
        self.later(PING, self.look)

    def on_ping(self, message):
        node, number = message["sender"], message["view"]
        self.heard[node] = 0
        if node == self.view[1] and number == self.view[0]:
            self.known = True
        elif node == self.view[1] and number == 0:
            self.heard[node] = DEAD  # it has started anew
            self.change()
        elif node == self.view[2] and number == 0 and self.known:
            self.view = [self.view[0] + 1, self.view[1], None]
            self.known = False
        self.change()
        self.send(node, "view", view=self.view)

    def look(self):
        for node in self.heard:
            self.heard[node] += PING
        self.change()
        self.later(PING, self.look)

    def alive(self, node):
        return node is not None and self.heard.get(node, DEAD) < DEAD

    def change(self):
        if not self.known:
            return
        number, primary, backup = self.view
        if primary is not None and not self.alive(primary):
            if not self.alive(backup):
                return
            primary, backup = backup, None
        if backup is not None and not self.alive(backup):
            backup = None
        others = [node for node in sorted(self.heard) if self.alive(node) and node != primary]
        if primary is None and others:
            primary = others.pop(0)
        if backup is None and others:
            backup = others[0]
        if [primary, backup] != self.view[1:]:
            self.view, self.known = [number + 1, primary, backup], False

    def on_read(self, message):
        self.answer(message, refused=True)

    on_append = on_read


class Server(Node):
    def __init__(self, mistake):
        super().__init__(NODES)
        self.mistake = mistake
        self.view = [0, None, None]
        self.text, self.done = "", []  # what is kept, and the operations that were done
        self.lost = bool(self.load())  # started anew: what it had in memory is gone
        self.save(started=True)
        self.taken = 0  # the view as whose backup it was given the state
        self.whole = False  # whether the backup has been given the state of this view
        self.order, self.pending = 0, {}
        self.silent = 0
        self.ping()

    # --- views

    def ping(self):
        number, primary, backup = self.view
        ready = self.settled() if primary == self.name else self.taken == number
        if primary == self.name and not ready:
            number -= 1
        elif not ready or self.lost:
            number = 0
        self.send(SERVICE, "ping", view=number)
        if primary == self.name and backup and not self.whole and not self.lost:
            self.send(backup, "state", view=self.view, text=self.text, done=self.done)
        self.silent += 1
        if self.mistake == "two-primaries" and self.silent > 3 and backup == self.name:
            self.view = [number, self.name, None]  # the primary must be dead
        self.later(PING, self.ping)

    def settled(self):
        return not self.lost and (self.view[2] is None or self.whole)

    def on_view(self, message):
        self.silent = 0
        if message["view"][0] <= self.view[0]:
            return
        self.view = message["view"]
        self.whole = False
        if self.mistake == "no-transfer":
            self.whole, self.taken, self.lost = True, self.view[0], False
        for request in self.pending.values():
            self.answer(request, unsure=True)
        self.pending = {}

    def on_state(self, message):
        number, _, backup = message["view"]
        if number < self.view[0] or backup != self.name:
            return
        if number > self.taken:
            self.view, self.taken, self.lost = message["view"], number, False
            self.text, self.done = message["text"], message["done"]
        self.send(message["sender"], "taken", number=number)

    def on_taken(self, message):
        if message["number"] == self.view[0]:
            self.whole = True

    # --- operations

    def on_read(self, message):
        if self.mistake == "reads-alone" and self.view[1] == self.name:
            self.answer(message, text=self.text)
        else:
            self.operate(message)

    def on_append(self, message):
        self.operate(message)

    def operate(self, message):
        number, primary, backup = self.view
        if primary != self.name or not self.settled():
            self.answer(message, refused=True)
        elif backup is None or self.mistake == "acknowledges-early":
            self.apply(message)
            self.answer(message, text=self.text)
            if backup is not None:
                self.send(backup, "copy", view=number, order=0, operation=message)
        else:
            self.order += 1
            self.pending[self.order] = message
            self.send(backup, "copy", view=number, order=self.order, operation=message)

    def on_copy(self, message):
        if message["view"] != self.view[0] or self.view[2] != self.name:
            return  # from an old primary
        if self.taken != self.view[0]:
            return
        self.apply(message["operation"])
        self.send(
            message["sender"],
            "copied",
            view=self.view[0],
            order=message["order"],
            text=self.text,
            done=self.done,
        )

    def on_copied(self, message):
        if message["view"] != self.view[0]:
            return
        if len(message["done"]) >= len(self.done):  # the backup's order is the one that counts
            self.text, self.done = message["text"], message["done"]
        request = self.pending.pop(message["order"], None)
        if request is not None:
            self.answer(request, text=message["text"])

    def apply(self, operation):
        if operation["kind"] != "append":
            return
        if operation["id"] in self.done and self.mistake != "applies-twice":
            return
        self.done.append(operation["id"])
        self.text += operation["text"]


node = Service() if sys.argv[1] == "service" else Server(sys.argv[1])
node.run()
