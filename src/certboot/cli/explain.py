"""``explain``: what a finding of the doctor means, and who can mend it."""

from __future__ import annotations

import textwrap
import typing
from itertools import groupby

from certboot.cli import options
from certboot.cli.terminal import show
from certboot.errors import OK, CertbootError

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from certboot.doctor.findings import Explanation

_WIDTH = 80
_TARGET = "HOST:PORT"
_LAST_CODE = 119  # OpenSSL 4.0 has 103


def story(kind: str, explanation: Explanation) -> str:
    """Return all there is to know of one finding."""
    parts = (
        ("what it means", explanation.meaning),
        ("why clients fail", explanation.why),
        ("how", explanation.how),
        ("for the server's operator", explanation.operator),
    )
    lines = [f"{kind}: {explanation.title}", f"group {explanation.group}"]
    lines += textwrap.wrap(f"who can mend it: {explanation.who}", _WIDTH, subsequent_indent="  ")
    for heading, text in parts:
        if text:
            lines += ["", heading, *_wrapped(text.format(target=_TARGET))]
    return "\n".join(lines)


def index(explanations: Mapping[str, Explanation]) -> str:
    """Return every id with its title, by group."""
    lines = []
    for group, members in groupby(explanations.items(), key=lambda item: item[1].group):
        lines.append(group)
        lines += [f"  {kind:<36}{explanation.title}" for kind, explanation in members]
    return "\n".join(lines)


def code_story(code: int, explanations: Mapping[str, Explanation]) -> str:
    """Return what may be behind a code of OpenSSL: all of it where that is one finding, else what each means."""
    from certboot.doctor.server.cause import possible_findings
    from certboot.pki.verify_codes import Code

    words = {int(known): f": {known.words}" for known in Code}.get(code, "")
    kinds = possible_findings(code)
    if len(kinds) == 1:
        return f"OpenSSL's {code}{words}\n\n{story(kinds[0], explanations[kinds[0]])}"
    lines = [f"OpenSSL's {code}{words}", "", *_wrapped(f"one of these; certboot doctor {_TARGET} says which")]
    for kind in kinds:
        lines += ["", f"{kind}: {explanations[kind].title}", *_wrapped(explanations[kind].meaning)]
    return "\n".join([*lines, "", "how to mend each:", f"  certboot explain {' '.join(kinds)}"])


def openssl_code(text: str) -> int | None:
    """Return the code that is a number, or has its words or its name in the text, as messages of programs have them."""
    from certboot.pki.verify_codes import Code

    if text.isdecimal() and int(text) <= _LAST_CODE:
        return int(text)
    # OpenSSL 1.1.1 writes "self signed".
    lower = text.lower().replace("self signed", "self-signed")
    shown = {sign.lower(): code for code in Code if code for sign in (code.words, code.name)}
    # The longest, for "self-signed certificate in certificate chain" has another's words in it.
    return shown.get(max((sign for sign in shown if sign in lower), key=len, default=""))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def explain_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot explain missing-intermediate", "a finding of the doctor"),
        ("certboot explain 20", "a number of OpenSSL"),
        ('certboot explain "certificate has expired"', "a message with its words"),
    )
    command.description = (
        "Tell what findings mean, why clients fail because of them, who can mend them and how, and what may be behind "
        "an error of OpenSSL. Without an id: list all findings."
    )
    options.words(
        command, "id", "ID", "a finding, such as missing-intermediate; or OpenSSL's number, or a message with its words"
    )


def explain_command(arguments: argparse.Namespace) -> int:
    """Tell the stories of some findings, or list all."""
    from certboot.doctor.findings import EXPLANATIONS

    asked = list(dict.fromkeys(arguments.id))
    message = " ".join(arguments.id)
    if openssl_code(message) is not None and EXPLANATIONS.keys().isdisjoint(asked):  # without the shell's quotes
        asked = [message]
    stories = [_told(text, EXPLANATIONS) for text in asked]
    show("\n\n".join(stories) or index(EXPLANATIONS))
    return OK


def _told(text: str, explanations: Mapping[str, Explanation]) -> str:
    if text in explanations:
        return story(text, explanations[text])
    code = openssl_code(text)
    if code is None:
        raise _no_finding(text, explanations)
    return code_story(code, explanations)


def _no_finding(kind: str, ids: Iterable[str]) -> CertbootError:
    from difflib import get_close_matches

    # A word of it is as good as a slip of the keyboard: "expired" is less than half of "expired-intermediate".
    typed = kind.lower().replace("_", "-").replace(" ", "-")
    close = [known for known in ids if typed and typed in known] or get_close_matches(typed, ids, 3)
    hint = "\n  ".join(f"certboot explain {known}" for known in close[:3])
    return CertbootError(f"no finding of this id: {kind!r}", hint or "certboot explain lists them all")
