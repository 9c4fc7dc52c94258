"""The command line: arguments in, exit status out. The only place that prints or asks."""

from __future__ import annotations

import io
import os
import sys
import typing
from pathlib import Path

from certboot.arguments import parser
from certboot.errors import CertbootError

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from certboot.model import Loaded
    from certboot.sources.reading import Password

OK, FAILED, UNFINISHED = 0, 1, 2
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_UNHARMED = "the store that was in force still is, if there was one; certboot doctor store looks at it"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. Every failure becomes a message on standard error."""
    for stream in (sys.stdout, sys.stderr):
        # Names in certificates hold what the terminal's encoding may not.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        arguments = parser().parse_args(argv)
        if not (arguments.version or arguments.command):
            parser().error("a command is missing")
        status = _version() if arguments.version else _COMMANDS[arguments.command](arguments)
        if sys.stdout:
            sys.stdout.flush()
    except CertbootError as error:
        return _failed(error.message, error.hint)
    except BrokenPipeError:
        # The reader (head, less) has gone; the interpreter must not try to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return _failed(f"{error.strerror or error}{where}", _UNHARMED)
    except KeyboardInterrupt:
        return _failed("interrupted", _UNHARMED, _INTERRUPTED)
    return status


def _failed(message: str, hint: str, status: int = UNFINISHED) -> int:
    if sys.stderr:
        sys.stderr.write(f"certboot: error: {message}\n" + (f"\nhint: {hint}\n" if hint else ""))
    return status


def _version() -> int:
    import certboot

    print(f"certboot {certboot.__version__}")
    return OK


def _init(arguments: argparse.Namespace) -> int:
    import certboot_startup
    from certboot.config import SOURCES
    from certboot.paths import store_paths
    from certboot.render.store_text import init_summary
    from certboot.update import Request, apply

    sources = tuple(dict.fromkeys(filter(None, (arguments.source or "").split(",")))) or None
    for name in sources or ():
        if name not in SOURCES:
            message = f"no such source: {name}"
            raise CertbootError(message, f"--source takes some of {','.join(SOURCES)}")
    request = Request(
        command="init",
        additions=tuple(_additions(arguments.add, arguments.password_file)),
        sources=sources,
        intermediates=arguments.intermediates,
        reports=_reports(arguments.reports),
        config=arguments.config,
    )
    outcome = apply(store_paths(), request, progress=_progress)
    print(init_summary(outcome, certboot_startup.status))
    return OK


def _reports(text: str | None) -> str | None:
    return "" if text == "network" else text


def _additions(paths: Sequence[Path], password_file: Path | None) -> list[Loaded]:
    from datetime import datetime, timezone

    from certboot.sources import added

    now = datetime.now(timezone.utc)
    return [added.load(path, now, _password(password_file)) for path in paths]


def _password(file: Path | None) -> Password:
    def ask() -> bytes:
        if file:
            try:
                return file.read_bytes().rstrip(b"\r\n")
            except OSError as error:
                message = f"cannot read the password: {error.strerror}: {file}"
                raise CertbootError(message, "check the path, and that you may read the file") from error
        if not _terminal():
            message = "the file is locked with a password, and there is no terminal to ask for it on"
            raise CertbootError(message, "--password-file FILE")
        from getpass import getpass

        return getpass("password of the file: ").encode()

    return ask


def _progress(report: str, so_far: int, whole: int | None) -> None:
    if sys.stderr and sys.stderr.isatty():
        of = f" of {whole / 1e6:.1f}" if whole else ""
        sys.stderr.write("\r\x1b[K" if so_far == whole else f"\r{report}: {so_far / 1e6:.1f}{of} MB\x1b[K")
        sys.stderr.flush()


def _update(arguments: argparse.Namespace) -> int:
    from certboot import history
    from certboot.duration import parse_duration
    from certboot.paths import store_paths
    from certboot.render.list_text import difference
    from certboot.render.store_text import headline
    from certboot.store import selection
    from certboot.update import Request, age_in_seconds, apply

    paths = store_paths()
    before = history.current(paths)
    if arguments.max_age and age_in_seconds(paths) <= parse_duration(arguments.max_age).total_seconds():
        print(f"the sources were read within {arguments.max_age}: nothing to do")
        return OK
    request = Request(
        "update",
        intermediates=arguments.intermediates,
        reports=_reports(arguments.reports),
        dry_run=arguments.dry_run,
    )
    outcome = apply(paths, request, progress=_progress)
    came, went = selection.difference(before, outcome.record)
    if came or went:
        print(difference(came, went))
    print("a dry run: nothing was changed" if arguments.dry_run else headline(outcome))
    return OK


def _trust(arguments: argparse.Namespace) -> int:
    from datetime import datetime, timezone

    from certboot.paths import store_paths
    from certboot.render.store_text import headline
    from certboot.render.trust_text import offer
    from certboot.sources import address
    from certboot.sources.gather import trusted_bundle
    from certboot.update import Request, apply

    paths, now = store_paths(), datetime.now(timezone.utc)
    remote = "://" in arguments.target
    if remote:
        loaded = [address.load(arguments.target, pin=arguments.sha256, verify=trusted_bundle(paths), now=now)]
    else:
        loaded = _additions([Path(arguments.target)], arguments.password_file)
    print(offer(loaded, now))
    if not arguments.yes:
        if not _confirmed("trust what is shown here?"):
            print("nothing was changed")
            return FAILED
    elif remote and not arguments.sha256:
        message = "what comes from the network is not trusted unseen"
        raise CertbootError(message, "leave out --yes, or say with --sha256 which certificate you expect")
    fingerprints = frozenset(candidate.certificate.fingerprint for one in loaded for candidate in one.candidates)
    outcome = apply(paths, Request("trust", additions=tuple(loaded), trust_again=fingerprints))
    if not fingerprints & {entry.sha256 for entry in outcome.record.certificates}:
        reasons = [rejection.reason for rejection in outcome.rejected if rejection.fingerprint in fingerprints]
        message = f"it does not enter the store, {reasons[0] if reasons else 'no rule says why'}"
        raise CertbootError(message, "certboot list --rejected; config.toml may keep it out")
    print(headline(outcome))
    return OK


def _distrust(arguments: argparse.Namespace) -> int:
    from certboot import history
    from certboot.paths import store_paths
    from certboot.render.list_text import difference
    from certboot.store import distrusted, selection
    from certboot.update import Request, apply

    paths = store_paths()
    before = history.current(paths)
    if arguments.undo:
        fingerprint, _ = distrusted.find(distrusted.read(paths.distrusted), arguments.id)
        request = Request("distrust", trust_again=frozenset({fingerprint}))
    else:
        entry = selection.find(before, arguments.id)
        request = Request("distrust", distrust={entry.sha256: entry.name})
    print(difference(*selection.difference(before, apply(paths, request).record)))
    return OK


def _list(arguments: argparse.Namespace) -> int:
    from datetime import datetime, timezone

    from certboot import history
    from certboot.duration import parse_duration
    from certboot.paths import store_paths
    from certboot.render import list_text
    from certboot.render.list_json import list_json
    from certboot.store import selection

    record = history.current(store_paths())
    expiring = parse_duration(arguments.expiring) if arguments.expiring else None
    chosen = selection.choose(
        record, role=arguments.role or "", source=arguments.source, expiring=expiring, now=datetime.now(timezone.utc)
    )  # fmt: skip
    if arguments.json:
        print(list_json(record, chosen, rejected=arguments.rejected))
    elif arguments.rejected:
        print(list_text.rejections(record.rejected))
    else:
        print(list_text.certificates(chosen))
    return OK


def _show(arguments: argparse.Namespace) -> int:
    from certboot import history
    from certboot.paths import store_paths
    from certboot.render.list_text import certificate
    from certboot.store.layout import CRTS
    from certboot.store.selection import find

    paths = store_paths()
    record = history.current(paths)
    entry = find(record, arguments.id)
    pem = (paths.generations / str(record.generation) / CRTS / entry.file).read_text("ascii", errors="replace")
    print(certificate(entry, record, pem.rstrip()))
    return OK


def _history(_: argparse.Namespace) -> int:
    from certboot import history
    from certboot.paths import store_paths
    from certboot.render.list_text import history as table

    print(table(history.steps(store_paths())))
    return OK


def _rollback(arguments: argparse.Namespace) -> int:
    from certboot import history
    from certboot.paths import store_paths
    from certboot.render.list_text import difference
    from certboot.store import selection

    before, now = history.rollback(store_paths(), arguments.number)
    print(difference(*selection.difference(before, now)))
    print(f"generation {now.generation} is in force again; the next update applies the sources as they are then")
    return OK


def _diff(arguments: argparse.Namespace) -> int:
    from certboot import history
    from certboot.paths import store_paths
    from certboot.render.list_text import difference
    from certboot.store import selection

    before, after = (history.numbered(store_paths(), number) for number in (arguments.before, arguments.after))
    print(difference(*selection.difference(before, after)))
    return OK


def _doctor(arguments: argparse.Namespace) -> int:
    from certboot.doctor.address import parse_address
    from certboot.doctor.run import GROUPS, examine, exit_code
    from certboot.paths import store_paths

    groups = tuple(target for target in arguments.target if target in GROUPS)
    hosts = [parse_address(target) for target in arguments.target if target not in GROUPS]
    if len(hosts) > 1:
        message = "one host at a time"
        raise CertbootError(message, "certboot doctor HOST[:PORT]")
    findings = examine(store_paths(), os.environ, groups or GROUPS, hosts[0] if hosts else None)
    if arguments.json:
        from certboot.render.doctor_json import doctor_json

        print(doctor_json(findings))
    else:
        from certboot.render.doctor_text import doctor_report

        print(doctor_report(findings))
    return exit_code(findings)


def _rehash(arguments: argparse.Namespace) -> int:
    from certboot.render.store_text import rehash_summary
    from certboot.store.rehash import rehash
    from certboot.store.rehash_record import default_folder

    status = OK
    for directory in arguments.directory:
        try:
            result = rehash(directory, default_folder())
        except CertbootError as error:
            status = _failed(error.message, error.hint)
            continue
        for warning in result.warnings:
            sys.stderr.write(f"certboot: warning: {directory}: {warning}\n")
        print(rehash_summary(directory, result))
    return status


def _purge(arguments: argparse.Namespace) -> int:
    from certboot import purge
    from certboot.paths import store_paths
    from certboot.render.store_text import purge_list

    paths = store_paths()
    print(f"this removes\n{purge_list(purge.find(paths))}")
    if not arguments.yes and not _confirmed("remove it all?"):
        print("nothing was removed")
        return FAILED
    try:
        others = purge.remove(paths)
    except OSError as error:
        message = f"not everything could be removed, {error.strerror}: {error.filename}"
        raise CertbootError(message, "mend the cause, then once more: certboot purge") from error
    print("removed; Python programs that still run keep the old settings until they are started again")
    if others:
        print(f"left alone in {paths.home}: {', '.join(others)}")
    print("the hook goes with the package: python -m pip uninstall certboot")
    return OK


def _terminal() -> bool:
    return bool(sys.stdin and sys.stdin.isatty())


def _confirmed(question: str) -> bool:
    if not _terminal():
        message = f"certboot asks here ({question}), and there is no terminal to ask on"
        raise CertbootError(message, "--yes, if you know the answer")
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


_COMMANDS = {
    "init": _init,
    "doctor": _doctor,
    "update": _update,
    "trust": _trust,
    "distrust": _distrust,
    "list": _list,
    "show": _show,
    "history": _history,
    "rollback": _rollback,
    "diff": _diff,
    "rehash": _rehash,
    "purge": _purge,
}
