"""What README.md and docs/ say is what happens."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import Environment
from support.server import TlsServer

from certboot.cli.main import parser
from certboot.clients.table import CLIENTS
from certboot.clients.variables import VARIABLES
from certboot.store.config import parse_config

ROOT = Path(__file__).parents[1]
COMMANDS = re.findall(r"^    ([a-z]+) ", parser().format_help(), re.MULTILINE)
README = (ROOT / "README.md").read_text("utf-8")
DOCS = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}


def test_the_generated_parts_of_the_docs_are_what_the_code_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    script = runpy.run_path(str(ROOT / "scripts" / "docs.py"))
    for file in script["PARTS"]:
        assert script["generated"](file, DOCS[file]) == DOCS[file], "run scripts/docs.py"
    for client in CLIENTS:
        assert f"`{client.way}`" in DOCS["clients.md"] or not client.way
    for variable in VARIABLES:
        assert f"`{variable.name}`" in DOCS["how-it-works.md"] or not variable.default


def test_every_link_in_the_readme_and_the_docs_leads_somewhere() -> None:
    pages = {ROOT / "README.md": README, **{ROOT / "docs" / name: text for name, text in DOCS.items()}}
    links = [(page, link) for page, text in pages.items() for link in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", text)]
    assert len(links) > 8
    assert {link for page, link in links if not (page.parent / link).exists()} == set()


def test_every_default_that_the_docs_give_for_the_folder_is_the_one_used(
    clean: Path, certboot: Callable[..., object]
) -> None:
    certboot("init")
    assert (clean / ".local/share/certboot/current/crts").is_dir()
    shown = re.findall(
        r"^  (\S+)", DOCS["store.md"].split("~/.local/share/certboot/\n")[1].split("```")[0], re.MULTILINE
    )
    assert {name.split("/")[0] for name in shown} >= {
        path.name for path in (clean / ".local/share/certboot").iterdir()
    } - {"lock"}


@pytest.mark.slow
def test_the_transcript_on_the_first_screen_is_a_real_one(
    installed: Environment, ca: trustme.CA, serve: Callable[..., TlsServer], clean: Path, ca_file: Path
) -> None:
    server = serve(ca.issue_cert("localhost"))
    (clean / "company-ca.pem").write_bytes(ca_file.read_bytes())
    (clean / "existing_script.py").write_text(
        f"import urllib.request\nwith urllib.request.urlopen('{server.url}') as r:\n    print(r.status, r.reason)\n"
    )
    assert installed.run("python", "existing_script.py", home=clean).status == 1
    shown = README.split("<!-- transcript: begin -->\n```console\n")[1].split("```")[0]
    said = []
    for line in shown.splitlines():
        if line.startswith("$ "):
            said.append(line)
            if "pip install" not in line:
                argv = line[2:].replace("intranet.example", f"localhost:{server.port}").split()
                # Without what else this machine has: that may have settings of its own.
                ran = installed.run(*argv, home=clean, PATH=str(installed.folder / "bin"))
                assert ran.status == 0, ran.err
                said += ran.out.splitlines()
    places = {
        str(clean): "/home/you",
        str(installed.folder): "/home/you/venv",
        f"localhost:{server.port}": "intranet.example:443",
    }
    assert normalised("\n".join(said), places) == normalised(shown, {})


def normalised(text: str, places: dict[str, str]) -> list[str]:
    """Return the lines of a transcript without what differs between machines, days and certificates."""
    for place, name in places.items():
        text = text.replace(place, name)
    text = re.sub(r"\bOK\b|\.post\d+", "", text)
    text = re.sub(r"(  sent  |  trusted  |  accepted  ).*", r"\1", text)
    text = re.sub(r"\d+", "N", text)
    varying = "  rejected"  # which certificates have ended
    return [" ".join(line.split()) for line in text.splitlines() if not line.startswith(varying)]


def test_every_command_is_in_the_docs_and_the_changelog_and_both_scripts_are_in_the_readme() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    for command in COMMANDS:
        assert f"certboot {command} --help" in DOCS["commands.md"]
        assert f"`certboot {command}" in changelog
    assert "scripts/bootstrap.py" in README
    assert "scripts/test.py" in README


def test_every_file_that_the_guide_for_contributors_names_is_there() -> None:
    guide = DOCS["CONTRIBUTING.md"]
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]*(?:\.[a-z]+)?)`", guide))
    assert len(named) > 20
    places = (ROOT, ROOT / "src" / "certboot")
    assert {name for name in named if not any((place / name).exists() for place in places)} == set()


def test_the_line_of_the_pth_file_in_the_security_policy_is_the_one_shipped() -> None:
    line = (ROOT / "src" / "certboot_startup.pth").read_text("ascii").strip()
    assert f"`{line}`" in DOCS["SECURITY.md"]


def test_every_test_that_the_threat_model_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", DOCS["SECURITY.md"]))
    sources = (path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 20
    assert named - {name for source in sources for name in re.findall(r"def (test_\w+)\(", source)} == set()


def test_the_settings_in_the_docs_are_understood(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", DOCS["settings.md"], re.DOTALL)
    config = parse_config(text.encode(), tmp_path / "team.toml")
    assert (config.sources, config.intermediates, len(config.companies)) == (("certifi", "system", "ccadb"), True, 2)
