"""The version of echolab: the one place where it is written; the package's metadata reads it."""

__version__ = "0.4.0"
