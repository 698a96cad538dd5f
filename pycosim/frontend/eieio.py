"""EIEIO data packets, the form in which SpiNNaker exchanges spikes with other programs over UDP.

The layout is that of SpiNNMan's ``EIEIODataHeader``: a byte with the number of elements; a byte of flags
(7: a 16-bit key prefix follows, 6: the prefix is the upper half of the key, 5: a payload prefix follows,
4: payloads are times, 3-2: type of the elements, 1-0: tag, 0 for data); the prefixes; the elements. All of it
is little endian. Flag 6 without flag 7 marks a command.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Sequence

from pycosim.errors import InvalidInputError

MOST_KEYS = 63
"""32-bit keys in a packet, as many as fit in SpiNNaker's."""


class EIEIOType(enum.IntEnum):
    """What the elements of a packet are."""

    KEY_16_BIT = 0
    KEY_PAYLOAD_16_BIT = 1
    KEY_32_BIT = 2
    KEY_PAYLOAD_32_BIT = 3

    @property
    def is_wide(self) -> bool:
        """Whether keys and payloads have 32 bits."""
        return self >= EIEIOType.KEY_32_BIT

    @property
    def has_payload(self) -> bool:
        """Whether a payload follows each key."""
        return bool(self & 1)


def encode(keys: Sequence[int], time_steps: int) -> list[bytes]:
    """Return packets with 32-bit keys, and the time as payload prefix."""
    flags = 1 << 5 | 1 << 4 | EIEIOType.KEY_32_BIT << 2
    return [
        struct.pack(f"<BBI{len(part)}I", len(part), flags, time_steps & 0xFFFFFFFF, *part)
        for part in (keys[start : start + MOST_KEYS] for start in range(0, len(keys), MOST_KEYS))
    ]


def decode(packet: bytes) -> list[int]:
    """Return the keys of a data packet.

    Raises
    ------
    InvalidInputError
        If it is a command, or not a packet of this kind.
    """
    try:
        count, flags = struct.unpack_from("<BB", packet)
        kind, has_prefix, is_upper = EIEIOType(flags >> 2 & 3), flags >> 7 & 1, flags >> 6 & 1
        if is_upper and not has_prefix:
            raise InvalidInputError("An EIEIO packet is a command; only packets with keys can be taken.")
        place, prefix = 2, 0
        if has_prefix:
            (prefix,) = struct.unpack_from("<H", packet, place)
            prefix, place = prefix << 16 if is_upper else prefix, place + 2
        word = "I" if kind.is_wide else "H"
        if flags >> 5 & 1:
            place += struct.calcsize(f"<{word}")
        per_element = 2 if kind.has_payload else 1
        words = struct.unpack_from(f"<{count * per_element}{word}", packet, place)
    except struct.error:
        raise InvalidInputError(
            f"A UDP packet of {len(packet)} bytes is not an EIEIO packet: it ends too early."
        ) from None
    return [key | prefix for key in words[::per_element]]
