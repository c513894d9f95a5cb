"""main PORT: send everything back to many clients at the same time."""

import selectors
import socket
import sys


def main() -> int:
    port = int(sys.argv[1])
    ready = selectors.DefaultSelector()
    my_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    my_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    my_socket.bind(("", port))
    my_socket.listen(64)
    ready.register(my_socket, selectors.EVENT_READ)
    while True:
        for key, _ in ready.select():
            if key.fileobj is my_socket:
                foreign_socket, _ = my_socket.accept()
                ready.register(foreign_socket, selectors.EVENT_READ)
            elif message := key.fileobj.recv(1023):
                key.fileobj.sendall(message)
            else:
                ready.unregister(key.fileobj)
                key.fileobj.close()


sys.exit(main())
