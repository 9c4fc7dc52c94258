"""What README.md and docs/ say is what happens."""

from __future__ import annotations

import html
import re
import runpy
import shlex
import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import MACHINE, Environment, make_environment
from support.server import TlsServer

import certboot
from certboot.cli.main import parsed, parser
from certboot.clients.table import CLIENTS
from certboot.clients.variables import VARIABLES
from certboot.store.config import parse_config
from certboot_startup import hint

ROOT = Path(__file__).parents[1]
COMMANDS = re.findall(r"^    ([a-z]+) ", parser().format_help(), re.MULTILINE)
README = (ROOT / "README.md").read_text("utf-8")
DOCS = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}


def test_the_generated_parts_of_the_docs_are_what_the_code_says(
    script: Callable[[str], typing.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys, "argv", ["docs.py", "--check"])
    assert script("docs").main() == 0, "run scripts/docs.py"
    for client in CLIENTS:
        assert f"`{client.notes.way}`" in DOCS["clients.md"] or not client.notes.way
    for variable in VARIABLES:
        assert f"`{variable.name}`" in DOCS["how-it-works.md"] or not variable.default


def test_every_link_in_the_readme_and_the_docs_leads_to_a_page_and_a_heading() -> None:
    pages = {ROOT / "README.md": README, **{ROOT / "docs" / name: text for name, text in DOCS.items()}}
    links = [(page, link) for page, text in pages.items() for link in re.findall(r"\]\(([^)]+)\)", text)]
    assert len(links) > 20
    for page, link in links:
        name, _, anchor = link.partition("#")
        if "://" not in link:
            target = page.parent / name if name else page
            assert target.exists(), (page, link)
            assert not anchor or anchor in anchors(pages[target.resolve()]), (page, link)


def anchors(page: str) -> set[str]:
    """Return the names by which a code host lets a page's headings be linked to."""
    headings = re.findall(r"^#+ (.*)", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_read_to_its_end() -> None:
    assert len(README.splitlines()) <= 200


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
@pytest.mark.skipif(sys.platform != "linux", reason="recorded on Linux")
def test_the_picture_and_its_text_are_what_a_terminal_shows_today(installed: Environment) -> None:
    picture = runpy.run_path(str(ROOT / "scripts" / "picture.py"))
    text = picture["TEXT"].read_text("utf-8")
    rows = re.findall(r"<text[^>]*>(.*)</text>", picture["PICTURE"].read_text("utf-8"))
    drawn = html.unescape("".join(re.sub(r"</?tspan[^>]*>", "", row) for row in rows))
    assert without_spaces(drawn) == without_spaces(text), "run scripts/picture.py"
    try:
        recorded = picture["written"](picture["record"](installed.folder / "bin"))
    except PermissionError:
        pytest.skip("only root may listen on port 80 here")
    assert normalised(recorded) == normalised(text), "run scripts/picture.py"
    assert recorded.count("\n200 OK") == 2


def without_spaces(text: str) -> str:
    return re.sub(r"\s", "", text)


def normalised(text: str) -> str:
    """Return what a terminal says, without numbers, where lines break, and what hangs on the CAs that a machine has."""
    text = without_spaces(re.sub(r"\b(?:[0-9a-f]{16}|[0-9a-f]{64})\b|\.post\d+", "", text))
    return re.sub(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}|\d|beyond.*?beyondcertifi", "", text)


@pytest.mark.slow
def test_the_three_commands_in_the_readme_work_one_after_the_other(
    installed: Environment, ca: trustme.CA, serve: Callable[..., TlsServer], clean: Path, ca_file: Path
) -> None:
    server = serve(ca.issue_cert("localhost"))
    (clean / "company-ca.pem").write_bytes(ca_file.read_bytes())
    (clean / "existing_script.py").write_text(
        f"import urllib.request\nwith urllib.request.urlopen('{server.url}') as r:\n    print(r.status, r.reason)\n"
    )
    assert installed.run("python", "existing_script.py", home=clean).status == 1
    shown = README.split("<!-- commands: begin -->\n```console\n")[1].split("```")[0]
    commands = [line.removeprefix("$ ").replace("intranet.example", server.shown) for line in shown.splitlines()]
    assert len(commands) == 3
    for command in commands:
        ran = installed.run("sh", "-c", command, home=clean)
        assert ran.status == 0, ran.out + ran.err


@pytest.mark.slow
def test_from_a_copy_of_the_repository_bootstrap_uses_a_virtualenv_and_gives_the_rest_to_init(
    clean: Path, ca_file: Path
) -> None:
    environment = make_environment(clean / "venv", "pip")
    script = ("scripts/bootstrap.py", "--venv", str(environment.folder), "--source", "certifi", "--add", str(ca_file))
    assert f"python3 {script[0]}" in README
    chosen = {name: value for name, value in MACHINE.items() if not name.startswith(("CERTBOOT_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, *script],
        cwd=ROOT,
        env={**chosen, "HOME": str(clean)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{environment.python} your_script.py " in done.stdout
    assert environment.run("certboot", "list", "--json", home=clean).out.count(ca_file.name) == 1


def test_every_command_is_in_the_docs_and_the_changelog_and_both_scripts_are_in_the_readme() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    for command in COMMANDS:
        assert f"certboot {command} --help" in DOCS["commands.md"]
        assert f"`certboot {command}" in changelog
    assert "scripts/bootstrap.py" in README
    assert "scripts/test.py" in README


def test_the_changelog_has_its_form_and_this_version_is_its_latest_release() -> None:
    """That of https://keepachangelog.com/en/1.1.0/."""
    first, *releases = re.findall(r"^## (.*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    named = [re.fullmatch(r"\[(\S+)\] - (\d{4}-\d{2}-\d{2})", release) for release in releases]
    dated = [(release[2], release[1]) for release in named if release]
    assert first == "[Unreleased]"
    assert len(dated) == len(releases)
    assert dated == sorted(dated, reverse=True)
    assert dated[0][1] == certboot.__version__


def test_every_command_line_that_the_docs_show_is_understood() -> None:
    """By the parser of the command line itself; a command that is only mentioned needs no arguments."""
    named = 0
    for page in (README, *(text for name, text in DOCS.items() if name != "commands.md")):
        inline = re.findall(r"`certboot ([a-z][^`]*)`", re.sub(r"```.*?```", "", page, flags=re.DOTALL))
        fenced = "".join(re.findall(r"```.*?```", page, re.DOTALL))
        shown = re.findall(r"^ {4}certboot (.*)", page, re.MULTILINE)
        shown += re.findall(r"^ *(?:\$ |RUN )?certboot (.*)", fenced, re.MULTILINE)
        for line in (*inline, *shown):
            argv = shlex.split(re.sub(r"\$\w+", "1", re.split(r" [#>|;]|…", line)[0]))
            named += 1
            if len(argv) > 1 + (argv[0] == "hook"):
                assert parsed(argv).command == argv[0]
            else:
                assert argv[0] in COMMANDS, line
    assert named > 150


def test_the_hint_that_the_docs_show_has_the_words_of_its_code() -> None:
    shown = " ".join(DOCS["how-it-works.md"].split())
    (meaning,) = [words for codes, words in hint._MEANINGS if 20 in codes]
    assert f"; certboot: {meaning}; run: certboot doctor intranet.example:8443" in shown


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
