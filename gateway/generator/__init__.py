"""Synthetic patient safety feeds of any size: realistic, streamed, the same for the same seed.
Nothing in them comes from a real event, and no person in them exists."""
