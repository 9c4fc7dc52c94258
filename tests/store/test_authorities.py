"""What is known of CAs is what the store, the reports and the user say, by whichever name a certificate has."""

from __future__ import annotations

import typing
from collections.abc import Callable

from support.pki import CA, Issued, issue, make
from support.report import Reports, intermediate, revoked, root, save

from certboot.pki.certificate import file_name, load_certificate
from certboot.sources.repaired import Repair, render_repair
from certboot.store.authorities import Authorities
from certboot.store.generations import known_in_force, needed

if typing.TYPE_CHECKING:
    from pathlib import Path

    from support.environments import Ran

    from certboot.store.paths import StorePaths

Run = Callable[..., "Ran"]


def test_who_distrusts_what_repair_stored_distrusts_the_others_of_its_name_and_key(paths: StorePaths) -> None:
    top = make("Root", form=CA)
    stored = make("Middle", top, CA)
    twin, other = make("Middle", top, CA, key=stored.key), make("Middle", top, CA)
    certificate = load_certificate(stored.der)
    paths.repaired.mkdir(parents=True)
    (paths.repaired / file_name(certificate)).write_bytes(render_repair(Repair(certificate, ())))
    known = [Authorities(paths, None).distrusted]
    paths.config.write_text(f'[rules]\ndistrust = ["{stored.sha256}"]\n')
    known.append(Authorities(paths, None).distrusted)
    assert [load_certificate(each.der).is_among(known[0]) for each in (stored, twin, other)] == [False] * 3
    assert [load_certificate(each.der).is_among(known[1]) for each in (stored, twin, other)] == [True, True, False]


def test_certificates_are_found_by_name_and_the_revoked_by_fingerprint_or_serial(
    certboot: Run, paths: StorePaths, tmp_path: Path
) -> None:
    top = issue("Root")
    middle, gone = issue("Middle", top), issue("Gone", top)
    made = Reports((root(top),), tuple(map(intermediate, (middle, gone))), (revoked(gone),))
    folder = save(made.bodies(), tmp_path / "reports")
    assert not list(Authorities(paths, known_in_force(paths)).reported(load_certificate(top.der).link.subject_name))
    assert certboot("init", "--source", "ccadb", "--intermediates", "--from", folder).status == 0
    known = Authorities(paths, needed(paths))

    def named(issued: Issued) -> list[list[bytes]]:
        name = load_certificate(issued.der).link.subject_name
        return [[each.der for each in find(name)] for find in (known.anchors, known.intermediates, known.reported)]

    assert [named(each) for each in (top, middle, gone)] == [
        [[top.der], [], []],
        [[], [middle.der], [middle.der]],
        [[], [], [gone.der]],
    ]
    for issued, expected in ((top, False), (middle, False), (gone, True)):
        certificate = load_certificate(issued.der)
        assert (certificate.fingerprint in known.revoked) is expected
        assert (certificate.link.issuer_and_serial in known.revoked) is expected
