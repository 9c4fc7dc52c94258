"""certboot started as a program of its own, with the environment that a person may have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.environments import SYSTEM_PATH

CERTBOOT = (sys.executable, "-m", "certboot")


def ran(*argv: str | Path, home: Path, data: bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
    environ = {"HOME": str(home), "PATH": SYSTEM_PATH, "CERTBOOT_DISABLE": "1", **variables}
    return subprocess.run([*CERTBOOT, *argv], input=data, env=environ, capture_output=True, check=False, timeout=60)


def in_a_shell(script: str, home: Path, shell: str = "sh") -> subprocess.CompletedProcess[str]:
    environ = {"HOME": str(home), "PATH": SYSTEM_PATH}
    argv = [shell, "-c", script.replace("certboot ", f"{' '.join(CERTBOOT)} ")]
    return subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, timeout=60)


def environment_in(output: bytes) -> dict[str, str]:
    return dict(os.fsdecode(line).split("=", 1) for line in output.split(b"\0") if line)


def executable(path: Path, text: str, mode: int = 0o755) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path
