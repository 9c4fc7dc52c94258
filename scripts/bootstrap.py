"""Put certboot to work on a machine that has nothing but Python: one virtualenv, then `init` and `doctor`.

    python3 scripts/bootstrap.py                      makes ./.venv
    python3 scripts/bootstrap.py --venv PATH          uses, or makes, another one
    python3 scripts/bootstrap.py --add company-ca.pem

Needs the standard library only. Whatever else is given goes to `certboot init`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = (3, 10)


def main() -> int:
    """Make the virtualenv, install certboot, run `init` and `doctor`, and say what comes next."""
    parser = argparse.ArgumentParser(description="Install certboot into a virtualenv, fill its store, and look at it.")
    parser.add_argument("--venv", metavar="PATH", type=Path, default=ROOT / ".venv", help="the virtualenv (./.venv)")
    arguments, for_init = parser.parse_known_args()
    if sys.version_info < OLDEST:
        return _stop("certboot needs Python 3.10 or newer", "run this script with a newer python3")
    scripts = arguments.venv.absolute() / ("Scripts" if os.name == "nt" else "bin")
    python, certboot = scripts / "python", scripts / "certboot"
    if not (arguments.venv / "pyvenv.cfg").exists():
        if arguments.venv.exists() and any(arguments.venv.iterdir()):
            return _stop(f"not a virtualenv: {arguments.venv}", "give --venv a virtualenv, or a folder to be made")
        if _run(sys.executable, "-m", "venv", str(arguments.venv)):
            return _stop("no virtualenv could be made", "on Debian and Ubuntu: apt-get install python3-venv")
    if _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(ROOT)):
        return _stop(
            "pip could not install certboot",
            "behind a company proxy, name its CA for this one time: PIP_CERT=company-ca.pem",
        )
    if _run(str(certboot), "init", *for_init):
        return _stop("certboot init failed, see above", "mend the cause and run this again")
    print()
    failed = _run(str(certboot), "doctor")
    print(f"\nFrom now on what {python} runs and starts goes by the store. Next:")
    print(f"  {python} your_script.py           unchanged")
    print(f"  {certboot} doctor HOST            if a host still fails")
    print(f"  {certboot} init --add CA.pem      to trust your company's CA")
    print(f"  {certboot} purge                  to take it all away")
    return failed


def _run(*command: str) -> int:
    return subprocess.run(command, check=False).returncode


def _stop(message: str, hint: str) -> int:
    sys.stderr.write(f"bootstrap: error: {message}\n\nhint: {hint}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
