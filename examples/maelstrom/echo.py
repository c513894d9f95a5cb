#!/usr/bin/env python3
"""Sends back what it is sent."""

from node import Node

node = Node()


@node.on("echo")
def echo(message):
    node.reply(message, type="echo_ok", echo=message["body"]["echo"])


node.run()
