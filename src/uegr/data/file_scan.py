"""One pass over the bytes of a file before it is read: its hash, and the encoding of a text file."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import xxhash

from uegr.data.data_report import Finding
from uegr.errors import UsageError

BLOCK = 1 << 22
"""Bytes that are scanned at a time."""
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
FALLBACK = "cp1252"
"""Encoding of text that is not UTF-8: Windows' encoding of Western languages, which has all letters of Latin-1."""
ESCAPED, ESCAPED_UTF16 = b'\\"', b'\\\0"'
"""A backslash and a quote, whatever the order of the bytes in UTF-16."""
COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zX", b"(\xb5/\xfd")
"""First bytes of gzip, zip, bzip2, xz and zstd; longer than the two letters with which a header may begin."""


@dataclass(frozen=True)
class Scan:
    """Result of one pass over the bytes of a file.

    Args:
        digest: hash of the content.
        encoding: encoding of the text.
        undecodable: number of bytes that are not UTF-8; above 0 the fallback encoding is used, or, in a file with the
            byte order mark of UTF-8, they are replaced.
        nuls, quotes, escapes: number of NUL characters, of double quotes, and of those after a backslash.
    """

    digest: str
    encoding: str
    undecodable: int
    nuls: int
    quotes: int
    escapes: int

    def findings(self, name: str) -> list[Finding]:
        """What is changed when the file `name` is read."""
        findings = []
        if self.undecodable:
            action = f"read as {FALLBACK}" if self.encoding == FALLBACK else "replaced by \N{REPLACEMENT CHARACTER}"
            message = f"bytes of {name} are not UTF-8: {action}"
            findings.append(Finding("encoding", self.undecodable, message))
        if self.nuls:
            findings.append(Finding("nul", self.nuls, f"NUL characters in {name}: removed"))
        return findings


def scan_file(path: Path, *, binary: bool = False) -> Scan:
    """Hash a file block by block; for a text file, also find the encoding and count NUL characters and quotes.

    Raises:
        UsageError: the file is compressed, Parquet under the name of a text file, or in an encoding that is not read.
    """
    with path.open("rb") as file:
        beginning = file.read(4)
    if beginning.startswith(COMPRESSED):
        raise UsageError(f"'{path}' is compressed: unpack it first.")
    if beginning == b"PAR1" and not binary:
        raise UsageError(f"'{path}' is a Parquet file: give it the ending .parquet.")
    if beginning in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE) and not binary:
        raise UsageError(f"'{path}' is in UTF-32: save it as UTF-8.")
    encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if beginning.startswith(mark)), "utf-8")
    is_utf16 = encoding == "utf-16"
    digest, quotes, escapes, nuls, undecodable, last = xxhash.xxh3_128(), 0, 0, 0, 0, b""
    decoder = codecs.getincrementaldecoder("utf-16" if is_utf16 else "utf-8")(
        "strict" if is_utf16 else "surrogateescape"
    )
    try:
        for block in _blocks(path):
            digest.update(block)
            if binary:
                continue
            quotes += block.count(b'"')
            escapes += (last + block).count(ESCAPED_UTF16 if is_utf16 else ESCAPED)
            last = block[-2:] if is_utf16 else block[-1:]
            nuls += 0 if is_utf16 else block.count(b"\0")
            undecodable += _escaped(decoder.decode(block))
        undecodable += _escaped(decoder.decode(b"", final=True))  # a character that is cut off at the end of the file
    except UnicodeDecodeError as error:
        raise UsageError(f"'{path}' is not valid UTF-16 ({error.reason}): save it as UTF-8.") from error
    if undecodable and encoding == "utf-8":
        encoding = FALLBACK
    return Scan(digest.hexdigest(), encoding, undecodable, nuls, quotes, escapes)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(lambda: file.read(BLOCK), b"")


def _escaped(text: str) -> int:
    """Number of bytes that were not decodable."""
    return len(re.findall("[\udc80-\udcff]", text))
