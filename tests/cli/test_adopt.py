"""``certboot adopt``: what comes and goes with a preset variable, what is asked, what is refused, and the way back."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from support.environments import Ran
from support.pki import NOW, issue
from support.snapshot import assert_refused, contents, roots
from support.table import cases
from support.terminal import answers

from certboot import files
from certboot.clients.variables import Adoption
from certboot.pki.certificate import load_certificate
from certboot.store import env_file, generations
from certboot.store.paths import StorePaths

Run = Callable[..., Ran]
CORP, OTHER = issue("Corp Root"), issue("Other Root")
PINNED = issue("pinned.example", extensions=())
ENDED = issue("Ended Root", valid=(NOW - timedelta(days=9), NOW - timedelta(days=1)))


@pytest.fixture
def store(certboot: Run, paths: StorePaths) -> StorePaths:
    assert certboot("init").status == 0
    return paths


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a company's image, which presets REQUESTS_CA_BUNDLE to it: its own CA and two public ones."""
    path = tmp_path / "image.pem"
    path.write_bytes(CORP.pem + roots()[0].pem + roots()[1].pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    return path


def names(paths: StorePaths) -> set[str]:
    return {entry.name for entry in generations.current(paths).certificates}


def adopted(paths: StorePaths) -> list[Adoption]:
    """Return what is adopted, as the ``adopted`` file has it and the hook is told."""
    env = env_file.parse(paths.env)
    assert env
    kept = paths.adopted.read_bytes() if paths.adopted.exists() else b""
    assert kept == b"".join(os.fsencode(f"{name}={value}\n") for name, value in env.adopted)
    return list(env.adopted)


PUBLIC = {"Root A", "Root B", "Root C"}


def test_adopt_takes_in_what_the_variable_names_and_lets_the_hook_replace_it(
    certboot: Run, store: StorePaths, image: Path
) -> None:
    before = env_file.read(store.env)
    ran = certboot("adopt", "REQUESTS_CA_BUNDLE", "--yes")
    corp = load_certificate(CORP.der)
    digits = corp.fingerprint.upper()
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"REQUESTS_CA_BUNDLE={image}: certificates: 3 found, 1 of them new",
        "CN=Corp Root",
        f"  SHA-256  {':'.join(digits[at : at + 2] for at in range(0, 64, 2))}",
        f"  valid    {corp.validity.not_before:%Y-%m-%d} to {corp.validity.not_after:%Y-%m-%d}",
        f"  from     {image}",
        "4 trust anchors in generation 2 (1 new, 0 gone)",
        "from the next start of Python on, its hook replaces these values of REQUESTS_CA_BUNDLE, and no others",
        "undo: certboot adopt --undo",
    ]
    assert names(store) == PUBLIC | {"Corp Root"}
    reasons = {
        entry.name: [reason.source for reason in entry.provenance] for entry in generations.current(store).certificates
    }
    assert reasons["Corp Root"] == ["adopted"]
    assert reasons["Root A"] == ["certifi", "system", "adopted"]
    assert adopted(store) == [("REQUESTS_CA_BUNDLE", str(image))]
    assert env_file.read(store.env) == before  # it replaces, and sets nothing else
    assert generations.current(store).command == "adopt"


def test_what_is_adopted_is_listed_under_its_own_source(certboot: Run, store: StorePaths, image: Path) -> None:
    del store
    certboot("adopt", "--yes")
    listed = certboot("list", "--source", "adopted").out
    assert all(name in listed for name in ("Corp Root", "Root A", "Root B"))
    assert "Root C" not in listed
    assert f"source    adopted, {image}, since " in certboot("show", "Corp Root").out
    assert f"adopted 3 ({image})" in certboot("init").out


def test_a_second_run_has_nothing_to_do(certboot: Run, store: StorePaths, image: Path) -> None:
    del image
    assert certboot("adopt", "--yes").status == 0
    before = contents(store.home)
    for command in (("adopt",), ("adopt", "REQUESTS_CA_BUNDLE"), ("adopt", "--yes")):
        ran = certboot(*command)
        assert (ran.status, ran.out) == (
            0,
            "no CA variable has a value to adopt that is not adopted yet: nothing to do\n",
        )
    assert contents(store.home) == before


def test_without_a_variable_all_that_are_set_are_adopted_those_outside_the_default_set_too(
    certboot: Run, store: StorePaths, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "AWS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(image))
    ran = certboot("adopt", "--yes")
    assert ran.out.count("CN=Corp Root\n") == 1  # three variables, one question
    assert f"AWS_CA_BUNDLE={image}: certificates: 3 found, 0 of them new\n" in ran.out
    assert "replaces these values of REQUESTS_CA_BUNDLE, SSL_CERT_FILE, AWS_CA_BUNDLE, and no others" in ran.out
    assert {name for name, _ in adopted(store)} == {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE"}
    assert "AWS_CA_BUNDLE" not in (env_file.read(store.env) or {})


def test_a_directory_is_adopted_by_its_hash_names(
    certboot: Run, store: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / f"{load_certificate(CORP.der).link.subject_hash}.0").write_bytes(CORP.pem)
    (folder / "other.pem").write_bytes(OTHER.pem)
    monkeypatch.setenv("SSL_CERT_DIR", f"{folder}:{store.current}/crts")
    assert certboot("adopt", "--yes").status == 0
    assert names(store) == PUBLIC | {"Corp Root"}
    assert generations.current(store).certificates[0].provenance[0].source == "adopted"
    assert adopted(store) == [("SSL_CERT_DIR", f"{folder}:{store.current}/crts")]


@cases(("answer", "status"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_on_a_terminal_adopt_shows_and_asks(
    certboot: Run, store: StorePaths, image: Path, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    del image
    before = contents(store.home)
    answers(monkeypatch, answer)
    ran = certboot("adopt")
    assert ran.status == status
    assert ran.out.index("CN=Corp Root") < ran.out.index("adopt what is shown here? [y/N] ")
    assert bool(adopted(store)) == (status == 0)
    if status:
        assert ran.out.endswith("nothing was changed\n")
        assert contents(store.home) == before


def test_without_a_terminal_adopt_needs_yes(certboot: Run, store: StorePaths, image: Path) -> None:
    del image
    before = contents(store.home)
    assert_refused(certboot("adopt"))
    assert contents(store.home) == before


LOST = {
    "a pinned server certificate": (PINNED.pem, "CN=pinned.example: it may not issue certificates"),
    "one that the user distrusts": (roots()[2].pem, "CN=Root C: you"),
    "one that cannot be read": (
        b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "image.pem: the block in line ",
    ),
}  # fmt: skip


@cases("case", LOST)
def test_what_programs_may_rely_on_and_does_not_enter_is_shown_and_needs_more_than_yes(
    certboot: Run, store: StorePaths, image: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    more, words = LOST[case]
    assert certboot("distrust", "Root C").status == 0
    image.write_bytes(CORP.pem + more)
    before = contents(store.home)
    ran = certboot("adopt", "--yes")
    assert ran.status == 2
    assert "certboot: error: certificates that programs may rely on do not enter the store: 1\n" in ran.err
    assert "hint: --partial, if " in ran.err
    assert f"does not enter: {words}" in ran.out.replace(f"{image.parent}/", "")
    assert ran.out.startswith(f"REQUESTS_CA_BUNDLE={image}: ")
    assert "1 of them new" in ran.out
    assert contents(store.home) == before
    answers(monkeypatch, "n\n")
    assert "does not enter: " in certboot("adopt").out  # a person sees it, and is asked
    assert certboot("adopt", "--yes", "--partial").status == 0
    assert names(store) == {"Root A", "Root B", "Corp Root"}


def test_what_has_ended_is_no_loss(certboot: Run, store: StorePaths, image: Path) -> None:
    image.write_bytes(CORP.pem + ENDED.pem)
    ran = certboot("adopt", "--yes")
    assert (ran.status, "does not enter" in ran.out) == (0, False)
    assert "Ended Root" not in names(store)
    assert "left out" not in certboot("update").out


def test_what_an_earlier_adoption_lost_is_no_matter_of_the_next(
    certboot: Run, store: StorePaths, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image.write_bytes(CORP.pem + PINNED.pem)
    assert certboot("adopt", "--yes", "--partial").status == 0
    (tmp_path / "other.pem").write_bytes(OTHER.pem)
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "other.pem"))
    assert certboot("adopt", "--yes").status == 0
    assert {name for name, _ in adopted(store)} == {"REQUESTS_CA_BUNDLE", "PIP_CERT"}


def emptied(path: Path) -> None:
    path.write_bytes(b"# nothing\n")


def opened(path: Path) -> None:
    path.chmod(0o666)


@cases("damage", [emptied, opened, Path.unlink])
def test_what_cannot_be_adopted_is_refused_and_nothing_changes(
    certboot: Run, store: StorePaths, image: Path, damage: Callable[[Path], None]
) -> None:
    damage(image)
    before = contents(store.home)
    for command in (("adopt", "--yes"), ("adopt", "REQUESTS_CA_BUNDLE", "--yes", "--partial")):
        assert_refused(certboot(*command))
    assert contents(store.home) == before


@cases("arguments", [("CA_BUNDLE",), ("PIP_CERT",), ("SSL_CERT_FILE",), ("NODE_EXTRA_CA_CERTS",)])
def test_a_variable_that_cannot_be_adopted_is_refused_by_name(
    certboot: Run, store: StorePaths, image: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Unknown; not set; certboot's own; relative."""
    del image
    monkeypatch.setenv("SSL_CERT_FILE", str(store.current / "bundle.pem"))
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", "image.pem")
    ran = certboot("adopt", "REQUESTS_CA_BUNDLE", *arguments, "--yes")
    assert_refused(ran)
    assert arguments[0] in ran.err
    assert adopted(store) == []


def test_without_a_store_adopt_says_how_to_make_one(certboot: Run, clean: Path, image: Path) -> None:
    del image
    for command in (("adopt", "--yes"), ("adopt", "--undo")):
        ran = certboot(*command)
        assert_refused(ran)
        assert "hint: certboot init\n" in ran.err
    assert list(clean.iterdir()) == []


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
    image.write_bytes(OTHER.pem + roots()[0].pem)
    ran = certboot("update")
    assert ran.status == 0
    assert [line[0] + line.rpartition("  ")[2] for line in ran.out.splitlines() if line[0] in "+-"] == [
        "+Other Root", "-Corp Root",
    ]  # fmt: skip
    assert names(store) == PUBLIC | {"Other Root"}  # Root B has other sources
    assert adopted(store) == [("REQUESTS_CA_BUNDLE", str(image))]
    assert "nothing new, nothing changed" in certboot("update").out


def overfilled(path: Path) -> None:
    path.write_bytes(CORP.pem * 20_001)


NO_GOOD: dict[str, tuple[Callable[[Path], None], str]] = {
    "gone": (Path.unlink, "No such file or directory"),
    "empty": (emptied, "there is no certificate in it"),
    "open": (opened, "others may write to it"),
    "vast": (overfilled, "over 20,000 blocks or certificates in one file: {image}"),
}


@cases("case", NO_GOOD)
@cases("command", ["update", "init"])
def test_a_file_that_is_no_good_any_more_is_told_and_keeps_nothing_else_from_arriving(
    certboot: Run, store: StorePaths, image: Path, command: str, case: str
) -> None:
    damage, why = NO_GOOD[case]
    company = image.with_name("company.pem")
    certboot("adopt", "--yes")
    company.write_bytes(OTHER.pem)
    store.config.write_text(f'[[company]]\npath = "{company}"\n')
    damage(image)
    ran = certboot(command)
    assert (ran.status, ran.err) == (0, "")
    assert f"{image}: {why.format(image=image)}\n" in ran.out
    assert names(store) == PUBLIC | {"Other Root"}
    assert adopted(store) == [("REQUESTS_CA_BUNDLE", str(image))]
    image.unlink(missing_ok=True)
    image.write_bytes(CORP.pem)
    ran = certboot(command)
    assert str(image) not in ran.out.replace(f"adopted 1 ({image})", "")
    assert names(store) == PUBLIC | {"Other Root", "Corp Root"}


def test_undo_takes_out_what_only_the_variable_named_and_leaves_its_value_alone_again(
    certboot: Run, store: StorePaths, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CERT", str(image))
    certboot("adopt", "--yes")
    monkeypatch.delenv("PIP_CERT")  # undo does not ask what is set now
    ran = certboot("adopt", "--undo", "PIP_CERT")
    assert (ran.status, ran.out) == (0, f"PIP_CERT={image} is left alone again\n")
    assert adopted(store) == [("REQUESTS_CA_BUNDLE", str(image))]
    assert names(store) == PUBLIC | {"Corp Root"}
    image.unlink()  # nor whether the file is there
    ran = certboot("adopt", "--undo")
    assert ran.status == 0
    assert ran.out.splitlines()[0].endswith("  Corp Root")
    assert ran.out.endswith(f"0 came, 1 went\nREQUESTS_CA_BUNDLE={image} is left alone again\n")
    assert adopted(store) == []
    assert names(store) == PUBLIC
    assert "nothing new, nothing changed" in certboot("init").out.splitlines()[0]


def test_undo_ends_every_value_of_a_variable(
    certboot: Run, store: StorePaths, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certboot("adopt", "--yes")
    other = tmp_path / "other.pem"
    other.write_bytes(OTHER.pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    assert certboot("adopt", "--yes").status == 0
    assert adopted(store) == [("REQUESTS_CA_BUNDLE", str(image)), ("REQUESTS_CA_BUNDLE", str(other))]
    assert names(store) == PUBLIC | {"Corp Root", "Other Root"}
    assert certboot("adopt", "--undo", "REQUESTS_CA_BUNDLE").status == 0
    assert (adopted(store), names(store)) == ([], PUBLIC)


def test_undo_of_what_is_not_adopted_is_refused(certboot: Run, store: StorePaths, image: Path) -> None:
    del image
    ran = certboot("adopt", "--undo")
    assert_refused(ran)
    assert "nothing is adopted" in ran.err
    certboot("adopt", "--yes")
    ran = certboot("adopt", "--undo", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
    assert_refused(ran)
    assert "not adopted: CURL_CA_BUNDLE, PIP_CERT\n" in ran.err
    assert len(adopted(store)) == 1


@cases("name", [b"my = 'own' $x.pem", b"-x\xff\xfe.pem", b"\xc2\x85\x1b[31m.pem"])
def test_odd_paths_are_adopted_read_again_and_given_back_without_driving_the_terminal(
    certboot: Run, store: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes
) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(CORP.pem + PINNED.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    outputs = [certboot("init"), certboot("adopt", "--yes")]
    assert outputs[-1].status == 2
    outputs += [certboot("adopt", "--yes", "--partial"), certboot("show", "Corp Root"), certboot("list", "--rejected")]
    assert adopted(store) == [("SSL_CERT_FILE", str(path))]
    path.unlink()
    outputs += [certboot("update"), certboot("doctor", "environment"), certboot("adopt", "--undo")]
    assert [ran.status for ran in outputs[2:]] == [0, 0, 0, 0, 1, 0]
    assert "\x1b" not in "".join(ran.out + ran.err for ran in outputs)
    assert adopted(store) == []


@cases(
    "crafted",
    [
        b"PATH=/usr/bin\nLD_PRELOAD=/x.so\n", b"REQUESTS_CA_BUNDLE=\nPIP_CERT=relative.pem\n", b"\xff\xfe\n=\n\0\n",
        b"PIP_CERT=/a\0b\n", b"PIP_CERT=/a\r\n-PIP_CERT=/x\n",
    ],
)  # fmt: skip
def test_a_crafted_file_adopts_nothing_that_the_command_would_not(
    certboot: Run, store: StorePaths, image: Path, crafted: bytes
) -> None:
    store.adopted.write_bytes(crafted)
    ran = certboot("update")
    assert (ran.status, ran.err) == (0, "")
    env = env_file.parse(store.env)
    assert env
    assert env.adopted == ()
    assert names(store) == PUBLIC
    assert certboot("adopt", "--yes").status == 0
    assert adopted(store) == [("REQUESTS_CA_BUNDLE", str(image))]


def test_a_file_with_the_adopted_values_that_others_may_write_to_is_refused(
    certboot: Run, store: StorePaths, image: Path
) -> None:
    del image
    certboot("adopt", "--yes")
    store.adopted.chmod(0o666)
    ran = certboot("update")
    assert_refused(ran)
    assert f"others may write to it: {store.adopted}" in ran.err


def test_a_failure_leaves_nothing_adopted(
    certboot: Run, store: StorePaths, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del image
    before = contents(store.home)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "replace_link", full)
        assert_refused(certboot("adopt", "--yes"))
    after = contents(store.home)
    assert {path for path in after if after[path] != before.get(path)} <= {
        path for path in after if path.startswith("generations/2")
    }
    assert certboot("update").status == 0
    assert adopted(store) == []
    assert certboot("adopt", "--yes").status == 0  # the control


def test_a_rollback_to_before_leaves_the_value_alone_until_the_next_update(
    certboot: Run, store: StorePaths, image: Path
) -> None:
    """Else its programs would lose the company's CA, which they have without certboot."""
    certboot("adopt", "--yes")
    image.write_bytes(CORP.pem + OTHER.pem)
    certboot("update")
    told = [Adoption("REQUESTS_CA_BUNDLE", str(image))]

    def told_to_the_hook() -> list[Adoption]:
        env = env_file.parse(store.env)
        return list(env.adopted) if env else []

    assert told_to_the_hook() == told
    for number, expected in (("2", told), ("1", []), ("3", told), ("1", [])):
        assert certboot("rollback", number).status == 0
        assert told_to_the_hook() == expected
        assert ("Corp Root" in names(store)) == bool(expected)
    assert certboot("update").status == 0
    assert adopted(store) == told
    assert names(store) == PUBLIC | {"Corp Root", "Other Root"}


def test_a_rollback_does_not_bring_back_what_was_given_back(certboot: Run, store: StorePaths, image: Path) -> None:
    del image
    certboot("adopt", "--yes")
    certboot("adopt", "--undo")
    assert certboot("rollback").status == 0
    assert "Corp Root" in names(store)
    assert adopted(store) == []


def test_an_adoption_without_anything_new_is_a_generation_of_its_own_for_a_rollback_ends_it(
    certboot: Run, store: StorePaths, image: Path
) -> None:
    image.write_bytes(roots()[0].pem)
    assert "(0 new, 0 gone)" in certboot("adopt", "--yes").out
    assert certboot("rollback").status == 0
    env = env_file.parse(store.env)
    assert env
    assert env.adopted == ()


def test_distrusting_what_was_adopted_takes_it_out_and_keeps_the_adoption(
    certboot: Run, store: StorePaths, image: Path
) -> None:
    certboot("adopt", "--yes")
    assert certboot("distrust", "Corp Root").status == 0
    for _ in range(2):
        assert names(store) == PUBLIC
        assert adopted(store) == [("REQUESTS_CA_BUNDLE", str(image))]
        assert "CN=Corp Root" in certboot("list", "--rejected").out
        assert certboot("update").status == 0


def test_init_names_the_command_for_what_is_preset_and_then_has_nothing_to_name(
    certboot: Run, store: StorePaths, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del store
    monkeypatch.setenv("SSL_CERT_FILE", str(image))
    advice = [
        f"certboot adopt {name} takes over what it names, and the variable"
        for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
    ]
    lines = [line.strip() for line in certboot("init").out.splitlines()]
    assert [line for line in lines if "certboot adopt" in line] == advice
    assert sum(line.startswith("left out") for line in lines) == 3  # SSL_CERT_DIR yields to SSL_CERT_FILE
    certboot("adopt", "--yes")
    assert "left out" not in certboot("init").out


def test_doctor_names_the_command_and_tells_where_an_adopted_value_was_not_replaced(
    certboot: Run, store: StorePaths, image: Path
) -> None:
    del store
    before = certboot("doctor", "environment").out
    assert "certboot adopt REQUESTS_CA_BUNDLE" in before
    assert "certboot leaves it alone" in before
    certboot("adopt", "--yes")
    after = certboot("doctor", "environment").out  # in this process the hook has not run
    assert f"{image}, 3 certificates; adopted, but not replaced here (set by something else)" in after
    assert "certboot adopt" not in after


def test_purge_takes_the_adopted_values_along(certboot: Run, store: StorePaths, image: Path) -> None:
    certboot("adopt", "--yes")
    assert f"  {store.adopted}\n" in certboot("purge", "--yes").out
    assert not store.home.exists()
    assert image.exists()


def test_the_manifest_tells_under_which_adoptions_it_was_made(certboot: Run, store: StorePaths, image: Path) -> None:
    certboot("adopt", "--yes")
    assert generations.current(store).adopted == (Adoption("REQUESTS_CA_BUNDLE", str(image)),)
    assert generations.numbered(store, 1).adopted == ()
