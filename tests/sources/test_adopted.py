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


def test_the_certificates_of_a_file_are_anchors_of_this_source_whatever_else_is_in_it(
    paths: StorePaths, folder: Path
) -> None:
    path = folder / "ca.pem"
    path.write_bytes(b"# words\n" + roots()[0].pem + roots()[0].key_pem + crl(roots()[0]) + roots()[1].pem)
    found = loaded(paths, path)
    assert names(found) == ["Root A", "Root B"]
    assert {(each.source, each.detail, each.role) for each in found.candidates} == {("adopted", str(path), "anchor")}
    assert found.rejections == ()


def test_a_broken_block_is_a_rejection_among_good_ones(paths: StorePaths, folder: Path) -> None:
    (folder / "ca.pem").write_bytes(roots()[0].pem + NO_CERTIFICATE)
    found = loaded(paths, folder / "ca.pem")
    assert names(found) == ["Root A"]
    assert [(each.rule, each.source, each.detail) for each in found.rejections] == [
        ("unreadable", "adopted", str(folder / "ca.pem"))
    ]


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


def test_all_that_is_in_a_file_with_a_hash_name_counts_as_openssl_loads_it(paths: StorePaths, folder: Path) -> None:
    (folder / link_name(0)).write_bytes(roots()[0].pem + roots()[1].pem)
    assert names(loaded(paths, folder, "SSL_CERT_DIR")) == ["Root A", "Root B"]


def test_a_link_that_leads_nowhere_ends_its_hash_and_harms_no_other(paths: StorePaths, folder: Path) -> None:
    (folder / link_name(0)).symlink_to("gone.pem")
    (folder / link_name(1)).write_bytes(roots()[1].pem)
    (folder / link_name(2)).symlink_to(link_name(2))  # to itself
    found = loaded(paths, folder, "SSL_CERT_DIR")
    assert (names(found), found.rejections) == (["Root B"], ())


def test_several_directories_are_read_where_openssl_takes_a_list(paths: StorePaths, folder: Path) -> None:
    for number in (0, 1):
        (folder / str(number)).mkdir()
        (folder / str(number) / link_name(number)).write_bytes(roots()[number].pem)
    value = f":{folder}/0::{folder}/1:{folder}/0:"
    assert names(loaded(paths, value, "SSL_CERT_DIR")) == ["Root A", "Root B"]
    assert names(loaded(paths, value, "GIT_SSL_CAPATH")) == ["Root A", "Root B"]
    assert refused(paths, f"{folder}/0:{folder}/1", "REQUESTS_CA_BUNDLE").message.startswith(
        "REQUESTS_CA_BUNDLE cannot be adopted, No such file or directory: "
    )


def test_a_directory_of_a_list_that_is_gone_is_a_rejection_as_long_as_there_is_another(
    paths: StorePaths, folder: Path
) -> None:
    (folder / link_name(0)).write_bytes(roots()[0].pem)
    found = loaded(paths, f"{folder}/none:{folder}", "SSL_CERT_DIR")
    assert names(found) == ["Root A"]
    assert [(each.rule, each.detail, each.reason) for each in found.rejections] == [
        ("gone", f"{folder}/none", "No such file or directory")
    ]


def test_what_is_not_there_is_refused_with_the_next_step(paths: StorePaths, folder: Path) -> None:
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        error = refused(paths, folder / "none\x1b", variable)
        shown = f"{folder}/none\N{REPLACEMENT CHARACTER}"
        assert error.message == f"{variable} cannot be adopted, No such file or directory: {shown}"
        assert error.hint == f"unset {variable}: a value that leads nowhere only breaks clients"


def test_a_file_where_openssl_takes_directories_is_refused(paths: StorePaths, folder: Path) -> None:
    (folder / "ca.pem").write_bytes(roots()[0].pem)
    assert names(loaded(paths, folder / "ca.pem")) == ["Root A"]  # the control
    assert "Not a directory" in refused(paths, folder / "ca.pem", "SSL_CERT_DIR").message


def test_a_link_to_itself_is_refused(paths: StorePaths, folder: Path) -> None:
    (folder / "ca.pem").symlink_to("ca.pem")
    assert "Too many levels of symbolic links" in refused(paths, folder / "ca.pem").message


def test_a_pipe_does_not_make_certboot_wait_for_ever(paths: StorePaths, folder: Path) -> None:
    os.mkfifo(folder / "pipe", 0o600)
    message = refused(paths, folder / "pipe").message
    assert message == f"SSL_CERT_FILE cannot be adopted, a pipe, not a regular file: {folder}/pipe"
    (folder / link_name(0)).symlink_to("pipe")
    (folder / link_name(1)).write_bytes(roots()[1].pem)
    found = loaded(paths, folder, "SSL_CERT_DIR")
    assert names(found) == ["Root B"]
    assert [(each.rule, each.reason) for each in found.rejections] == [("unreadable", "a pipe, not a regular file")]


def test_a_file_that_cannot_be_read_is_refused_in_the_systems_words(
    paths: StorePaths, folder: Path, unreadable: Callable[[Path], None]
) -> None:
    (folder / "ca.pem").write_bytes(roots()[0].pem)
    unreadable(folder / "ca.pem")
    error = refused(paths, folder / "ca.pem")
    assert error.message == f"SSL_CERT_FILE cannot be adopted, Permission denied: {folder}/ca.pem"
    assert error.hint == "check what the variable names, and that you may read it"


def test_a_file_too_large_to_be_one_of_certificates_is_refused(paths: StorePaths, folder: Path) -> None:
    path = folder / "ca.pem"
    with path.open("wb") as file:
        file.truncate(SIZE_LIMIT)
    assert loaded(paths, path) == Loaded(())
    with path.open("ab") as file:
        file.write(b"\n")
    assert "over 16 MiB" in refused(paths, path).message


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
    assert again.candidates == ()
    assert [(each.rule, each.source, each.detail, each.reason) for each in again.rejections] == [
        ("exposed", "adopted", str(path), reason)
    ]


def test_in_a_directory_like_tmp_only_files_of_others_are_rejected(paths: StorePaths, folder: Path) -> None:
    folder.chmod(stat.S_ISVTX | 0o777)
    for number in (0, 1):
        (folder / link_name(number)).write_bytes(roots()[number].pem)
    (folder / link_name(1)).chmod(0o666)
    found = loaded(paths, folder, "SSL_CERT_DIR")
    assert names(found) == ["Root A"]
    assert [(each.rule, each.detail) for each in found.rejections] == [("exposed", str(folder / link_name(1)))]


@pytest.fixture
def store(paths: StorePaths) -> StorePaths:
    apply(paths, Request("init"))
    return paths


def test_the_store_is_never_a_reason_for_what_is_in_it(store: StorePaths, folder: Path) -> None:
    """Else nothing that certifi drops would ever leave: it would come in again by the variable."""
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
    path = folder / "ca.pem"
    path.write_bytes(roots()[0].pem)
    adoption = Adoption("SSL_CERT_FILE", str(path))
    before = adopted.read_again(adoption, paths.home)
    assert names(before.parse()) == ["Root A"]
    path.write_bytes(b"")
    empty = adopted.read_again(adoption, paths.home)
    path.write_bytes(roots()[0].pem.replace(b"-----BEGIN", b"\xff\n-----BEGIN", 1) * 20_001)
    many = adopted.read_again(adoption, paths.home)
    path.unlink()
    gone = adopted.read_again(adoption, paths.home)
    assert len({each.pieces for each in (before, empty, many, gone)}) == 4
    told = [[(each.rule, each.detail) for each in found.parse().rejections] for found in (empty, many, gone)]
    assert told == [[("gone", str(path))], [("unreadable", str(path))], [("gone", str(path))]]
    assert empty.parse().rejections[0].reason == "there is no certificate in it"
    assert gone.parse().rejections[0].reason == "No such file or directory"
    assert many.parse().candidates == gone.parse().candidates == ()


def test_pieces_tell_what_was_read_from_why_it_was_not(paths: StorePaths, folder: Path) -> None:
    path = folder / os.fsdecode(b"\xff.pem")
    adoption = Adoption("SSL_CERT_FILE", str(path))
    assert adopted.read_again(adoption, paths.home).pieces == ((f"{path}: No such file or directory", b""),)
    path.write_bytes(b"")
    assert adopted.read_again(adoption, paths.home).pieces == ((str(path), b""),)
