"""Prints the words that KeyStreamTests expects, with the standard library alone."""

import hashlib
import hmac
import struct


def fields(purpose, *parts):
    digest = hashlib.sha256()
    for part in (purpose.encode(), *parts):
        digest.update(struct.pack("<Q", len(part)) + part)
    return digest.digest()


def chacha20_block(key, counter, nonce=b"\0" * 8):
    state = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key),
             counter & 0xFFFFFFFF, counter >> 32, *struct.unpack("<2I", nonce)]
    work = list(state)

    def quarter(a, b, c, d):
        for first, second, third, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            work[first] = (work[first] + work[second]) & 0xFFFFFFFF
            value = work[third] ^ work[first]
            work[third] = (value << turn | value >> (32 - turn)) & 0xFFFFFFFF

    for _ in range(10):
        for index in range(4):
            quarter(index, index + 4, index + 8, index + 12)
        for index in range(4):
            quarter(index, (index + 1) % 4 + 4, (index + 2) % 4 + 8, (index + 3) % 4 + 12)
    return struct.pack("<16I", *((x + y) & 0xFFFFFFFF for x, y in zip(work, state)))


# RFC 8439, appendix A.1, test vector 1.
assert chacha20_block(b"\0" * 32, 0).hex().startswith("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7")
root = fields("ferry.stream-key/1", struct.pack("<q", 7))
key = hmac.new(root, fields("ferry.stream-path/1", b"noise"), hashlib.sha256).digest()
for index in (0, 1, 1023, 1024, 5000):
    block = chacha20_block(key, index // 8)
    print(index, hex(struct.unpack("<8Q", block)[index % 8]))
