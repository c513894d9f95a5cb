"""main lock PORT: a lock with leases. main store PORT: a number that it protects."""

import socket
import sys

_, role, port = sys.argv
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(("", int(port)))
token, value = 0, "empty"
while True:
    data, client = here.recvfrom(1000)
    request, verb, *words = data.decode().split()
    # look at leases and tokens, and keep what must not be forgotten
    if verb == "acquire":
        token += 1
        answer = f"{token}"
    elif verb == "read":
        answer = value
    elif verb == "write":
        value = words[1]
        answer = "ok"
    else:
        answer = "ok"
    here.sendto(f"{request} {answer}".encode(), client)
