# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""CRC-32C (Castagnoli; RFC 3720, B.4): tells whether bytes were damaged on their way, and nothing about attackers."""

_POLYNOMIAL = 0x82F63B78


def _step(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE = tuple(map(_step, range(256)))


def crc32c(data: bytes) -> int:
    """Return the checksum of ``data``."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF
