# SPDX-License-Identifier: Apache-2.0
"""demo_watch - follows objects of a dev cluster, one connection and one thread a kind.

What is seen goes into a queue as (kind, change, object), so that all thinking happens on one thread:
change is ADDED, MODIFIED or DELETED as the API server says, or LISTED with the whole list after (re)connecting.
"""

import contextlib
import http.client
import json
import queue
import ssl
import threading
import time
import urllib.parse

GROUP = "/apis/bulkhead.dev/v1alpha1"
PATHS = {
    "node": "/api/v1/nodes",
    "pod": "/api/v1/pods",
    "job": f"{GROUP}/batchjobs",
    "environment": f"{GROUP}/computeenvironments",
}


class Watches:
    def __init__(self, cluster):
        self.changes = queue.Queue()
        self._stopped = threading.Event()
        self._connections = {}
        address = urllib.parse.urlsplit(cluster.server())
        self._host, self._port = address.hostname, address.port
        pki = cluster.authority.folder
        self._tls = ssl.create_default_context(cafile=str(cluster.authority.cert))
        self._tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")

    def start(self):
        for kind, path in PATHS.items():
            threading.Thread(target=self._follow, args=(kind, path), daemon=True).start()

    def stop(self):
        self._stopped.set()
        for connection in list(self._connections.values()):
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.close()

    def _follow(self, kind, path):
        while not self._stopped.is_set():
            try:
                self._follow_once(kind, path)
            except (OSError, ValueError, AttributeError, http.client.HTTPException):
                pass  # the server hung up, or we did: begin anew
            self._stopped.wait(0.2)

    def _follow_once(self, kind, path):
        connection = http.client.HTTPSConnection(self._host, self._port, context=self._tls, timeout=60)
        self._connections[kind] = connection
        with contextlib.closing(connection):
            listed = json.load(self._get(connection, path))
            self.changes.put((kind, "LISTED", listed["items"], time.monotonic()))
            version = listed["metadata"]["resourceVersion"]
            lines = self._get(connection, f"{path}?watch=1&allowWatchBookmarks=true&resourceVersion={version}")
            for line in lines:
                change = json.loads(line)
                if change["type"] == "ERROR":
                    return
                if change["type"] != "BOOKMARK":
                    self.changes.put((kind, change["type"], change["object"], time.monotonic()))

    @staticmethod
    def _get(connection, path):
        connection.request("GET", path, headers={"Accept": "application/json"})
        reply = connection.getresponse()
        if reply.status != 200:
            raise OSError(f"GET {path}: {reply.status}")
        return reply
