"""A certificate of a server, made for one test: it vouches for itself.

No library is needed for it, and its primes are found in Python, so it is of no use beyond a test.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

__all__ = ["write_certificate"]

_SHA256_WITH_RSA = "2a864886f70d01010b"
_RSA = "2a864886f70d010101"
_COMMON_NAME = "550403"
_ALTERNATIVE_NAMES = "551d11"
_BASIC_CONSTRAINTS = "551d13"
_EXPONENT = 65537
_BITS = 2048


def write_certificate(file: Path, host: str) -> Path:
    """Write a key and its certificate for a host, PEM; they are good from yesterday until tomorrow."""
    p, q = _prime(_BITS // 2), _prime(_BITS // 2)
    modulus, d = p * q, pow(_EXPONENT, -1, (p - 1) * (q - 1))
    numbers = [0, modulus, _EXPONENT, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p)]
    key = _sequence(*map(_integer, numbers))

    algorithm = _sequence(_identifier(_SHA256_WITH_RSA), b"\x05\x00")
    name = _sequence(_tagged(0x31, _sequence(_identifier(_COMMON_NAME), _tagged(0x0C, host.encode()))))
    now = datetime.now(UTC)
    times = [_tagged(0x17, f"{now + timedelta(days=day):%y%m%d%H%M%SZ}".encode()) for day in (-1, 1)]
    public = _sequence(
        _sequence(_identifier(_RSA), b"\x05\x00"),
        _tagged(0x03, b"\0" + _sequence(_integer(modulus), _integer(_EXPONENT))),
    )
    names = _sequence(_tagged(0x82, host.encode()))
    extensions = _tagged(
        0xA3,
        _sequence(
            _sequence(_identifier(_ALTERNATIVE_NAMES), _tagged(0x04, names)),
            _sequence(_identifier(_BASIC_CONSTRAINTS), _tagged(0x04, _sequence(_tagged(0x01, b"\xff")))),
        ),
    )
    statement = _sequence(
        _tagged(0xA0, _integer(2)),
        _integer(secrets.randbits(64)),
        algorithm,
        name,
        _sequence(*times),
        name,
        public,
        extensions,
    )
    digest = _sequence(
        _sequence(_identifier("608648016503040201"), b"\x05\x00"),
        _tagged(0x04, hashlib.sha256(statement).digest()),
    )
    padded = b"\x00\x01" + b"\xff" * (_BITS // 8 - 3 - len(digest)) + b"\x00" + digest
    signature = pow(int.from_bytes(padded, "big"), d, modulus).to_bytes(_BITS // 8, "big")
    certificate = _sequence(statement, algorithm, _tagged(0x03, b"\0" + signature))
    file.write_text(_pem("RSA PRIVATE KEY", key) + _pem("CERTIFICATE", certificate))
    return file


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _sequence(*items: bytes) -> bytes:
    return _tagged(0x30, b"".join(items))


def _integer(value: int) -> bytes:
    return _tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _identifier(text: str) -> bytes:
    return _tagged(0x06, bytes.fromhex(text))


def _pem(title: str, content: bytes) -> str:
    lines = base64.encodebytes(content).decode().replace("\n", "")
    body = "\n".join(lines[start : start + 64] for start in range(0, len(lines), 64))
    return f"-----BEGIN {title}-----\n{body}\n-----END {title}-----\n"


def _prime(bits: int) -> int:
    while True:
        candidate = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if candidate % _EXPONENT != 1 and _is_prime(candidate):
            return candidate


def _is_prime(number: int) -> bool:
    """Miller and Rabin's test, after the small divisors."""
    if any(number % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(16):
        power = pow(secrets.randbelow(number - 3) + 2, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True
