"""The hook before hostile stores, env files and variables: scripts/trials/hostile.py, run by a Python that has it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.environments import SYSTEM_PATH
from trials.place import Place

HOSTILE = Path(__file__).with_name("hostile.py")
STARTED = 0.04
"""The share of variants that an interpreter of its own is started for, too."""


def run(place: Place, count: int) -> str:
    """Try as many variants; return the figures."""
    # Every user may come here, and below /tmp nobody but root would pass root's folders.
    folder = Path(tempfile.mkdtemp(prefix="certboot-hostile-", dir="/var/lib"))
    folder.chmod(0o755)
    python = place.environment.folder / "bin" / "python"
    starts = int(STARTED * count)
    command = (python, HOSTILE, folder, str(count), str(starts), str(place.seed))
    # As an administrator starts it: the hook is in the interpreter that runs this, and does nothing there.
    environ = {"PATH": SYSTEM_PATH, "CERTBOOT_DISABLE": "1"}
    told = json.loads(subprocess.run(command, env=environ, stdout=subprocess.PIPE, check=True).stdout)
    for words in told["wrong"]:
        place.check(condition=False, words=words)
    if not told["wrong"]:
        shutil.rmtree(folder)
    statuses = told["statuses"]
    started = statuses.pop("(real starts)", 0)
    control = (count + 19) // 20
    place.check(sum(statuses.values()) == count, f"{statuses}: not all of {count} were tried")
    words = (("unsafe", "unsafe"), ("bad-env", "an env file that is none"), ("no-store", "no store"))
    figures = ", ".join(f"{statuses.get(status, 0):,} {text}" for status, text in words)
    return (
        f"{statuses['active']:,} active, of them the {control:,} left as they were; {figures}; "
        f"{started:,} in interpreters of their own too"
    )
