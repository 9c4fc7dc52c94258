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
import typing
from html import escape

from certboot.cli.report.chart import chart
from certboot.doctor.findings import EXPLANATIONS
from certboot.errors import printable

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from certboot.doctor.finding import Finding

_CODE = re.compile(r"`([^`]+)`")
_VERDICTS = {"ok": "accepted by every client", "warn": "some clients fail here", "fail": "clients fail here"}
_FILE_NAME = re.compile(r"[^A-Za-z0-9.-]+")
_MOST_SENT = 20
_POLICY = "default-src 'none'; style-src 'sha256-"
_HEAD = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}'
)
BEGINNING = _HEAD.encode("ascii")
"""By this a page of certboot's is known: one that begins so may be replaced by a newer one."""

STYLE = """
:root{color-scheme:light dark;--ink:#1c2328;--soft:#56616a;--page:#fff;--panel:#f4f6f8;--rule:#d5dbe0;
--good:#1a7f4b;--bad:#c0262d;--warn:#9a6700;--trust:#1f5fbf;--link:#0b57d0}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaed;--soft:#a3adb5;--page:#15191c;--panel:#1f252a;--rule:#39424a;
--good:#4cc38a;--bad:#ff7b80;--warn:#e3b341;--trust:#7fb0ff;--link:#8ab4f8}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,"Segoe UI",Roboto,"Liberation Sans",
"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:860px;margin:0 auto;padding:24px 20px}
h1{font-size:1.5rem;margin:0 0 12px}
h2{font-size:1.1rem;margin:0 0 8px}
p{margin:0 0 8px}
section{margin:28px 0}
a{color:var(--link)}
code,pre{font-family:ui-monospace,"Cascadia Mono","DejaVu Sans Mono","Liberation Mono",monospace;font-size:.875em}
pre{background:var(--panel);border:1px solid var(--rule);border-radius:6px;padding:10px 12px;margin:0 0 8px;
white-space:pre-wrap}
.pem{max-height:22em;overflow:auto;font-size:.75em;white-space:pre}
.cause p::first-letter{text-transform:uppercase}
.cause{border:1px solid var(--rule);border-left:8px solid var(--soft);border-radius:6px;padding:14px 16px;
background:var(--panel)}
.cause p:last-child{margin:0}
.cause.fail,.cause.error{border-left-color:var(--bad)}
.cause.warn{border-left-color:var(--warn)}
.cause.ok{border-left-color:var(--good)}
.verdict b{text-transform:uppercase}
.fail .verdict,.error .verdict{color:var(--bad)}
.warn .verdict{color:var(--warn)}
.ok .verdict{color:var(--good)}
.remedies{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(280px,100%),1fr));gap:16px}
.remedies>div{border:1px solid var(--rule);border-radius:6px;padding:14px 16px;min-width:0}
.download{display:inline-block;border:1px solid var(--link);border-radius:6px;padding:6px 14px;text-decoration:none}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:6px 12px 6px 0;border-bottom:1px solid var(--rule);font-weight:normal}
th{color:var(--soft);width:38%}
ol,ul{margin:0 0 8px;padding-left:1.6em}
.sent li{margin-bottom:10px}
dl{display:grid;grid-template-columns:auto minmax(0,1fr);gap:0 12px;margin:0;font-size:.9em}
dt{color:var(--soft)}
dd{margin:0}
footer{color:var(--soft);font-size:.875rem;border-top:1px solid var(--rule);padding-top:10px}
figure{margin:0}
svg{display:block;width:100%;max-width:540px;height:auto}
svg text{font:13px system-ui,"Segoe UI",Roboto,"Liberation Sans","DejaVu Sans",sans-serif;fill:var(--ink);
unicode-bidi:isolate-override;direction:ltr}
svg .name{font-family:ui-monospace,"Cascadia Mono","DejaVu Sans Mono","Liberation Mono",monospace;font-size:13px}
svg .heading{font-weight:600}
svg .fault{fill:var(--bad);font-weight:700}
svg .label{fill:var(--soft);font-size:12px}
.frame{fill:var(--panel);stroke:var(--rule);stroke-width:1.5}
.bar{fill:var(--soft)}
.sent .bar{fill:var(--good)}
.trusted .bar{fill:var(--trust)}
.trusted .frame{stroke:var(--trust)}
.broken .bar,.missing .bar,.end .bar{fill:var(--bad)}
.broken .frame,.missing .frame,.end .frame{stroke:var(--bad)}
.missing .frame,.end .frame,.beside .frame{fill:none;stroke-dasharray:6 5}
.missing .heading,.end .heading{fill:var(--bad)}
.beside text{fill:var(--soft)}
.signs path,.gap path{fill:none;stroke:var(--soft);stroke-width:2}
.gap path{stroke:var(--bad);stroke-dasharray:4 4}
.gap .cross{stroke-dasharray:none;stroke-width:3}
@media print{.pem{max-height:none}section{break-inside:avoid}}
"""


def doctor_html(findings: Sequence[Finding], made: datetime, version: str) -> str:
    """Return the page for the findings of the group ``server``, of which the first is the verdict."""
    server = [finding for finding in findings if finding.group == "server"]
    first = server[0]
    title = f"{first.id}: {first.subject}"
    style = base64.b64encode(hashlib.sha256(STYLE.encode("utf-8")).digest()).decode("ascii")
    head = (
        f"{_HEAD}{style}'; img-src data:; base-uri 'none'; form-action 'none'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,"><title>{_text(title)}</title>'
        f"<style>{STYLE}</style></head><body><main>"
    )
    parts = (
        head,
        _cause(first),
        _picture(first.evidence),
        f'<section class="remedies">{_for_client(first)}{_for_server(first)}</section>',
        _file(first),
        _others(server[1:]),
        _verdicts(first.evidence),
        _sent(first.evidence),
        f"<footer>Examined on {made:%Y-%m-%d at %H:%M} UTC by certboot {_text(version)}.</footer>",
        "</main></body></html>\n",
    )
    return "\n".join(part for part in parts if part)


def _cause(finding: Finding) -> str:
    explanation = EXPLANATIONS.get(finding.id)
    title = explanation.title if explanation else ""
    why = explanation.why if explanation and finding.status != "ok" else ""
    lines = "".join(f"<p>{_text(line)}</p>" for line in finding.summary.split("\n") if line)
    return (
        f"<header><h1>{_text(finding.subject)}</h1>"
        f'<div class="cause {_text(finding.status)}"><p class="verdict"><b>{_text(finding.status)}</b> '
        f"{_text(_VERDICTS.get(finding.status, 'it could not be examined'))}</p>"
        f"<h2><code>{_text(finding.id)}</code> {_text(title)}</h2>{lines}"
        f"{f'<p>{_prose(why, finding.subject)}</p>' if why else ''}</div></header>"
    )


def _picture(evidence: Mapping[str, object]) -> str:
    picture = chart(evidence)
    if not picture:
        return "<section><h2>The chain</h2><p>It never came to a chain of certificates.</p></section>"
    return f"<section><h2>The chain</h2><figure>{picture}</figure></section>"


def _for_client(finding: Finding) -> str:
    explanation = EXPLANATIONS.get(finding.id)
    if finding.status == "ok":
        said = "<p>Nothing has to be done.</p>"
    else:
        how = explanation.how if explanation else ""
        commands = "".join(f"<pre>{_text(shlex.join(argv))}</pre>" for argv in finding.fix)
        hint = finding.evidence.get("hint")
        said = (
            f"{f'<p>{_prose(how, finding.subject)}</p>' if how else ''}{commands}"
            f"{f'<p>{_text(str(hint))}</p>' if hint else ''}"
            f"{f'<p>Who can mend it: {_text(explanation.who)}.</p>' if explanation else ''}"
        )
    return f"<div><h2>On the client</h2>{said}</div>"


def _for_server(finding: Finding) -> str:
    operator = finding.evidence.get("operator")
    send = _send(finding)
    said = f"<p>{_prose_as_is(str(operator))}</p>" if operator else ""
    if send:
        said += '<p>The <a href="#send">complete chain file</a> to send is below.</p>'
    return f"<div><h2>On the server</h2>{said or '<p>Nothing has to be done.</p>'}</div>"


def _file(finding: Finding) -> str:
    send = _send(finding)
    if not send:
        return ""
    text = str(send["pem"])
    data = base64.b64encode(text.encode("ascii")).decode("ascii")
    name = _FILE_NAME.sub("-", finding.subject).strip(".-")[:80] or "server"
    members = "".join(f"<li>{_text(str(each))}</li>" for each in typing.cast("Iterable[object]", send["subjects"]))
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
    said = "".join(
        f"<li><code>{_text(each.id)}</code> ({_text(each.status)}): {_text(each.summary)}</li>" for each in findings
    )
    return f"<section><h2>Also found</h2><ul>{said}</ul></section>"


def _verdicts(evidence: Mapping[str, object]) -> str:
    verdicts = typing.cast("Sequence[Mapping[str, object]]", evidence.get("verdicts") or ())
    if not verdicts:
        return ""
    rows = "".join(
        f"<tr><th>{_text(str(each['client']))}</th><td>"
        + (f"refuses it: {_text(str(each['message']))} ({_text(str(each['code']))})" if each["code"] else "accepts it")
        + "</td></tr>"
        for each in verdicts
    )
    return f"<section><h2>What clients say</h2><table>{rows}</table></section>"


def _sent(evidence: Mapping[str, object]) -> str:
    chain = typing.cast("Sequence[Mapping[str, str]]", evidence.get("chain") or ())
    if not chain:
        return ""
    members = "".join(f"<li>{_certificate(each)}</li>" for each in chain[:_MOST_SENT])
    more = f"<p>and {len(chain) - _MOST_SENT} more</p>" if len(chain) > _MOST_SENT else ""
    return f'<section><h2>What the server sent</h2><ol class="sent">{members}</ol>{more}</section>'


def _certificate(each: Mapping[str, str]) -> str:
    if not each["fingerprint"]:
        return f"{_text(each['subject'])}"
    return (
        f"<b>{_text(each['subject'])}</b><dl><dt>issuer</dt><dd>{_text(each['issuer'])}</dd>"
        f"<dt>valid</dt><dd>{_text(each['not_before'])} to {_text(each['not_after'])}</dd>"
        f"<dt>SHA-256</dt><dd><code>{_text(each['fingerprint'])}</code></dd></dl>"
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
