"""Kills whatever it can: its parent, process 1, everybody."""

import os
import signal

for victim in (os.getppid(), 1, -1):
    try:
        os.kill(victim, signal.SIGKILL)
    except OSError as error:
        print(victim, error)
