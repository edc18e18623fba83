"""The image: small, run by podman with exactly the DaemonSet's security context, and replaced without a reset."""

import json
import pathlib

import images
import pytest
import yaml
from connect import connect, wait_for
from images import BASE, IMAGE, Podman
from load import under_load
from process import wait_until

PORT = 18898
NET_ADMIN = f"{1 << 12:016x}"
CONFIG = "[gate.router]\nport = 18898\nprobe = http://localhost:1936/healthz/ready\nallow = {lb}\n"


@pytest.fixture(scope="module")
def image(root, binary, request):
    """podman, which has the image of this work tree."""
    if images.missing():
        pytest.skip(f"container: {images.missing()}")
    podman = Podman(root / "build/containers")
    podman.build(root, request.getfixturevalue("tree"), binary)
    yield podman
    podman.remove_containers()


@pytest.fixture
def podman(image, node):
    yield lambda *words, **options: image(*words, host=node, **options)
    image.remove_containers()


@pytest.fixture(scope="module")
def daemonset(root):
    return yaml.safe_load((root / "deploy/kubernetes/base/daemonset.yaml").read_text())


@pytest.fixture
def folders(tmp_path, lb):
    """What stands on the node: the configuration, and the two folders that outlive a pod."""
    for name in ("etc", "run", "state"):
        (tmp_path / name).mkdir()
    (tmp_path / "etc/healthgate.conf").write_text(CONFIG.format(lb=lb.v4))
    return tmp_path


def mounts(folders):
    where = {"etc": "/etc/healthgate:ro", "run": "/run/healthgate", "state": "/var/lib/healthgate"}
    return [f"--volume={folders / name}:{path}" for name, path in where.items()]


def security_options(daemonset):
    """The podman options that say what the DaemonSet's security contexts say. An unknown field is a KeyError."""
    pod = daemonset["spec"]["template"]["spec"]
    [container] = pod["containers"]
    context = pod["securityContext"] | container["securityContext"]
    options = [f"--user={context.pop('runAsUser')}:{context.pop('runAsGroup')}"]
    assert context.pop("seccompProfile") == {"type": "RuntimeDefault"}  # podman's default as well
    options += [f"--security-opt=label={name}:{value}" for name, value in context.pop("seLinuxOptions").items()]
    capabilities = context.pop("capabilities")
    options += [f"--cap-drop={name}" for name in capabilities["drop"]]
    options += [f"--cap-add={name}" for name in capabilities["add"]]
    options += [f"--privileged={str(context.pop('privileged')).lower()}"]
    options += [f"--read-only={str(context.pop('readOnlyRootFilesystem')).lower()}", "--read-only-tmpfs=false"]
    if not context.pop("allowPrivilegeEscalation"):
        options += ["--security-opt=no-new-privileges"]
    assert context == {}, "a field that this test knows nothing of"
    return options + ["--network=host"] * pod["hostNetwork"]


def of_daemon(podman, container):
    """/proc/PID/status of the daemon in a container, as {name: value}."""
    listed = podman("top", container, "hpid", "comm").stdout.splitlines()[1:]
    [pid] = [line.split()[0] for line in listed if line.split()[1] == "healthgate"]
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def live(node, path="/livez"):
    """The status code; "000" while nobody listens."""
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:18899{path}"]
    return node.run(*command, check=False).stdout


def test_the_image_is_small(image, record_property):
    over = (image.size(IMAGE) - image.size(BASE)) / 1e6
    record_property("megabytes over the base", over)
    print(f"{over:.1f} MB over the base")
    assert 5 < over <= 30  # less would be a base that has our libraries


def test_nothing_of_the_base_is_replaced(image, tree):
    changed = json.loads(image("diff", "--format=json", IMAGE, BASE).stdout).get("changed", [])
    assert [path for path in changed if not (tree / path.lstrip("/")).is_dir()] == []


def test_its_own_user_needs_the_one_capability_and_writes_nowhere_else(podman, lb, node, service, folders):
    (folders / "etc").chmod(0o755)
    for name in ("run", "state"):
        (folders / name).chmod(0o777)
    least = ["--network=host", "--cap-drop=all", "--cap-add=net_admin", "--read-only", "--read-only-tmpfs=false"]
    podman("run", "--detach", "--name=gate", *least, *mounts(folders), IMAGE)
    wait_for(lb, node.v4, PORT, "accepted")
    of = of_daemon(podman, "gate")
    assert of["Uid"].split() == ["65532"] * 4
    assert of["CapEff"] == of["CapBnd"] == NET_ADMIN
    assert podman("exec", "gate", "touch", "/etc/x", "/usr/x", "/tmp/x", check=False).stderr.count("Read-only") == 3
    assert live(node) == "200"
    assert podman("exec", "gate", "healthgate", "status", "--json").returncode == 0


def test_the_daemonsets_security_context_is_enough_and_in_force(podman, daemonset, lb, node, service, folders):
    [container] = daemonset["spec"]["template"]["spec"]["containers"]
    entry = [f"--entrypoint={container['command'][0]}"]
    podman("run", "--detach", "--name=gate", *security_options(daemonset), *mounts(folders), *entry, IMAGE,
           *container["args"])
    wait_for(lb, node.v4, PORT, "accepted")
    of = of_daemon(podman, "gate")
    assert of["Uid"].split() == ["0"] * 4
    assert of["CapEff"] == of["CapPrm"] == of["CapBnd"] == NET_ADMIN
    assert of["NoNewPrivs"] == "1" and of["Seccomp"] == "2"
    service.mode("503")
    wait_for(lb, node.v4, PORT, "refused")
    assert live(node) == live(node, "/readyz") == "200"
    podman("stop", "--time=5", "gate")
    assert podman("inspect", "--format={{.State.ExitCode}}", "gate").stdout.strip() == "0"
    assert node.nft("list", "tables") == ""


def quadlet(root):
    """The [Container] section of RHCOS' quadlet, as (key, value) in order."""
    butane = yaml.safe_load((root / "deploy/rhcos/healthgate.bu").read_text())
    [file] = [file for file in butane["storage"]["files"] if file["path"].endswith("/healthgate.container")]
    section = file["contents"]["inline"].split("[Container]\n")[1].split("\n[")[0]
    return [tuple(line.split("=", 1)) for line in section.splitlines() if "=" in line and not line.startswith("#")]


def as_options(pairs, folders):
    """What podman's generator makes of a quadlet's keys (podman-systemd.unit(5)). An unknown key is a KeyError."""
    places = {"/etc/healthgate": folders / "etc", "/var/lib/healthgate": folders / "state"}
    option = {
        "Network": "--network", "User": "--user", "DropCapability": "--cap-drop", "AddCapability": "--cap-add",
        "ReadOnly": "--read-only",
    }  # fmt: skip
    for key, value in pairs:
        if key == "PodmanArgs":
            yield value
        elif key == "NoNewPrivileges":
            yield "--security-opt=no-new-privileges"
        elif key == "Group":
            assert ("User", value) in pairs  # podman run has no --group: the generator joins the two
        elif key == "Volume":
            place, rest = value.split(":", 1)
            yield f"--volume={places[place]}:{rest}"
        elif key not in ("Image", "Exec", "Notify"):
            yield f"{option[key]}={value}"


def test_the_quadlets_container_runs_as_it_stands(podman, root, lb, node, service, folders):
    pairs = quadlet(root)
    podman("run", "--detach", "--name=gate", *as_options(pairs, folders), IMAGE, dict(pairs)["Exec"])
    wait_for(lb, node.v4, PORT, "accepted")
    of = of_daemon(podman, "gate")
    assert of["Uid"].split() == ["0"] * 4
    assert of["CapEff"] == of["CapBnd"] == NET_ADMIN and of["NoNewPrivs"] == "1"
    assert podman("exec", "gate", "healthgate", "status", "--json").returncode == 0


def as_played(daemonset, folders, name):
    """The DaemonSet as podman takes it: a Deployment, on the test's folders, without what only a kubelet does."""
    pod = daemonset["spec"]["template"]
    spec = pod["spec"]
    [container] = spec["containers"]
    # The kubelet's probes come from outside; podman would run curl inside. The test asks /livez itself.
    container = {key: value for key, value in container.items() if not key.endswith("Probe")} | {"image": IMAGE}
    assert [one["valueFrom"]["fieldRef"]["fieldPath"] for one in container["env"]] == ["spec.nodeName"]
    container["env"] = [{"name": one["name"], "value": "node-1"} for one in container["env"]]  # podman knows no node
    places = {"run": folders / "run", "state": folders / "state"}
    volumes = [volume | {"hostPath": volume["hostPath"] | {"path": str(places[volume["name"]])}}
               if "hostPath" in volume else volume for volume in spec["volumes"]]
    template = pod | {"spec": spec | {"containers": [container], "volumes": volumes}}
    strategy = {"selector": daemonset["spec"]["selector"], "template": template}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": strategy}
    return yaml.safe_dump(deployment)


def configmap(root, lb):
    """The ConfigMap that kustomization.yaml makes, with the load balancer in it."""
    base = root / "deploy/kubernetes/base"
    [generator] = yaml.safe_load((base / "kustomization.yaml").read_text())["configMapGenerator"]
    data = {name: (base / name).read_text() for name in generator["files"]} | {"lb.txt": f"{lb.v4}\n"}
    metadata = {"name": generator["name"]}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


@pytest.fixture
def play(podman, root, daemonset, lb, node, folders):
    """Plays the pod template under a name, as a node would run it."""
    (folders / "configmap.yaml").write_text(configmap(root, lb))

    def pod(name):
        (folders / f"{name}.yaml").write_text(as_played(daemonset, folders, name))
        podman("kube", "play", "--configmap", folders / "configmap.yaml", folders / f"{name}.yaml")
        return f"{name}-pod-0-healthgate"

    return pod


def test_the_pod_template_runs_as_it_stands(play, podman, lb, node, service):
    container = play("gate")
    wait_for(lb, node.v4, PORT, "accepted")
    of = of_daemon(podman, container)
    assert of["Uid"].split() == ["0"] * 4
    assert of["CapEff"] == of["CapBnd"] == NET_ADMIN
    assert of["NoNewPrivs"] == "1" and of["Seccomp"] == "2"
    assert live(node) == "200"
    said = json.loads(podman("exec", container, "healthgate", "status", "--json").stdout)
    assert said["node"] == "node-1"
    service.mode("503")
    wait_for(lb, node.v4, PORT, "refused")


def test_a_new_pod_beside_the_old_one_resets_nobody(play, podman, lb, node, service):
    old = play("old")
    wait_for(lb, node.v4, PORT, "accepted")

    def roll_over():
        new = play("new")
        wait_until(lambda: "healthgate" not in podman("top", old, "comm").stdout.split(), 10, "the old daemon ends")
        wait_until(lambda: live(node, "/readyz") == "200", 10, "the new pod is ready")
        assert podman("inspect", "--format={{.State.Running}}", old).stdout.strip() == "true"
        podman("stop", "--time=5", old)
        assert podman("inspect", "--format={{.State.ExitCode}}", old).stdout.strip() == "0"
        assert "healthgate" in podman("top", new, "comm").stdout.split()

    assert set(under_load(lb, node, roll_over)) == {"accepted"}


def test_a_pod_that_is_deleted_closes_its_gates(play, podman, lb, node, service):
    old = play("old")
    wait_for(lb, node.v4, PORT, "accepted")
    podman("stop", "--time=5", old)
    assert connect(lb, node.v4, PORT).outcome == "refused"
    assert podman("inspect", "--format={{.State.ExitCode}}", old).stdout.strip() == "0"
