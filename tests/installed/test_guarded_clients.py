"""The guards of the built wheel in fresh virtualenvs: on every Python, under every way to import, beside neighbours."""

from __future__ import annotations

import json
import shutil
import subprocess
import typing
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import Environment, Ran, built_once, find_python, installer, make_environment

if typing.TYPE_CHECKING:
    from support.server import TlsServer
from support.table import cases

pytestmark = pytest.mark.slow

OFF = {"CERTBOOT_DISABLE": "1"}
STATES = "import certboot_startup, json; print(json.dumps(certboot_startup.guarded))"
# What a context holds in memory, asked behind the guard's back.
HELD = "super(ssl.SSLContext, ssl.create_default_context()).cert_store_stats()['x509']"
GET = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"


def site_packages(environment: Environment) -> Path:
    (found,) = environment.folder.glob("lib/python*/site-packages")
    return found


@pytest.fixture(scope="session", params=["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def any_python(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A virtualenv as it comes, with pip's vendored requests and certifi, and the hook copied from the wheel."""
    python = find_python(request.param)

    def build(folder: Path) -> None:
        installer(python, "-m", "venv", folder)
        with zipfile.ZipFile(wheel) as archive:
            hook = [name for name in archive.namelist() if name.startswith("certboot_startup")]
            archive.extractall(site_packages(Environment(folder)), hook)

    return Environment(built_once(tmp_path_factory, f"guards-{request.param}", build))


# What all versions have in common is looked at on the oldest and the newest.
ENDS = pytest.mark.parametrize("any_python", ["3.8", "3.13"], indirect=True)


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A virtualenv with certboot, clients, and those who change ``ssl`` or imports themselves."""
    beside = ("requests", "httpx", "truststore", "gevent", "coverage", "pytest", "pip")
    build = lambda folder: make_environment(folder, wheel, *beside)  # noqa: E731
    return Environment(built_once(tmp_path_factory, "guards-beside", build))


@pytest.fixture(scope="session")
def home(installed: Environment, ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A HOME whose user ran ``certboot init --add`` with the private CA. Not to be changed."""
    folder = tmp_path_factory.mktemp("guards-home")
    folder.chmod(0o755)  # in a home of root's that nobody else may enter, the bundle is read
    initialised(installed, ca, folder)
    return folder


def initialised(installed: Environment, ca: trustme.CA, home: Path) -> None:
    ca.cert_pem.write_to_path(str(home / "corp.pem"))
    ran = installed.run("certboot", "init", "--add", "corp.pem", home=home)
    assert ran.status == 0, ran.err


@pytest.fixture
def url(serve: Callable[..., TlsServer], ca: trustme.CA) -> str:
    return serve(ca.create_child_ca().issue_cert("localhost")).url


@pytest.fixture
def unknown_url(serve: Callable[..., TlsServer]) -> str:
    return serve(trustme.CA().create_child_ca().issue_cert("localhost")).url


def bundle(home: Path) -> str:
    return str(home / ".local" / "share" / "certboot" / "current" / "bundle.pem")


def printed(ran: Ran) -> str:
    assert (ran.status, ran.err) == (0, "")
    return ran.out.rstrip("\n")


def refused(ran: Ran) -> bool:
    return ran.status != 0 and "CERTIFICATE_VERIFY_FAILED" in ran.err


def fetches(environment: Environment, script: str, home: Path, urls: list[str], **variables: str) -> list[object]:
    """Run the script against each server, and return what it printed, or that it refused the certificate."""
    ran = [environment.run("python", "-c", script, url, home=home, **variables) for url in urls]
    return [one.out.strip() if one.status == 0 else ("refused" if refused(one) else one) for one in ran]


def test_nothing_is_loaded_by_a_program_that_imports_nothing_of_it(any_python: Environment, home: Path) -> None:
    show = "import sys; print([name for name in sys.modules if name in ('ssl', 'certboot_startup.guards')])"
    assert printed(any_python.run("python", "-c", show, home=home)) == "[]"


def test_the_guards_are_applied_to_ssl_and_to_what_pip_brings(any_python: Environment, home: Path) -> None:
    script = f"import ssl, pip._vendor.requests, pip._vendor.certifi as c; print(c.where(), {HELD}); {STATES}"
    where, states = printed(any_python.run("python", "-c", script, home=home)).split("\n")
    assert where == f"{bundle(home)} 0"
    names = ("ssl", "pip._vendor.requests.sessions", "pip._vendor.certifi.core")
    assert json.loads(states) == dict.fromkeys(names, "applied")
    where, states = printed(any_python.run("python", "-c", script, home=home, **OFF)).split("\n")
    assert bundle(home) not in where
    assert not where.endswith(" 0")
    assert json.loads(states) == {}


def test_the_private_ca_is_trusted_and_no_other(
    any_python: Environment, home: Path, url: str, unknown_url: str
) -> None:
    both = [url, unknown_url]
    assert fetches(any_python, GET, home, both) == ["ok", "refused"]
    assert fetches(any_python, GET, home, both, **OFF) == ["refused", "refused"]
    vendored = "import sys, pip._vendor.requests as r; print(r.get(sys.argv[1]).text)"
    assert fetches(any_python, vendored, home, both) == ["ok", "refused"]
    assert fetches(any_python, vendored, home, both, **OFF) == ["refused", "refused"]
    chosen = "import sys, pip._vendor.requests as r; s = r.Session(); s.verify = {}; print(s.get(sys.argv[1]).text)"
    quiet = {"PYTHONWARNINGS": "ignore"}
    assert fetches(any_python, chosen.format("False"), home, both, **quiet) == ["ok", "ok"]
    assert fetches(any_python, chosen.format("False"), home, both, CERTBOOT_GUARDS="none", **quiet) == ["ok", "refused"]


IMPORTS = {
    "reload": """
import importlib, ssl, pip._vendor.certifi.core as core, pip._vendor.requests.sessions as sessions
for _ in range(2):
    for module in (ssl, core, sessions):
        importlib.reload(module)
""",
    "lazy": """
import importlib.util, sys
for name in ("ssl", "pip._vendor.requests.sessions"):
    spec = importlib.util.find_spec(name)
    if name in sys.modules:
        del sys.modules[name]
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
import ssl
ssl.SSLContext
sys.modules["pip._vendor.requests.sessions"].Session
import pip._vendor.certifi
""",
    "threads": """
import threading
def work():
    import ssl, pip._vendor.certifi, pip._vendor.requests
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
import ssl
""",
    "deleted and imported again": """
import sys, ssl, pip._vendor.certifi, pip._vendor.requests.sessions
for name in ("ssl", "pip._vendor.certifi.core", "pip._vendor.certifi"):
    del sys.modules[name]
import ssl, pip._vendor.certifi
""",
    "the hook itself deleted": """
import sys
[sys.modules.pop(name) for name in list(sys.modules) if name.startswith("certboot_startup")]
import ssl, pip._vendor.certifi
[sys.modules.pop(name) for name in list(sys.modules) if name.startswith("certboot_startup")]
""",
    "a finder that wraps loaders": """
import importlib.machinery, importlib.util, sys
class Loader:
    def __init__(self, loader): self.loader = loader
    def create_module(self, spec): return self.loader.create_module(spec)
    def exec_module(self, module): self.loader.exec_module(module)
class Finder:
    busy = set()
    def find_spec(self, name, path=None, target=None):
        if name in self.busy: return None
        self.busy.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.busy.discard(name)
        if spec and spec.loader: spec.loader = Loader(spec.loader)
        return spec
sys.meta_path.insert(0, Finder())
import ssl, pip._vendor.certifi, pip._vendor.requests.sessions
""",
}
CHECK = f"""
import pip._vendor.requests.sessions, pip._vendor.certifi as certifi
print(certifi.where(), {HELD}, sorted(set(__import__("certboot_startup").guarded.values())))
"""


@cases("way", IMPORTS)
def test_the_guards_are_applied_however_the_modules_are_imported(any_python: Environment, home: Path, way: str) -> None:
    found = printed(any_python.run("python", "-c", IMPORTS[way] + CHECK, home=home))
    assert found == f"{bundle(home)} 0 ['applied']"


@ENDS
@cases("flags", [["-I"], ["-E"], ["-s"], ["-B"], ["-OO"], ["-v"], ["-X", "importtime"], ["-X", "dev"]])
def test_the_guards_are_applied_under_every_flag(any_python: Environment, home: Path, flags: list[str]) -> None:
    ran = any_python.run("python", *flags, "-c", "import ssl" + CHECK, home=home)
    assert (ran.status, ran.out.rstrip("\n")) == (0, f"{bundle(home)} 0 ['applied']"), ran.err


@ENDS
@cases("method", ["fork", "spawn", "forkserver"])
def test_the_children_of_multiprocessing_are_guarded(
    any_python: Environment, home: Path, clean: Path, method: str
) -> None:
    script = clean / "parent.py"
    script.write_text(f"""
import multiprocessing
def work(out):
    import ssl, pip._vendor.certifi as certifi
    out.put((certifi.where(), {HELD}))
if __name__ == "__main__":
    import ssl
    context = multiprocessing.get_context({method!r})
    out = context.Queue()
    child = context.Process(target=work, args=(out,))
    child.start()
    print(*out.get(timeout=60))
    child.join()
""")
    assert printed(any_python.run("python", script, home=home)) == f"{bundle(home)} 0"


def test_a_child_that_inherits_the_variables_is_guarded_too(any_python: Environment, home: Path) -> None:
    child = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', sys.argv[1]]))"
    found = printed(any_python.run("python", "-c", child, "import ssl" + CHECK, home=home))
    assert found == f"{bundle(home)} 0 ['applied']"


def test_what_another_start_up_file_has_imported_is_guarded_at_once(
    any_python: Environment, home: Path, tmp_path: Path
) -> None:
    copy = Environment(tmp_path / "venv")
    shutil.copytree(any_python.folder, copy.folder, symlinks=True)
    (site_packages(copy) / "a_first.pth").write_text("import ssl, pip._vendor.certifi, pip._vendor.requests\n")
    found = printed(copy.run("python", "-c", "import ssl" + CHECK, home=home))
    assert found == f"{bundle(home)} 0 ['applied']"


def test_certifi_in_a_zip_file_is_guarded_where_the_importer_can_be(
    any_python: Environment, home: Path, clean: Path
) -> None:
    source = site_packages(any_python) / "pip" / "_vendor" / "certifi"
    with zipfile.ZipFile(clean / "certifi.zip", "w") as archive:
        for path in source.iterdir():
            if path.is_file():
                archive.write(path, f"zipped/{path.name}")
        archive.write(source / "core.py", "certifi/core.py")
        archive.writestr("certifi/__init__.py", "from .core import contents, where\n")
        archive.write(source / "cacert.pem", "certifi/cacert.pem")
    script = f"""
import sys
sys.path.insert(0, "certifi.zip")
import certifi
print(type(certifi.core.__loader__).__name__, certifi.contents() == open({bundle(home)!r}).read())
{STATES}
"""
    shown = any_python.run("python", "-c", script, home=clean, XDG_DATA_HOME=str(home / ".local" / "share"))
    first, states = printed(shown).split("\n")
    version = printed(any_python.run("python", "-c", "import sys; print(sys.version_info >= (3, 10))", home=home))
    guarded = version == "True"
    assert first == f"zipimporter {guarded}"
    state = "applied" if guarded else "stepped aside: its loader has no exec_module"
    assert json.loads(states)["certifi.core"] == state


@ENDS
@cases("damage", ["def broken(:", "1 / 0", "raise ImportError", "", None])
def test_a_damaged_guards_file_harms_nobody(
    any_python: Environment, home: Path, tmp_path: Path, url: str, damage: str | None
) -> None:
    copy = Environment(tmp_path / "venv")
    shutil.copytree(any_python.folder, copy.folder, symlinks=True)
    file = site_packages(copy) / "certboot_startup" / "guards.py"
    shutil.rmtree(file.parent / "__pycache__", ignore_errors=True)
    file.unlink() if damage is None else file.write_text(damage)
    assert fetches(copy, GET, home, [url]) == ["ok"]
    states = json.loads(printed(copy.run("python", "-c", f"import ssl; {STATES}", home=home)))
    assert states["ssl"].startswith("stepped aside: ")


@cases(("switches", "applied"), [("ssl", ["ssl"]), ("certifi,nonsense", ["certifi.core"]), ("", [])])
def test_the_guards_are_chosen_by_variable(
    environment: Environment, home: Path, switches: str, applied: list[str]
) -> None:
    script = f"import requests; {STATES}"
    found = json.loads(printed(environment.run("python", "-c", script, home=home, CERTBOOT_GUARDS=switches)))
    assert found == dict.fromkeys(applied, "applied")


def test_the_guards_are_chosen_in_config_toml_and_the_variable_goes_before_it(
    environment: Environment, ca: trustme.CA, clean: Path
) -> None:
    initialised(environment, ca, clean)
    config = clean / ".local" / "share" / "certboot" / "config.toml"
    script = f"import requests; {STATES}"
    for text, expected in (
        ('guards = ["certifi", "ssl"]\n', {"certifi.core", "ssl"}),
        ("guards = []\n", set()),
        ("", {"ssl", "certifi.core", "requests.sessions"}),
    ):
        config.write_text(text)
        assert environment.run("certboot", "update", home=clean).status == 0
        shown = printed(environment.run("python", "-c", f"import os; print([*os.environ]); {script}", home=clean))
        variables, states = shown.split("\n")
        assert "CERTBOOT_GUARDS" not in variables
        assert set(json.loads(states)) == expected
        chosen = environment.run("python", "-c", script, home=clean, CERTBOOT_GUARDS="requests")
        assert json.loads(printed(chosen)) == {"requests.sessions": "applied"}


CLIENTS = {
    "requests": "import requests, sys; print(requests.get(sys.argv[1]).text)",
    "requests, prepared": "import requests, sys; s = requests.Session();"
    "print(s.send(s.prepare_request(requests.Request('GET', sys.argv[1]))).text)",
    "httpx": "import httpx, sys; print(httpx.get(sys.argv[1]).text)",
    "urllib": GET,
    "certifi": "import certifi, ssl, sys, urllib.request;"
    "context = ssl.create_default_context(cafile=certifi.where());"
    "print(urllib.request.urlopen(sys.argv[1], context=context).read().decode())",
    "certifi, contents": "import certifi, ssl, sys, urllib.request;"
    "context = ssl.create_default_context(cadata=certifi.contents());"
    "print(urllib.request.urlopen(sys.argv[1], context=context).read().decode())",
}
INJECTED = "import truststore; truststore.inject_into_ssl();"
BEFORE = {
    "nothing": "",
    "truststore": INJECTED,
    "truststore after requests": f"import requests; {INJECTED}",
    "truststore taken back": f"{INJECTED} truststore.extract_from_ssl();",
    "gevent": "from gevent import monkey; monkey.patch_all();",
    "pip's truststore": "from pip._vendor import truststore; truststore.inject_into_ssl();",
}


ALL = """
import sys
for name, script in {clients!r}.items():
    try:
        exec(script, {{}})
    except Exception as error:
        print("refused" if "CERTIFICATE_VERIFY_FAILED" in str(error) else repr(error))
"""


@pytest.mark.parametrize("before", BEFORE)
def test_clients_trust_the_store_and_no_other_whoever_changes_ssl_before(
    environment: Environment, home: Path, url: str, unknown_url: str, before: str
) -> None:
    """All of them in one program: none of them may spoil it for the next."""
    script = f"{BEFORE[before]}\n{ALL.format(clients=CLIENTS)}"

    def outcomes(url: str, **variables: str) -> list[str]:
        return printed(environment.run("python", "-c", script, url, home=home, **variables)).split("\n")

    assert outcomes(url) == ["ok"] * len(CLIENTS)
    for refused_url, off in ((unknown_url, {}), (url, OFF), (unknown_url, OFF)):
        assert outcomes(refused_url, **off) == ["refused"] * len(CLIENTS)


@pytest.mark.parametrize("before", BEFORE)
def test_a_session_s_own_choice_decides_whoever_changes_ssl_before(
    environment: Environment, home: Path, serve: Callable[..., TlsServer], clean: Path, before: str
) -> None:
    own = trustme.CA()
    own.cert_pem.write_to_path(str(clean / "own.pem"))
    url = serve(own.create_child_ca().issue_cert("localhost")).url
    script = f"{BEFORE[before]}import requests, sys; s = requests.Session(); s.verify = {str(clean / 'own.pem')!r};"
    assert fetches(environment, f"{script}print(s.get(sys.argv[1]).text)", home, [url]) == ["ok"]


NEIGHBOURS = {
    "niquests": (
        "import niquests, sys; print(niquests.get(sys.argv[1]).text)",
        "import niquests, requests, sys; print(requests.get(sys.argv[1]).text)",
    ),
    "pip-system-certs": (CLIENTS["requests"], GET),
}


@pytest.fixture(scope="session", params=NEIGHBOURS)
def neighbour(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A virtualenv with certboot and a package that has a start-up file of its own."""
    build = lambda folder: make_environment(folder, wheel, request.param, "requests", "pip")  # noqa: E731
    return Environment(built_once(tmp_path_factory, f"guards-{request.param}", build))


def test_beside_a_package_that_acts_at_the_start_too(
    neighbour: Environment, home: Path, url: str, unknown_url: str
) -> None:
    for script in NEIGHBOURS[neighbour.folder.name.removeprefix("guards-")]:
        assert fetches(neighbour, script, home, [url, unknown_url]) == ["ok", "refused"]
        assert fetches(neighbour, script, home, [url, unknown_url], **OFF) == ["refused", "refused"]
    script = f"import ssl, certifi, requests; {STATES}"
    states = json.loads(printed(neighbour.run("python", "-c", script, home=home)).split("\n")[-1])
    assert {states[name] for name in ("ssl", "certifi.core", "requests.sessions")} == {"applied"}


def test_python_m_certifi_names_our_bundle(environment: Environment, home: Path) -> None:
    own = site_packages(environment) / "certifi" / "cacert.pem"
    assert printed(environment.run("python", "-m", "certifi", home=home)) == bundle(home)
    assert printed(environment.run("python", "-m", "certifi", home=home, **OFF)) == str(own)
    contents = environment.run("python", "-m", "certifi", "-c", home=home)
    assert printed(contents) == Path(bundle(home)).read_text("ascii").rstrip("\n")


def test_python_m_requests_help_tells_the_same_as_without(environment: Environment, home: Path) -> None:
    with_, without = (environment.run("python", "-m", "requests.help", home=home, **off) for off in ({}, OFF))
    assert printed(with_) == printed(without) != ""


def test_certifi_s_resources_are_those_of_the_package(environment: Environment, home: Path) -> None:
    script = "import certifi; from importlib.resources import files; print(files('certifi') / 'cacert.pem')"
    own = site_packages(environment) / "certifi" / "cacert.pem"
    assert printed(environment.run("python", "-c", script, home=home)) == str(own)


def test_certboot_itself_reads_certifi_s_own_file(environment: Environment, home: Path) -> None:
    """Otherwise the store would feed itself, and the user's own CA be taken for one of Mozilla's."""
    script = "import certifi; from certboot.sources import certifi as source; print(source.path(), certifi.where())"
    own = site_packages(environment) / "certifi" / "cacert.pem"
    assert printed(environment.run("python", "-c", script, home=home)) == f"{own} {bundle(home)}"


def test_a_second_init_under_the_hook_changes_nothing(environment: Environment, ca: trustme.CA, clean: Path) -> None:
    initialised(environment, ca, clean)
    before = Path(bundle(clean)).parent.joinpath("manifest.json").read_bytes()
    initialised(environment, ca, clean)
    assert Path(bundle(clean)).parent.joinpath("manifest.json").read_bytes() == before


def test_what_is_appended_to_the_file_that_certifi_names_is_trusted_as_ever(
    environment: Environment, ca: trustme.CA, clean: Path, serve: Callable[..., TlsServer]
) -> None:
    """The recipe of many a wiki page."""
    initialised(environment, ca, clean)
    own = trustme.CA()
    own.cert_pem.write_to_path(str(clean / "own.pem"))
    url = serve(own.create_child_ca().issue_cert("localhost")).url
    scripts = [CLIENTS[name] for name in ("requests", "httpx", "certifi")]
    assert [fetches(environment, script, clean, [url]) for script in scripts] == [["refused"]] * 3
    recipe = f'cat own.pem >> "$({environment.python} -m certifi)"'
    environ = {"HOME": str(clean)}
    subprocess.run(["/bin/sh", "-c", recipe], cwd=clean, env=environ, check=True)
    assert [fetches(environment, script, clean, [url]) for script in scripts] == [["ok"]] * 3


PYTEST = """
import certifi, requests, ssl

def test_it(monkeypatch):
    monkeypatch.setattr(certifi, "where", lambda: "/elsewhere")
    assert certifi.where() == "/elsewhere"

def test_that():
    assert certifi.where() == {bundle!r}
    assert super(ssl.SSLContext, ssl.create_default_context()).cert_store_stats()["x509"] == 0
    import certboot_startup
    assert set(certboot_startup.guarded.values()) == {{"applied"}}
"""


@pytest.mark.parametrize("runner", [["pytest"], ["coverage", "run", "--source=.,certboot_startup", "-m", "pytest"]])
def test_under_pytest_and_coverage(environment: Environment, home: Path, clean: Path, runner: list[str]) -> None:
    (clean / "test_it.py").write_text(PYTEST.format(bundle=bundle(home)))
    share = str(home / ".local" / "share")
    ran = environment.run("python", "-m", *runner, "-q", "--assert=rewrite", home=clean, XDG_DATA_HOME=share)
    assert (ran.status, "2 passed" in ran.out) == (0, True), ran.out + ran.err


def test_a_plugin_that_rewrites_requests_for_its_assertions_still_gets_a_guarded_one(
    environment: Environment, home: Path, clean: Path
) -> None:
    (clean / "conftest.py").write_text("import pytest\npytest.register_assert_rewrite('certifi', 'requests')\n")
    (clean / "test_it.py").write_text("import certifi, requests\ndef test_it():\n    assert certifi.where()\n")
    share = str(home / ".local" / "share")
    ran = environment.run("python", "-m", "pytest", "-q", home=clean, XDG_DATA_HOME=share)
    assert (ran.status, "1 passed" in ran.out) == (0, True), ran.out + ran.err
