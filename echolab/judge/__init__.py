"""The judge: verdicts as a pure function of a record."""
