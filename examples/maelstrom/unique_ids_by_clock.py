#!/usr/bin/env python3
"""Mistake: gives the time in milliseconds as an identifier, which others may read at once."""

import time

from node import Node

node = Node()


@node.on("generate")
def generate(message):
    node.reply(message, type="generate_ok", id=int(time.time() * 1000))


node.run()
