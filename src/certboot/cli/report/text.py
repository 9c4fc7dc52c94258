"""The doctor's findings as lines for people: in short, with the problems first and whole, or all that it has seen."""

from __future__ import annotations

import shlex
import typing
from itertools import groupby

from certboot.cli.layout import STYLES, Line, heading, mark
from certboot.cli.report import server
from certboot.doctor.finding import merged
from certboot.errors import counted

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from certboot.doctor.finding import Finding

_SUBJECT = 34
"""The width of GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, the longest subject, and two spaces."""
_GROUP = 13
_PROBLEMS = ("fail", "error", "warn")
_DAYS = {0: "today", 1: "yesterday"}


def doctor_report(findings: Sequence[Finding], *, symbols: bool = True) -> Iterator[Line]:
    """Yield the report in short: what is wrong, whole, and what is well in a line for each group.

    Of a server the verdict stands first, and of this machine only what failed is told beside it.
    """
    start = next((at for at, finding in enumerate(findings) if finding.group == "server"), None)
    if start is None:
        selection = list(findings)
        yield from _problems(selection, symbols=symbols)
        yield from _well(selection, symbols=symbols)
    else:
        verdict, *others = findings[start:]
        others += [finding for finding in findings[:start] if finding.failed]
        selection = [verdict, *others]
        yield from _verdict(verdict, symbols=symbols)
        yield from _problems(others, symbols=symbols)
        if not verdict.failed:
            yield from (_remark(finding, symbols=symbols) for finding in others if finding.status not in _PROBLEMS)
    yield from _closing(findings, selection)


def whole_report(findings: Sequence[Finding]) -> Iterator[Line]:
    """Yield all that was seen, group by group."""
    for group, members in groupby(findings, key=lambda finding: finding.group):
        yield Line(group, style="strong")
        for finding in members:
            lines = finding.summary.split("\n")
            first, *more = [finding.id, *lines] if group == "server" and finding.status != "ok" else lines
            lead = f"  {finding.status:<6}"
            yield Line(f"{finding.subject:<{_SUBJECT}}{first}", lead, STYLES.get(finding.status, ""), 8)
            yield from (Line(line, "    ", hang=6) for line in more)
            if finding.examination:
                yield from server.everything(finding.examination)
    yield from _closing(findings, findings)


def _heading(finding: Finding, *, symbols: bool) -> Line:
    return heading(finding.status, f"{finding.subject}  {finding.id}", symbols=symbols)


def _verdict(finding: Finding, *, symbols: bool) -> Iterator[Line]:
    """Yield the cause with its id, the chain and where it breaks, what clients make of it, and OpenSSL's words."""
    yield _heading(finding, symbols=symbols)
    examination = finding.seen
    judged = examination.code is not None
    first, *lines = finding.summary.split("\n")
    lines = lines if judged else [first, *lines]
    yield from (Line(line, "  ") for line in lines[:1])
    yield from server.pythons(examination.verdicts)
    yield from (Line(line, "  ") for line in lines[1:])
    drawn = [*server.picture(examination.path)]
    if drawn:
        yield from (Line(""), *drawn, Line(""))
    yield from server.clients(examination.trusts)
    if judged:
        yield Line(first, "  ")


def _problems(findings: Sequence[Finding], *, symbols: bool) -> Iterator[Line]:
    """Yield what failed, then the warnings: of those with one id the first whole, and whom else it is about."""
    alike: dict[tuple[bool, str], list[Finding]] = {}
    for finding in findings:
        if finding.status in _PROBLEMS:
            alike.setdefault((not finding.failed, finding.id), []).append(finding)
    for _, (first, *others) in sorted(alike.items(), key=lambda group: group[0][0]):
        yield from _problem(first, symbols=symbols)
        if others:
            yield Line(f"the same with {server.some([finding.subject for finding in others])}", "  ")


def _problem(finding: Finding, *, symbols: bool) -> Iterator[Line]:
    yield _heading(finding, symbols=symbols)
    if finding.examination and finding.examination.clients:
        yield Line(f"for {server.some(finding.examination.clients)}:", "  ")
    yield from (Line(line, "  ") for line in finding.summary.split("\n"))


def _remark(finding: Finding, *, symbols: bool) -> Line:
    name = finding.id if finding.group == "server" else finding.subject
    summary = finding.summary.replace("\n", " ")
    return Line(f"{name}: {summary}", f"{mark(finding.status, symbols=symbols)} ", STYLES.get(finding.status, ""))


def _well(findings: Sequence[Finding], *, symbols: bool) -> Iterator[Line]:
    for group, members in groupby(findings, key=lambda finding: finding.group):
        whole = list(members)
        if not any(finding.status in _PROBLEMS for finding in whole):
            status = "ok" if any(finding.status == "ok" for finding in whole) else "info"
            lead = f"{mark(status, symbols=symbols)} {group:<{_GROUP}}"
            yield Line(_in_a_line(whole), lead, STYLES.get(status, ""), len(lead))


def _in_a_line(findings: Sequence[Finding]) -> str:
    """Return what there is to say of a group in which all is well."""
    first = findings[0]
    if first.id == "store-whole":
        days = typing.cast("int | None", first.evidence.get("days"))
        ago = "" if days is None else f", read {_DAYS.get(days, f'{days} days ago')}"
        stand_ins = typing.cast("int", first.evidence.get("stand_ins", 0))
        among = f", {counted(stand_ins, 'stand-in')} among them" if stand_ins else ""
        copied = ", in a copy for one command or shell" if first.evidence.get("ephemeral") else ""
        return f"{counted(typing.cast('int', first.evidence['anchors']), 'CA')}{among}{ago}{copied}"
    if first.group == "clients":
        reached = sum(finding.status == "ok" for finding in findings)
        return f"{reached} of {len(findings)} that are here trust certboot's store"
    usable = sum(finding.id == "variable-usable" for finding in findings)
    if usable:
        return f"{counted(usable, 'CA variable')} set, and usable"
    return first.summary.split("\n")[0]


def _closing(findings: Sequence[Finding], selection: Sequence[Finding]) -> Iterator[Line]:
    """Yield the summary of all findings, and what mends and explains the selection and shows the rest, a line each."""
    failed = any(finding.failed for finding in findings)
    yield from (Line(""), Line(_summary(findings), style="bad" if failed else ""))
    wrong = [finding for finding in selection if finding.status != "ok"]
    verdict = next((finding for finding in selection if finding.group == "server"), None)
    unset = dict.fromkeys(n for f in wrong for n in typing.cast("Sequence[str]", f.evidence.get("unset") or ()))
    commands = [*([("unset", *unset)] if unset else ()), *merged(finding.fix for finding in wrong)]
    yield from (Line(shlex.join(argv), "fix here: ", "strong", wrapped=False) for argv in commands)
    if verdict and verdict.status in _PROBLEMS:
        yield from _advice(verdict, alone=not (commands or verdict.evidence.get("hint")))
    hints = dict.fromkeys(str(hint) for finding in wrong if (hint := finding.evidence.get("hint")))
    explained = _explained(wrong)
    if explained:
        hints[shlex.join(("certboot", "explain", *explained))] = None
    aside = {finding.group for finding in findings if finding.status == "warn" and finding not in selection}
    if aside:
        hints[shlex.join(("certboot", "doctor", *sorted(aside)))] = None
    yield from (Line(hint, "hint: ", "strong", wrapped=False) for hint in hints)


def _advice(verdict: Finding, *, alone: bool) -> Iterator[Line]:
    """Yield what to do in words: here, where no command does it, and by the server's operator."""
    from certboot.doctor.findings import EXPLANATIONS  # what a run without a host does without

    story = EXPLANATIONS.get(verdict.id)
    # A command in the story goes with other cases than this one: else it would be among the finding's own.
    if story and story.how and alone and "`certboot " not in story.how:
        # The whole of it is told by `certboot explain`.
        sentence = story.how.format(target=verdict.subject).split(". ")[0].removesuffix(".")
        yield Line(f"{sentence}.", "fix here: ", "strong")
    if verdict.seen.operator.words:
        yield Line(verdict.seen.operator.words, "for the server's operator: ", "strong")


def _summary(findings: Iterable[Finding]) -> str:
    failed = [finding.group for finding in findings if finding.failed]
    warned = [finding.group for finding in findings if finding.status == "warn"]
    warnings = f"{counted(len(warned), 'warning')} in {_listed(warned)}" if warned else ""
    if failed:
        return f"{len(failed)} failed in {_listed(failed)}" + (f"; {warnings}" if warned else "")
    return f"nothing failed; {warnings}" if warned else "no problem found"


def _listed(groups: Iterable[str]) -> str:
    return ", ".join(sorted(set(groups)))


def _explained(wrong: Iterable[Finding]) -> list[str]:
    """Return the ids of what is wrong, each once: of a server the verdict's, which is the cause, and that first."""
    problems = sorted((f for f in wrong if f.status in ("fail", "warn")), key=lambda finding: finding.status)
    verdict = [finding.id for finding in problems if finding.group == "server"][:1]
    return list(dict.fromkeys([*verdict, *(finding.id for finding in problems if finding.group != "server")]))
