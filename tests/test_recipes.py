"""The recipes of docs/recipes.md, each run as it stands there, or read by what would read it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
import yaml
from prometheus_client import Metric
from prometheus_client.openmetrics import parser
from support import faults
from support.asking import Listen
from support.environments import MACHINE, ROOT, SYSTEM_PATH, Environment, Ran, make_environment
from support.pages import NODE, QUIET, pages
from support.pki import CA, DAY, NOW, changed, make, on_server
from support.programs import GET
from support.server import TlsServer, server_context
from support.table import cases
from support.virtualenvs import interpreter_of_uv, packages, python_of, virtualenv

from certboot.clients import settings_formats
from certboot.doctor.server import no_handshake
from certboot.pki.verdict import Judgement, openssl_verdict, verifying_context

pytestmark = pytest.mark.slow

RECIPES = dict(
    section.split("\n", 1) for section in (ROOT / "docs" / "recipes.md").read_text("utf-8").split("\n## ")[1:]
)
MARK = re.compile(r"\*not\s+run\b", re.IGNORECASE)
README = (ROOT / "README.md").read_text("utf-8")
SCRIPT = "import urllib.request\nprint(urllib.request.urlopen('https://intranet.example/').status)\n"


ALL_BLOCKS = [
    (recipe, *block)
    for recipe, text in RECIPES.items()
    for block in re.findall(r"(.*?)^```(\w+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
]
"""The recipe's title, what stands above the block, its language, its text."""
MARKED = {text for _, above, _, text in ALL_BLOCKS if MARK.search(above)}
taken: list[str] = []
run: list[str] = []


def blocks(recipe: str, language: str) -> list[str]:
    """Return the blocks of this language in a recipe; the test that takes one has to run it, unless it is marked."""
    texts = [text for title, _, its, text in ALL_BLOCKS if (title, its) == (recipe, language)]
    taken.extend(texts)
    return texts


@pytest.fixture(autouse=True)
def each_block_is_run_or_marked() -> Iterator[None]:
    taken.clear()
    run.clear()
    yield
    assert set(taken) - set(run) == MARKED & set(taken)


@dataclass
class Reader:
    """Somebody who follows a recipe, with a home folder, the company's CA in a file, and a script."""

    environment: Environment
    home: Path
    host: str

    def here(self, text: str) -> str:
        """Return the text of a recipe with the places of this test."""
        return text.replace("intranet.example", self.host).replace("/opt/", f"{self.home}/opt/")

    def follow(self, text: str, **variables: str) -> Ran:
        """Run the lines of a block in a shell that stops at the first that fails."""
        run.append(text)
        ran = self.environment.run("sh", "-euc", self.here(text), home=self.home, **variables)
        assert ran.status == 0, ran.out + ran.err
        return ran

    def reaches(self, environment: Environment | None = None) -> bool:
        """Return whether an unchanged program gets its answer."""
        ran = (environment or self.environment).run("python", "-c", GET, f"https://{self.host}/page", home=self.home)
        assert ran.status == 0 or "CERTIFICATE_VERIFY_FAILED" in ran.err
        return ran.status == 0


@pytest.fixture
def host(serve: Callable[..., TlsServer], ca: trustme.CA) -> str:
    """A server of the company's CA."""
    return serve(ca.issue_cert("localhost"), pages=pages()).shown


@pytest.fixture
def reader(installed: Environment, clean: Path, ca: trustme.CA, host: str) -> Reader:
    """A reader who shares an environment with others, and may not change it."""
    clean.chmod(0o755)
    (clean / "opt").mkdir()
    ca.cert_pem.write_to_path(str(clean / "company-ca.pem"))
    ca.cert_pem.write_to_path(str(clean / "opt" / "company-ca.pem"))
    found = Reader(installed, clean, host)
    (clean / "existing_script.py").write_text(found.here(SCRIPT))
    return found


@pytest.fixture
def owner(reader: Reader, wheel: Path) -> Reader:
    """A reader with an environment that may be changed."""
    return Reader(make_environment(reader.home / "venv", wheel, "pip"), reader.home, reader.host)


@pytest.fixture
def initialised(reader: Reader) -> Reader:
    """A reader who has run ``certboot init``."""
    reader.follow("certboot init --add company-ca.pem")
    return reader


def needs(program: str, search: str | None = None) -> None:
    if not shutil.which(program, path=search):
        pytest.skip(f"{program} is missing")


def read_by(*command: str | Path, stdin: str = "") -> str:
    done = subprocess.run(list(map(str, command)), input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def certboot_lines(lines: Iterable[str]) -> str:
    return "\n".join(line for line in lines if line.startswith("certboot "))


def test_every_block_of_every_recipe_is_taken_by_a_test() -> None:
    tests = Path(__file__).read_text("utf-8")
    assert {title for title, *_ in ALL_BLOCKS} == set(RECIPES)
    assert [(title, its) for title, _, its, _ in ALL_BLOCKS if f'blocks("{title}", "{its}")' not in tests] == []


def read_by_buildkit(folder: Path, dockerfile: str) -> list[dict[str, list[str]]]:
    """Return the commands of a Dockerfile as BuildKit's parser reads them."""
    environment = make_environment(folder / "buildkit", "dockerfile")
    parse = (
        "import dockerfile, json, sys; print(json.dumps([c._asdict() for c in dockerfile.parse_string(sys.argv[1])]))"
    )
    commands: list[dict[str, list[str]]] = json.loads(read_by(environment.python, "-c", parse, dockerfile))
    return commands


@cases("client", ["PIP_CERT", "SSL_CERT_FILE"])
def test_the_readme_s_way_past_a_proxy_before_certboot_is_there(reader: Reader, client: str) -> None:
    """From an index with another package, whose CA only the file of the command has."""
    (command,) = re.findall(rf"`({client}=[^`]*) certboot`", README)
    environment = make_environment(reader.home / "venv", "pip", "uv")
    user, index = Reader(environment, reader.home, reader.host), f"https://{reader.host}/simple/"
    settings = {**QUIET, "PIP_INDEX_URL": index, "UV_DEFAULT_INDEX": index, "VIRTUAL_ENV": str(environment.folder)}
    without = command.split(" ", 1)[1]
    refused = environment.run("sh", "-c", f"{without} ok", home=user.home, **settings)
    assert "certificate" in (refused.out + refused.err).lower()
    user.follow(f"{command} ok", **settings)
    assert list(environment.folder.rglob("ok.py"))


def test_pipx_goes_by_uv_s_variable_where_uv_is_and_uses_pip_where_not(
    clean: Path, ca: trustme.CA, ca_file: Path, serve: Callable[..., TlsServer]
) -> None:
    environment = make_environment(clean / "venv", "pipx")
    index = f"{serve(ca.issue_cert('localhost'), pages=pages()).url}/simple/"
    settings = {**QUIET, "UV_DEFAULT_INDEX": index}
    search = f"{environment.folder / 'bin'}:/usr/bin:/bin"
    backend = ("environment", "--value", "PIPX_RESOLVED_BACKEND")
    assert environment.run("pipx", *backend, home=clean, PATH=search).out == "pip\n"
    (clean / "uv").mkdir()
    (clean / "uv" / "uv").symlink_to(Path(sys.executable).with_name("uv"))
    with_uv = f"{clean / 'uv'}:{search}"
    assert environment.run("pipx", *backend, home=clean, PATH=with_uv).out == "uv\n"
    for variable, reached in (("PIP_CERT", False), ("SSL_CERT_FILE", True)):
        chosen = {**settings, variable: str(ca_file), "PATH": with_uv}
        ran = environment.run("pipx", "install", "ok", home=clean, **chosen)
        assert ("No apps" in ran.err) == reached, ran.err  # the package has none


def test_behind_a_company_s_proxy_an_unchanged_script_works_after_init(reader: Reader) -> None:
    assert not reader.reaches()
    (commands,) = blocks("A company proxy", "sh")
    assert "200\n" in reader.follow(commands).out


def test_a_company_s_line_brings_its_settings_and_its_ca(
    reader: Reader, serve: Callable[..., TlsServer], ca: trustme.CA
) -> None:
    (text,) = blocks("One line for a company", "toml")
    (line,) = blocks("One line for a company", "sh")
    settings = re.sub("-----BEGIN.*END CERTIFICATE-----", trustme.CA().cert_pem.bytes().decode(), text, flags=re.DOTALL)
    (reader.home / "certboot.toml").write_text(settings)
    run.append(text)
    server = serve(ca.issue_cert("localhost"), pages={"/certboot.toml": settings.encode()})
    reader.follow("certboot init --add company-ca.pem")
    company = Reader(reader.environment, reader.home, server.shown)
    company.follow(line, HEX=company.follow("sha256sum certboot.toml | cut -d ' ' -f 1").out.strip())
    assert len(company.follow("certboot list --source company").out.splitlines()) == 2


def test_a_company_ca_that_newer_pythons_refuse_is_accepted_in_the_form_that_they_ask_for(
    installed: Environment, clean: Path, serve: Callable[..., TlsServer]
) -> None:
    old = make("Old Root", form=changed(CA, critical=False))
    below = make("localhost", old)
    user = Reader(installed, clean, serve(on_server(below), pages=pages()).shown)
    (clean / "old-ca.pem").write_bytes(old.pem)
    user.follow("certboot init --add old-ca.pem")
    (trust,) = blocks("A company CA that Python 3.13 refuses", "sh")

    def verdict() -> Judgement | None:
        context = verifying_context(strict=True, anchors=str(clean / ".local/share/certboot/current/crts"))
        return openssl_verdict(context, (below.der,), "localhost")

    doctor = user.environment.run("certboot", "doctor", user.host, home=clean)
    assert f"fix here: certboot trust {user.host} --stand-in\n" in doctor.out
    assert verdict() == (89, "Basic Constraints of CA cert not marked critical")
    user.follow(trust)
    assert (verdict(), user.reaches()) == ((0, "ok"), True)
    (other,) = re.findall(r"`(certboot trust old-ca.pem[^`]*)`", RECIPES["A company CA that Python 3.13 refuses"])
    assert "nothing to do" in user.follow(f"{other} --yes").out


def test_a_server_without_its_intermediate_is_repaired_and_its_operator_gets_the_chain(
    forgetful: TlsServer, certboot: Callable[..., Ran], clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, where the server's issuer may lie on a port that is not 80."""
    monkeypatch.chdir(clean)
    (commands,) = blocks("A server that forgot its intermediate", "sh")
    for line in commands.replace("intranet.example", forgetful.shown).splitlines():
        assert certboot(*shlex.split(line)[1:]).status == 0
    run.append(commands)
    assert (clean / "chain.pem").read_text().count("BEGIN CERTIFICATE") == 2


def test_in_a_container_the_lines_of_the_dockerfile_make_a_store_for_all_users(owner: Reader) -> None:
    (dockerfile,) = blocks("A bare container", "dockerfile")
    commands = read_by_buildkit(owner.home, dockerfile)
    owner.follow(certboot_lines(line for command in commands for line in command["value"]))
    assert owner.reaches()
    argv = map(owner.here, commands[-1]["value"])
    assert owner.environment.run(*argv, home=owner.home).status == 0


def test_buildkit_gives_the_ca_to_each_command_that_reads_it_and_the_store_needs_it_no_more(owner: Reader) -> None:
    dockerfile, _ = blocks("BuildKit", "dockerfile")
    commands = read_by_buildkit(owner.home, dockerfile)
    reading = [command["flags"] for command in commands if "/run/secrets/company-ca" in command["value"][0]]
    assert reading == [["--mount=type=secret,id=company-ca"]] * 2
    secret = owner.home / "secret.pem"
    (owner.home / "company-ca.pem").rename(secret)
    lines = certboot_lines(line for command in commands for line in command["value"])
    owner.follow(lines.replace("/run/secrets/company-ca", str(secret)))
    secret.unlink()
    owner.follow("certboot update --home /opt/certboot")
    assert owner.reaches()


def test_one_line_of_a_dockerfile_has_a_ca_and_leaves_none(owner: Reader) -> None:
    _, dockerfile = blocks("BuildKit", "dockerfile")
    lines = certboot_lines(line for command in read_by_buildkit(owner.home, dockerfile) for line in command["value"])
    owner.follow(
        lines.replace("/run/secrets/company-ca", "company-ca.pem"),
        **QUIET,
        PIP_INDEX_URL=f"https://{owner.host}/simple/",
    )
    assert list(owner.environment.folder.rglob("ok.py"))
    assert not list(owner.home.glob(".local/share/certboot"))
    assert not owner.reaches()


def test_a_ca_is_trusted_for_one_command_or_one_shell(reader: Reader) -> None:
    """The proxy's part is played by the server itself: it is asked without one."""
    for file in (".mitmproxy/mitmproxy-ca-cert.pem", "test-ca.pem"):
        (reader.home / file).parent.mkdir(exist_ok=True)
        shutil.copyfile(reader.home / "company-ca.pem", reader.home / file)
    for block in (*blocks("mitmproxy, for one command", "sh"), *blocks("A CA for tests", "sh")):
        assert reader.follow(block).out.startswith("200\n")
    assert not reader.reaches()


def test_a_container_gets_the_variables_in_a_file(initialised: Reader) -> None:
    (commands,) = blocks("A bare container", "sh")
    initialised.follow(commands)
    assert "SSL_CERT_FILE=" in (initialised.home / "ca.env").read_text()


def test_the_workflow_is_one_by_github_s_schema_and_its_steps_pass_the_variables_on(
    reader: Reader, tmp_path: Path
) -> None:
    (text,) = blocks("GitHub Actions", "yaml")
    workflow = tmp_path / "workflow.yml"
    workflow.write_text(text)
    read_by(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", workflow)
    steps = yaml.safe_load(text)["jobs"]["test"]["steps"]
    (commands,) = (step["run"] for step in steps if step.get("run", "").startswith("certboot "))
    reader.follow(commands, GITHUB_ENV=str(reader.home / "github.env"))
    variables = dict(line.split("=", 1) for line in (reader.home / "github.env").read_text().splitlines())
    if shutil.which("curl"):
        reader.follow(steps[-1]["run"], **variables)


def test_a_notebook_s_kernel_goes_by_the_hook(initialised: Reader) -> None:
    home = initialised.home
    kernel = make_environment(home / "kernel", "ipykernel", "nbclient")
    cell = {"cell_type": "code", "id": "a", "source": initialised.here(SCRIPT)}
    filled: dict[str, object] = {**cell, "metadata": {}, "outputs": [], "execution_count": None}
    (home / "a.ipynb").write_text(json.dumps({"cells": [filled], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    execute = ("jupyter", "execute", "a.ipynb")
    assert "CERTIFICATE_VERIFY_FAILED" in kernel.run(*execute, home=home).err
    (commands,) = blocks("Jupyter", "sh")
    initialised.follow(commands)
    ran = kernel.run(*execute, home=home)
    assert ran.status == 0, ran.err


def test_an_environment_like_conda_s_gets_the_hook_and_its_settings_are_read_as_yaml_reads_them(
    initialised: Reader,
) -> None:
    prefix = virtualenv(initialised.home / "conda")
    (commands,) = blocks("conda", "sh")
    initialised.follow(commands, CONDA_PREFIX=str(prefix))
    assert initialised.reaches(Environment(prefix))
    (condarc,) = blocks("conda", "yaml")
    (line,) = settings_formats.yaml(condarc).lines
    assert {line.name: line.value} == yaml.safe_load(condarc)


def test_uv_and_the_tools_that_it_installed_go_by_the_store(initialised: Reader) -> None:
    home = initialised.home
    virtualenv(home / "tool")
    tools = home / ".local" / "share" / "uv" / "tools"
    tools.mkdir(parents=True)
    virtualenv(tools / "example")
    pipx = make_environment(home / "pipx", "pipx").folder / "bin" / "pipx"
    other = virtualenv(home / ".local" / "share" / "pipx" / "venvs" / "example")
    (home / "bin").mkdir()
    for program in (Path(sys.executable).with_name("uv"), pipx):
        (home / "bin" / program.name).symlink_to(program)
    own = interpreter_of_uv(home / "pythons")
    former = Environment(virtualenv(home / "former", python=own / "bin" / "python3"))
    assert not initialised.reaches(former)
    search = {"PATH": f"{initialised.environment.folder / 'bin'}:{home / 'bin'}:/usr/bin:/bin", "UV_NO_CACHE": "1"}
    for commands in blocks("uv, uvx and pipx tools", "sh"):
        initialised.follow(commands, **search, UV_PYTHON_INSTALL_DIR=str(own.parent))
    assert list((home / "tool").rglob("ok.py"))
    later = Environment(virtualenv(home / "later", python=own / "bin" / "python3"))
    for environment in (former, later, Environment(tools / "example"), Environment(other)):
        assert initialised.reaches(environment)


def test_a_frozen_program_goes_by_the_store_of_its_user(initialised: Reader, wheel: Path) -> None:
    home = initialised.home
    maker = make_environment(home / "maker", wheel, "pyinstaller", "requests")
    (code,), (commands,) = blocks("PyInstaller", "python"), blocks("PyInstaller", "sh")
    (home / "app.py").write_text(code)
    run.append(code)
    Reader(maker, home, initialised.host).follow(commands)
    app = home / "dist" / "app"
    address = f"https://{initialised.host}/page"
    assert maker.run(app, address, home=home).out == "200\n"
    without = maker.run(app, address, home=maker.folder)
    assert "CERTIFICATE_VERIFY_FAILED" in without.err
    assert "certboot" not in without.err


@pytest.fixture
def index(reader: Reader, wheel: Path) -> dict[str, str]:
    """What has pip and pex take packages from a folder: certboot, and an example that asks the server for a page."""
    folder = reader.home / "index"
    folder.mkdir()
    shutil.copy(wheel, folder)
    files = {
        "example.py": f"def example():\n    exec({reader.here(SCRIPT)!r})\n",
        "example-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: example\nVersion: 1\n",
        "example-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "example-1.dist-info/entry_points.txt": "[console_scripts]\nexample = example:example\n",
    }
    files["example-1.dist-info/RECORD"] = "".join(f"{name},,\n" for name in [*files, "example-1.dist-info/RECORD"])
    with zipfile.ZipFile(folder / "example-1-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return {**QUIET, "PIP_FIND_LINKS": str(folder), "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1"}


def bare(*argv: str | Path, home: Path, **variables: str) -> Ran:
    """Run something with a Python that has neither certboot nor the hook."""
    return Environment(Path(sys.base_prefix)).run(*argv, home=home, **variables)


def test_what_shiv_and_pex_pack_runs_the_hook(initialised: Reader, index: dict[str, str]) -> None:
    home = initialised.home
    packer = Reader(make_environment(home / "packer", "shiv", "pex"), home, initialised.host)
    (commands,) = blocks("shiv and pex", "sh")
    shiv, pex = commands.splitlines()
    packer.follow(shiv, **index)
    packer.follow(f"{pex} --no-index --find-links index --no-transitive")  # it has no variables for these
    run.append(commands)
    for name in ("example.pyz", "example.pex"):
        assert bare("python3", name, home=home).out == "200\n"
        assert "CERTIFICATE_VERIFY_FAILED" in bare("python3", name, home=home, CERTBOOT_DISABLE="1").err


def test_a_zipapp_does_what_the_hook_does(owner: Reader, index: dict[str, str]) -> None:
    home = owner.home
    (code,), (commands,) = blocks("Zipapps", "python"), blocks("Zipapps", "sh")
    (home / "app").mkdir()
    (home / "app" / "__main__.py").write_text(owner.here(code))
    run.append(code)
    owner.follow(commands, **index)
    shutil.rmtree(home / "app")
    assert "CERTIFICATE_VERIFY_FAILED" in bare("python3", "app.pyz", home=home).err
    owner.follow("certboot init --add company-ca.pem")
    assert bare("python3", "app.pyz", home=home).out == "200\n"


def test_the_line_for_nuitka_imports_the_hook_alone(initialised: Reader) -> None:
    (line,) = blocks("Nuitka", "python")
    told = "print(certboot_startup.status, [name for name in sys.modules if name.startswith('certboot')])"
    code = f"import sys; sys.path.append({str(packages(initialised.environment.folder))!r})\n{line}{told}"
    ran = initialised.environment.run("python", "-S", "-c", code, home=initialised.home)
    assert (ran.out, ran.err) == ("active ['certboot_startup']\n", "")


def test_an_embedded_python_without_start_up_files_does_what_the_hook_does(
    owner: Reader, index: dict[str, str]
) -> None:
    home = owner.home
    search = f"{owner.environment.folder / 'bin'}:{sys.base_prefix}/bin:{SYSTEM_PATH}"
    needs("cc", search)
    needs("python3-config", search)
    (code,), (commands,) = blocks("Embedded Python", "c"), blocks("Embedded Python", "sh")
    (home / "embed.c").write_text(owner.here(code))
    run.append(code)
    owner.follow(commands, **index, PATH=search)
    assert "CERTIFICATE_VERIFY_FAILED" in bare(home / "embed", home=home).err
    owner.follow("certboot init --add company-ca.pem")
    assert bare(home / "embed", home=home).out == "200\n"


def test_a_server_that_an_agent_starts_without_a_shell_goes_by_the_store(initialised: Reader) -> None:
    needs("node")
    (text,) = blocks("MCP servers and agents", "json")
    (server,) = json.loads(text)["mcpServers"].values()
    run.append(text)
    (initialised.home / "server.js").write_text(
        NODE.replace("process.argv[1]", json.dumps(f"https://{initialised.host}/page"))
    )
    command = server["command"].replace("/home/you/venv", str(initialised.environment.folder))
    ran = subprocess.run(
        [command, *server["args"]],
        cwd=initialised.home,
        env={"HOME": str(initialised.home), "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == "ok", ran.stderr


def test_each_tool_s_piece_names_the_store_in_force(initialised: Reader) -> None:
    (lines,) = blocks("Services, compose files, pipelines, editors", "sh")
    ran = initialised.follow(lines)
    pieces = (ran.out, (initialised.home / "compose.override.yaml").read_text())
    assert [piece.count("SSL_CERT_DIR") for piece in pieces] == [5, 1]
    assert ran.err.count("note: ") == 6


def test_a_java_program_trusts_what_is_exported(initialised: Reader) -> None:
    """One that fetches a list of revoked certificates by Java's own trust, and then says that it has got none."""
    needs("keytool")
    fetch = f"keytool -printcrl -file https://{initialised.host}/page || true\n"
    assert "PKIX path building failed" in initialised.follow(fetch).out
    (commands,) = blocks("Java", "sh")
    run.append(commands)
    assert "CRLException" in initialised.follow(commands + fetch).out


def test_the_pod_mounts_the_config_map_that_is_exported(initialised: Reader) -> None:
    (commands,), (pod,) = blocks("Kubernetes", "sh"), blocks("Kubernetes", "yaml")
    initialised.follow(commands)
    made = yaml.safe_load((initialised.home / "ca.yaml").read_text())
    parsed = yaml.safe_load(pod)
    (volume,) = parsed["spec"]["volumes"]
    (container,) = parsed["spec"]["containers"]
    assert volume["configMap"]["name"] == made["metadata"]["name"]
    (key,) = made["data"]
    (mount,) = container["volumeMounts"]
    assert {variable["value"] for variable in container["env"]} == {f"{mount['mountPath']}/{key}"}
    needs("kubectl")
    assert json.loads(read_by("kubectl", "label", "--local", "-f", "-", "-o", "json", "tested=yes", stdin=pod))


def test_what_a_network_drops_gets_through_with_classical_keys(
    initialised: Reader, listen: Listen, ca: trustme.CA, post_quantum: Mapping[str, str]
) -> None:
    (lines,) = blocks("A network that drops post-quantum hellos", "sh")
    (settings,) = blocks("A network that drops post-quantum hellos", "ini")
    assert settings in Path(no_handshake.__file__).with_name("classical.cnf").read_text("utf-8")
    home, environment = initialised.home, initialised.environment
    (home / "classical.cnf").write_text(settings)
    run.append(settings)
    wary = faults.taking_small_hellos(faults.tls(server_context(ca.issue_cert("localhost"))), faults.reset)
    there = Reader(environment, home, listen(wary).shown)
    (home / "existing_script.py").write_text(there.here(SCRIPT))
    variables = {"CURL_CA_BUNDLE": str(home / "company-ca.pem"), **post_quantum}
    there.follow(lines, **variables)
    (code,) = re.findall(r"`(context\.set_ecdh_curve[^`]*)`", RECIPES["A network that drops post-quantum hellos"])
    coded = f"import ssl\ncontext = ssl.create_default_context()\n{code}\n" + SCRIPT.replace(
        "')", "', context=context)"
    )
    (home / "coded.py").write_text(there.here(coded))
    for argv, through in (
        (("python", "coded.py"), True),
        (("python", "existing_script.py"), False),
        (("curl", f"https://{there.host}/"), False),
    ):
        ran = environment.run(*argv, home=home, **variables)
        assert (ran.status == 0, "Connection reset by peer" in ran.err) == (through, not through)


def test_without_a_network_certboot_is_installed_and_active(owner: Reader, wheel: Path) -> None:
    home = owner.home
    fetched, installed = blocks("An air-gapped machine", "sh")
    search = f"{owner.environment.folder / 'bin'}:/usr/bin:/bin"
    owner.follow(fetched, **{**MACHINE, "PATH": search, "PIP_FIND_LINKS": str(wheel.parent)})
    owner.environment.pip("uninstall", "-q", "--yes", "certboot")
    assert not (owner.environment.folder / "bin" / "certboot").exists()
    owner.follow(installed, PIP_CONFIG_FILE=os.devnull)
    assert "hook-active" in owner.environment.run("certboot", "doctor", "hook", "--json", home=home).out


def test_systemd_accepts_the_units_that_a_shell_writes(initialised: Reader) -> None:
    needs("systemd-analyze")
    (commands,) = blocks("A timer for `update`", "sh")
    tools = initialised.home / "tools"
    tools.mkdir()
    (tools / "systemctl").write_text('#!/bin/sh\necho "$@" >> "$HOME/asked"\n')
    (tools / "systemctl").chmod(0o755)
    initialised.follow(f'PATH="{tools}:$PATH"\n{commands}')
    asked = (initialised.home / "asked").read_text().splitlines()
    assert asked == ["--user daemon-reload", "--user enable --now certboot-update.timer"]
    units = sorted((initialised.home / ".config/systemd/user").iterdir())
    assert [unit.name for unit in units] == ["certboot-update.service", "certboot-update.timer"]
    read_by("systemd-analyze", "verify", "--man=no", *units)


def test_a_scan_s_gauges_take_the_place_of_the_last_ones_whole_or_not_at_all(initialised: Reader) -> None:
    home = initialised.home
    (commands,) = blocks("A timer that watches hosts, for Prometheus", "sh")
    service, timer = blocks("A timer that watches hosts, for Prometheus", "ini")
    (rules,) = blocks("A timer that watches hosts, for Prometheus", "yaml")
    (home / "hosts.txt").write_text(f"{initialised.host}\nnobody.test 127.0.0.1:1\n")
    initialised.follow(commands)
    gauges = (home / "certboot.prom").read_text()
    read: Callable[[str], Iterable[Metric]] = parser.text_string_to_metric_families
    families = {family.name: family.samples for family in read(gauges)}
    assert [sample.value for sample in families["certboot_scan_success"]] == [1, 0]
    assert set(re.findall(r"certboot_scan_\w+", rules)) <= set(families)
    argv = shlex.split(re.findall("ExecStart=(.*)", service)[0].replace("$$", "$").replace("%h/venv/bin/", ""))
    (home / "certboot.prom").unlink()
    initialised.follow(shlex.join(argv).replace("%h", str(home)))
    before = (home / "certboot.prom").read_text()
    assert len(before.splitlines()) == len(gauges.splitlines())
    (home / "hosts.txt").write_text("# nobody\n")
    broken = initialised.environment.run("sh", "-euc", initialised.here(commands), home=home)
    assert (broken.status, (home / "certboot.prom").read_text()) == (1, before)
    units = [home / f"certboot-scan.{kind}" for kind in ("service", "timer")]
    for unit, text in zip(units, (service, timer), strict=True):
        unit.write_text(text)
    if shutil.which("promtool"):
        (home / "rules.yml").write_text(rules)
        read_by("promtool", "check", "rules", home / "rules.yml")
    needs("systemd-analyze")
    read_by("systemd-analyze", "verify", "--man=no", *units)


def test_shards_come_to_what_one_scan_says_whoever_starts_them(
    initialised: Reader, serve: Callable[..., TlsServer], ca: trustme.CA
) -> None:
    home = initialised.home
    (job,) = blocks("Many hosts, on many machines", "yaml")
    shell, slurm = blocks("Many hosts, on many machines", "sh")
    hosts = [serve(ca.issue_cert("localhost")).shown for _ in range(4)]
    (home / "hosts.txt").write_text("\n".join(hosts))

    def merged() -> list[str]:
        files = sorted(file.name for file in home.glob("?.jsonl"))
        ran = initialised.environment.run("certboot", "scan", "--file", "hosts.txt", "--merge", *files, home=home)
        assert (ran.status, ran.err) == (0, "4 hosts: 4 good, 0 fail\n")
        return [json.loads(line)["input"] for line in ran.out.splitlines()]

    def lost(number: int) -> None:
        (home / f"{number}.jsonl").unlink()

    assert f'"input":"{hosts[3]}"' in initialised.follow(shell).out
    assert (merged(), len(list(home.glob("*.jsonl")))) == (hosts, 8)
    lost(8)
    initialised.follow(slurm, SLURM_ARRAY_TASK_ID="8")
    assert (merged(), "--array=1-8\n" in slurm) == (hosts, True)
    spec = yaml.safe_load(job)["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    *shell_of_the_pod, command = container["command"]
    assert (shell_of_the_pod, spec["completions"], spec["completionMode"]) == (["sh", "-ec"], 8, "Indexed")
    lost(1)
    initialised.follow(command, JOB_COMPLETION_INDEX="0")
    assert merged() == hosts
    (line,) = re.findall(r"`(parallel [^`]*)`", RECIPES["Many hosts, on many machines"])
    if shutil.which("parallel"):
        for number in range(1, 9):
            lost(number)
        initialised.follow(line)
        assert merged() == hosts
    needs("kubectl")
    assert json.loads(read_by("kubectl", "label", "--local", "-f", "-", "-o", "json", "tested=yes", stdin=job))


def test_a_job_fails_when_a_certificate_ends_within_the_span(
    initialised: Reader, serve: Callable[..., TlsServer], ca: trustme.CA, tmp_path: Path
) -> None:
    (text,) = blocks("Certificates that end, in CI", "yaml")
    workflow = tmp_path / "workflow.yml"
    workflow.write_text(text)
    read_by(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", workflow)
    lines = certboot_lines([step.get("run", "") for step in yaml.safe_load(text)["jobs"]["certificates"]["steps"]])
    soon = serve(ca.issue_cert("localhost", not_after=NOW + 20 * DAY)).shown
    for hosts, status in (((initialised.host,), 0), ((initialised.host, soon), 3)):
        (initialised.home / "hosts.txt").write_text("\n".join(hosts))
        assert initialised.environment.run("sh", "-euc", lines, home=initialised.home).status == status


def test_a_store_of_root_s_serves_who_has_none(owner: Reader) -> None:
    (commands,) = blocks("A shared machine", "sh")
    owner.follow(commands)
    assert owner.reaches()


def test_undone_nothing_is_left(owner: Reader) -> None:
    home = owner.home
    other = Environment(virtualenv(home / "other"))
    owner.follow("certboot init --add company-ca.pem; certboot hook install --python other")
    assert owner.reaches(other)
    (commands,) = blocks("Undo everything", "sh")
    owner.follow(commands)
    assert not list(python_of(other.folder).parents[1].rglob("certboot*"))
    assert not list(owner.environment.folder.rglob("certboot*"))
    assert not (home / ".local" / "share" / "certboot").exists()
