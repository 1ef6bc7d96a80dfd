"""The encoding of a file is found from its bytes."""

from pathlib import Path

import pytest

from uegr.data.file_scan import scan_file
from uegr.errors import UsageError


@pytest.mark.parametrize(
    ("content", "encoding", "undecodable"),
    [
        (b"plain", "utf-8", 0),
        ("caf\u00e9".encode(), "utf-8", 0),
        ("caf\u00e9".encode("utf-8-sig"), "utf-8-sig", 0),
        ("caf\u00e9".encode("utf-16"), "utf-16", 0),
        ("caf\u00e9 \u00fc".encode("cp1252"), "cp1252", 2),
        (b"caf\xc3", "cp1252", 1),  # the second byte of the letter is missing
        ("caf\u00e9".encode("utf-8-sig") + b"caf\xe9", "utf-8-sig", 1),
        (b"", "utf-8", 0),
    ],
)
def test_the_encoding_and_its_faults(content: bytes, encoding: str, undecodable: int, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    scan = scan_file(tmp_path / "a.txt")
    assert (scan.encoding, scan.undecodable) == (encoding, undecodable)
    assert [finding.kind for finding in scan.findings("a.txt")] == ["encoding"] * (undecodable > 0)


def test_a_character_at_the_border_of_two_blocks_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uegr.data.file_scan.BLOCK", 4)
    (tmp_path / "a.txt").write_bytes('abc\u00e9\0"'.encode())
    scan = scan_file(tmp_path / "a.txt")
    assert (scan.undecodable, scan.nuls, scan.quotes) == (0, 1, 1)


def test_a_compressed_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"PK\x03\x04")
    with pytest.raises(UsageError, match="is compressed: unpack it first"):
        scan_file(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("caf\u00e9".encode("utf-32"), "is in UTF-32: save it as UTF-8"),
        ("caf\u00e9".encode("utf-16")[:-1], "is not valid UTF-16 .truncated data.: save it as UTF-8"),
    ],
)
def test_an_encoding_that_is_not_read_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(UsageError, match=message):
        scan_file(tmp_path / "a.csv")
