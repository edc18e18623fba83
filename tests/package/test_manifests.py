"""deploy/kubernetes and deploy/rhcos: what kustomize makes of them, against the API's schemas, and against each other."""

import configparser
import json
import re
import shutil
import subprocess

import pytest
import yaml

PACKAGES = ("kubernetes-models", "@kubernetes-models/prometheus-operator", "kubernetes-types", "typescript")
FLAVOURS = ("base", "openshift")
CHECK_TYPES = """
import { readFileSync } from "fs";
const documents = JSON.parse(readFileSync(0, "utf8"));
for (const document of documents) {
  const [group, version] = document.apiVersion.includes("/") ? document.apiVersion.split("/") : ["", document.apiVersion];
  const folder = group.includes("monitoring.coreos.com") ? "@kubernetes-models/prometheus-operator" : "kubernetes-models";
  const model = (await import([folder, group, version].filter(Boolean).join("/")))[document.kind];
  try {
    new model(document).validate();
  } catch (error) {
    console.log(`${document.kind}: ${error.message}`);
  }
}
"""
KNOWN_BY_OPENSHIFT_ALONE = ("SecurityContextConstraints",)


@pytest.fixture(scope="module")
def kubectl():
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl")
    version = subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True).stdout
    if "Kustomize Version: v" not in version:
        pytest.skip("a kubectl whose kustomize is older than these manifests' fields")
    return "kubectl"


@pytest.fixture(scope="module", params=FLAVOURS)
def documents(request, root, kubectl):
    folder = root / "deploy/kubernetes" / request.param
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


@pytest.fixture(scope="module")
def npm(root):
    if not shutil.which("npm"):
        pytest.skip("no npm")
    folder = root / "build/npm"
    folder.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", folder, *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    if done.returncode != 0:
        pytest.skip("npm cannot install the schemas: " + done.stderr.strip()[-200:])
    return folder


def of_the_api(documents):
    return [one for one in documents if one["kind"] not in KNOWN_BY_OPENSHIFT_ALONE]


def test_each_document_has_the_types_and_required_fields_of_its_schema(documents, npm):
    (npm / "check.mjs").write_text(CHECK_TYPES)  # beside the packages that it imports
    command = ["node", "check.mjs"]
    done = subprocess.run(command, input=json.dumps(of_the_api(documents)), cwd=npm, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_no_document_has_a_field_that_the_api_does_not_know(documents, npm):
    lines = []
    for number, one in enumerate(of_the_api(documents)):
        if one["apiVersion"].startswith("monitoring.coreos.com"):
            continue  # of an operator: the other test's
        module = "core/v1" if one["apiVersion"] == "v1" else re.sub(r"\.k8s\.io", "", one["apiVersion"])
        lines.append(f'import {{ {one["kind"]} as T{number} }} from "kubernetes-types/{module}";')
        lines.append(f"export const d{number}: T{number} = {json.dumps(one)};")
    (npm / "documents.ts").write_text("\n".join(lines))
    command = [npm / "node_modules/.bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "documents.ts"]
    done = subprocess.run(command, cwd=npm, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:]


def only(documents, kind):
    [found] = [one for one in documents if one["kind"] == kind]
    return found


def test_the_pod_has_one_capability_and_nothing_of_a_privileged_one(documents):
    spec = only(documents, "DaemonSet")["spec"]["template"]["spec"]
    [container] = spec["containers"]
    assert container["securityContext"] == {
        "privileged": False, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]},
    }  # fmt: skip
    assert spec["securityContext"] == {"runAsUser": 0, "runAsGroup": 0, "seccompProfile": {"type": "RuntimeDefault"}}
    assert spec["hostNetwork"] and not spec.get("hostPID") and not spec.get("hostIPC")
    assert not spec["automountServiceAccountToken"]


def test_a_rolling_update_starts_the_successor_first(documents):
    daemonset = only(documents, "DaemonSet")["spec"]
    assert daemonset["updateStrategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    [container] = daemonset["template"]["spec"]["containers"]
    assert "ports" not in container and container["args"] == ["run", "--takeover"]


def test_the_service_is_headless_and_has_the_gates_port(documents):
    service, daemonset = only(documents, "Service"), only(documents, "DaemonSet")
    assert service["spec"]["clusterIP"] == "None"
    assert 18898 in [port["targetPort"] for port in service["spec"]["ports"]]
    labels = daemonset["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()


def test_the_config_map_is_accepted_by_check(documents, binary, tmp_path):
    data = only(documents, "ConfigMap")["data"]
    for name, content in data.items():
        (tmp_path / name).write_text(content.replace("/etc/healthgate", str(tmp_path)))
    done = subprocess.run([binary, "check", "-c", tmp_path / "healthgate.conf"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_security_context_constraints_allow_what_the_pod_asks_for_and_no_more(root):
    scc = yaml.safe_load((root / "deploy/kubernetes/openshift/scc.yaml").read_text())
    assert scc["allowedCapabilities"] == ["NET_ADMIN"] and scc["requiredDropCapabilities"] == ["ALL"]
    assert [key for key, value in scc.items() if key.startswith("allow") and value is True] == [
        "allowHostNetwork", "allowHostPorts", "allowHostDirVolumePlugin",
    ]  # fmt: skip
    assert scc["readOnlyRootFilesystem"] and scc["seccompProfiles"] == ["runtime/default"]


def test_the_operators_rules_are_prometheus_own(root):
    rule = yaml.safe_load((root / "deploy/kubernetes/openshift/prometheusrule.yaml").read_text())
    assert rule["spec"] == yaml.safe_load((root / "deploy/prometheus/healthgate.rules.yml").read_text())


def test_the_quadlet_of_rhcos_gives_what_the_daemonset_gives(root, binary, tmp_path):
    butane = yaml.safe_load((root / "deploy/rhcos/healthgate.bu").read_text())
    files = {file["path"]: file["contents"]["inline"] for file in butane["storage"]["files"]}
    quadlet = configparser.ConfigParser(strict=False, interpolation=None)
    quadlet.optionxform = str
    quadlet.read_string(files["/etc/containers/systemd/healthgate.container"])
    container = quadlet["Container"]
    asked = {key: container[key] for key in ("User", "DropCapability", "AddCapability", "NoNewPrivileges", "ReadOnly", "Network")}
    assert asked == {
        "User": "0", "DropCapability": "all", "AddCapability": "NET_ADMIN", "NoNewPrivileges": "true", "ReadOnly": "true",
        "Network": "host",
    }  # fmt: skip
    assert container["Exec"] == "run" and quadlet["Service"]["Restart"] == "always"
    for path, content in files.items():
        if path.startswith("/etc/healthgate/"):
            (tmp_path / path.rpartition("/")[2]).write_text(content.replace("/etc/healthgate", str(tmp_path)))
    done = subprocess.run([binary, "check", "-c", tmp_path / "healthgate.conf"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
