"""Makes one order, tries again when no answer comes in time, and prints how many orders there are.

python3 client.py wrong|right HOST PORT
"""

import sys
import time

import httpx

kind, host, port = sys.argv[1:]
shop = f"http://{host}:{port}/orders"
headers = {"Idempotency-Key": "one order"} if kind == "right" else {}

for attempt in range(10):
    try:
        httpx.post(shop, content=b"a book", headers=headers, timeout=1.0).raise_for_status()
        break
    except httpx.TransportError:
        time.sleep(0.5 * 2**attempt)
else:
    sys.exit("no order was made")

print(httpx.get(shop, timeout=60).text.strip())
