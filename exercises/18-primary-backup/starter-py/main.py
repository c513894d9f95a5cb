"""main view PORT ONE TWO: the view service. main store NAME PORT VIEW PEER: one of two stores."""

import socket
import sys

role = sys.argv[1]
port = int(sys.argv[2] if role == "view" else sys.argv[3])
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(("", port))
texts: dict[str, str] = {}
while True:
    data, client = here.recvfrom(1000)
    request, verb, *words = data.decode().split()
    # let the view service appoint one primary, which answers when its backup has done the same
    if verb == "primary":
        answer = sys.argv[3]
    elif verb == "get":
        answer = texts.get(words[0], "empty")
    else:
        texts[words[0]] = texts.get(words[0], "") + words[1]
        answer = "ok"
    here.sendto(f"{request} {answer}".encode(), client)
