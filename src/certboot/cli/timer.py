"""``update --timer``: what runs ``certboot update`` every day, for whoever keeps the time here. Printed, not installed.

Each is complete as printed: a shell's commands, a crontab, a property list, a line for the command prompt. What they
run looks at the sources once a day, and says something only where that fails.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import typing
import zlib

from certboot.errors import CertbootError, printable

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NAME = "certboot-update"
_AGE = "1d"
_UNIT = """\
# For sh: it writes two units of the user's systemd, and starts the timer.
mkdir -p ~/.config/systemd/user
cat > ~/.config/systemd/user/{name}.service <<'END'
[Unit]
Description=Bring the certificate store up to date

[Service]
Type=oneshot
ExecStart={command}
END
cat > ~/.config/systemd/user/{name}.timer <<'END'
[Unit]
Description=Bring the certificate store up to date every day

[Timer]
OnCalendar=daily
RandomizedDelaySec=1h
Persistent=true

[Install]
WantedBy=timers.target
END
systemctl --user daemon-reload
systemctl --user enable --now {name}.timer
"""
# Crons differ in what a backslash does to another, and before a percent sign. In quotes within quotes, as /TR has them,
# the command prompt takes the inner ones for the end of the outer: it would run what stands behind an ampersand.
_BENT = {"cron": re.compile(r"\\[\\%]"), "schtasks": re.compile(r"[%&|<>^!]")}
_CRON = """\
# For crontab -e. It asks every hour, works once a day, and mails only what fails.
{minute} * * * * out=$({command} 2>&1) || echo "$out"
"""


def default_timer(platform: str = sys.platform) -> str:
    """Return what keeps the time on this machine."""
    if platform == "win32":
        return "schtasks"
    if platform == "darwin":
        return "launchd"
    return "systemd" if os.path.isdir("/run/systemd/system") else "cron"  # sd_booted(3)


def timer(kind: str, home: str) -> str:
    """Return what one of TIMERS is given, so that the store in ``home`` stays up to date; raises CertbootError."""
    # A timer has none of the caller's variables, and may look for programs elsewhere.
    command = (*_program(), "update", "--home", home)
    bent = _BENT.get(kind)
    if unfit := next((word for word in command if printable(word) != word or (bent and bent.search(word))), None):
        raise CertbootError(f"no timer can be given this name: {unfit}", "certboot update runs by hand")
    return TIMERS[kind](command, zlib.crc32(home.encode()) % 60)


def _program() -> tuple[str, ...]:
    """Return what starts this certboot, from whatever folder."""
    beside = shutil.which("certboot", path=os.path.dirname(sys.executable))
    called = os.path.abspath(sys.argv[0])
    if not beside and os.path.basename(called) == "certboot" and os.access(called, os.X_OK):
        beside = called  # pip install --user
    return (beside,) if beside else (sys.executable, "-I", "-m", "certboot")


def _systemd(command: Sequence[str], _: int) -> str:
    if set(command[0]) & set("\\'\"$"):  # which systemd takes in no program's name (string_is_safe)
        command = ("/usr/bin/env", *command)
    return _UNIT.format(name=_NAME, command=" ".join(map(_systemd_quoted, command)))


def _systemd_quoted(word: str) -> str:
    """Return a word of ExecStart= (systemd.service(5), Command lines; %% and $$ stand for themselves)."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != word or " " in word or "'" in word else word


def _cron(command: Sequence[str], minute: int) -> str:
    # Every hour, since a machine that is off at the one would miss the day; % ends the command in crontab(5).
    hourly = shlex.join([*command, "--max-age", _AGE]).replace("%", "\\%")
    return _CRON.format(minute=minute, command=hourly)


def _launchd(command: Sequence[str], _minute: int) -> str:
    import plistlib

    job = {"Label": _NAME, "ProgramArguments": [*command, "--max-age", _AGE], "RunAtLoad": True, "StartInterval": 3600}
    head, _, rest = plistlib.dumps(job).decode().partition("\n")
    path = f"~/Library/LaunchAgents/{_NAME}.plist"
    return f"{head}\n<!-- save it as {path}; then: launchctl load -w {path} -->\n{rest}"


def _schtasks(command: Sequence[str], minute: int) -> str:
    from subprocess import list2cmdline

    when = ("/SC", "DAILY", "/ST", f"12:{minute:02}")
    return list2cmdline(["schtasks", "/Create", "/F", *when, "/TN", _NAME, "/TR", list2cmdline(command)]) + "\n"


TIMERS: dict[str, Callable[[Sequence[str], int], str]] = {
    "systemd": _systemd,
    "cron": _cron,
    "launchd": _launchd,
    "schtasks": _schtasks,
}
