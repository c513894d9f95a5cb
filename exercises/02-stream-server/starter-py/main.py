"""main PORT: send everything back to one client after the other."""

import socket
import sys


def main() -> int:
    port = int(sys.argv[1])
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.bind(("", port))
        my_socket.listen(5)
        while True:
            foreign_socket, _ = my_socket.accept()
            # receive and send back until the client has finished
            foreign_socket.close()


sys.exit(main())
