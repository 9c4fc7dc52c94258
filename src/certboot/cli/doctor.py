"""``doctor``: what is active, and why a handshake fails."""

from __future__ import annotations

import argparse
import os
import shlex
import stat
import sys
import typing
from pathlib import Path

from certboot import files, moment
from certboot.cli import options, terminal
from certboot.cli.terminal import aside, data, tell
from certboot.errors import OK, CertbootError, printable, without_credentials
from certboot.store.paths import store_paths

if typing.TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certboot.doctor.diagnosis import Diagnosis
    from certboot.doctor.finding import Finding
    from certboot.doctor.server.chain_file import ChainFile
    from certboot.net.target import Target

_USAGE = "certboot doctor HOST[:PORT]"
_CHAIN_USAGE = "certboot doctor --chain FILE --host NAME"
_OF_A_HOST = ("starttls", "connect", "servername", "clients")
_ALIKE = 0.75  # of difflib: environmet, stroe and hooks are so near to a group's name, localhost is not


def doctor_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot doctor", "all of this machine"),
        ("certboot doctor intranet.example", "why this host fails"),
        ("certboot doctor intranet.example --html page.html", "for its administrator"),
    )
    command.description = (
        "Look at the CA variables, the hook and the store, and change nothing. With a host, shake hands "
        "with it, and show what OpenSSL says by the trust of each client that is here, the one cause of a failure and "
        "what mends it. A proxy is used as HTTPS_PROXY and NO_PROXY say. Nobody else is contacted."
    )
    command.epilog = "exit status: 0 nothing failed, 1 something failed, 2 wrong usage or a check could not be finished"
    options.words(
        command,
        "target",
        "TARGET",
        "a group (environment, hook, store, clients; all if none is named), or a host: HOST, HOST:PORT or a URL",
    )
    options.verbose(command, "show all that was looked at, not only what matters")
    command.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    command.add_argument(
        "--html", metavar="FILE", type=options.path,
        help="with a host or a chain: also write a page to hand to the server's administrator",
    )  # fmt: skip
    command.add_argument(
        "--report", metavar="FILE", type=options.path,
        help="also write what may be told of all this, without names and addresses, to be attached to an issue",
    )  # fmt: skip
    server = command.add_argument_group("with a host")
    options.server(server, "for everything together")
    server.add_argument("--clients", action="store_true", help="also try each client that is here on the host")
    offline = command.add_argument_group("without a connection")
    offline.add_argument(
        "--chain", metavar="FILE", type=options.path,
        help="examine the chain in this file: the server's certificate, then what it sends along",
    )  # fmt: skip
    offline.add_argument("--host", metavar="NAME", help="the name that the certificate should be for")
    offline.add_argument("--at", metavar="TIME", help="judge as if it were then, such as 2027-01-31 (default: now)")
    offline.add_argument(
        "--anchors",
        metavar="FILE|DIR",
        type=options.path,
        help="believe these CA certificates (default: the active trust)",
    )


def doctor_command(arguments: argparse.Namespace) -> int:
    """Examine, and change nothing."""
    from certboot.cli.targets import refuse_empty
    from certboot.doctor.run import GROUPS, examine, exit_code

    refuse_empty(arguments, "host", "at", "connect", "servername")
    groups = tuple(target for target in arguments.target if target in GROUPS)
    hosts = [target for target in arguments.target if target not in GROUPS]
    _check_hosts(hosts, arguments, GROUPS)
    server = _chain(arguments) if arguments.chain else _target(arguments, hosts)
    if arguments.html:
        _check_page(arguments.html, server)
    if arguments.report:
        _check_report(arguments.report)
    # With the CA certificates to believe at hand, nothing of this machine has a bearing on a chain.
    looked_at = groups or (() if arguments.anchors else GROUPS)
    findings = examine(store_paths(), os.environ, looked_at, server, tried=arguments.clients)
    diagnosis = _diagnosed(findings)
    if arguments.html and diagnosis:
        _write_page(arguments.html, server, diagnosis)
    if arguments.report:
        _write_report(arguments.report, findings)
    if arguments.json:
        from certboot.cli.report.json import doctor_json

        data(f"{doctor_json(findings, diagnosis)}\n")
    elif sys.stdout:
        from certboot.cli.layout import form_of
        from certboot.cli.report.text import doctor_report, whole_report

        symbols = form_of(sys.stdout).symbols
        if terminal.quiet:
            findings = tuple(finding for finding in findings if exit_code((finding,)) != OK)
        tell(whole_report(findings) if arguments.verbose else doctor_report(findings, symbols=symbols))
    if arguments.report:
        aside(f"report in {printable(str(arguments.report))}: plain text, read it before you send it")
        aside("left out: users, hosts, addresses, files, CAs, values")
    return exit_code(findings)


def _diagnosed(findings: Sequence[Finding]) -> Diagnosis | None:
    on_server = tuple(finding for finding in findings if finding.group == "server")
    if not on_server:
        return None
    from certboot.doctor.diagnosis import diagnosed

    return diagnosed(on_server[0].subject, on_server)


def _check_hosts(hosts: Sequence[str], arguments: argparse.Namespace, groups: Sequence[str]) -> None:
    """Raise CertbootError where this is no one host, or one that looks like a group: nobody is to be asked for that."""
    # These options go with a host alone, so one is meant.
    if hosts and not (arguments.starttls or arguments.connect or arguments.servername or arguments.clients):
        from difflib import get_close_matches

        for host in hosts:
            close = () if set(host) & set(".:") else get_close_matches(host.lower(), groups, 1, _ALIKE)
            if close:
                message = f"no group of checks has this name: {host!r}"
                raise CertbootError(message, f"certboot doctor {close[0]}, or {host}:443 for a host of this name")
    if len(hosts) > 1:
        message = f"one host at a time: {', '.join(repr(without_credentials(host)) for host in hosts)}"
        words = f"the groups of checks are {', '.join(groups)}; for many hosts: certboot scan HOST ..."
        raise CertbootError(message, words)
    if hosts and arguments.chain:
        raise CertbootError("a host, or a chain from a file, not both", _CHAIN_USAGE)


def _check_page(path: Path, server: Target | ChainFile | None) -> None:
    """Raise CertbootError where no page can be written, before anybody is asked anything."""
    if server is None:
        raise CertbootError("--html goes with a host, or with --chain", f"{_USAGE} --html FILE")
    hint = "name a file that is not there yet, or a page to replace"
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        _need_folder(path.parent)
        return
    except OSError as error:
        raise CertbootError(f"cannot write {path}: {error.strerror}", hint) from error
    # A device, a pipe or a link must not be replaced by a file.
    if not stat.S_ISREG(mode):
        raise CertbootError(f"not a regular file: {path}", hint)
    if not _is_page(path):
        message = f"something other than a page of certboot doctor stands there: {path}"
        raise CertbootError(message, "name a file that is not there yet, or move this one away")


def _is_page(path: Path) -> bool:
    """Return whether a file holds an earlier page, or nothing."""
    from certboot.cli.report.html import BEGINNING

    try:
        descriptor = files.open_regular(path)
        try:
            return os.read(descriptor, len(BEGINNING)) in (BEGINNING, b"")
        finally:
            os.close(descriptor)
    except OSError:
        return False


def _write_page(path: Path, server: Target | ChainFile | None, diagnosis: Diagnosis) -> None:
    import certboot
    from certboot.cli.report.html import doctor_html
    from certboot.doctor.server.chain_file import ChainFile

    _check_page(path, server)  # it may have come meanwhile
    judged = server.at if isinstance(server, ChainFile) else None
    page = doctor_html(diagnosis, moment.now(), certboot.__version__, judged)
    try:
        files.replace(path, page.encode("utf-8"))
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}"
        raise CertbootError(message, "choose a folder that you may write to") from error


def _check_report(path: Path) -> None:
    """Raise CertbootError where no report can be written: nothing is replaced."""
    if os.path.lexists(path):
        raise CertbootError(f"something stands there already: {path}", "name a file that is not there yet")
    _need_folder(path.parent)


def _write_report(path: Path, findings: Sequence[Finding]) -> None:
    from certboot.cli.report.issue_machine import text_for_issue

    text = text_for_issue(findings, store_paths(), os.environ, moment.now())
    try:
        files.write_new(path, text.encode("utf-8"), files.PRIVATE_MODE)  # which follows no link
    except OSError as error:
        raise CertbootError(f"cannot write {path}: {error.strerror}", "name another file") from error


def _need_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise CertbootError(f"no such folder: {folder}", f"mkdir -p {shlex.quote(str(folder))}")


def _target(arguments: argparse.Namespace, hosts: list[str]) -> Target | None:
    from certboot.cli.targets import target

    _refuse(arguments, ("host", "at", "anchors"), "--chain", _CHAIN_USAGE)
    if not hosts:
        _refuse(arguments, _OF_A_HOST, "a host", _USAGE)
        return None
    if arguments.clients and (arguments.starttls or arguments.connect or arguments.servername):
        message = "--clients goes with a host alone: clients cannot be told --starttls, --connect or --servername"
        raise CertbootError(message, _USAGE)
    return target(hosts[0], arguments)


def _chain(arguments: argparse.Namespace) -> ChainFile:
    from certboot.doctor.server.chain_file import ChainFile
    from certboot.net.address import parse_host

    _refuse(arguments, _OF_A_HOST, "a host, not with --chain", _CHAIN_USAGE)
    if not arguments.host:
        raise CertbootError("the name that the certificate should be for is missing", _CHAIN_USAGE)
    host = parse_host(arguments.host)
    return ChainFile(arguments.chain, host, _moment(arguments.at) if arguments.at else None, arguments.anchors)


def _refuse(arguments: argparse.Namespace, names: Sequence[str], with_what: str, usage: str) -> None:
    """Raise CertbootError for the first of these options that is there."""
    for name in names:
        if getattr(arguments, name):
            raise CertbootError(f"--{name} goes with {with_what}", usage)


def _moment(text: str) -> datetime:
    """Return a time in ISO 8601, in UTC where it names no zone; raises CertbootError."""
    when = moment.parsed(text)
    if when is None:
        raise CertbootError(f"not a time: {text!r}", "--at 2027-01-31, or --at 2027-01-31T12:00:00+01:00")
    return when
