"""How much a file of a model may hold, in one place: what a short file could make the reader do without end."""

from dataclasses import dataclass

__all__ = ["limits"]


@dataclass
class Limits:
    """The most that is read. No model that this package fits comes near.

    Attributes
    ----------
    opcodes : int
        Steps of the pickle in the archive; scanning a million takes about a second.
    entries : int
        Entries of the archive.
    axes : int
        Of a tensor.
    bytes_of_strings : int
        That one array of strings takes in memory.
    depth : int
        Of lists in lists.
    values : int
        Single values, with the lists, tuples and dictionaries that hold them.
    estimators : int
        In one estimator; one that is in several places counts several times.
    references, bytes_always_referred : int
        How often, on average, the arrays of a file may be used, since a network copies them; and
        the bytes that always may.
    """

    opcodes: int = 3_000_000
    entries: int = 100_000
    axes: int = 32
    bytes_of_strings: int = 2**26
    depth: int = 50
    values: int = 1_000_000
    estimators: int = 1000
    references: int = 8
    bytes_always_referred: int = 2**26


limits = Limits()
