"""every_name_listener.py PORT: hear one client out and say as JSON what it sent."""

import json
import socket
import sys

with socket.create_server(("", int(sys.argv[1]))) as server:
    connection, _ = server.accept()
    with connection:
        heard = b"".join(iter(lambda: connection.recv(100), b""))
print(json.dumps({"heard": heard.decode()}))
