from __future__ import annotations

from pathlib import Path

from support.table import cases

from certboot.clients import table
from certboot.clients.installed import present_clients
from certboot.clients.table import CLIENTS, Client, Place, places, readers
from certboot.clients.variables import BY_NAME, DIRECTORY, VARIABLES
from certboot_startup import DIRECTORIES, HOLDS_BACK

# Variables of clients that certboot does not set: it reaches the client by another, or not at all.
FOREIGN = {"npm_config_cafile", "PRIMP_CA_BUNDLE"}
# It loads the directory that SSL_CERT_DIR names as if it were a file.
ODD = {("opensearch-py", "SSL_CERT_DIR")}


def variables(client: Client) -> list[Place]:
    return [place for place in places(client) if not place.setting]


def test_names_are_unique_but_for_what_changed_with_a_version() -> None:
    assert len({(client.name, client.versions.since) for client in CLIENTS}) == len(CLIENTS)
    for client in CLIENTS:
        if client.versions.before:
            (later,) = (each for each in CLIENTS if each.name == client.name and each != client)
            assert (later.versions.since, later.versions.before, later.needs) == (
                client.versions.before,
                (),
                client.needs,
            )


def test_a_client_is_found_by_its_distributions_or_on_path_or_comes_with_python() -> None:
    assert [client.name for client in CLIENTS if not client.needs and not client.program] == ["urllib"]
    assert not [client.name for client in CLIENTS if client.needs and client.program]
    assert {client.moment for client in CLIENTS} == {table.IMPORT, table.SESSION, table.REQUEST}


def test_every_variable_that_certboot_can_set_has_a_reader_in_the_table() -> None:
    assert [variable.name for variable in VARIABLES if not readers(variable.name)] == []
    assert readers("GIT_SSL_CAINFO") == ("git",)
    assert {place.name for client in CLIENTS for place in variables(client)} - BY_NAME.keys() == FOREIGN


def test_each_client_is_given_what_it_takes() -> None:
    wrong = {
        (client.name, place.name)
        for client in CLIENTS
        for place in variables(client)
        if place.name in BY_NAME and place.form not in (BY_NAME[place.name].form, table.EITHER, table.LOOKED_UP)
    }
    assert wrong == ODD
    assert {variable.name for variable in VARIABLES if variable.form == DIRECTORY} == set(DIRECTORIES)


ON = {variable.name for variable in VARIABLES if variable.default}


def test_a_variable_that_is_off_reaches_no_further_client_of_the_table() -> None:
    """Each of its readers reads one that is on."""
    for client in CLIENTS:
        read = {place.name for place in variables(client)}
        assert ON & read or not read & BY_NAME.keys(), client.name


@cases("variable", ON)
def test_without_a_variable_that_is_on_some_client_would_be_lost(variable: str) -> None:
    """SSL_CERT_DIR reaches nobody that SSL_CERT_FILE does not, without which it never stands.

    It is there because it is quick, and has the intermediates.
    """
    others = ON - ({variable, "SSL_CERT_DIR"} if variable == "SSL_CERT_FILE" else {variable})
    lost = [client for client in CLIENTS if client.name in readers(variable)]
    lost = [client for client in lost if not others & {place.name for place in variables(client)}]
    assert bool(lost) == (variable != "SSL_CERT_DIR")


def test_variables_that_hold_each_other_back_have_a_reader_in_common() -> None:
    for held, holder in HOLDS_BACK.items():
        assert set(readers(held)) & set(readers(holder))


def test_what_no_variable_reaches_is_known() -> None:
    unreached = {client.name for client in CLIENTS if not {place.name for place in variables(client)} & BY_NAME.keys()}
    assert unreached == {"google-auth on urllib3", "pycurl", "rnet", "wget", "wreq", "confluent-kafka"}
    by_guard = {
        client.name for client in CLIENTS if any(choice.otherwise == table.CERTIFI for choice in client.choices)
    }
    assert "google-auth on urllib3" in by_guard
    assert not {client.name for client in CLIENTS if client.program} & by_guard - {"AWS CLI"}


def test_only_a_list_of_its_own_is_switched_off() -> None:
    for client in CLIENTS:
        if client.switches:
            assert table.OWN in {choice.otherwise for choice in client.choices}


# Presence


def test_distributions_are_known_by_their_normalized_names(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, names in (
        (first, "google_auth-2.63.0.dist-info requests-2.34.2.dist-info Twisted-26.10.0.dist-info"),
        (second, "requests-1.0.dist-info pyOpenSSL-26.4.0-py3.11.egg-info curl-cffi-0.17.0.dist-info pip-info"),
    ):
        for name in names.split():
            (folder / name).mkdir(parents=True)
    (second / "urllib3-2.8.0.egg-info").touch()
    environ = {"PATH": str(tmp_path)}
    found = present_clients(environ, [str(first), str(tmp_path / "none"), str(second)])
    assert {client.name: version for client, version in found.items() if client.name != "urllib"} == {
        "requests": "2.34.2", "google-auth on requests": "2.63.0", "curl_cffi": "0.17.0", "urllib3": "2.8.0",
        "Twisted": "26.10.0",
    }  # fmt: skip


@cases(("version", "choices"), [("23.2.1", 1), ("24.2", 4), ("24.1.2", 1), ("26.3", 4), ("9", 1)])
def test_the_version_decides_where_a_client_has_changed(tmp_path: Path, version: str, choices: int) -> None:
    (tmp_path / f"pip-{version}.dist-info").mkdir()
    _, pip = sorted(present_clients({"PATH": ""}, [str(tmp_path)]), key=lambda client: client.name == "pip")
    assert len(pip.choices) == choices


def test_programs_are_found_on_path_only(tmp_path: Path) -> None:
    (tmp_path / "uv").write_text("#!/bin/sh\n")
    assert [client.name for client in present_clients({"PATH": str(tmp_path)}, [])] == ["urllib"]
    (tmp_path / "uv").chmod(0o755)
    found = {client.name: where for client, where in present_clients({"PATH": str(tmp_path)}, []).items()}
    assert found.keys() == {"urllib", "uv"}
    assert found["uv"] == str(tmp_path / "uv")


def test_the_versions_are_those_that_importlib_finds() -> None:
    from importlib.metadata import PackageNotFoundError, version

    expected: dict[str, str] = {}
    for client in CLIENTS:
        try:
            versions = [version(name) for name in client.needs]
        except PackageNotFoundError:
            continue
        if versions:
            expected.setdefault(client.name, versions[0])
    found = {client.name: each for client, each in present_clients({"PATH": ""}).items() if client.needs}
    assert found == expected
