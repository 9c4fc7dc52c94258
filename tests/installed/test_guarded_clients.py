"""The guards of the built wheel in fresh virtualenvs: on every Python, under every way to import, beside neighbours."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import STRICT_VERSIONS, Environment, Ran, make_environment
from support.programs import GET
from support.table import cases
from support.virtualenvs import packages

pytestmark = pytest.mark.slow

OFF = {"CERTBOOT_DISABLE": "1"}
STATES = "import certboot_startup, json; print(json.dumps(certboot_startup.guarded))"
# What a context holds in memory, asked behind the guard's back.
HELD = "super(ssl.SSLContext, ssl.create_default_context()).cert_store_stats()['x509']"
# What all versions have in common is looked at on the oldest and on those with strict rules.
ENDS = pytest.mark.parametrize("any_python", ["3.8", *STRICT_VERSIONS], indirect=True)


def initialised(environment: Environment, ca: trustme.CA, home: Path) -> None:
    ca.cert_pem.write_to_path(str(home / "corp.pem"))
    ran = environment.run("certboot", "init", "--add", "corp.pem", home=home)
    assert ran.status == 0, ran.err


@pytest.fixture(scope="session")
def bundle(current: Path) -> str:
    return str(current / "bundle.pem")


def printed(ran: Ran) -> str:
    assert (ran.status, ran.err) == (0, "")
    return ran.out.rstrip("\n")


def refused(ran: Ran) -> bool:
    return ran.status != 0 and "CERTIFICATE_VERIFY_FAILED" in ran.err


def fetches(environment: Environment, script: str, home: Path, urls: list[str], **variables: str) -> list[object]:
    """Run the script against each server, and return what it printed, or that it refused the certificate."""
    ran = [environment.run("python", "-c", script, url, home=home, **variables) for url in urls]
    return [one.out.strip() if one.status == 0 else ("refused" if refused(one) else one) for one in ran]


def test_the_guards_are_applied_to_ssl_and_to_what_pip_brings(
    any_python: Environment, trusting: Path, bundle: str
) -> None:
    show = "import sys; print([name for name in sys.modules if name in ('ssl', 'certboot_startup.guards')])"
    assert printed(any_python.run("python", "-c", show, home=trusting)) == "[]"  # nobody has asked for them
    script = f"import ssl, pip._vendor.requests, pip._vendor.certifi as c; print(c.where(), {HELD}); {STATES}"
    where, states = printed(any_python.run("python", "-c", script, home=trusting)).split("\n")
    assert where == f"{bundle} 0"
    names = ("ssl", "pip._vendor.requests.sessions", "pip._vendor.certifi.core")
    assert json.loads(states) == dict.fromkeys(names, "applied")
    where, states = printed(any_python.run("python", "-c", script, home=trusting, **OFF)).split("\n")
    assert bundle not in where
    assert not where.endswith(" 0")
    assert json.loads(states) == {}


def test_the_private_ca_is_trusted_and_no_other(
    any_python: Environment, trusting: Path, url: str, unknown_url: str
) -> None:
    def found(script: str, *urls: str, **variables: str) -> list[object]:
        return fetches(any_python, script, trusting, list(urls), PYTHONWARNINGS="ignore", **variables)

    vendored = "import sys, pip._vendor.requests as r; s = r.Session(); s.verify = {}; print(s.get(sys.argv[1]).text)"
    for script in (GET, vendored.format("True")):
        assert found(script, url, unknown_url) == ["ok", "refused"]
        assert found(script, url, **OFF) == ["refused"]
    assert found(vendored.format("False"), unknown_url) == ["ok"]
    assert found(vendored.format("False"), unknown_url, CERTBOOT_GUARDS="none") == ["refused"]


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
def test_the_guards_are_applied_however_the_modules_are_imported(
    any_python: Environment, trusting: Path, bundle: str, way: str
) -> None:
    found = printed(any_python.run("python", "-c", IMPORTS[way] + CHECK, home=trusting))
    assert found == f"{bundle} 0 ['applied']"


LAZILY = {
    "the statement": ((), "lazy import ssl\nlazy from pip._vendor import requests, certifi\n"),
    "the option": (("-X", "lazy_imports=all"), "import ssl\nfrom pip._vendor import requests, certifi\n"),
}
TOUCHED_AT_ONCE = f"""
import sys, threading
assert not {{"ssl", "pip._vendor.certifi"}} & set(sys.modules)
found = []
def touch():
    requests.Session
    found.append((certifi.where(), {HELD}))
threads = [threading.Thread(target=touch) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(found), *set(found), sorted(set(__import__("certboot_startup").guarded.values())))
"""


@pytest.mark.parametrize("any_python", ["3.15"], indirect=True)
@cases("way", LAZILY)
def test_the_guards_are_applied_to_what_is_loaded_when_it_is_first_used(
    any_python: Environment, trusting: Path, bundle: str, url: str, unknown_url: str, way: str
) -> None:
    """PEP 810: on the thread that uses it, and threads may do so at once."""
    flags, imports = LAZILY[way]
    touched = any_python.run("python", *flags, "-c", imports + TOUCHED_AT_ONCE, home=trusting)
    assert printed(touched) == f"8 {(bundle, 0)} ['applied']"
    lazily = {"PYTHON_LAZY_IMPORTS": "all"}
    assert fetches(any_python, GET, trusting, [url, unknown_url], **lazily) == ["ok", "refused"]
    assert fetches(any_python, GET, trusting, [url], **lazily, **OFF) == ["refused"]


IN_ANOTHER = """
try:
    import _interpreters as interpreters
except ImportError:  # before Python 3.13
    import _xxsubinterpreters as interpreters
import sys
failed = interpreters.run_string(interpreters.create(), sys.argv[1])
assert not failed, failed
"""


def test_another_interpreter_of_the_process_is_guarded_too(
    any_python: Environment, trusting: Path, bundle: str
) -> None:
    """Python 3.12 aborts at its end where another one imported ssl first, without certboot too."""
    argv = ("python", "-c", IN_ANOTHER, f"import ssl, sys{CHECK}sys.stdout.flush()")
    with_, without = (any_python.run(*argv, home=trusting, **variables) for variables in ({}, OFF))
    assert (with_.out, with_.status) == (f"{bundle} 0 ['applied']\n", without.status)
    assert not without.out.endswith("['applied']\n")


@ENDS
@cases("method", ["fork", "spawn", "forkserver"])
def test_the_children_of_multiprocessing_are_guarded(
    any_python: Environment, trusting: Path, bundle: str, clean: Path, method: str
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
    assert printed(any_python.run("python", script, home=trusting)) == f"{bundle} 0"


def copied(environment: Environment, folder: Path) -> Environment:
    """Copy a virtualenv, so that a test may change it."""
    shutil.copytree(environment.folder, folder, symlinks=True)
    return Environment(folder)


def test_what_another_start_up_file_has_imported_is_guarded_at_once_and_so_in_a_child(
    any_python: Environment, trusting: Path, bundle: str, tmp_path: Path
) -> None:
    child = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', sys.argv[1]]))"
    found = printed(any_python.run("python", "-c", child, "import ssl" + CHECK, home=trusting))
    assert found == f"{bundle} 0 ['applied']"
    copy = copied(any_python, tmp_path / "venv")
    (packages(copy.folder) / "a_first.pth").write_text("import ssl, pip._vendor.certifi, pip._vendor.requests\n")
    found = printed(copy.run("python", "-c", "import ssl" + CHECK, home=trusting))
    assert found == f"{bundle} 0 ['applied']"


def test_certifi_in_a_zip_file_is_guarded_where_the_importer_can_be(
    any_python: Environment, trusting: Path, bundle: str, clean: Path
) -> None:
    source = packages(any_python.folder) / "pip" / "_vendor" / "certifi"
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
print(type(certifi.core.__loader__).__name__, certifi.contents() == open({bundle!r}).read())
{STATES}
"""
    shown = any_python.run("python", "-c", script, home=clean, XDG_DATA_HOME=str(trusting / ".local" / "share"))
    first, states = printed(shown).split("\n")
    version = printed(any_python.run("python", "-c", "import sys; print(sys.version_info >= (3, 10))", home=trusting))
    guarded = version == "True"
    assert first == f"zipimporter {guarded}"
    state = "applied" if guarded else "stepped aside: its loader has no exec_module"
    assert json.loads(states)["certifi.core"] == state


@ENDS
def test_a_damaged_guards_file_harms_nobody(any_python: Environment, trusting: Path, tmp_path: Path, url: str) -> None:
    copy = copied(any_python, tmp_path / "venv")
    file = packages(copy.folder) / "certboot_startup" / "guards.py"
    for damage in ("def broken(:", "1 / 0", "raise ImportError", "", None):
        shutil.rmtree(file.parent / "__pycache__", ignore_errors=True)
        file.unlink() if damage is None else file.write_text(damage)
        said = fetches(copy, f"{GET}\n{STATES}", trusting, [url])[0]
        answer, states = str(said).split("\n")
        assert (answer, json.loads(states)["ssl"][:15]) == ("ok", "stepped aside: "), damage


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
def test_clients_trust_the_store_and_no_other_whoever_changes_ssl_before_and_a_session_s_own_choice_decides(
    environment: Environment, trusting: Path, both: list[str], unknown_url: str, own: Path, before: str
) -> None:
    """All of them in one program: none of them may spoil it for the next."""
    script = f"{BEFORE[before]}\n{ALL.format(clients=CLIENTS)}"
    for url, off, expected in ((both[1], {}, "ok"), (unknown_url, {}, "refused"), (both[1], OFF, "refused")):
        ran = environment.run("python", "-c", script, f"{url}/page", home=trusting, **off)
        assert printed(ran).split("\n") == [expected] * len(CLIENTS)
    script = f"{BEFORE[before]}import requests, sys; s = requests.Session(); s.verify = {str(own / 'own.pem')!r};"
    assert fetches(environment, f"{script}print(s.get(sys.argv[1]).text)", trusting, [f"{both[0]}/page"]) == ["ok"]


NEIGHBOURS = {
    "niquests": (
        "import niquests, sys; print(niquests.get(sys.argv[1]).text)",
        "import niquests, requests, sys; print(requests.get(sys.argv[1]).text)",
    ),
    "pip-system-certs": (CLIENTS["requests"], GET),
}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_beside_a_package_that_has_a_start_up_file_of_its_own(
    wheel: Path, trusting: Path, url: str, unknown_url: str, tmp_path: Path, name: str
) -> None:
    neighbour = make_environment(tmp_path / "venv", wheel, name, "requests", "pip")
    for script in NEIGHBOURS[name]:
        assert fetches(neighbour, script, trusting, [url, unknown_url]) == ["ok", "refused"]
        assert fetches(neighbour, script, trusting, [url], **OFF) == ["refused"]
    script = f"import ssl, certifi, requests; {STATES}"
    states = json.loads(printed(neighbour.run("python", "-c", script, home=trusting)).split("\n")[-1])
    assert {states[name] for name in ("ssl", "certifi.core", "requests.sessions")} == {"applied"}


def test_certifi_names_our_bundle_and_has_its_own_file_as_a_resource_and_for_certboot(
    environment: Environment, trusting: Path, bundle: str
) -> None:
    """Otherwise the store would feed itself, and the user's own CA be taken for one of Mozilla's."""
    own = str(packages(environment.folder) / "certifi" / "cacert.pem")
    assert printed(environment.run("python", "-m", "certifi", home=trusting)) == bundle
    assert printed(environment.run("python", "-m", "certifi", home=trusting, **OFF)) == own
    contents = environment.run("python", "-m", "certifi", "-c", home=trusting)
    assert printed(contents) == Path(bundle).read_text("ascii").rstrip("\n")
    script = "import certifi; from importlib.resources import files; print(files('certifi') / 'cacert.pem')"
    assert printed(environment.run("python", "-c", script, home=trusting)) == own
    script = "import certifi; from certboot.sources import certifi as source; print(source.path(), certifi.where())"
    assert printed(environment.run("python", "-c", script, home=trusting)) == f"{own} {bundle}"


def test_python_m_requests_help_tells_the_same_as_without(environment: Environment, trusting: Path) -> None:
    with_, without = (environment.run("python", "-m", "requests.help", home=trusting, **off) for off in ({}, OFF))
    assert printed(with_) == printed(without) != ""


def test_a_second_init_changes_nothing_and_what_is_appended_to_the_file_that_certifi_names_is_trusted_as_ever(
    environment: Environment, ca: trustme.CA, clean: Path, serving: Callable[[trustme.CA], str]
) -> None:
    """The recipe of many a wiki page: it holds until the next update, as certifi's own file does."""
    initialised(environment, ca, clean)
    manifest = clean / ".local" / "share" / "certboot" / "current" / "manifest.json"
    before = manifest.read_bytes()
    initialised(environment, ca, clean)
    assert manifest.read_bytes() == before
    own = trustme.CA()
    own.cert_pem.write_to_path(str(clean / "own.pem"))
    url = f"{serving(own)}/page"
    scripts = [CLIENTS[name] for name in ("requests", "httpx", "certifi")]
    assert [fetches(environment, script, clean, [url]) for script in scripts] == [["refused"]] * 3
    recipe = f'cat own.pem >> "$({environment.python} -m certifi)"'
    subprocess.run(["/bin/sh", "-c", recipe], cwd=clean, env={"HOME": str(clean)}, check=True)
    assert [fetches(environment, script, clean, [url]) for script in scripts] == [["ok"]] * 3
    (takes_in,) = re.findall(
        r"trusted; certboot (trust \S+) takes", environment.run("certboot", "update", home=clean).out
    )
    assert [fetches(environment, script, clean, [url]) for script in scripts] == [["refused"]] * 3
    assert environment.run("certboot", *takes_in.split(), "--yes", home=clean).status == 0
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
REWRITTEN = "import pytest\npytest.register_assert_rewrite('certifi', 'requests')\n"
COVERED = ["coverage", "run", "--source=.,certboot_startup", "-m", "pytest"]


@cases(
    ("runner", "conftest", "script"),
    [(["pytest"], "", PYTEST), (COVERED, "", PYTEST),
     (["pytest"], REWRITTEN, "import certifi, requests\ndef test_it():\n    assert certifi.where()\n")],
    ids=["pytest", "coverage", "a plugin that rewrites requests for its assertions"],
)  # fmt: skip
def test_under_pytest_and_coverage_the_modules_are_guarded(
    environment: Environment, bundle: str, clean: Path, runner: list[str], conftest: str, script: str
) -> None:
    (clean / "conftest.py").write_text(conftest)
    (clean / "test_it.py").write_text(script.format(bundle=bundle))
    share = str(Path(bundle).parents[2])
    ran = environment.run("python", "-m", *runner, "-q", "--assert=rewrite", home=clean, XDG_DATA_HOME=share)
    assert (ran.status, " passed" in ran.out) == (0, True), ran.out + ran.err
