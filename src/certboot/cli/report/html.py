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
STYLE, _PAGE = (
    f"\n{_FOLDER.joinpath('page.css').read_text('ascii')}",
    _FOLDER.joinpath("page.html").read_text("ascii"),
)
BEGINNING = _PAGE.partition("$hash")[0].encode("ascii")
"""By this a page of certboot's is known: one that begins so may be replaced by a newer one."""


def doctor_html(findings: Sequence[Finding], made: datetime, version: str) -> str:
    """Return the page for the findings of the group ``server``, of which the first is the verdict."""
    server = [finding for finding in findings if finding.group == "server"]
    first = server[0]
    sections = (
        _cause(first),
        _picture(first.evidence),
        f'<section class="remedies">{_for_client(first)}{_for_server(first)}</section>',
        _file(first),
        _others(server[1:]),
        _verdicts(first.evidence),
        _sent(first.evidence),
    )
    return string.Template(_PAGE).substitute(
        hash=base64.b64encode(hashlib.sha256(STYLE.encode("ascii")).digest()).decode("ascii"),
        title=_text(f"{first.id}: {first.subject}"),
        style=STYLE,
        sections="\n".join(filter(None, sections)),
        made=f"{made:%Y-%m-%d at %H:%M} UTC",
        version=_text(version),
    )


def _cause(finding: Finding) -> str:
    story = EXPLANATIONS.get(finding.id, _NO_STORY)
    why = story.why if finding.status != "ok" else ""
    lines = "".join(f"<p>{_text(line)}</p>" for line in finding.summary.split("\n") if line)
    return (
        f"<header><h1>{_text(finding.subject)}</h1>"
        f'<div class="cause {_text(finding.status)}"><p class="verdict"><b>{_text(finding.status)}</b> '
        f"{_text(_VERDICTS.get(finding.status, 'it could not be examined'))}</p>"
        f"<h2><code>{_text(finding.id)}</code> {_text(story.title)}</h2>{lines}"
        f"{f'<p>{_prose(why, finding.subject)}</p>' if why else ''}</div></header>"
    )


def _picture(evidence: Mapping[str, object]) -> str:
    picture = chart(evidence)
    if not picture:
        return "<section><h2>The chain</h2><p>It never came to a chain of certificates.</p></section>"
    return f"<section><h2>The chain</h2><figure>{picture}</figure></section>"


def _for_client(finding: Finding) -> str:
    story = EXPLANATIONS.get(finding.id, _NO_STORY)
    if finding.status == "ok":
        body = "<p>Nothing has to be done.</p>"
    else:
        commands = "".join(f"<pre>{_text(shlex.join(argv))}</pre>" for argv in finding.fix)
        hint = finding.evidence.get("hint")
        body = (
            f"{f'<p>{_prose(story.how, finding.subject)}</p>' if story.how else ''}{commands}"
            f"{f'<p>{_text(str(hint))}</p>' if hint else ''}"
            f"{f'<p>Who can mend it: {_text(story.who)}.</p>' if story.who else ''}"
        )
    return f"<div><h2>On the client</h2>{body}</div>"


def _for_server(finding: Finding) -> str:
    operator = finding.evidence.get("operator")
    send = _send(finding)
    body = f"<p>{_prose_as_is(str(operator))}</p>" if operator else ""
    if send:
        body += '<p>The <a href="#send">complete chain file</a> to send is below.</p>'
    return f"<div><h2>On the server</h2>{body or '<p>Nothing has to be done.</p>'}</div>"


def _file(finding: Finding) -> str:
    send = _send(finding)
    if not send:
        return ""
    text = str(send["pem"])
    data = base64.b64encode(text.encode("ascii")).decode("ascii")
    name = _FILE_NAME.sub("-", finding.subject).strip(".-")[:80] or "server"
    members = "".join(
        f"<li>{_text(str(subject))}</li>" for subject in typing.cast("Iterable[object]", send["subjects"])
    )
    return (
        '<section id="send"><h2>The chain file to send</h2>'
        "<p>The server's own certificate first, then each one that signed the one before. The root is left out: "
        f"clients have it. Every signature was checked.</p><ol>{members}</ol>"
        f'<p><a class="download" download="{name}-chain.pem" href="data:application/x-pem-file;base64,{data}">'
        f'Save as {name}-chain.pem</a></p><pre class="pem">{_lines(text)}</pre></section>'
    )


def _send(finding: Finding) -> Mapping[str, object]:
    return typing.cast("Mapping[str, object]", finding.evidence.get("send") or {})


def _others(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    body = "".join(
        f"<li><code>{_text(finding.id)}</code> ({_text(finding.status)}): {_text(finding.summary)}</li>"
        for finding in findings
    )
    return f"<section><h2>Also found</h2><ul>{body}</ul></section>"


def _verdicts(evidence: Mapping[str, object]) -> str:
    verdicts = typing.cast("Sequence[Mapping[str, object]]", evidence.get("verdicts") or ())
    if not verdicts:
        return ""
    rows = "".join(
        f"<tr><th>{_text(str(verdict['client']))}</th><td>"
        + _text(f"refuses it: {verdict['message']} ({verdict['code']})" if verdict["code"] else "accepts it")
        + "</td></tr>"
        for verdict in verdicts
    )
    return f"<section><h2>What clients say</h2><table>{rows}</table></section>"


def _sent(evidence: Mapping[str, object]) -> str:
    chain = typing.cast("Sequence[Mapping[str, str]]", evidence.get("chain") or ())
    if not chain:
        return ""
    members = "".join(f"<li>{_certificate(certificate)}</li>" for certificate in chain[:_MOST_SENT])
    more = f"<p>and {len(chain) - _MOST_SENT} more</p>" if len(chain) > _MOST_SENT else ""
    return f'<section><h2>What the server sent</h2><ol class="sent">{members}</ol>{more}</section>'


def _certificate(certificate: Mapping[str, str]) -> str:
    if not certificate["fingerprint"]:
        return f"{_text(certificate['subject'])}"
    return (
        f"<b>{_text(certificate['subject'])}</b><dl><dt>issuer</dt><dd>{_text(certificate['issuer'])}</dd>"
        f"<dt>valid</dt><dd>{_text(certificate['not_before'])} to {_text(certificate['not_after'])}</dd>"
        f"<dt>SHA-256</dt><dd><code>{_text(certificate['fingerprint'])}</code></dd></dl>"
    )


def _text(text: str) -> str:
    """Return ``text`` for the inside of an element or of an attribute in double quotes."""
    return escape(printable(text))


def _lines(text: str) -> str:
    return "\n".join(_text(line) for line in text.split("\n"))


def _prose(text: str, target: str) -> str:
    """Return one of our own sentences, with what stands in backquotes as code, and ``{target}`` filled in."""
    return _prose_as_is(text.format(target=target))


def _prose_as_is(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", _text(text))
