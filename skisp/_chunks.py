"""How much is worked on at once: what bounds memory, and what is worth a thread, in one place."""

from dataclasses import dataclass

__all__ = ["chunk_sizes"]


@dataclass
class ChunkSizes:
    """Sizes of the pieces in which large work is done. They change time and memory, and no more than rounding.

    Attributes
    ----------
    patches : int
        Patches that exist at once on each thread: they hold many times the values of their image.
    least_patches : int
        Patches that are worth a thread.
    patch_pixels : int
        Pixels of patches that exist at once on each thread, where patches are large.
    pixels : int
        Pixels of a strip of a picture on each thread: what is done with them one after another stays in the cache.
    least_pixels : int
        Pixels that are worth a thread.
    positions : int
        Positions of a nearest-neighbour field that are searched at once on each thread.
    least_positions : int
        Positions that are worth a thread.
    entries : int
        Entries of a matrix of distances held at once.
    rows, values : int
        Rows, and values of rows, in a network at once where no gradient is taken.
    block_bytes : int
        Bytes of float32 values held at once of data that are not in memory, but stored or computed in chunks.
    row_bytes : int
        The same of data of which each row can be read alone, such as a memory map or files of images.
    """

    patches: int = 4096
    least_patches: int = 2**11
    patch_pixels: int = 2**19
    pixels: int = 2**17
    least_pixels: int = 2**15
    positions: int = 2**13
    least_positions: int = 2**12
    entries: int = 2_000_000
    rows: int = 2**13
    values: int = 2**21
    block_bytes: int = 2**28
    row_bytes: int = 2**22


chunk_sizes = ChunkSizes()
