#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""packaging/kubernetes and the Containerfile, without a cluster: the manifests
follow Kubernetes' schemas, and everything that they name exists."""

import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from streams import CLIP, ROOT  # noqa: E402
import tap  # noqa: E402

try:
    import yaml
except ImportError:
    tap.skip_all("no python3-yaml")

FOLDER = ROOT / "packaging/kubernetes"
GROUP, SHARED = FOLDER / "building-a", FOLDER / "cameras"
VALIDATOR = "kubernetes-validate==1.34.1"
VALIDATE = """
import json, sys, kubernetes_validate
def check(entry):
    try:
        kubernetes_validate.validate(entry, "1.34", strict=True)
    except kubernetes_validate.ValidationError as error:
        return str(error)
print(json.dumps([check(entry) for entry in json.load(sys.stdin)]))
"""


def load(path):
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def manifests():
    """{file: its documents}, without the kustomizations."""
    return {path: load(path) for path in sorted(FOLDER.rglob("*.yaml"))
            if path.name != "kustomization.yaml"}


def patched(base, patch):
    """A strategic merge: merges objects by key, lists by the name of entries."""
    if isinstance(base, dict) and isinstance(patch, dict):
        merged = copy.deepcopy(base)
        for key, value in patch.items():
            merged[key] = patched(base[key], value) if key in base else value
        return merged
    if isinstance(base, list) and isinstance(patch, list):
        changes = {entry["name"]: entry for entry in patch}
        return [patched(entry, changes.get(entry["name"], {})) for entry in base]
    return patch


def validator():
    """The Python of a virtual environment with kubernetes-validate, which stays
    in the build folder; None if it cannot be installed."""
    folder = pathlib.Path(os.environ.get("GST_REGISTRY", "")).parent
    if not folder.is_absolute():
        folder = pathlib.Path(tempfile.gettempdir())
    python = folder / "kubernetes-validate/bin/python"
    works = [python, "-c", "import kubernetes_validate"]
    if python.exists() and subprocess.run(works, check=False).returncode == 0:
        return python
    for command in ([sys.executable, "-m", "venv", "--clear",
                     python.parents[1]],
                    [python, "-m", "pip", "install", "-q", VALIDATOR], works):
        result = subprocess.run(command, capture_output=True, text=True,
                                check=False)
        if result.returncode:
            print(result.stdout, result.stderr)
            return None
    return python


class Kubernetes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.group = {(entry["kind"], entry["metadata"]["name"]): entry
                     for path, entries in manifests().items()
                     for entry in entries if path.name != "gpu.yaml"}
        cls.deployment = cls.group["Deployment", "cameras"]
        cls.pod = cls.deployment["spec"]["template"]["spec"]
        (cls.container,) = cls.pod["containers"]

    def test_schemas(self):
        python = validator()
        if python is None:
            self.skipTest(f"{VALIDATOR} cannot be installed")
        wrong = copy.deepcopy(self.deployment)
        wrong["spec"]["template"]["spec"]["containers"][0]["port"] = 80
        entries = [*self.group.values(),
                   patched(self.deployment, load(GROUP / "gpu.yaml")[0]), wrong]
        self.assertGreater(len(entries), 7)
        result = subprocess.run([python, "-c", VALIDATE],
                                input=json.dumps(entries), check=True,
                                stdout=subprocess.PIPE, text=True)
        errors = json.loads(result.stdout)
        self.assertTrue(errors.pop())
        self.assertEqual(set(errors), {None})

    def test_kustomizations(self):
        for folder in (SHARED, GROUP):
            (content,) = load(folder / "kustomization.yaml")
            self.assertEqual(content["kind"], "Kustomization")
            for name in content["resources"]:
                self.assertTrue((folder / name).exists(), name)
            if folder == SHARED:
                self.assertEqual(
                    {folder / name for name in content["resources"]},
                    {path for path in manifests() if path.parent == SHARED})
        self.assertEqual(content["images"][0]["name"], self.container["image"])
        self.assertIn(("Namespace", content["namespace"]), self.group)

    def test_names_that_are_used_exist(self):
        mounts = {mount["name"]: mount["mountPath"]
                  for mount in self.container["volumeMounts"]}
        files = set()
        for volume in self.pod["volumes"]:
            path = mounts.pop(volume["name"])
            for kind, key, where in (("ConfigMap", "configMap", "name"),
                                     ("Secret", "secret", "secretName")):
                if key in volume:
                    source = self.group[kind, volume[key][where]]
                    files |= {f"{path}/{name}" for name in
                              source.get("data", source.get("stringData"))}
        self.assertFalse(mounts)
        command = self.container["command"][-1]
        listed = self.group["ConfigMap", "cameras"]["data"]["list"]
        for path in re.findall(r"/(?:run|etc)/[\w./-]+", command + listed):
            self.assertIn(path, files)
        self.assertEqual(len(listed.split()), len(
            self.group["Secret", "addresses"]["stringData"]))
        token = self.group["Secret", "page"]["stringData"]["token"]
        self.assertGreaterEqual(len(token), 16)
        ports = {port["name"]: port["containerPort"]
                 for port in self.container["ports"]}
        template = self.deployment["spec"]["template"]["metadata"]
        self.assertEqual(template["annotations"]["prometheus.io/port"],
                         str(ports["metrics"]))
        self.assertEqual(template["annotations"]["prometheus.io/path"], "/metrics")
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            self.assertEqual(self.container[probe]["httpGet"],
                             {"path": "/healthz", "port": "metrics"})
        service = self.group["Service", "cameras"]["spec"]
        self.assertIn(service["ports"][0]["targetPort"], ports)
        self.assertLessEqual(service["selector"].items(),
                             template["labels"].items())

    def test_least_privilege(self):
        pod, own = self.pod["securityContext"], self.container["securityContext"]
        self.assertTrue(pod["runAsNonRoot"] and pod["runAsUser"] > 0)
        self.assertEqual(pod["seccompProfile"]["type"], "RuntimeDefault")
        self.assertTrue(own["readOnlyRootFilesystem"])
        self.assertFalse(own["allowPrivilegeEscalation"])
        self.assertEqual(own["capabilities"], {"drop": ["ALL"]})
        self.assertFalse(self.pod["automountServiceAccountToken"])

    def test_command_runs(self):
        """With the clip as its camera, and other paths and ports."""
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "address").write_text(f"{CLIP}\n")
            (folder / "list").write_text(f"gate=@{folder}/address\n")
            (folder / "token").write_text("0123456789abcdef\n")
            command = self.container["command"][-1]
            for text, instead in (
                    ("/usr/libexec/fastscnn", str(ROOT / "pipelines")),
                    ("/etc/fastscnn/cameras", str(folder)),
                    ("/run/secrets/page", str(folder)),
                    (":8080", ":0"), (":9100", ":0")):
                self.assertIn(text, command)
                command = command.replace(text, instead)
            result = subprocess.run(
                [*self.container["command"][:-1], f"{command} --seconds 2"],
                capture_output=True, text=True, timeout=100, check=False)
        if "; install " in result.stderr:
            self.skipTest(result.stderr)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("/metrics", result.stderr)

    def test_dashboard(self):
        content = json.loads((FOLDER / "grafana.json").read_text())
        known = (ROOT / "docs/guide/web.md").read_text()
        used = set()
        for panel in content["panels"]:
            for target in panel["targets"]:
                used |= set(re.findall(r"fastscnn_\w+", target["expr"]))
        self.assertGreater(len(used), 6)
        for name in used:
            self.assertIn(f"`{name.removesuffix('_bucket')}`", known)
        numbers = [panel["id"] for panel in content["panels"]]
        self.assertEqual(len(numbers), len(set(numbers)))

    def test_container_holds_our_packages(self):
        text = (ROOT / "packaging/Containerfile").read_text()
        ours = re.findall(r"^Package: (\S+)", (
            ROOT / "packaging/debian/control").read_text(), re.M)
        used = set(re.findall(r"/packages/([\w.+-]+)_\*\.deb", text))
        self.assertLessEqual(used - {"cuda-keyring"}, set(ours))
        self.assertIn("gst-fastscnn-cameras", used)
        self.assertEqual(re.findall(r"^USER (\S+)", text, re.M),
                         ["65534:65534"] * 2)


if __name__ == "__main__":
    tap.main()
