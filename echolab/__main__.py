"""`python -m echolab` is the `echolab` command."""

from echolab.cli import main

main()
