"""The templates in `deploy/`: Kubernetes' own schema says yes, sizes fit what was measured, the image has what grading needs."""

from __future__ import annotations

import copy
import re

import kubernetes_validate
import pytest
import yaml
from places import ROOT

from opendata_kurs.grading import box

DEPLOY = ROOT / "deploy"
MANIFESTS = [d for file in sorted(DEPLOY.glob("dask/*.yaml")) for d in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
VALUES = yaml.safe_load((DEPLOY / "jupyterhub" / "values.yaml").read_text(encoding="utf-8"))


def _container(kind: str) -> dict:
    found = next(d for d in MANIFESTS if d["kind"] == "Deployment" and d["metadata"]["name"] == kind)
    return found["spec"]["template"]["spec"]["containers"][0]


def _bytes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([A-Za-z]*)", str(text)).groups()
    return int(number) * {"": 1, "M": 10**6, "G": 10**9, "Mi": 2**20, "Gi": 2**30}[unit]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda d: f"{d['kind']}-{d['metadata']['name']}")
def test_manifest_fits_the_schema_of_kubernetes(manifest):
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("damage", ["type", "typo", "missing"])
def test_damaged_manifest_is_refused(damage):
    broken = copy.deepcopy(next(d for d in MANIFESTS if d["kind"] == "Deployment"))
    if damage == "type":
        broken["spec"]["replicas"] = "vier"
    elif damage == "typo":
        broken["spec"]["template"]["spec"]["containers"][0]["resourcen"] = {}
    else:
        del broken["spec"]["selector"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


def test_network_of_a_worker_ends_at_the_cluster():
    policy = next(d for d in MANIFESTS if d["kind"] == "NetworkPolicy")["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert not any("ipBlock" in peer for rule in policy["egress"] for peer in rule.get("to", []))


def test_sizes_follow_the_measurement():
    """The table in deploy/README.md comes from `python -m benchmarks.memory`; the sizes lie above it."""
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    measured = {name.strip(): int(full) for name, _share, full in re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \|$", text, re.M)}
    learner, worker = measured["JupyterLab und eine Karte"] * 10**6, measured["Arbeiter zum Bewerten, wartend"] * 10**6
    memory = VALUES["singleuser"]["memory"]
    assert learner < _bytes(memory["guarantee"]) < _bytes(memory["limit"])
    resources = _container("kurs-dask-worker")["resources"]
    assert worker < _bytes(resources["requests"]["memory"])
    assert worker + box.MAX_MEMORY <= _bytes(resources["limits"]["memory"]), "the box's own limit must end a hand-in, not the pod's"


def test_values_are_of_the_kind_the_chart_wants():
    """`helm` and the chart are not here; these are the kinds that the chart's schema names for what we set."""
    user = VALUES["singleuser"]
    assert isinstance(user["cpu"]["limit"], int | float) and isinstance(user["cloudMetadata"]["blockWithIptables"], bool)
    assert set(VALUES) <= {"hub", "proxy", "singleuser", "scheduling", "prePuller", "ingress", "cull", "debug", "custom", "rbac", "global"}
    assert set(user["networkPolicy"]["egressAllowRules"]) <= {"cloudMetadataServer", "dnsPortsCloudMetadataServer", "dnsPortsKubeSystemNamespace",
                                                             "dnsPortsPrivateIPs", "nonPrivateIPs", "privateIPs"}
    assert user["image"]["name"] == _container("kurs-dask-worker")["image"].rpartition(":")[0]
    assert user["image"]["tag"] == _container("kurs-dask-worker")["image"].rpartition(":")[2]
