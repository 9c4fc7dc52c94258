"""``certboot adopt``: what comes and goes with a preset variable, what is asked, what is refused, and the way back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import FEW, Run, entry, names, saved
from support.pki import DAY, NOW, Issued, issue
from support.report import fingerprint
from support.snapshot import assert_refused, contents, roots
from support.table import cases
from support.terminal import answers, told

from certboot.cli.adopt import effect_lines, offer_lines
from certboot.clients.variables import Adoption
from certboot.pki.certificate import load_certificate
from certboot.sources.candidates import Candidate, Loaded, Rejection
from certboot.store import env_file, generations
from certboot.store.manifest import Choices, Manifest, TrustAnchor
from certboot.store.manifest import entry as entry_of
from certboot.store.paths import StorePaths

CORP, OTHER = issue("Corp Root"), issue("Other Root")
PINNED = issue("pinned.example", extensions=())
ENDED = issue("Ended Root", valid=(NOW - 9 * DAY, NOW - DAY))
HELD = TrustAnchor(load_certificate(OTHER.der), ())
STORE = Manifest(1, "", "init", Choices(), (entry_of(HELD),), ())
FIRST, SECOND = Adoption("PIP_CERT", "/first\x1b.pem"), Adoption("SSL_CERT_DIR", "/a:/b")
MARK = "\N{REPLACEMENT CHARACTER}"


def loaded(*issued: Issued) -> Loaded:
    own = (load_certificate(certificate.der) for certificate in issued)
    return Loaded(tuple(Candidate(certificate, "adopted", "/first\x1b.pem") for certificate in own))


def test_what_would_be_new_is_shown_in_full_and_once_and_what_does_not_enter_is_not_shown_as_if_it_did() -> None:
    pinned = load_certificate(PINNED.der)
    lost = (
        Rejection("distrusted", "adopted", "/first.pem", "you said so\x1b", pinned.fingerprint, pinned.subject),
        Rejection("unreadable", "adopted", "/second\x1b.pem", "the block in line 3"),
    )
    offers = ((FIRST, loaded(OTHER, CORP, ENDED, PINNED)), (SECOND, loaded(CORP, CORP)))
    assert told(offer_lines(offers, STORE, lost, NOW)) == [
        "! PIP_CERT  4 certificates, 1 of them new",
        f"  in        /first{MARK}.pem",
        "  CN=Corp Root",
        f"  SHA-256   {fingerprint(CORP)}",
        f"  valid     {NOW - DAY:%Y-%m-%d} to {NOW + 365 * DAY:%Y-%m-%d}",
        f"  from      /first{MARK}.pem",
        "! SSL_CERT_DIR  1 certificate, 0 of them new",
        "  in        /a:/b",
        f"  left out  CN=pinned.example: you said so{MARK}",
        f"  left out  /second{MARK}.pem: the block in line 3",
    ]
    active, undo = effect_lines([FIRST, SECOND, FIRST])
    assert "these values of PIP_CERT, SSL_CERT_DIR, and no others" in str(active)
    assert undo == "  undo      certboot adopt --undo"


def test_of_many_certificates_the_first_are_named_and_all_are_shown_with_v() -> None:
    many = [issue(f"Root {number}") for number in range(47)]
    lost = tuple(Rejection("unreadable", "adopted", f"/{n}.pem", "the block in line 3") for n in range(9))
    lines = told(offer_lines([(FIRST, loaded(*many))], STORE, lost, NOW))
    assert lines == [
        "! PIP_CERT  47 certificates, 47 of them new",
        f"  in        /first{MARK}.pem",
        *(f"  {fingerprint(root)[:16]}  Root {number}" for number, root in enumerate(many[:3])),
        "  and 44 more; -v shows each whole",
        *(f"  left out  /{number}.pem: the block in line 3" for number in range(3)),
        "  left out  and 6 more; -v names them",
    ]
    whole = told(offer_lines([(FIRST, loaded(*many))], STORE, lost, NOW, verbose=True))
    assert {f"  SHA-256   {fingerprint(root)}" for root in many} <= set(whole)
    assert whole[-1] == "  left out  /8.pem: the block in line 3"


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a company's image, which presets REQUESTS_CA_BUNDLE to it: its own CA and two public ones."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "image.pem"))
    return saved(tmp_path / "image.pem", CORP, *roots()[:2])


def adopted(paths: StorePaths) -> dict[str, str]:
    """Return what is adopted, as the ``adopted`` file has it and the hook is told."""
    env = env_file.parse(paths.env)
    assert env
    kept = paths.adopted.read_bytes() if paths.adopted.exists() else b""
    assert kept == b"".join(os.fsencode(f"{name}={value}\n") for name, value in env.adopted)
    assert len(env.adopted) == len(dict(env.adopted))
    return dict(env.adopted)


def test_adopt_takes_in_what_the_variable_names_and_lets_the_hook_replace_it(
    certboot: Run, store: StorePaths, image: Path
) -> None:
    before = env_file.read(store.env)
    ran = certboot("adopt", "REQUESTS_CA_BUNDLE", "--yes")
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[:2] == ["! REQUESTS_CA_BUNDLE  3 certificates, 1 of them new", f"  in        {image}"]
    assert lines[6] == "4 CAs in generation 2 (1 new, 0 gone)"
    assert names(store) == FEW | {"Corp Root"}
    assert [reason.source for reason in entry(store, "Corp Root").provenance] == ["adopted"]
    assert [reason.source for reason in entry(store, "Root A").provenance] == ["certifi", "system", "adopted"]
    assert adopted(store) == {"REQUESTS_CA_BUNDLE": str(image)}
    assert env_file.read(store.env) == before  # it replaces, and sets nothing else
    assert generations.current(store).command == "adopt"
    assert generations.current(store).adopted == (Adoption("REQUESTS_CA_BUNDLE", str(image)),)
    assert generations.numbered(store, 1).adopted == ()
    listed = certboot("list", "--source", "adopted").out
    assert [name for name in ("Corp Root", "Root A", "Root B", "Root C") if name in listed] == [
        "Corp Root", "Root A", "Root B",
    ]  # fmt: skip
    assert f"adopted 3 ({image})" in certboot("init", "-v").out
    settled = contents(store.home)
    for command in (("adopt",), ("adopt", "REQUESTS_CA_BUNDLE"), ("adopt", "--yes")):
        ran = certboot(*command)
        assert ran.status == 0
        assert ran.out == "nothing to adopt: every CA variable is unset, certboot's own, or adopted already\n"
    assert contents(store.home) == settled


@cases(("answer", "status"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1), (None, 2)])
def test_adopt_shows_and_asks_and_needs_yes_without_a_terminal(
    certboot: Run, store: StorePaths, image: Path, monkeypatch: pytest.MonkeyPatch, answer: str | None, status: int
) -> None:
    del image
    before = contents(store.home)
    if answer is not None:
        answers(monkeypatch, answer)
    ran = certboot("adopt")
    assert ran.status == status
    if answer is None:
        assert_refused(ran)
    else:
        assert ran.out.index("CN=Corp Root") < ran.out.index("adopt what this variable names? [y/N] ")
        assert ran.out.endswith("nothing was changed\n") == bool(status)
    assert bool(adopted(store)) == (status == 0)
    assert (contents(store.home) == before) == bool(status)


@cases(
    ("lost", "words"),
    [
        (PINNED.pem, "CN=pinned.example: it may not issue certificates"),
        (roots()[2].pem, "CN=Root C: you"),
        (b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "image.pem: the block in line "),
    ],
)
def test_what_programs_may_rely_on_and_does_not_enter_is_shown_and_needs_more_than_yes(
    certboot: Run, store: StorePaths, image: Path, monkeypatch: pytest.MonkeyPatch, lost: bytes, words: str
) -> None:
    assert certboot("distrust", "Root C").status == 0
    image.write_bytes(CORP.pem + lost)
    before = contents(store.home)
    ran = certboot("adopt", "--yes")
    assert ran.status == 2
    assert "certificates that programs may rely on do not enter the store: 1\n\nhint: --partial" in ran.err
    assert f"  left out  {words}" in ran.out.replace(f"{image.parent}/", "")
    assert contents(store.home) == before
    answers(monkeypatch, "n\n")
    assert "  left out  " in certboot("adopt").out  # a person sees it, and is asked
    assert certboot("adopt", "--yes", "--partial").status == 0
    assert names(store) == {"Root A", "Root B", "Corp Root"}


def test_what_has_ended_or_an_earlier_adoption_lost_is_no_loss(
    certboot: Run, store: StorePaths, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(image, CORP, PINNED)
    assert certboot("adopt", "--yes", "--partial").status == 0
    monkeypatch.setenv("PIP_CERT", str(saved(tmp_path / "other.pem", OTHER, ENDED)))
    ran = certboot("adopt", "--yes")
    assert (ran.status, "left out" in ran.out) == (0, False)
    assert adopted(store).keys() == {"REQUESTS_CA_BUNDLE", "PIP_CERT"}
    assert "Ended Root" not in names(store)
    assert certboot("update").out.count("left out  ") == 1  # that of the pinned one


def emptied(path: Path) -> None:
    path.write_bytes(b"# nothing\n")


def opened(path: Path) -> None:
    path.chmod(0o666)


@cases("damage", [emptied, opened, Path.unlink])
def test_what_cannot_be_adopted_is_refused_and_nothing_changes(
    certboot: Run, store: StorePaths, image: Path, damage: Callable[[Path], None]
) -> None:
    before = contents(store.home)
    assert_refused(certboot("adopt", "REQUESTS_CA_BUNDLE", "PIP_CERT", "--yes"), "PIP_CERT is not set here")
    damage(image)
    for command in (("adopt", "--yes"), ("adopt", "REQUESTS_CA_BUNDLE", "--yes", "--partial")):
        assert_refused(certboot(*command))
    assert contents(store.home) == before


def test_where_the_settings_leave_the_hook_no_variable_adopt_would_be_in_vain(
    certboot: Run, store: StorePaths, image: Path
) -> None:
    del image
    everything = list(env_file.read(store.env) or {})
    store.config.write_text(f"[variables]\nremove = {everything}\n")
    assert_refused(certboot("adopt", "--yes"))
    store.config.write_text(f"[variables]\nremove = {everything[1:]}\n")
    assert certboot("adopt", "--yes").status == 0


def test_update_reads_the_file_again_and_what_it_lost_leaves(certboot: Run, store: StorePaths, image: Path) -> None:
    certboot("adopt", "--yes")
    saved(image, OTHER, roots()[0])
    ran = certboot("update")
    assert ran.status == 0
    changes = [line[0] + line.rpartition("  ")[2] for line in ran.out.splitlines() if line[0] in "+-"]
    assert changes == ["+Other Root", "-Corp Root"]
    assert names(store) == FEW | {"Other Root"}  # Root B has other sources
    assert adopted(store) == {"REQUESTS_CA_BUNDLE": str(image)}
    assert "nothing new, nothing changed" in certboot("update").out


@cases(
    ("command", "damage", "why"),
    [
        ("update", Path.unlink, "No such file or directory"),
        ("update", emptied, "there is no certificate in it"),
        ("init", opened, "others may write to it"),
    ],
)
def test_a_file_that_is_no_good_any_more_is_told_and_keeps_nothing_else_from_arriving(
    certboot: Run, store: StorePaths, image: Path, command: str, damage: Callable[[Path], None], why: str
) -> None:
    certboot("adopt", "--yes")
    company = saved(image.with_name("company.pem"), OTHER)
    store.config.write_text(f'[[company]]\npath = "{company}"\n')
    damage(image)
    ran = certboot(command)
    assert (ran.status, ran.err) == (0, "")
    assert f"{image}: {why}\n" in ran.out
    assert names(store) == FEW | {"Other Root"}
    assert adopted(store) == {"REQUESTS_CA_BUNDLE": str(image)}
    image.unlink(missing_ok=True)
    saved(image, CORP)
    ran = certboot(command)
    assert str(image) not in ran.out.replace(f"adopted 1 ({image})", "")
    assert names(store) == FEW | {"Other Root", "Corp Root"}


def test_undo_takes_out_what_only_the_variable_named_and_leaves_its_value_alone_again(
    certboot: Run, store: StorePaths, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = certboot("adopt", "--undo")
    assert "nothing is adopted" in ran.err
    assert str(store.adopted) not in ran.err  # there is no such file
    monkeypatch.setenv("PIP_CERT", str(image))
    certboot("adopt", "--yes")
    ran = certboot("adopt", "--undo", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
    assert_refused(ran, "not adopted: AWS_CA_BUNDLE, CURL_CA_BUNDLE\n")
    monkeypatch.delenv("PIP_CERT")  # undo does not ask what is set now
    ran = certboot("adopt", "--undo", "PIP_CERT")
    assert (ran.status, ran.out) == (0, f"PIP_CERT={image} is left alone again\n")
    assert adopted(store) == {"REQUESTS_CA_BUNDLE": str(image)}
    assert names(store) == FEW | {"Corp Root"}
    image.unlink()  # nor whether the file is there
    ran = certboot("adopt", "--undo")
    assert ran.status == 0
    assert ran.out.endswith(f"0 came, 1 went\nREQUESTS_CA_BUNDLE={image} is left alone again\n")
    assert (adopted(store), names(store)) == ({}, FEW)
    assert "nothing new, nothing changed" in certboot("init").out.splitlines()[0]


def test_undo_ends_every_value_of_a_variable(
    certboot: Run, store: StorePaths, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certboot("adopt", "--yes")
    other = str(saved(tmp_path / "other.pem", OTHER))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", other)
    assert certboot("adopt", "--yes").status == 0
    both = [Adoption("REQUESTS_CA_BUNDLE", value) for value in (str(image), other)]
    assert list(generations.current(store).adopted) == both
    assert names(store) == FEW | {"Corp Root", "Other Root"}
    assert certboot("adopt", "--undo", "REQUESTS_CA_BUNDLE").status == 0
    assert (adopted(store), names(store)) == ({}, FEW)


def test_a_file_of_adopted_values_that_is_crafted_adopts_nothing_and_one_that_others_may_write_to_is_refused(
    certboot: Run, store: StorePaths, image: Path
) -> None:
    store.adopted.write_bytes(
        b"PATH=/usr/bin\nREQUESTS_CA_BUNDLE=\nPIP_CERT=relative.pem\n\xff\xfe\n=\nPIP_CERT=/a\0b\n"
    )
    ran = certboot("update")
    assert (ran.status, ran.err) == (0, "")
    env = env_file.parse(store.env)
    assert env
    assert env.adopted == ()
    assert names(store) == FEW
    assert certboot("adopt", "--yes").status == 0
    assert adopted(store) == {"REQUESTS_CA_BUNDLE": str(image)}
    store.adopted.chmod(0o666)
    assert_refused(certboot("update"), f"others may write to it: {store.adopted}")


def test_a_rollback_to_before_leaves_the_value_alone_until_the_next_update(
    certboot: Run, store: StorePaths, image: Path
) -> None:
    """Else its programs would lose the company's CA, which they have without certboot."""
    certboot("adopt", "--yes")
    saved(image, CORP, OTHER)
    certboot("update")
    told = (Adoption("REQUESTS_CA_BUNDLE", str(image)),)
    for number, expected in (("2", told), ("1", ()), ("3", told), ("1", ())):
        assert certboot("rollback", number).status == 0
        env = env_file.parse(store.env)
        assert env
        assert env.adopted == expected
        assert ("Corp Root" in names(store)) == bool(expected)
    assert certboot("update").status == 0
    assert adopted(store) == dict(told)
    assert names(store) == FEW | {"Corp Root", "Other Root"}
    certboot("adopt", "--undo")
    assert certboot("rollback").status == 0  # does not bring back what was given back
    assert ("Corp Root" in names(store), adopted(store)) == (True, {})
    saved(image, roots()[0])
    assert "(0 new, 2 gone)" in certboot("adopt", "--yes").out
    certboot("adopt", "--undo")
    assert "(0 new, 0 gone)" in certboot("adopt", "--yes").out  # a generation of its own, for a rollback ends it
    assert certboot("rollback").status == 0
    assert generations.current(store).adopted == ()


def test_distrusting_what_was_adopted_takes_it_out_and_keeps_the_adoption(
    certboot: Run, store: StorePaths, image: Path
) -> None:
    certboot("adopt", "--yes")
    assert certboot("distrust", "Corp Root").status == 0
    for _ in range(2):
        assert names(store) == FEW
        assert adopted(store) == {"REQUESTS_CA_BUNDLE": str(image)}
        assert "CN=Corp Root" in certboot("list", "--rejected").out
        assert certboot("update").status == 0
    assert f"  {store.adopted}\n" in certboot("purge", "--yes").out
    assert (store.home.exists(), image.exists()) == (False, True)


@pytest.mark.usefixtures("store")
def test_init_and_the_doctor_name_the_command_for_what_is_preset_and_then_have_nothing_to_name(
    certboot: Run, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")

    def advice() -> list[str]:
        return [line.strip() for line in certboot("init").out.splitlines() if "certboot adopt" in line]

    for value in ("", "own.pem", f"{image}\n", "/nowhere.pem"):  # which it would refuse
        monkeypatch.setenv("SSL_CERT_FILE", value)
        assert advice() == ["to take over what it names: certboot adopt REQUESTS_CA_BUNDLE"]
    ran = certboot("adopt", "--yes")
    assert (ran.status, ran.out.splitlines()[0][:38]) == (0, "left alone: SSL_CERT_FILE cannot be ad")
    certboot("adopt", "--undo")
    monkeypatch.setenv("SSL_CERT_FILE", str(image))
    assert advice() == ["to take over what they name: certboot adopt"]
    lines = [line.strip() for line in certboot("init", "-v").out.splitlines()]
    assert sum(line.startswith("left out") for line in lines) == 3  # SSL_CERT_DIR yields to SSL_CERT_FILE
    before = certboot("doctor", "environment").out
    assert all(f"certboot adopt {name}" in before for name in variables)
    certboot("adopt", "--yes")
    assert "left out" not in certboot("init", "-v").out
    after = certboot("doctor", "environment", "-v").out  # in this process the hook has not run
    assert f"{image}, 3 certificates; adopted, but not replaced here (set by something else)" in after
    assert "certboot adopt" not in after
