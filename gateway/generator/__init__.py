"""Synthetic patient safety feeds of any size: realistic, streamed, the same for the same seed.
Nothing in them comes from a real event, and no person in them exists."""

from gateway.generator.feed import FORMATS, write_feed

__all__ = ["FORMATS", "write_feed"]
