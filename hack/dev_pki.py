# SPDX-License-Identifier: Apache-2.0
"""dev_pki - a cluster's certificates, and kubeconfigs that carry them.

One authority per cluster, made by openssl in the cluster's own folder. Everything is good for a month:
these are clusters of an afternoon.
"""

import base64
import json
import os

from dev_processes import run

DAYS = "30"
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority:
    """The cluster's certificate authority and the folder that holds all it has signed."""

    def __init__(self, folder):
        self.folder = folder
        self.cert = folder / "ca.crt"
        self.key = folder / "ca.key"

    def create(self):
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        run("openssl", "req", "-x509", *_KEY, "-days", DAYS, "-subj", "/CN=bulkhead-dev",
            "-keyout", self.key, "-out", self.cert)
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout",
            "-out", self.folder / "sa.key")
        run("openssl", "ec", "-in", self.folder / "sa.key", "-pubout",
            "-out", self.folder / "sa.pub")

    def sign(self, name, common_name, organization=None, alt_names=None, folder=None):
        """Makes NAME.crt and NAME.key; returns their paths."""
        folder = folder or self.folder
        key, request, cert = (folder / f"{name}.{ext}" for ext in ("key", "csr", "crt"))
        subject = (f"/O={organization}" if organization else "") + f"/CN={common_name}"
        run("openssl", "req", "-new", *_KEY, "-subj", subject, "-keyout", key, "-out", request)
        extensions = folder / f"{name}.ext"
        extensions.write_text("keyUsage=critical,digitalSignature\n"
                              "extendedKeyUsage=clientAuth,serverAuth\n"
                              + (f"subjectAltName={alt_names}\n" if alt_names else ""))
        serial = "0x" + os.urandom(12).hex()  # no shared serial file: several may sign at once
        run("openssl", "x509", "-req", "-days", DAYS, "-in", request, "-CA", self.cert,
            "-CAkey", self.key, "-set_serial", serial, "-extfile", extensions, "-out", cert)
        request.unlink()
        extensions.unlink()
        return cert, key


def kubeconfig(path, server, ca, cert=None, key=None, token=None, user="user"):
    """Writes a kubeconfig with everything inside it, readable by its owner only."""
    def data(file):
        return base64.b64encode(file.read_bytes()).decode()

    secret = ({"token": token} if token
              else {"client-certificate-data": data(cert), "client-key-data": data(key)})
    document = {
        "apiVersion": "v1", "kind": "Config", "current-context": "dev",
        "clusters": [{"name": "dev", "cluster": {
            "server": server, "certificate-authority-data": data(ca)}}],
        "users": [{"name": user, "user": secret}],
        "contexts": [{"name": "dev", "context": {"cluster": "dev", "user": user}}],
    }
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(document, out, indent=1)  # JSON is YAML
    scratch.rename(path)
    return path
