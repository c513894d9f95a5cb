"""A shop: POST /orders makes an order and answers with how many there are. `server.py PORT`

An order with the same Idempotency-Key as an earlier one is that one.
"""

import http.server
import sys
import time

orders: list[str] = []


class Shop(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers.get("Idempotency-Key", "")
        if not key or key not in orders:
            orders.append(key)
        time.sleep(0.2)  # it is packed
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        body = b"%d\n" % len(orders)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Shop).serve_forever()
