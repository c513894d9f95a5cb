#!/usr/bin/env python3
"""Gives identifiers without asking anybody: the node's name, and how many it has given."""

import itertools

from node import Node

node = Node()
numbers = itertools.count()


@node.on("generate")
def generate(message):
    node.reply(message, type="generate_ok", id=f"{node.id}-{next(numbers)}")


node.run()
