"""The lecture's echo programs and the probe that measures them; standard library only."""
