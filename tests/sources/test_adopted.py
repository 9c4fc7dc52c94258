"""What a preset variable names is read as clients read it, but for what others could change, and the store itself."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from support.pki import crl, issue
from support.snapshot import roots
from support.table import cases

from certboot.clients.variables import Adoption
from certboot.errors import SourceError
from certboot.pki.certificate import load_certificate
from certboot.sources import adopted
from certboot.sources.candidates import SIZE_LIMIT, Loaded
from certboot.store.paths import StorePaths
from certboot.store.request import Request
from certboot.store.update import apply

NOBODY = 65534
NO_CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where what is adopted lies."""
    made = tmp_path / "own = ö"
    made.mkdir(mode=0o755)
    return made


def link_name(number: int, slot: str = "0") -> str:
    """Return the name by which OpenSSL looks for one of ``roots``."""
    return f"{load_certificate(roots()[number].der).link.subject_hash}.{slot}"


def loaded(paths: StorePaths, value: str | Path, variable: str = "SSL_CERT_FILE") -> Loaded:
    return adopted.read(Adoption(variable, str(value)), paths.home).parse()


def names(found: Loaded) -> list[str]:
    return sorted(candidate.certificate.name for candidate in found.candidates)


def refused(paths: StorePaths, value: str | Path, variable: str = "SSL_CERT_FILE") -> SourceError:
    with pytest.raises(SourceError) as caught:
        adopted.read(Adoption(variable, str(value)), paths.home)
    return caught.value


def told(found: Loaded) -> list[tuple[str, str, str]]:
    """Rule, place and reason of every rejection."""
    assert {rejection.source for rejection in found.rejections} <= {"adopted"}
    return [(rejection.rule, rejection.detail, rejection.reason) for rejection in found.rejections]


def put(folder: Path, number: int, slot: str = "0") -> None:
    """Put one of ``roots`` where OpenSSL looks for it."""
    (folder / link_name(number, slot)).write_bytes(roots()[number].pem)


def test_the_certificates_of_a_file_are_anchors_whatever_else_is_in_it(paths: StorePaths, folder: Path) -> None:
    path = folder / "ca.pem"
    path.write_bytes(b"# words\n" + roots()[0].pem + roots()[0].key_pem + crl(roots()[0]) + roots()[1].pem)
    found = loaded(paths, path)
    assert (names(found), found.rejections) == (["Root A", "Root B"], ())
    assert {(entry.source, entry.detail, entry.role) for entry in found.candidates} == {
        ("adopted", str(path), "anchor")
    }
    path.write_bytes(roots()[0].pem + NO_CERTIFICATE)
    found = loaded(paths, path)
    assert names(found) == ["Root A"]
    assert [entry[:2] for entry in told(found)] == [("unreadable", str(path))]


@cases("variable", ["SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"])
def test_of_a_directory_it_is_what_openssl_finds_there_by_hash(
    paths: StorePaths, folder: Path, openssl: Callable[..., str], variable: str
) -> None:
    """Differential: ``openssl verify -CApath`` finds a root there, for what it issued, iff it is a candidate."""
    (folder / "plain.pem").write_bytes(roots()[0].pem)  # no hash name
    (folder / link_name(1)).write_bytes(roots()[1].pem)
    (folder / link_name(2, "1")).write_bytes(roots()[2].pem)  # there is no .0 before it
    (folder / "0123abcd.r0").write_bytes(crl(roots()[1]))
    twins = [issue("Root B") for _ in range(2)]  # the same name, other keys
    (folder / link_name(1, "1")).write_bytes(twins[0].pem)
    (folder / link_name(1, "3")).write_bytes(twins[1].pem)  # behind a gap
    (folder / link_name(0, "00")).write_bytes(roots()[0].pem)
    found = loaded(paths, folder, variable)
    assert found.rejections == ()
    taken = [each.certificate.der for each in found.candidates]
    assert taken == [roots()[1].der, twins[0].der]
    for root in (*roots(), *twins):
        by_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key())
        (folder.parent / "leaf.pem").write_bytes(issue("leaf", root, extensions=((by_key, False),)).pem)
        said = openssl("verify", "-CApath", folder, folder.parent / "leaf.pem", status=None)
        assert (": OK" in said) == (root.der in taken)


def test_a_dead_link_ends_its_hash_and_all_that_is_in_a_file_counts(paths: StorePaths, folder: Path) -> None:
    """As OpenSSL loads it."""
    (folder / link_name(0)).symlink_to("gone.pem")
    (folder / link_name(1)).write_bytes(roots()[1].pem + roots()[0].pem)
    (folder / link_name(2)).symlink_to(link_name(2))  # to itself
    found = loaded(paths, folder, "SSL_CERT_DIR")
    assert (names(found), found.rejections) == (["Root A", "Root B"], ())


def test_several_directories_are_read_where_openssl_takes_a_list(paths: StorePaths, folder: Path) -> None:
    for number in (0, 1):
        (folder / str(number)).mkdir()
        put(folder / str(number), number)
    value = f":{folder}/0::{folder}/1:{folder}/0:"
    for variable in ("SSL_CERT_DIR", "GIT_SSL_CAPATH"):
        assert names(loaded(paths, value, variable)) == ["Root A", "Root B"]
    assert refused(paths, f"{folder}/0:{folder}/1", "REQUESTS_CA_BUNDLE").message.startswith(
        "REQUESTS_CA_BUNDLE cannot be adopted, No such file or directory: "
    )
    found = loaded(paths, f"{folder}/none:{folder}/0", "SSL_CERT_DIR")  # one that is gone, as long as there is another
    assert names(found) == ["Root A"]
    assert told(found) == [("gone", f"{folder}/none", "No such file or directory")]


def test_what_is_not_there_is_refused_with_the_next_step(paths: StorePaths, folder: Path) -> None:
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        error = refused(paths, folder / "none\x1b", variable)
        shown = f"{folder}/none\N{REPLACEMENT CHARACTER}"
        assert error.message == f"{variable} cannot be adopted, No such file or directory: {shown}"
        assert error.hint == f"unset {variable}: a value that leads nowhere only breaks clients"


def test_what_is_no_file_of_certificates_is_refused_in_the_systems_words(
    paths: StorePaths, folder: Path, unreadable: Callable[[Path], None]
) -> None:
    path = folder / "ca.pem"
    path.write_bytes(roots()[0].pem)
    assert names(loaded(paths, path)) == ["Root A"]  # the control
    assert "Not a directory" in refused(paths, path, "SSL_CERT_DIR").message
    (folder / "loop.pem").symlink_to("loop.pem")
    assert "Too many levels of symbolic links" in refused(paths, folder / "loop.pem").message
    with (folder / "large.pem").open("wb") as file:
        file.truncate(SIZE_LIMIT)
    assert loaded(paths, folder / "large.pem") == Loaded(())
    os.truncate(folder / "large.pem", SIZE_LIMIT + 1)
    assert "over 16 MiB" in refused(paths, folder / "large.pem").message
    unreadable(path)
    error = refused(paths, path)
    assert error.message == f"SSL_CERT_FILE cannot be adopted, Permission denied: {path}"
    assert error.hint == "check what the variable names, and that you may read it"


def test_a_pipe_does_not_make_certboot_wait_for_ever(paths: StorePaths, folder: Path) -> None:
    os.mkfifo(folder / "pipe", 0o600)
    message = refused(paths, folder / "pipe").message
    assert message == f"SSL_CERT_FILE cannot be adopted, a pipe, not a regular file: {folder}/pipe"
    (folder / link_name(0)).symlink_to("pipe")
    put(folder, 1)
    found = loaded(paths, folder, "SSL_CERT_DIR")
    assert names(found) == ["Root B"]
    assert told(found) == [("unreadable", str(folder / link_name(0)), "a pipe, not a regular file")]


def exposed_file(path: Path) -> str:
    path.chmod(0o646)
    return "others may write to it"


def exposed_folder(path: Path) -> str:
    path.parent.chmod(0o777)
    return f"others may write to it ({path.parent})"


def exposed_target(path: Path) -> str:
    target = path.parent / "open" / "target.pem"
    target.parent.mkdir()
    shutil.move(path, target)
    path.symlink_to(target)
    target.parent.chmod(0o777)
    return f"others may write to it ({target.parent})"


def somebody_elses(path: Path) -> str:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to somebody else")
    os.chown(path, NOBODY, -1)
    return f"it belongs to another user (uid {NOBODY})"


@cases("expose", [exposed_file, exposed_folder, exposed_target, somebody_elses])
def test_what_others_could_change_is_refused_and_if_it_comes_to_that_later_rejected(
    paths: StorePaths, folder: Path, expose: Callable[[Path], str]
) -> None:
    """They would decide whom every client trusts, and not only those that read the variable."""
    path = folder / "ca.pem"
    path.write_bytes(roots()[0].pem)
    path.chmod(0o664)  # of the user's group, which on many systems is the user's own
    adoption = Adoption("SSL_CERT_FILE", str(path))
    assert names(adopted.read_again(adoption, paths.home).parse()) == ["Root A"]
    reason = expose(path)
    error = refused(paths, path)
    assert error.message == f"SSL_CERT_FILE cannot be adopted, {reason}: {path}"
    assert error.hint.startswith("chmod go-w")
    again = adopted.read_again(adoption, paths.home).parse()
    assert (again.candidates, told(again)) == ((), [("exposed", str(path), reason)])


def test_in_a_directory_like_tmp_only_files_of_others_are_rejected(paths: StorePaths, folder: Path) -> None:
    folder.chmod(stat.S_ISVTX | 0o777)
    for number in (0, 1):
        put(folder, number)
    (folder / link_name(1)).chmod(0o666)
    found = loaded(paths, folder, "SSL_CERT_DIR")
    assert names(found) == ["Root A"]
    assert [entry[:2] for entry in told(found)] == [("exposed", str(folder / link_name(1)))]


def test_the_store_is_never_a_reason_for_what_is_in_it(paths: StorePaths, folder: Path) -> None:
    """Else nothing that certifi drops would ever leave: it would come in again by the variable."""
    store = paths
    apply(store, Request("init"))
    (folder / "link").symlink_to(store.home)
    (folder / "bundle.pem").symlink_to(store.current / "bundle.pem")
    crts, bundle = f"{folder}/link/current/crts", f"{folder}/link/current/bundle.pem"
    own = Adoption("SSL_CERT_DIR", f"{crts}:{store.current}/crts")
    for each in (own, Adoption("SSL_CERT_FILE", bundle), Adoption("SSL_CERT_FILE", f"{folder}/bundle.pem")):
        assert adopted.is_own(each, store.home)
        assert adopted.read(each, store.home).parse() == Loaded(())
    (folder / link_name(0)).write_bytes(roots()[0].pem)
    (folder / link_name(1)).symlink_to(f"link/current/crts/{link_name(1)}")
    beside = Adoption("SSL_CERT_DIR", f"{crts}:{folder}")
    assert not adopted.is_own(beside, store.home)
    assert names(adopted.read(beside, store.home).parse()) == ["Root A"]


def test_at_a_later_run_what_has_gone_is_a_rejection_and_no_error(paths: StorePaths, folder: Path) -> None:
    path = folder / os.fsdecode(b"\xff.pem")
    adoption = Adoption("SSL_CERT_FILE", str(path))
    many = roots()[0].pem.replace(b"-----BEGIN", b"\xff\n-----BEGIN", 1) * 20_001
    pieces = []
    for content, rule, reason in (
        (roots()[0].pem, "", ""), (b"", "gone", "there is no certificate in it"), (many, "unreadable", "over 20,000"),
    ):  # fmt: skip
        path.write_bytes(content)
        found = adopted.read_again(adoption, paths.home)
        pieces.append(found.pieces)
        assert names(found.parse()) == ([] if rule else ["Root A"])
        assert [entry[:2] for entry in told(found.parse())] == ([(rule, str(path))] if rule else [])
        assert not rule or told(found.parse())[0][2].startswith(reason)
    path.unlink()
    gone = adopted.read_again(adoption, paths.home)
    assert told(gone.parse()) == [("gone", str(path), "No such file or directory")]
    # Pieces tell what was read from why it was not.
    assert len({*pieces, gone.pieces}) == 4
    assert pieces[1] == ((str(path), b""),)
    assert gone.pieces == ((f"{path}: No such file or directory", b""),)
