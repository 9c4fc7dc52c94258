"""``certboot.diagnose`` of the installed wheel, in a program for which nothing is set: the command says the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.asking import Listen
from support.environments import Environment
from support.faults import tls
from support.zoo import ZOO

pytestmark = pytest.mark.slow

PROGRAM = """
import json, sys
import certboot
diagnosis: certboot.Diagnosis = certboot.diagnose(sys.argv[1])
told = [diagnosis.cause.id, diagnosis.cause.summary, diagnosis.remedies, [trust.clients for trust in diagnosis.trusts]]
print(json.dumps(told))
"""


def test_a_program_and_the_command_say_the_same(installed: Environment, clean: Path, listen: Listen) -> None:
    target = f"localhost:{listen(tls(ZOO['missing-intermediate'][2]().context())).port}"
    ran = installed.run("python", "-c", PROGRAM, target, home=clean)
    assert (ran.status, ran.err) == (0, "")
    finding = json.loads(installed.run("certboot", "doctor", "hook", target, "--json", home=clean).out)["findings"][-1]
    clients = [trust["clients"] for trust in finding["evidence"]["by_trust"]]
    assert json.loads(ran.out) == [finding["id"], finding["summary"], finding["fix"], clients]
    assert (finding["id"], len(finding["fix"])) == ("missing-intermediate", 2)
    assert not (clean / ".local").exists()
