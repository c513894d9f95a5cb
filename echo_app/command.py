"""What the programs share: options, signal handling, and one-line error messages."""

from __future__ import annotations

import argparse
import errno
import signal
import socket
import sys
from typing import NoReturn

FAILED = 1
BAD_INPUT = 2


class Options(argparse.ArgumentParser):
    """An option parser that says what is wrong in one line and ends with status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message}; --help lists the options\n")


def options(program: str, description: str | None) -> Options:
    """The options that every program has: `--help` and `--port`."""
    parser = Options(
        prog=f"echo_app.{program}",
        description=(description or "").partition("\n")[0],
        allow_abbrev=False,
    )
    parser.add_argument(
        "--port", type=port, metavar="N", help="instead of the echo service's port (7)"
    )
    return parser


def client_options(program: str, description: str | None) -> Options:
    """The options that every client has: those of `options`, and the HOST to talk to."""
    parser = options(program, description)
    parser.add_argument("host", nargs="?", type=host, default="server", metavar="HOST")
    return parser


def host(text: str) -> str:
    """A host's name. Raises ArgumentTypeError if it is empty."""
    if not text:
        raise argparse.ArgumentTypeError("the host name is empty: give a name or an address")
    return text


def port(text: str) -> int:
    """A port number. Raises ArgumentTypeError if `text` is not one."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 1 to 65535")
    return number


def seconds(text: str) -> float:
    """A time to wait, more than 0 and at most one day. Raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time to wait: give more than 0 and at most 86400 seconds"
        )
    return value


def end_on_request() -> None:
    """Make SIGTERM end a server with status 0, and Ctrl-C end any program without a traceback."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def complain(program: str, message: str, status: int) -> int:
    """Report in one line on standard error what failed; return `status`."""
    print(f"echo_app.{program}: {message}", file=sys.stderr)
    return status


def cannot_bind(program: str, error: OSError, port: int | None) -> int:
    """Report why a server cannot bind its port; return the exit status."""
    where = f"port {port}" if port else "the echo service's port"
    if error.errno == errno.EADDRINUSE:
        message = f"{where} is in use: end the program that uses it, or choose another with --port"
    elif error.errno == errno.EACCES:
        message = f"{where} needs a privilege: choose one above 1023 with --port"
    else:
        message = f"cannot listen on {where}: {reason(error)}"
    return complain(program, message, BAD_INPUT)


def cannot_reach(program: str, error: OSError | UnicodeError, host: str) -> int:
    """Report why a client got no answer from `host`; return the exit status."""
    if isinstance(error, socket.gaierror | socket.herror | UnicodeError):
        message = f"host {host!r} is unknown: check the name, or give an address"
    elif isinstance(error, ConnectionRefusedError):
        message = (
            f"{host} refused the connection: no echo server listens there; "
            "start one, or check --port"
        )
    else:
        message = f"no exchange with {host}: {reason(error)}"
    return complain(program, message, FAILED)


def reason(error: OSError) -> str:
    """The system's message for an error; that of getservbyname has no number and no remedy."""
    if error.errno is None:
        return f"{error} (/etc/services lacks the echo service): give the port with --port 7"
    return error.strerror or str(error)
