"""``certboot adopt`` as a user meets it: an image presets variables to the company's own file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from support.environments import Environment, Ran
from support.pages import QUIET
from support.programs import outcome, present

from certboot.clients.variables import BY_NAME
from certboot_startup import OVERRULING

pytestmark = pytest.mark.slow

# Of the clients here, git alone reads neither of the two variables that the image presets.
READERS = present("requests", "urllib", "httpx", "curl")
CLIENTS = [*READERS, *present("git")]
FEW = present("requests", "git")
Reached = tuple[str, str]
"""What came of the server of the company's CA, and of the one that the file lacks."""
BOTH, CORP, EXTRA, NEITHER = ("ok", "ok"), ("ok", "refused"), ("refused", "ok"), ("refused", "refused")
SHOW = f"""\
import json, os, sys
module = sys.modules.get("certboot_startup")
print(json.dumps([module.status, {{name: os.environ.get(name) for name in {list(BY_NAME)}}}]))
"""


@dataclass
class Image:
    """A machine whose variables name the company's file, a server of the company's CA, and one that the file lacks."""

    environment: Environment
    home: Path
    file: Path
    urls: tuple[str, str]
    preset: dict[str, str]

    def run(self, *argv: str | Path, **variables: str) -> Ran:
        return self.environment.run(*argv, home=self.home, **{**QUIET, **self.preset, **variables})

    def certboot(self, *argv: str, status: int = 0) -> str:
        ran = self.run("certboot", *argv)
        assert ran.status == status, ran.out + ran.err
        return ran.out

    def reached(self, *clients: str, **variables: str) -> dict[str, Reached]:
        """Return for each of the clients, or of all, what comes of both servers."""
        preset = {**self.preset, **variables}
        found = {}
        for client in clients or CLIENTS:
            first, second = (outcome(self.environment, client, url, self.home, **preset) for url in self.urls)
            found[client] = (first, second)
        return found

    def shown(self, **variables: str) -> tuple[str, dict[str, str]]:
        """Return what the hook said in a process started so, and the CA variables that are set there."""
        ran = self.run("python", "-c", SHOW, **variables)
        assert (ran.status, ran.err) == (0, "")
        status, found = json.loads(ran.out)
        return status, {name: value for name, value in found.items() if value is not None}

    @property
    def store(self) -> Path:
        return self.home / ".local" / "share" / "certboot"


def expected(readers: Reached, git: Reached, clients: list[str]) -> dict[str, Reached]:
    return {client: git if client == "git" else readers for client in clients}


def public_roots(environment: Environment) -> bytes:
    """Return some of the roots that certifi has."""
    (bundled,) = environment.folder.glob("lib/python*/site-packages/certifi/cacert.pem")
    end = b"-----END CERTIFICATE-----\n"
    return end.join(bundled.read_bytes().split(end)[:3]) + end


@pytest.fixture
def image(
    environment: Environment, ca: trustme.CA, clean: Path, tmp_path: Path, serving: Callable[[trustme.CA], str]
) -> Image:
    extra = trustme.CA(organization_name="Extra Corp", organization_unit_name="Extra Corp Root")
    extra.cert_pem.write_to_path(str(clean / "extra.pem"))
    file = tmp_path / "company image" / "ca=bundle.pem"
    file.parent.mkdir(mode=0o755)
    file.write_bytes(ca.cert_pem.bytes() + public_roots(environment))
    preset = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), str(file))
    return Image(environment, clean, file, (serving(ca), serving(extra)), preset)


def test_what_an_image_presets_works_before_init_and_after_it_and_with_adopt_everything_does(image: Image) -> None:
    assert image.reached(*FEW) == expected(CORP, NEITHER, FEW)

    summary = image.certboot("init", "--add", "extra.pem", "-v")
    for name in image.preset:
        assert f"{name} is set by something else: {name}={image.file}\n" in summary
    assert summary.count("certboot adopt") == 1
    # The hook leaves what is preset alone, so that certboot reaches only who does not read it.
    assert image.reached() == expected(CORP, EXTRA, CLIENTS)
    doctor = json.loads(image.run("certboot", "doctor", "environment", "--json").out)
    fixes = {each["subject"]: each["fix"] for each in doctor["findings"] if each["id"] == "variable-overrides-certboot"}
    assert fixes == {name: [["certboot", "adopt", name]] for name in image.preset}

    offered = image.certboot("adopt", "--yes")
    assert offered.count("OU=Example Corp Root") == 1  # two variables, one file
    assert "4 certificates, 1 of them new" in offered
    assert image.reached() == expected(BOTH, BOTH, CLIENTS)
    assert "left out" not in image.certboot("init", "-v")
    doctor = json.loads(image.run("certboot", "doctor", "environment", "--json").out)
    found = {each["subject"]: each["id"] for each in doctor["findings"] if each["subject"] in image.preset}
    assert found == dict.fromkeys(image.preset, "variable-usable")

    image.certboot("adopt", "--undo")
    assert image.reached(*FEW) == expected(CORP, EXTRA, FEW)
    assert "Example Corp Root" not in image.certboot("list")


@pytest.fixture
def adopted(image: Image) -> Image:
    image.certboot("init", "--add", "extra.pem", "-v")
    image.certboot("adopt", "--yes")
    return image


def test_only_the_adopted_values_are_replaced_and_no_variable_beyond_the_default_set_is_set(
    adopted: Image, serving: Callable[[trustme.CA], str]
) -> None:
    status, found = adopted.shown()
    bundle, crts = f"{adopted.store}/current/bundle.pem", f"{adopted.store}/current/crts"
    default = {name for name, variable in BY_NAME.items() if variable.default}
    assert status == "active"
    # What requests reads says that the user had exported it.
    exported = dict.fromkeys(adopted.preset.keys() & {*OVERRULING}, f"{adopted.store}/current/./bundle.pem")
    assert found == {name: crts if name == "SSL_CERT_DIR" else bundle for name in default} | exported
    # A script that exports a file of its own, with the company's CA in it, goes by that file alone.
    other = f"{adopted.file}.bak"
    for file in (other, str(adopted.file.with_name("elsewhere.pem"))):
        shutil.copy(adopted.file, file)
        assert adopted.shown(REQUESTS_CA_BUNDLE=file)[1]["REQUESTS_CA_BUNDLE"] == file
    assert adopted.reached("requests", REQUESTS_CA_BUNDLE=other) == {"requests": CORP}
    assert adopted.reached("urllib", SSL_CERT_FILE=other) == {"urllib": CORP}
    assert adopted.shown(PIP_CERT=str(adopted.file))[1]["PIP_CERT"] == str(adopted.file)  # the value, not adopted here
    assert adopted.reached("requests") == {"requests": BOTH}  # the control
    adopted.urls = (adopted.urls[0], serving(trustme.CA()))
    assert adopted.reached("requests", "urllib") == {"requests": CORP, "urllib": CORP}  # no other CA came with it


def test_a_certificate_that_left_the_file_leaves_the_store_at_the_next_update_and_a_rollback_goes_back(
    adopted: Image, environment: Environment
) -> None:
    adopted.certboot("rollback")
    assert adopted.reached(*FEW) == expected(CORP, EXTRA, FEW)
    adopted.certboot("update")
    adopted.file.write_bytes(public_roots(environment))
    assert adopted.reached(*FEW) == dict.fromkeys(FEW, BOTH)  # until the next update
    assert "  Example Corp Root\n" in adopted.certboot("update")
    assert adopted.reached(*FEW) == dict.fromkeys(FEW, EXTRA)
    adopted.file.unlink()
    assert f"  left out  {adopted.file}: No such file or directory\n" in adopted.certboot("update")
    assert adopted.reached(*FEW) == dict.fromkeys(FEW, EXTRA)


def test_where_the_hook_refuses_the_store_the_value_is_as_the_image_set_it(adopted: Image) -> None:
    preset = expected(CORP, NEITHER, FEW)
    adopted.store.chmod(0o777)
    assert adopted.shown() == ("unsafe", adopted.preset)
    assert adopted.reached(*FEW) == preset
    adopted.store.chmod(0o755)
    assert adopted.shown(CERTBOOT_DISABLE="1") == ("disabled", adopted.preset)
    assert adopted.reached(*FEW, CERTBOOT_DISABLE="1") == preset
    adopted.certboot("purge", "--yes")
    assert adopted.reached(*FEW) == preset
