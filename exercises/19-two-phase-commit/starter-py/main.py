"""main coordinator PORT ONE TWO. main participant NAME PORT PLACES COORDINATOR PEER."""

import socket
import sys

role = sys.argv[1]
port = int(sys.argv[2] if role == "coordinator" else sys.argv[3])
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(("", port))
while True:
    data, client = here.recvfrom(1000)
    request, verb, *words = data.decode().split()
    # ask both participants, decide, write it down, and tell both until they know
    if verb == "book":
        answer = "refused"
    elif verb == "free":
        answer = sys.argv[4]
    else:
        answer = ""
    here.sendto(f"{request} {answer}".encode(), client)
