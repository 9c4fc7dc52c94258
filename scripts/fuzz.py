"""Fuzz certboot's parsers for as long as one likes: tests/fuzz/targets.py says what must hold.

    python scripts/fuzz.py                      the names of the targets
    python scripts/fuzz.py pem --seconds 600    one of them
    python scripts/fuzz.py --all --seconds 60   all of them, each as long

With atheris (pip install atheris: Linux, and a Python that it has a wheel for) the coverage of the code leads the way;
without, the corpus is mutated at random. What fails is written to a folder, and the status is 1. It needs the packages
of the tests: python3 scripts/test.py makes a virtualenv with them, whose .venv-test/bin/python runs this.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "fuzz"))
_ATHERIS = importlib.util.find_spec("atheris") is not None
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


def main() -> int:
    """Return 1 if any target failed, else 0."""
    parser = argparse.ArgumentParser(description="Fuzz certboot's parsers.")
    parser.add_argument("target", nargs="?", help="its name; without one, and without --all, they are listed")
    parser.add_argument("--all", action="store_true", help="every target, one after the other")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--found", type=Path, default=Path(tempfile.gettempdir()) / "certboot-fuzz-found",
                        help="the folder for what fails, and for what atheris has learnt")  # fmt: skip
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)  # atheris ends its process
    arguments = parser.parse_args()
    if arguments.inside:
        return _inside(arguments.target, arguments.seconds, arguments.found)
    import targets

    if not (arguments.all or arguments.target):
        print(*targets.TARGETS, sep="\n")
        return 0
    if arguments.target and arguments.target not in targets.TARGETS:
        sys.stderr.write(f"fuzz: error: no target of this name: {arguments.target}\n")
        return 2
    print("with atheris" if _ATHERIS else "without atheris: random mutations of the corpus")
    names = list(targets.TARGETS) if arguments.all else [arguments.target]
    run = _with_atheris if _ATHERIS else _at_random
    return max([run(name, arguments.seconds, arguments.found) for name in names])


def _with_atheris(target: str, seconds: int, found: Path) -> int:
    command = [sys.executable, __file__, target, "--seconds", str(seconds), "--found", str(found), "--inside"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    executed = _EXECUTED.search(done.stderr)
    print(
        f"{target}: {executed[1] if executed else 0} inputs, {'FAILED' if done.returncode else 'nothing found'}",
        flush=True,
    )
    if done.returncode:
        sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
    return 1 if done.returncode else 0


def _inside(target: str, seconds: int, found: Path) -> int:
    atheris = importlib.import_module("atheris")  # not among the packages of the tests

    with atheris.instrument_imports(include=["certboot", "certboot_startup"]):
        import targets
    learnt = found / target
    learnt.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(targets.seeds(target)):
            (Path(folder) / str(number)).write_bytes(seed)
        # A PKCS#12 file may take 40 seconds of a busy machine (_SECONDS in certboot/pki/containers.py).
        options = [
            f"-max_total_time={seconds}", f"-max_len={targets.LONGEST}", "-timeout=60", "-rss_limit_mb=1024",
            f"-artifact_prefix={found}/{target}-", "-print_final_stats=1", "-verbosity=0",
        ]  # fmt: skip
        atheris.Setup([sys.argv[0], *options, str(learnt), folder], targets.TARGETS[target])
        atheris.Fuzz()
    return 0


def _at_random(target: str, seconds: int, found: Path) -> int:
    import targets

    seeds, end, count = targets.seeds(target), time.monotonic() + seconds, 0
    chance = random.Random()  # noqa: S311 - nothing is kept secret with it
    while time.monotonic() < end:
        steps = [
            (chance.choice(targets.KINDS), chance.randrange(0x10000), chance.randbytes(chance.randrange(7)))
            for _ in range(chance.randrange(9))
        ]
        data = targets.mutated(chance.choice(seeds), steps)
        count += 1
        try:
            targets.TARGETS[target](data)
        except Exception:  # noqa: BLE001 - whatever it is, it is what was looked for
            found.mkdir(parents=True, exist_ok=True)
            place = found / f"{target}-crash-{hashlib.sha256(data).hexdigest()[:16]}"
            place.write_bytes(data)
            print(f"{target}: {count} inputs, FAILED: {place}", flush=True)
            traceback.print_exc()
            return 1
    print(f"{target}: {count} inputs, nothing found", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
