"""ConfigMap and trust-manager's Bundle, and what they share."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Callable

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.exported import fingerprints, hostile, of
from support.table import cases

from certboot.errors import CertbootError, printable
from certboot.store.export import kubernetes
from certboot.store.export.kubernetes import configmap, trust_manager
from certboot.store.export.pem import pem_bundle

Exporter = Callable[..., bytes]
both = pytest.mark.parametrize("exporter", [configmap, trust_manager])
BUNDLE = pem_bundle(hostile()).decode()


def test_a_config_map_has_the_bundle_under_its_key_and_can_be_of_a_namespace() -> None:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cas"}, "data": {"ca-bundle.crt": BUNDLE}}
    assert yaml.safe_load(configmap(hostile(), "cas")) == document
    document["metadata"] = {"name": "cas", "namespace": "team-a"}
    assert yaml.safe_load(configmap(hostile(), "cas", "team-a")) == document
    assert fingerprints(BUNDLE) == of(hostile())


def test_a_bundle_has_one_kind_of_source_in_each_item_and_is_of_the_cluster_but_its_target_can_be_one_namespace() -> (
    None
):
    """As trust-manager's CustomResourceDefinition and its webhook want it (v1alpha1)."""
    target: dict[str, object] = {"configMap": {"key": "ca-bundle.crt"}}
    document = {
        "apiVersion": "trust.cert-manager.io/v1alpha1", "kind": "Bundle", "metadata": {"name": "cas"},
        "spec": {"sources": [{"useDefaultCAs": False}, {"inLine": BUNDLE}], "target": target},
    }  # fmt: skip
    assert yaml.safe_load(trust_manager(hostile(), "cas")) == document
    target["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": "team-a"}}
    assert yaml.safe_load(trust_manager(hostile(), "cas", "team-a")) == document


@both
@given(subject=st.text())
def test_whatever_a_subject_holds_yaml_gives_the_same_pem_back(exporter: Exporter, subject: str) -> None:
    certificate = dataclasses.replace(hostile()[0], subject=printable(subject))
    document = yaml.safe_load(exporter([certificate, certificate], "cas"))
    text = document["data"]["ca-bundle.crt"] if exporter is configmap else document["spec"]["sources"][1]["inLine"]
    assert text == pem_bundle([certificate, certificate]).decode("ascii")


@both
@cases("name", ["true", "null", "1e3", "0x10", "12", "1.5", "no", "2026-11-25", "a" * 63])
def test_a_name_that_means_something_to_yaml_stays_a_text(exporter: Exporter, name: str) -> None:
    text = exporter(hostile(), name, "on").decode()
    assert yaml.safe_load(text)["metadata"]["name"] == name
    assert ': "on"\n' in text


@both
@cases(
    "name",
    ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a.", "a b", "a\n", "a\nb: c", 'a"',
     "\N{LATIN SMALL LETTER E WITH ACUTE}", "\N{ARABIC-INDIC DIGIT ONE}", "a" * 254],
)  # fmt: skip
def test_a_name_that_kubernetes_would_not_take_is_refused(exporter: Exporter, name: str) -> None:
    with pytest.raises(CertbootError, match="not a name for an object"):
        exporter(hostile(), name)
    for namespace in ("", "a.b", "A", "-", "a" * 64, "a\n"):
        with pytest.raises(CertbootError, match="not a name for a namespace"):
            exporter(hostile(), "cas", namespace)


@cases("name", ["a", "0", "a-b.c-d", ".".join(["a" * 63] * 3), "a" * 253])
def test_a_name_that_kubernetes_takes_is_taken(name: str) -> None:
    assert kubernetes.checked_name(name) == f'"{name}"'


@both
def test_what_a_config_map_cannot_hold_is_refused(exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kubernetes._MOST == 1024 * 1024
    monkeypatch.setattr(kubernetes, "_MOST", len(BUNDLE))
    exporter(hostile(), "cas")
    monkeypatch.setattr(kubernetes, "_MOST", len(BUNDLE) - 1)
    with pytest.raises(CertbootError, match=rf"holds 1 MiB, and this bundle has {len(BUNDLE):,} bytes"):
        exporter(hostile(), "cas")


@both
def test_the_document_is_printable_ascii_and_the_same_each_time(exporter: Exporter) -> None:
    made = exporter(hostile(), "cas", "team-a")
    assert all(line.isprintable() for line in made.decode("ascii").split("\n"))
    assert made == exporter(hostile(), "cas", "team-a")


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is missing")
def test_kubectl_reads_the_same_config_map() -> None:
    command = ["kubectl", "label", "--local", "-f", "-", "-o", "json", "tested=yes"]
    ran = subprocess.run(command, input=configmap(hostile(), "true", "team-a"), capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert (document["metadata"]["name"], document["metadata"]["namespace"]) == ("true", "team-a")
    assert document["data"] == {"ca-bundle.crt": BUNDLE}
