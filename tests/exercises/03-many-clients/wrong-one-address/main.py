"""main PORT: send everything back to many clients at the same time."""

import socket
import sys
import threading


def serve(foreign_socket: socket.socket) -> None:
    try:
        while piece := foreign_socket.recv(1023):
            foreign_socket.sendall(piece)
    except OSError as error:
        print(f"main: {error}", file=sys.stderr)
    finally:
        foreign_socket.close()


def main() -> int:
    port = int(sys.argv[1])
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        my_socket.bind((socket.gethostbyname(socket.gethostname()), port))
        my_socket.listen(64)
        while True:
            foreign_socket, _ = my_socket.accept()
            threading.Thread(target=serve, args=(foreign_socket,), daemon=True).start()


sys.exit(main())
