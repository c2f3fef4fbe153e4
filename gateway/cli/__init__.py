"""The command line, ``lrms-gateway``."""

from gateway.cli.app import app, main

__all__ = ["app", "main"]
