"""main NAME PORT PEER PEER: one node of a counter that three keep together."""

import socketserver
import sys

counter = 0


class Client(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        global counter
        for line in self.rfile:
            words = line.split()
            if words[0] == b"add":
                # tell the peers about it, again and again
                counter += int(words[1])
                self.wfile.write(b"ok\n")
            else:
                self.wfile.write(b"%d\n" % counter)


class Node(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Node(("", int(sys.argv[2])), Client).serve_forever()
