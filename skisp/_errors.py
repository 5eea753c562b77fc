"""Errors of our own."""

__all__ = ["RefusedError"]


class RefusedError(ValueError):
    """A file that can be read, and is not wanted; the message is the reason and the cure."""
