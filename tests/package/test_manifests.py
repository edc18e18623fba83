"""deploy/kubernetes and deploy/rhcos: what a server's schema would refuse, what kustomize makes, what must agree."""

import configparser
import json
import re
import shutil
import subprocess

import pytest
import yaml

# Types of every field, made from the schemas of Kubernetes and of the Prometheus operator.
PACKAGES = {"kubernetes-models": "4.4.2", "@kubernetes-models/prometheus-operator": "4.4.4", "typescript": "5.4.5"}
OPERATOR = "monitoring.coreos.com/"
OPENSHIFT = "security.openshift.io/"  # no schema is published; the tests below look at its one object
# Nothing of the machine's own settings: as strict as it gets, and no file is written.
TSC = ["--noEmit", "--strict", "--skipLibCheck", "--module", "commonjs", "--target", "es2020"]


@pytest.fixture(scope="module")
def manifests(root):
    return root / "deploy/kubernetes"


def documents(text):
    return {one["kind"]: one for one in yaml.safe_load_all(text) if one}


@pytest.fixture(scope="module")
def objects(manifests):
    """{kind: object} of every file that kustomization.yaml lists, unchanged."""
    found = {}
    for folder in ("base", "openshift"):
        listed = yaml.safe_load((manifests / folder / "kustomization.yaml").read_text())["resources"]
        for name in listed:
            if name.endswith(".yaml"):
                found |= documents((manifests / folder / name).read_text())
    return found


@pytest.fixture(scope="module")
def rendered(manifests):
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl; Debian's is too old for this kustomization")

    def build(folder):
        done = subprocess.run(["kubectl", "kustomize", manifests / folder], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return documents(done.stdout)

    return build


@pytest.fixture(scope="module")
def node_modules(root):
    """A folder in which the types are installed, from npm once."""
    if not shutil.which("npm"):
        pytest.skip("no npm, whose packages have the schemas")
    folder = root / "build/node"
    wanted = json.dumps({"private": True, "dependencies": PACKAGES})
    stamp = folder / "package.json"
    if not (folder / "done").exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        stamp.write_text(wanted)
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200)
        if done.returncode != 0:
            pytest.skip(f"npm cannot install the schemas: {done.stderr.strip()[-200:]}")
        (folder / "done").touch()
    return folder


def type_errors(folder, objects):
    """What the types say against the objects."""
    lines = []
    for number, one in enumerate(objects):
        group = one["apiVersion"]
        package = "@kubernetes-models/prometheus-operator" if group.startswith(OPERATOR) else "kubernetes-models"
        name = f"I{one['kind']}"
        lines.append(f'import {{{name} as T{number}}} from "{package}/{group}/{one["kind"]}";')
        lines.append(f"export const object{number}: T{number} = {json.dumps(one)};")
    (folder / "objects.ts").write_text("\n".join(lines) + "\n")
    command = ["node", "node_modules/typescript/bin/tsc", *TSC, "objects.ts"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120).stdout


def with_schema(objects):
    return [one for one in objects.values() if not one["apiVersion"].startswith(OPENSHIFT)]


def test_no_schema_refuses_a_manifest(node_modules, objects):
    assert len(objects) == 8
    assert type_errors(node_modules, with_schema(objects)) == ""


def test_the_schemas_are_strict(node_modules, objects):
    wrong = yaml.safe_load(yaml.safe_dump(objects["DaemonSet"]))
    wrong["spec"]["template"]["spec"]["hostNetwrok"] = True
    assert "hostNetwrok" in type_errors(node_modules, [wrong])
    wrong = yaml.safe_load(yaml.safe_dump(objects["PodMonitor"]))
    wrong["spec"]["podMetricsEndpoints"][0]["path"] = 5
    assert "number" in type_errors(node_modules, [wrong])


def test_kustomize_puts_the_names_in(rendered, objects):
    base, openshift = rendered("base"), rendered("openshift")
    assert openshift.keys() == objects.keys() | {"ConfigMap"}
    assert base.keys() == openshift.keys() - {"PodMonitor", "PrometheusRule", "SecurityContextConstraints"}
    for kind in ("DaemonSet", "ConfigMap", "Service", "ServiceAccount"):
        assert openshift[kind]["metadata"]["namespace"] == "healthgate"
    [container] = openshift["DaemonSet"]["spec"]["template"]["spec"]["containers"]
    assert re.fullmatch(r".+/healthgate:[\d.]+", container["image"])
    volumes = openshift["DaemonSet"]["spec"]["template"]["spec"]["volumes"]
    assert openshift["ConfigMap"]["metadata"]["name"] in [one.get("configMap", {}).get("name") for one in volumes]
    selector = openshift["DaemonSet"]["spec"]["template"]["spec"]["nodeSelector"]
    assert selector == {"kubernetes.io/os": "linux", "node-role.kubernetes.io/infra": ""}


def test_the_images_tag_is_cmakes_version(root, manifests):
    version = re.search(r"^project\(healthgate VERSION ([\d.]+)", (root / "CMakeLists.txt").read_text(), re.M).group(1)
    [image] = yaml.safe_load((manifests / "base/kustomization.yaml").read_text())["images"]
    assert image["newTag"] == version


def test_the_configmap_is_a_good_configuration(manifests, binary, tmp_path):
    for name in ("healthgate.conf", "lb.txt"):
        text = (manifests / "base" / name).read_text()
        (tmp_path / name).write_text(text.replace("/etc/healthgate", str(tmp_path)))
    done = subprocess.run([binary, "check", "-c", tmp_path / "healthgate.conf"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def pod(objects):
    return objects["DaemonSet"]["spec"]["template"]["spec"]


def test_the_pod_has_one_capability_and_nothing_of_a_privileged_one(objects):
    spec = pod(objects)
    [container] = spec["containers"]
    assert container["securityContext"] == {
        "privileged": False, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]},
    }  # fmt: skip
    assert spec["hostNetwork"] and not spec.get("hostPID") and not spec.get("hostIPC")
    assert not spec["automountServiceAccountToken"]


def test_the_scc_lets_in_what_the_pod_asks_for_and_no_more(objects):
    scc, spec = objects["SecurityContextConstraints"], pod(objects)
    [container] = spec["containers"]
    assert scc["allowHostNetwork"] == spec["hostNetwork"]
    assert scc["allowHostDirVolumePlugin"] == any("hostPath" in one for one in spec["volumes"])
    assert scc["allowHostPorts"] == ("ports" in container)
    assert scc["allowedCapabilities"] == container["securityContext"]["capabilities"]["add"] == ["NET_ADMIN"]
    assert scc["requiredDropCapabilities"] == container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert scc["seccompProfiles"] == ["runtime/default"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert {next(key for key in one if key != "name") for one in spec["volumes"]} <= set(scc["volumes"])
    never = ["allowHostIPC", "allowHostPID", "allowPrivilegedContainer", "allowPrivilegeEscalation"]
    assert [scc[name] for name in never] == [False] * 4
    account = objects["ServiceAccount"]["metadata"]["name"]
    assert scc["users"] == [f"system:serviceaccount:healthgate:{account}"]
    assert spec["serviceAccountName"] == account


def test_the_ports_are_those_of_the_configuration(objects, manifests):
    text = (manifests / "base/healthgate.conf").read_text()
    gate = int(re.search(r"^port = (\d+)", text, re.M).group(1))
    metrics = int(re.search(r"^metrics-listen = .*:(\d+)", text, re.M).group(1))
    service = objects["Service"]["spec"]
    assert service["clusterIP"] == "None"
    assert {one["name"]: one["targetPort"] for one in service["ports"]} == {"gate": gate, "metrics": metrics}
    [container] = pod(objects)["containers"]
    assert {value["httpGet"]["port"] for key, value in container.items() if key.endswith("Probe")} == {metrics}
    [endpoint] = objects["PodMonitor"]["spec"]["podMetricsEndpoints"]
    assert [one["replacement"] for one in endpoint["relabelings"] if one["targetLabel"] == "__address__"] == [
        f"$1:{metrics}"
    ]


def test_a_rollout_never_takes_a_pod_away_first(objects):
    rolling = objects["DaemonSet"]["spec"]["updateStrategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": 1, "maxUnavailable": 0}
    assert objects["DaemonSet"]["spec"]["minReadySeconds"] > 5  # what a takeover may last (src/app/predecessor.cpp)
    [container] = pod(objects)["containers"]
    assert "--takeover" in container["args"] and "ports" not in container


def test_the_alerts_are_those_of_the_repository(objects, root, manifests):
    command = [manifests / "openshift/prometheusrule", "--print"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == (manifests / "openshift/prometheusrule.yaml").read_text()
    rules = (root / "deploy/prometheus/healthgate.rules.yml").read_text()
    assert objects["PrometheusRule"]["spec"] == yaml.safe_load(rules)
    [endpoint] = objects["PodMonitor"]["spec"]["podMetricsEndpoints"]
    jobs = [one["replacement"] for one in endpoint["relabelings"] if one["targetLabel"] == "job"]
    assert jobs == list(set(re.findall(r'job="([^"]+)"', rules)))


def test_the_quadlet_of_rhcos_gives_what_the_daemonset_gives(root, binary, tmp_path):
    butane = yaml.safe_load((root / "deploy/rhcos/healthgate.bu").read_text())
    files = {file["path"]: file["contents"]["inline"] for file in butane["storage"]["files"]}
    quadlet = configparser.ConfigParser(strict=False, interpolation=None)
    quadlet.optionxform = str
    quadlet.read_string(files["/etc/containers/systemd/healthgate.container"])
    container = quadlet["Container"]
    wanted = {
        "User": "0", "DropCapability": "all", "AddCapability": "NET_ADMIN", "NoNewPrivileges": "true",
        "ReadOnly": "true", "Network": "host",
    }  # fmt: skip
    assert {key: container[key] for key in wanted} == wanted
    assert container["Exec"] == "run" and quadlet["Service"]["Restart"] == "always"
    for path, content in files.items():
        if path.startswith("/etc/healthgate/"):
            (tmp_path / path.rpartition("/")[2]).write_text(content.replace("/etc/healthgate", str(tmp_path)))
    done = subprocess.run([binary, "check", "-c", tmp_path / "healthgate.conf"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
