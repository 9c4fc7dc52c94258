"""The work grows with the number of certificates, and not with its square: comparisons are counted, not seconds."""

from __future__ import annotations

import typing
from pathlib import Path

import pytest
from cryptography import x509
from support import asn1, nasty
from support.issuers import leaf
from support.pki import Issued, issue, new_key

from certboot.doctor.server import diagnosis
from certboot.pki import by_subject, der
from certboot.pki.parsed import ParsedCertificate, parsed_certificate
from certboot.pki.path import built, is_issuer
from certboot.store.hash_links import plan

if typing.TYPE_CHECKING:
    from support.commands import Run

KEY = new_key()
ROOT = issue(
    "Same", extensions=((x509.AuthorityKeyIdentifier.from_issuer_public_key(KEY.public_key()), False),), key=KEY
)
LEAF = leaf(ROOT)
LARGEST = 200


def of_one_name(count: int, made: Issued = ROOT) -> tuple[bytes, ...]:
    """CA certificates of one name and key."""
    numbers = (der.encode(der.INTEGER, b"\1" + number.to_bytes(4, "big")) for number in range(count))
    return tuple(asn1.edited(made.der, {asn1.SERIAL: number}) for number in numbers)


def compared(anchors: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch) -> int:
    """How often two certificates are compared where these are trusted."""
    pairs = []
    real = is_issuer

    def noted(*pair: typing.Any) -> bool:  # noqa: ANN401
        pairs.append(pair)
        return real(*pair)

    with monkeypatch.context() as patch:
        patch.setattr(diagnosis, "is_issuer", noted)
        assert diagnosis.relevant(anchors, (parsed_certificate(LEAF.der),))
    return len(pairs)


def test_of_many_of_one_name_each_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [compared(of_one_name(count), monkeypatch) for count in (1, 100, 400)] == [1, 100, 400]


def test_of_many_of_which_half_have_another_key_each_is_not_compared_with_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be the square: who is found is looked for an issuer of its own among those who are not."""
    other = issue("Same", extensions=((x509.SubjectKeyIdentifier(b"other"), False),))
    anchors = *of_one_name(400), *of_one_name(400, other)
    assert compared(anchors, monkeypatch) <= diagnosis._MOST_COMPARED < 400 * 400


def test_the_comparisons_have_a_limit_where_each_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_MOST_COMPARED", 100)
    assert len(diagnosis.relevant(of_one_name(100), (parsed_certificate(LEAF.der),))) == 100
    assert diagnosis.relevant(of_one_name(101), (parsed_certificate(LEAF.der),)) == ()


def test_anchors_of_other_names_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """For each OpenSSL makes a context of its own: for all of them that was a quarter of what the doctor took."""
    parsed = []

    def noted(data: bytes) -> ParsedCertificate:
        parsed.append(data)
        return parsed_certificate(data)

    monkeypatch.setattr(by_subject, "parsed_certificate", noted)
    others = (issue(f"Other {number}").der for number in range(3))
    found = diagnosis.relevant((*others, ROOT.der), (parsed_certificate(LEAF.der),))
    assert [anchor.certificate.der for anchor in found] == parsed == [ROOT.der]


def test_what_was_sent_is_not_compared_with_the_whole_path_at_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be the cube: a server can send some 300 certificates, each the issuer of the one before."""
    chain = [issue("Root")]
    for number in range(20):
        chain.insert(0, issue(f"CA {number}", chain[0]))
    sent = [parsed_certificate(member.der) for member in chain]
    pairs = []
    real = ParsedCertificate.__eq__

    def noted(*pair: typing.Any) -> bool:  # noqa: ANN401
        pairs.append(pair)
        return real(*pair)

    monkeypatch.setattr(ParsedCertificate, "__eq__", noted)
    path = built([*sent, *sent], (), sent[0].certificate.validity.not_after, partial=False)
    assert [member.certificate.der for member in path.certificates] == [member.der for member in chain]
    assert pairs == []


def test_collisions_of_a_hash_are_numbered_in_one_pass() -> None:
    class Name(str):
        """A name that counts how often it is compared."""

        __slots__ = ()
        compared = 0

        def __eq__(self, other: object) -> bool:
            Name.compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    for count in (1000, 4000):
        Name.compared = 0
        links = plan([("01234567", "", Name(f"{number}.pem")) for number in range(count)], {})
        assert (len(links), Name.compared < 10 * count) == (count, True)


def test_the_doctor_refuses_more_anchors_of_one_name_than_openssl_takes_in_quickly(
    tmp_path: Path, certboot: Run
) -> None:
    own = issue("Same")
    same = [nasty.Raw(each) for each in of_one_name(LARGEST, own)]
    (tmp_path / "chain.pem").write_bytes(leaf(own).pem)
    asked = ("hook", "--chain", tmp_path / "chain.pem", "--host", "localhost", "--anchors", tmp_path / "ca.pem")
    for count in (LARGEST, LARGEST + 1):
        (tmp_path / "ca.pem").write_bytes(b"".join([own.pem, *(raw.pem for raw in same)][:count]))
        ran = certboot("doctor", *asked)
        assert (ran.status == 2) is (count > LARGEST), ran
