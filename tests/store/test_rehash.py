"""``certboot rehash`` does to any directory what ``openssl rehash`` does, but for what its docstring says."""

from __future__ import annotations

import base64
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st
from support import pki
from support.table import cases

from certboot.errors import StoreError
from certboot.pki import der
from certboot.pki.subject_hash import subject_hash
from certboot.store import rehash as module
from certboot.store.rehash import RehashResult, rehash

OpenSsl = Callable[..., str]
Layout = Mapping[str, "bytes | str"]
"""File name -> its bytes, or the target of a symbolic link. A name that ends in ``/`` is a folder."""

A, A2, A3 = (pki.issue("Example Root") for _ in range(3))
B = pki.issue("Other Root")
UMLAUT = pki.issue("Zürich ☃")
CRL, CRL2, CRL_B = pki.crl(A), pki.crl(A2), pki.crl(B)
HASH, HASH_B = (subject_hash(der.subject_name(issued.der)) for issued in (A, B))

BEGIN, *BODY, END = A.pem.splitlines()
LOCK = serialization.BestAvailableEncryption(b"secret")
OLD, NEW = serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8
OLD_KEY = A.key.private_bytes(serialization.Encoding.PEM, OLD, serialization.NoEncryption())
OLD_LOCKED_KEY = A.key.private_bytes(serialization.Encoding.PEM, OLD, LOCK)  # with RFC 1421 headers
LOCKED_KEY = A.key.private_bytes(serialization.Encoding.PEM, NEW, LOCK)


def lines(*parts: bytes) -> bytes:
    return b"".join(part + b"\n" for part in parts)


def block(label: bytes, data: bytes) -> bytes:
    return lines(b"-----BEGIN " + label + b"-----", base64.b64encode(data), b"-----END " + label + b"-----")


# The outer shape of a certificate with the right subject, but dates that are none: OpenSSL cannot read it.
DAMAGED = block(b"CERTIFICATE", A.der.replace(b"\x17\x0d", b"\x05\x0d", 1))
TRUSTED = block(b"TRUSTED CERTIFICATE", A.der + bytes.fromhex("300c300a06082b06010505070301"))  # for serverAuth


VERSION_7 = block(b"CERTIFICATE", A.der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020106"), 1))
NEGATIVE = block(b"CERTIFICATE", re.sub(rb"(?s)(?<=\xa0\x03\x02\x01\x02\x02.).", b"\xff", A.der, count=1))


def lay_out(folder: Path, layout: Layout) -> Path:
    folder.mkdir()
    for name, content in layout.items():
        if isinstance(content, str):
            (folder / name).symlink_to(content)
        elif name.endswith("/"):
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(content)
    return folder


def links(folder: Path) -> dict[str, str]:
    return {path.name: os.readlink(path) for path in folder.iterdir() if path.is_symlink()}


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return the bytes and the time of change of every regular file."""
    regular = (path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in regular}


def checked(folder: Path) -> RehashResult:
    """Rehash, and show what holds for every directory whatever is in it."""
    before, links_before = files(folder), links(folder)
    result = rehash(folder)
    after = links(folder)
    assert files(folder) == before
    assert {name: after[name] for name in result.links} == result.links
    assert set(result.removed) == links_before.keys() - after.keys()
    assert set(result.made) == {name for name in after if links_before.get(name) != after[name]}
    assert rehash(folder) == RehashResult(result.links, (), (), result.warnings)
    assert links(folder) == after
    return result


def by_openssl(openssl: OpenSsl, folder: Path, layout: Layout) -> dict[str, str]:
    """Return the links after ``openssl rehash`` of such a directory. Its status is 1 for files it cannot open."""
    openssl("rehash", lay_out(folder, layout), status=None)
    return links(folder)


SAME: dict[str, Layout] = {
    "nothing": {},
    "a certificate": {"a.pem": A.pem},
    "a CRL": {"a.crl": CRL},
    "three of one subject": {"3.pem": A3.pem, "1.pem": A.pem, "2.pem": A2.pem},
    "two CRLs of one issuer, and certificates": {"b.crl": CRL2, "a.crl": CRL, "c.pem": A.pem, "d.crl": CRL_B},
    "the same certificate and CRL twice": {"a.pem": A.pem, "b.pem": A.pem, "c.crl": CRL, "d.crl": CRL},
    "the same certificate for other purposes": {"a.pem": TRUSTED, "b.pem": A.pem, "c.pem": B.pem},
    "old labels": {"a.pem": A.pem.replace(b" CERT", b" X509 CERT"), "b.pem": block(b"NEW CERTIFICATE", B.der)},
    "two certificates in a file": {"a.pem": A.pem + B.pem, "b.pem": A2.pem},
    "two CRLs in a file": {"a.pem": CRL + CRL_B},
    "a certificate with its key": {"a.pem": A.pem + A.key_pem, "b.pem": B.key_pem + B.pem, "c.pem": A2.pem + OLD_KEY},
    "a certificate with a CRL": {"a.pem": A.pem + CRL_B, "b.pem": CRL_B + B.pem},
    "a certificate with a locked key": {"a.pem": A.pem + LOCKED_KEY, "b.pem": OLD_LOCKED_KEY + B.pem},
    "only a key": {"a.pem": A.key_pem},
    "every extension": {"a.PEM": A.pem, "b.CrT": A2.pem, "c.cer": A3.pem, "d.Crl": CRL, "e.crl": B.pem, "f.pem": CRL_B},
    "other extensions": {"a.der": A.pem, "b.txt": A.pem, "c": A.pem, "d.pem.bak": A.pem, "e.pem~": A.pem, "f.": A.pem},
    "names of all kinds": {"ä ☃.pem": A.pem, "-b.pem": A2.pem, " c.pem": A3.pem, "\udcff.pem": B.pem, "1\n2.pem": CRL},
    "a hidden file": {".a.pem": A.pem},
    "text and nothing": {"a.pem": b"text\n", "b.pem": b"", "c.pem": B.pem},
    "DER": {"a.cer": A.der, "b.pem": B.pem},
    "cut off": {"a.pem": A.pem[:200], "b.pem": lines(BEGIN, *BODY), "c.pem": B.pem},
    "broken base64": {"a.pem": lines(BEGIN, b"!!!!", *BODY, END), "b.pem": lines(BEGIN, BODY[0], END)},
    "wrong END": {"a.pem": lines(BEGIN, *BODY, b"-----END X509 CRL-----")},
    "an empty block": {"a.pem": lines(BEGIN, END)},
    "a broken block beside a good one": {"a.pem": A.pem + lines(b"-----BEGIN X-----", b"!", b"-----END X-----")},
    "an unknown block beside a good one": {"a.pem": block(b"DH PARAMETERS", b"x") + A.pem},
    "bytes after the DER": {"a.pem": block(b"CERTIFICATE", A.der + b"more")},
    "text around": {"a.pem": lines(b"Example: Root", b"") + A.pem + b"the end"},
    "Windows line ends": {"a.pem": A.pem.replace(b"\n", b"\r\n")},
    "no final newline": {"a.pem": A.pem.rstrip()},
    "one long line": {"a.pem": lines(BEGIN, b"".join(BODY), END)},
    "RFC 1421 headers": {"a.pem": lines(BEGIN, b"Proc-Type: 4,CLEAR", b"", *BODY, END)},
    "an empty line after BEGIN": {"a.pem": lines(BEGIN, b"", *BODY, END)},
    "a byte order mark": {"a.pem": b"\xef\xbb\xbf" + A.pem},
    "blanks within base64": {"a.pem": lines(BEGIN, *(b" " + line for line in BODY), END)},
    "Macintosh line ends": {"a.pem": A.pem.replace(b"\n", b"\r")},
    "an empty line before END": {"a.pem": lines(BEGIN, *BODY, b"", END)},
    "two keys": {"a.pem": A.pem + OLD_KEY + OLD_KEY},
    "a broken CRL beside a certificate": {"a.pem": A.pem + block(b"X509 CRL", b"x")},
    "a damaged certificate": {"a.pem": DAMAGED, "b.pem": B.pem},
    "a version that does not exist": {"a.pem": VERSION_7, "b.pem": A.pem},
    "a serial number below zero": {"a.pem": NEGATIVE, "b.pem": A.pem},
    "a folder": {"a.pem/": b"", "b.pem": B.pem},
    "links to files": {"a.pem": "real", "real": A.pem, "b.pem": "a.pem", "c.pem": "missing", "d.pem": "/dev/null"},
    "a link in a circle": {"a.pem": "a.pem", "b.pem": B.pem},
    "a link through a file": {"a.pem": "b.pem/a", "b.pem": B.pem},
    "right links": {"a.pem": A.pem, "a.crl": CRL, f"{HASH}.0": "a.pem", f"{HASH}.r0": "a.crl"},
    "right links in another order": {"a.pem": A.pem, "b.pem": A2.pem, f"{HASH}.1": "a.pem", f"{HASH}.0": "b.pem"},
    "one right link": {"a.pem": A.pem, "b.pem": A2.pem, f"{HASH}.1": "a.pem"},
    "links of other hashes": {"a.pem": A.pem, "deadbeef.0": "a.pem", f"{HASH_B}.0": "a.pem", f"{HASH}.r0": "a.pem"},
    "links to what has gone": {"a.pem": A.pem, f"{HASH}.1": "gone.pem", f"{HASH}.r7": "gone.crl"},
    "links and no file": {f"{HASH}.0": "gone.pem", f"{HASH}.1": "/gone/too.pem", "b": B.pem, f"{HASH_B}.0": "b"},
    "what only resembles a link": {"a.pem": A.pem, "deadbee.0": "a.pem", "deadbeef.x": "a.pem", "deadbeef.0.1": "a"},
    "a certificate under a hash": {f"{HASH}.pem": A.pem, "a.pem": A.pem},
}  # fmt: skip


@given(st.text("a.é", max_size=3), st.sampled_from([".pem", ".PEM", ".CrT", ".cer", ".crl", ".der", "pem", ".pem~"]))
def test_an_extension_is_what_splitext_says(stem: str, ending: str) -> None:
    expected = os.path.splitext(stem + ending)[1].lower() in module._EXTENSIONS
    assert module._eligible(stem + ending) == expected


@cases("layout", SAME.values())
def test_the_links_are_openssls(openssl: OpenSsl, tmp_path: Path, layout: Layout) -> None:
    folder = lay_out(tmp_path / "ours", layout)
    result = checked(folder)
    assert links(folder) == by_openssl(openssl, tmp_path / "theirs", layout)
    plain = {name.rstrip("/") for name in layout}
    eligible = {name for name in plain if name.lower().endswith((".pem", ".crt", ".cer", ".crl"))}
    silent = {name for name in eligible if not any(name in warning for warning in result.warnings)}
    assert silent <= set(result.links.values())


ODD = "it does not contain exactly one certificate or CRL"


@cases(
    ("layout", "warnings"),
    [
        ({"a.pem": A.pem}, ()),
        ({"a.pem": A.pem, "b.pem": A.pem}, ("skipping duplicate certificate in b.pem",)),
        ({"a.pem": CRL, "b.pem": CRL}, ("skipping duplicate CRL in b.pem",)),
        ({"a.pem": A.pem + B.pem}, (f"skipping a.pem, {ODD}",)),
        ({"a.pem": A.pem[:200]}, ("skipping a.pem, it cannot be read as PEM",)),
        ({"a.pem": block(b"CERTIFICATE", b"0")}, ("skipping a.pem, it is damaged: the data ends inside an element",)),
    ],
)
def test_what_gets_no_link_is_warned_about(tmp_path: Path, layout: Layout, warnings: tuple[str, ...]) -> None:
    assert checked(lay_out(tmp_path / "d", layout)).warnings == warnings


def test_a_file_in_pieces_is_read_to_its_end_or_to_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = lay_out(tmp_path / "d", {"a.pem": A.pem})
    whole = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, size: whole(descriptor, min(size, 100)))
    monkeypatch.setattr(module, "_LIMIT", len(A.pem) - 1)
    assert rehash(folder).warnings == ("skipping a.pem, it is too large to be a certificate or CRL",)
    monkeypatch.setattr(module, "_LIMIT", len(A.pem))
    assert rehash(folder).links == {f"{HASH}.0": "a.pem"}


@cases(
    ("present", "theirs"),
    [
        ({f"{HASH}.0": "gone.pem"}, {f"{HASH}.1": "a.pem"}),
        ({f"{HASH}.0": "b.txt"}, {f"{HASH}.1": "a.pem"}),
        ({f"{HASH}.0": "./a.pem"}, {f"{HASH}.1": "a.pem"}),
        ({f"{HASH}.0": "a.pem", f"{HASH}.1": "a.pem"}, {}),
        ({f"{HASH}.5": "a.pem"}, {f"{HASH}.0": "a.pem"}),
        ({f"{HASH}.0": "same.pem"}, {f"{HASH}.1": "a.pem"}),
    ],
    ids=["dangling", "another file", "detour", "second link", "beyond a gap", "duplicate"],
)
def test_a_link_that_openssl_leaves_though_it_is_not_needed_goes(
    openssl: OpenSsl, tmp_path: Path, present: dict[str, str], theirs: dict[str, str]
) -> None:
    layout: Layout = {"a.pem": A.pem, "b.txt": B.pem, "same.pem": A.pem, **present}
    assert by_openssl(openssl, tmp_path / "theirs", layout) == {**present, **theirs}
    folder = lay_out(tmp_path / "ours", layout)
    checked(folder)
    assert links(folder) == {f"{HASH}.0": "a.pem"}


def found(openssl: OpenSsl, folder: Path, issuer: pki.Issued, *options: str) -> bool:
    """Return whether OpenSSL verifies a leaf of ``issuer`` with nothing but what ``folder`` holds."""
    key_id = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id)
    leaf = pki.issue("leaf", issuer, extensions=((authority, False),))
    arguments = ("verify", "-no-CAfile", "-no-CAstore", *options, "-CApath", folder)
    return openssl(*arguments, data=leaf.pem.decode(), status=None).strip().endswith(": OK")


def test_a_file_in_the_place_of_a_link_is_left_alone_where_openssl_deletes_it(openssl: OpenSsl, tmp_path: Path) -> None:
    layout: Layout = {"a.pem": A.pem, f"{HASH}.0": b"mine"}
    assert by_openssl(openssl, tmp_path / "theirs", layout) == {f"{HASH}.0": "a.pem"}
    folder = lay_out(tmp_path / "ours", layout)
    warning = f"{HASH}.0 is neither a link nor a certificate of that hash; left alone"
    assert checked(folder) == RehashResult({f"{HASH}.1": "a.pem"}, (f"{HASH}.1",), (), (warning,))
    assert (folder / f"{HASH}.0").read_bytes() == b"mine"


@cases(
    ("layout", "issuers", "before"),
    [
        ({"a.pem": A.pem, f"{HASH}.0": "gone.pem"}, [A], True),
        ({"a.pem": A.pem, "ä ☃.CRT": A2.pem, "c.cer": A3.pem, "d.pem": UMLAUT.pem}, [A, A2, A3, UMLAUT], False),
        # OpenSSL 3.0 looks no further than the first file that it cannot read (crypto/x509/by_dir.c).
        ({"a.pem": DAMAGED, "b.pem": A.pem}, [A], False),
        ({"b.pem": A.pem, f"{HASH}.1": A.pem}, [A], False),  # it never looks behind a gap
    ],
    ids=[
        "a dangling link, which its own rehash leaves",
        "many",
        "a damaged one of the name",
        "a copy behind a gap",
    ],
)
def test_openssl_finds_every_certificate_afterwards(
    openssl: OpenSsl, tmp_path: Path, layout: Layout, issuers: list[pki.Issued], *, before: bool
) -> None:
    folder = lay_out(tmp_path / "d", layout)
    if before:
        openssl("rehash", folder)
    # OpenSSL 3.6 looks behind a link that leads nowhere.
    behind = before and openssl("version").split()[1] >= "3.6"
    assert [found(openssl, folder, issued) for issued in issuers] == [behind] * len(issuers)
    checked(folder)
    assert [found(openssl, folder, issued) for issued in issuers] == [True] * len(issuers)


names = st.sampled_from(
    ["0.pem", "a.pem", "b.crt", "c.cer", "d.crl", "ä ☃.PEM", "f.txt", "real", f"{HASH}.pem", "z.pem"]
)
contents = st.sampled_from(
    [A.pem, A2.pem, A3.pem, B.pem, UMLAUT.pem, CRL, CRL2, CRL_B, TRUSTED, A.pem + A.key_pem, A.pem + B.pem, A.der, b""]
)
link_names = st.builds(
    "{}.{}{}".format, st.sampled_from([HASH, HASH_B, "deadbeef"]), st.sampled_from(["", "r"]), st.integers(0, 4)
)
layouts = st.builds(
    lambda regular, linked, hashed: {**regular, **linked, **hashed},
    st.dictionaries(names, contents, max_size=8),
    st.dictionaries(st.sampled_from(["x.pem", "y.crl"]), names),
    st.dictionaries(link_names, names | st.just("gone.pem"), max_size=6),
)


@settings(max_examples=60, deadline=None)
@given(layouts)
def test_any_directory_gets_openssls_links_once_it_has_none_that_are_wrong(openssl: OpenSsl, layout: Layout) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        named = {name: content for name, content in layout.items() if module._LINK.fullmatch(name)}
        rest = {name: content for name, content in layout.items() if name not in named}
        fresh = by_openssl(openssl, base / "fresh", rest)
        place = {target: link.rstrip("0123456789") for link, target in fresh.items() if module._LINK.fullmatch(link)}
        right: dict[str, bytes | str] = {}
        for name, target in sorted(named.items()):
            stem = name.rstrip("0123456789")
            size = sum(other == stem for other in place.values())
            if place.get(str(target)) == stem and int(name[len(stem) :]) < size and target not in right.values():
                right[name] = target
        folder = lay_out(base / "ours", layout)
        checked(folder)
        assert links(folder) == by_openssl(openssl, base / "theirs", {**rest, **right})


@cases(("name", "reason"), [("missing", "No such file or directory"), ("a.pem", "Not a directory")])
def test_what_is_no_directory_is_a_store_error(tmp_path: Path, name: str, reason: str) -> None:
    folder = lay_out(tmp_path / "d", {"a.pem": A.pem})
    with pytest.raises(StoreError) as caught:
        rehash(folder / name)
    assert caught.value.message == f"cannot rehash {folder / name}: {reason}"
    assert caught.value.hint == "give a directory that you may write to"


def refused(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def without_links(monkeypatch: pytest.MonkeyPatch, *, hard: bool) -> None:
    """Make this a system that has no symbolic links and, unless ``hard``, no hard links either."""
    monkeypatch.setattr(os, "symlink", refused)
    if not hard:
        monkeypatch.setattr(os, "link", refused)


@cases("step", ["listing", "removing", "making"])
def test_what_is_not_permitted_is_a_store_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    layout: Layout = {f"{HASH}.0": "gone.pem"} if step == "removing" else {"a.pem": A.pem}
    folder = lay_out(tmp_path / "d", layout)
    with monkeypatch.context() as patch:
        if step == "listing":
            patch.setattr(os, "scandir", refused)
        elif step == "removing":
            patch.setattr(os, "unlink", refused)
        else:
            without_links(patch, hard=False)
            patch.setattr(shutil, "copyfile", refused)
        with pytest.raises(StoreError) as caught:
            rehash(folder)
    assert caught.value.message == f"cannot rehash {folder}: Permission denied"
    assert links(folder) == {name: target for name, target in layout.items() if isinstance(target, str)}
    checked(folder)


@cases("hard", [True, False], ids=["hard links", "copies"])
def test_without_symbolic_links_there_are_hard_links_or_copies(
    openssl: OpenSsl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, hard: bool
) -> None:
    folder = lay_out(tmp_path / "d", {"a.pem": A.pem, "b.pem": A2.pem, "b.crl": CRL_B, "b2.pem": B.pem})
    without_links(monkeypatch, hard=hard)
    result = rehash(folder)
    assert sorted(result.made) == sorted([f"{HASH}.0", f"{HASH}.1", f"{HASH_B}.0", f"{HASH_B}.r0"])
    for name, target in result.links.items():
        assert (folder / name).read_bytes() == (folder / target).read_bytes()
        assert (folder / name).samefile(folder / target) == hard
    assert [found(openssl, folder, issued) for issued in (A, A2, B)] == [True, True, True]
    assert found(openssl, folder, B, "-crl_check")

    before = files(folder)
    again = rehash(folder)
    assert (again.made, again.removed, again.warnings) == ((), (), ())
    assert files(folder) == before
    (folder / "0.pem").write_bytes(A3.pem)  # still gets the next number
    assert rehash(folder).made == (f"{HASH}.2",)
    assert found(openssl, folder, A3)


def test_a_copy_whose_file_has_gone_is_left_alone_with_a_warning(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "d", {f"{HASH}.0": A.pem, "a.pem": A.pem})
    assert checked(folder) == RehashResult({}, (), (), ())
    (folder / "a.pem").unlink()
    assert checked(folder) == RehashResult({}, (), (), (f"{HASH}.0 is a copy of no file here; left alone",))
