#!/usr/bin/env bash
# `import openvino` alone writes an identifier of the machine into `~/intel` and tells its makers of the import, by
# Google Analytics, without asking. pip brings the package that does so (openvino-telemetry) with openvino. NNCF does
# likewise. Both ask `openvino_telemetry` to leave out the question that it could ask (`enable_opt_in_dialog=False`), and
# take a missing answer for consent. Where the environment variable CI is "true", nothing is written and nothing sent.
#
# Versions: openvino 2026.4.1, openvino-telemetry 2025.2.0, Python 3.11, Linux.
# Seen on 2026-11-28, in a new home, with a proxy on this machine in place of the network:
#   import openvino:               ~/intel/openvino_ga_cid, ~/intel/stats; CONNECT www.google-analytics.com:443
#   CI=true, import openvino:      nothing; nothing
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet openvino==2026.4.1 openvino-telemetry==2025.2.0
cd "$place"
env -u CI -u TF_BUILD -u JENKINS_URL "$place/venv/bin/python" - <<'PYTHON'
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading


def run(**variables):
    """Import openvino in a new home; return the files there, and what is asked of the proxy."""
    asked = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(15)

    def listen():
        try:
            while True:
                connection, _ = server.accept()
                asked.append(connection.recv(1000).split(b"\r\n")[0].decode())
                connection.close()
        except OSError:
            pass

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    proxy = f"http://127.0.0.1:{server.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HOME": home, "https_proxy": proxy, "HTTPS_PROXY": proxy, **variables}
        for name in ("no_proxy", "NO_PROXY"):
            environment.pop(name, None)
        subprocess.run([sys.executable, "-c", "import openvino, time; time.sleep(8)"], env=environment, check=True)
        files = sorted(str(path.relative_to(home)) for path in pathlib.Path(home).rglob("*") if path.is_file())
    server.close()
    return files, sorted(set(asked))


usual, in_ci = run(), run(CI="true")
print("import openvino:", *usual)
print("CI=true, import openvino:", *in_ci)
expected = (["intel/openvino_ga_cid", "intel/stats"], ["CONNECT www.google-analytics.com:443 HTTP/1.0"])
shown = (usual[0], [each.replace("HTTP/1.1", "HTTP/1.0") for each in usual[1]])
sys.exit(0 if shown == expected and in_ci == ([], []) else 1)
PYTHON
