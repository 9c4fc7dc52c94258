"""The doctor's findings on a server as one page to hand to an administrator: it loads nothing and runs no script.

Every text on it may be a stranger's: it is made printable, then escaped. A Content-Security-Policy in the page allows
its own style, by its hash, and nothing else, should any of it get through. What the doctor found on this machine beside
the server is nobody else's business, and not on the page.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
import string
import typing
from html import escape
from importlib import resources

from certboot.cli.report.chart import chart
from certboot.doctor.findings import EXPLANATIONS, Explanation
from certboot.errors import printable

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from certboot.doctor.finding import Finding

_CODE = re.compile(r"`([^`]+)`")
_VERDICTS = {"ok": "accepted by every client", "warn": "some clients fail here", "fail": "clients fail here"}
_FILE_NAME = re.compile(r"[^A-Za-z0-9.-]+")
_MOST_SENT = 20
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


def doctor_html(findings: Sequence[Finding], made: datetime, version: str) -> str:
    """Return the page for the findings of the group ``server``, of which the first is the verdict."""
    server = [finding for finding in findings if finding.group == "server"]
    first = server[0]
    picture = chart(first.evidence)
    sections = (
        _cause(first),
        _part("chain", picture=_part("picture", svg=_Markup(picture)) if picture else _NO_CHAIN),
        _part("remedies", client=_for_client(first), server=_for_server(first)),
        _file(first),
        _others(server[1:]),
        _verdicts(first.evidence),
        _sent(first.evidence),
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


def _joined(parts: Iterable[_Markup]) -> _Markup:
    return _Markup("".join(parts))


def _line(text: str) -> _Markup:
    return _part("line", text=text) if text else _Markup()


_NO_CHAIN = _line("It never came to a chain of certificates.")
_NOTHING = _line("Nothing has to be done.")


def _cause(finding: Finding) -> _Markup:
    story = EXPLANATIONS.get(finding.id, _NO_STORY)
    why = story.why if finding.status != "ok" else ""
    return _part(
        "cause",
        subject=finding.subject,
        status=finding.status,
        verdict=_VERDICTS.get(finding.status, "it could not be examined"),
        id=finding.id,
        title=story.title,
        lines=_joined((*map(_line, finding.summary.split("\n")), _line(_prose(why, finding.subject)))),
    )


def _for_client(finding: Finding) -> _Markup:
    if finding.status == "ok":
        return _NOTHING
    story = EXPLANATIONS.get(finding.id, _NO_STORY)
    return _joined(
        (
            _line(_prose(story.how, finding.subject)),
            *(_part("command", text=shlex.join(argv)) for argv in finding.fix),
            _line(str(finding.evidence.get("hint") or "")),
            _line(f"Who can mend it: {story.who}." if story.who else ""),
        )
    )


def _for_server(finding: Finding) -> _Markup:
    told = _line(_prose(str(finding.evidence.get("operator") or "")))
    return _joined((told, _part("see"))) if finding.evidence.get("send") else told or _NOTHING


def _file(finding: Finding) -> _Markup:
    send = typing.cast("Mapping[str, object]", finding.evidence.get("send") or {})
    if not send:
        return _Markup()
    text = str(send["pem"])
    return _part(
        "file",
        members=_members(typing.cast("Iterable[object]", send["subjects"])),
        name=_FILE_NAME.sub("-", finding.subject).strip(".-")[:80] or "server",
        data=base64.b64encode(text.encode("ascii")).decode("ascii"),
        pem=_Markup("\n".join(escape(printable(line)) for line in text.split("\n"))),
    )


def _members(subjects: Iterable[object]) -> _Markup:
    return _joined(_part("member", text=str(subject)) for subject in subjects)


def _others(findings: Sequence[Finding]) -> _Markup:
    told = (_part("finding", id=finding.id, status=finding.status, summary=finding.summary) for finding in findings)
    return _part("others", findings=_joined(told)) if findings else _Markup()


def _verdicts(evidence: Mapping[str, object]) -> _Markup:
    verdicts = typing.cast("Sequence[Mapping[str, object]]", evidence.get("verdicts") or ())
    refused = "refuses it: {message} ({code})"
    rows = (
        _part(
            "verdict",
            client=str(verdict["client"]),
            answer=refused.format(**verdict) if verdict["code"] else "accepts it",
        )
        for verdict in verdicts
    )
    return _part("verdicts", rows=_joined(rows)) if verdicts else _Markup()


def _sent(evidence: Mapping[str, object]) -> _Markup:
    chain = typing.cast("Sequence[Mapping[str, str]]", evidence.get("chain") or ())
    if not chain:
        return _Markup()
    members = (
        _part("certificate", **certificate) if certificate["fingerprint"] else _members([certificate["subject"]])
        for certificate in chain[:_MOST_SENT]
    )
    more = _line(f"and {len(chain) - _MOST_SENT} more" if len(chain) > _MOST_SENT else "")
    return _part("sent", members=_joined(members), more=more)


def _prose(text: str, target: str = "") -> _Markup:
    """Return one of our own sentences, with what stands in backquotes as code, and ``{target}`` filled in."""
    whole = text.format(target=target) if target else text
    return _Markup(_CODE.sub(r"<code>\1</code>", escape(printable(whole))))
