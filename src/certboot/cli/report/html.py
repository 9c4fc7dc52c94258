"""The doctor's findings on a server as one page to hand to its administrator: it loads nothing and runs no script.

The cause comes first, then what to change on the server, what helps on a client, and the details. Every text on it may
be a stranger's: it is made printable, then escaped. A Content-Security-Policy in the page allows its own style, by its
hash, and nothing else, should any of it get through. What the doctor found on this machine beside the server is nobody
else's business, and not on the page: of the clients here it says who they are and which variable decides, and no path.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
import string
import typing
from dataclasses import replace
from html import escape
from importlib import resources

from certboot import moment
from certboot.cli.report import server as lines_on_server
from certboot.cli.report.chart import chart
from certboot.cli.report.lifetime import WIDTH, lifetime
from certboot.doctor.findings import EXPLANATIONS, Explanation
from certboot.errors import few, printable
from certboot.pki.pem import blocks

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from certboot.doctor.diagnosis import Diagnosis
    from certboot.doctor.examination import ClientVerdict, Examination, PresentedCertificate
    from certboot.doctor.finding import Finding

_CODE = re.compile(r"`([^`]+)`")
_VERDICTS = {"ok": "clients accept it", "warn": "some clients fail here", "fail": "clients fail here"}
_FILE_NAME = re.compile(r"[^A-Za-z0-9.-]+")
_MOST_SENT = 20
_MOST_NAMES = 40
_WITH_OLD = ("expired-intermediate", "revoked-intermediate", "wrong-chain")
"""Where an intermediate that Windows has already is in the way of the right one."""
_SHOULD_SEND = "It should send another chain than it does. Why stands below, under what else was found."
_OF_THIS_MACHINE = "client-cannot-load"
_NO_STORY = Explanation("server", "", "", "")
_FOLDER = resources.files(__package__)
_STYLE = "\n" + _FOLDER.joinpath("page.css").read_text("ascii")
_PARTS = dict(
    re.findall(r"<!-- (\w+) -->\n(.*?\n)(?=<!-- |\Z)", _FOLDER.joinpath("page.html").read_text("ascii"), re.DOTALL)
)
BEGINNING = _PARTS["page"].partition("$hash")[0].encode("ascii")
"""By this a page of certboot's is known: one that begins so may be replaced by a newer one."""


class _Markup(str):
    """What is to stand in the page as it is."""

    __slots__ = ()


def doctor_html(diagnosis: Diagnosis, made: datetime, version: str, judged: datetime | None = None) -> str:
    """Return the page on a server.

    ``judged``: the time by which the certificates were judged, where that is not when the page was made.
    """
    first, *others = diagnosis.findings
    examination = first.seen
    picture = chart(examination)
    sections = (
        _cause(first),
        _for_server(first, examination),
        _others(others, first.id),
        _for_client(first, examination),
        _part("chain", svg=_Markup(picture)) if picture else _line("It never came to a chain of certificates."),
        _verdicts(examination.verdicts),
        _sent(examination.chain, judged or made),
    )
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode("ascii")).digest()).decode("ascii")
    page = _part(
        "page",
        hash=digest,
        title=f"{first.id}: {first.subject}",
        style=_Markup(_STYLE),
        sections=_Markup("\n".join(filter(None, sections))),
        made=f"{made:%Y-%m-%d at %H:%M} UTC",
        version=version,
    )
    return f"{page}\n"


def _part(name: str, /, **values: str) -> _Markup:
    """Return a part of ``page.html`` with the values in it: what is no markup is a text, printable and escaped."""
    safe = {key: value if isinstance(value, _Markup) else escape(printable(value)) for key, value in values.items()}
    return _Markup(string.Template(_PARTS[name]).substitute(safe).removesuffix("\n"))


def _joined(parts: Iterable[_Markup], between: str = "") -> _Markup:
    return _Markup(between.join(parts))


def _line(text: str) -> _Markup:
    return _part("line", text=text) if text else _Markup()


def _said(finding: Finding) -> tuple[str, list[str]]:
    """Return OpenSSL's words of a summary, where it has any, and its other lines but those about this machine."""
    lines = [line for line in finding.summary.split("\n") if line not in (finding.here or ())]
    return (lines[0], lines[1:]) if finding.seen.code is not None else ("", lines)


def _cause(finding: Finding) -> _Markup:
    story = EXPLANATIONS.get(finding.id, _NO_STORY)
    openssl, lines = _said(finding)
    return _part(
        "cause",
        subject=finding.subject,
        status=finding.status,
        verdict=_VERDICTS.get(finding.status, "it could not be examined"),
        id=finding.id,
        title=story.title,
        lines=_joined(
            (*map(_line, lines[:1]), _line(_prose(story.why, finding.subject)) if finding.status != "ok" else _Markup())
        ),
        openssl=f" · {openssl}" if openssl else "",
    )


def _for_server(finding: Finding, examination: Examination) -> _Markup:
    operator = _line(_prose(examination.operator.words))
    file = _file(finding, examination)
    nothing = _line(_SHOULD_SEND if file else "Nothing has to be done, as far as can be seen.")
    return _part("server", operator=operator or nothing, commands=_commands(examination.operator.commands), file=file)


def _commands(commands: Iterable[Sequence[str]]) -> _Markup:
    return _joined(_part("command", text=shlex.join(argv)) for argv in commands)


def _for_client(finding: Finding, examination: Examination) -> _Markup:
    story = EXPLANATIONS.get(finding.id, _NO_STORY)
    _, lines = _said(finding)
    more = (str(finding.evidence.get("hint") or ""), f"Who can mend it: {story.who}." if story.who else "")
    good = finding.status == "ok"
    said = _joined(map(_escaped, lines[1:]), "\n")
    return _part(
        "client",
        how=_line("Nothing has to be done.") if good else _line(_prose(story.how, finding.subject)),
        said=_part("said", text=said) if said else _Markup(),
        # What sets a variable names a place of this machine.
        commands=_commands(argv for argv in finding.fix if argv[0] != "env" or "=" not in argv[1]),
        more=_Markup() if good else _joined(map(_line, more)),
        clients=_clients(examination),
    )


def _escaped(line: str) -> _Markup:
    """Return a line of a text, printable and escaped."""
    return _Markup(escape(printable(line)))


def _clients(examination: Examination) -> _Markup:
    """Return how each trust of the clients here fares, as the report has it, without a path of this machine."""
    public = [
        replace(
            trust,
            message=trust.message if trust.code > 0 else "cannot load what it is told to trust",
            places=tuple(place if place.isidentifier() else "by settings of its own" for place in trust.places),
        )
        for trust in examination.trusts
    ]
    lines = lines_on_server.clients(public)
    rows = _joined(_part("row", name=line.lead.strip(), text=line.text) for line in lines)
    return _part("clients", rows=rows) if rows else _Markup()


def _file(finding: Finding, examination: Examination) -> _Markup:
    if examination.send is None:
        return _Markup()
    text = examination.send.pem
    name = _FILE_NAME.sub("-", finding.subject).strip(".-")[:80] or "server"
    parts = [_part(server, name=name) for server in ("nginx", "apache", "haproxy")]
    # Windows sends no root and sorts by itself, and keytool puts the root back: there it is no fix for a good chain.
    above = [block.data or b"" for block in blocks(text.encode("ascii"))][1:]
    if above and finding.status != "ok":
        parts += [_windows(name, above, finding.id), _part("java", name=name)]
    return _part(
        "file",
        members=_members(examination.send.subjects),
        name=name,
        data=_base64(text.encode("ascii")),
        servers=_joined(parts),
        pem=_joined(map(_escaped, text.split("\n")), "\n"),
    )


def _windows(name: str, intermediates: Sequence[bytes], kind: str) -> _Markup:
    """Return how Windows takes these: of a file with several Import-Certificate takes the first (its ``-FilePath``)."""
    numbered = [(str(number), data) for number, data in enumerate(intermediates, start=1)]
    return _part(
        "iis",
        files=_joined(_part("intermediate", name=name, number=number, data=_base64(data)) for number, data in numbered),
        commands=_joined((_part("import", name=name, number=number) for number, _ in numbered), "\n"),
        old=_line("Delete the old intermediate there, in certlm.msc." if kind in _WITH_OLD else ""),
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _members(subjects: Iterable[str]) -> _Markup:
    return _joined(_part("member", text=subject) for subject in subjects)


def _others(findings: Sequence[Finding], told: str) -> _Markup:
    """Return what else there is to say. Why more clients refuse it for the cause that is told is in their table."""
    listed = _joined(
        _part(
            "finding",
            id=finding.id,
            status=finding.status,
            summary=_joined(map(_escaped, _said(finding)[1]), "<br>"),
            operator=_operator(finding),
        )
        for finding in findings
        if finding.id not in (told, _OF_THIS_MACHINE)
    )
    return _part("others", findings=listed) if listed else _Markup()


def _operator(finding: Finding) -> _Markup:
    story = EXPLANATIONS.get(finding.id, _NO_STORY)
    return _part("operator", text=_prose(story.operator, finding.subject)) if story.operator else _Markup()


def _verdicts(verdicts: Sequence[ClientVerdict]) -> _Markup:
    rows = (
        _part(
            "row",
            name=lines_on_server.who(verdict),
            text=f"refuses it: {verdict.message} ({verdict.code})" if verdict.code else "accepts it",
        )
        for verdict in verdicts
    )
    return _part("verdicts", rows=_joined(rows)) if verdicts else _Markup()


def _sent(chain: Sequence[PresentedCertificate], today: datetime) -> _Markup:
    if not chain:
        return _Markup()
    members = (_certificate(certificate, today) for certificate in chain[:_MOST_SENT])
    more = _line(f"and {len(chain) - _MOST_SENT} more" if len(chain) > _MOST_SENT else "")
    return _part("sent", members=_joined(members), more=more)


def _certificate(certificate: PresentedCertificate, today: datetime) -> _Markup:
    begin, end = certificate.not_before, certificate.not_after
    if begin is None or end is None:
        return _members([certificate.subject])
    fields = (
        ("field", "issuer", certificate.issuer),
        ("code", "issuer at", ", ".join(certificate.issuers_at)),
        ("field", "names", few(certificate.names, _MOST_NAMES)),
        ("field", "valid", f"{moment.shown(begin)} to {moment.shown(end)}"),
        ("code", "serial", certificate.serial),
        ("code", "SHA-256", certificate.fingerprint),
    )
    shown = _joined(_part(kind, name=name, text=text) for kind, name, text in fields if text)
    return _part("certificate", subject=certificate.subject, life=_life(begin, end, today), fields=shown)


def _life(begin: datetime, end: datetime, today: datetime) -> _Markup:
    bar = lifetime(begin, end, today)
    if bar is None:
        return _Markup()
    places = {"begin": bar.begin, "length": bar.length, "gone": bar.gone, "today": bar.today, "width": WIDTH}
    return _part("life", kind=bar.kind, label=bar.words, **{name: str(place) for name, place in places.items()})


def _prose(text: str, target: str = "") -> _Markup:
    """Return one of our own sentences, with what stands in backquotes as code, and ``{target}`` filled in."""
    whole = text.format(target=target) if target else text
    return _Markup(_CODE.sub(r"<code>\1</code>", escape(printable(whole))))
