# SPDX-License-Identifier: Apache-2.0
"""dev_api - a small client of the API server for the whole-system tests and the bench.

Connections are kept open, one for each thread, so that a request costs a millisecond and not a
handshake. Only the standard library is used.
"""

import http.client
import json
import socket
import ssl
import threading
import time
import urllib.parse

PATCH_TYPES = {"merge": "application/merge-patch+json", "json": "application/json-patch+json",
               "apply": "application/apply-patch+yaml"}
BULKHEAD = "/apis/bulkhead.dev/v1alpha1"


class ApiError(Exception):
    """An answer other than 2xx; str() is the server's own sentence."""

    def __init__(self, status, doc):
        self.status = status
        self.doc = doc
        super().__init__(doc.get("message", "") if isinstance(doc, dict) else str(doc))


class Api:
    """Requests as one user. Safe to share between threads."""

    def __init__(self, server, tls):
        url = urllib.parse.urlsplit(server)
        self._host, self._port, self._tls = url.hostname, url.port, tls
        self._local = threading.local()

    @classmethod
    def of(cls, dev):
        """As admin of a DevCluster."""
        tls = ssl.create_default_context(cafile=str(dev.authority.cert))
        tls.load_cert_chain(dev.authority.folder / "admin.crt", dev.authority.folder / "admin.key")
        return cls(dev.server(), tls)

    def connect(self, timeout):
        connection = http.client.HTTPSConnection(self._host, self._port, context=self._tls, timeout=timeout)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def raw(self, method, path, body=None, content_type="application/json", timeout=20):
        """(status, text). A connection that the server closed meanwhile is opened again, once."""
        data = body if isinstance(body, (bytes, str, type(None))) else json.dumps(body)
        for again in (True, False):
            connection = getattr(self._local, "connection", None)
            fresh = connection is None
            try:
                if fresh:
                    connection = self._local.connection = self.connect(timeout)
                connection.request(method, path, body=data, headers={"Content-Type": content_type})
                reply = connection.getresponse()
                return reply.status, reply.read().decode()
            except (OSError, http.client.HTTPException):
                self._local.connection = None
                # What was written to a connection that was already closed did not arrive.
                if fresh or not again:
                    raise
        raise AssertionError

    def request(self, method, path, body=None, content_type="application/json", timeout=20):
        status, text = self.raw(method, path, body, content_type, timeout)
        doc = json.loads(text) if text[:1] == "{" else text
        if not 200 <= status < 300:
            raise ApiError(status, doc)
        return doc

    def get(self, path):
        return self.request("GET", path)

    def find(self, path):
        """The object, or None when there is none."""
        try:
            return self.request("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def items(self, path):
        return self.request("GET", path)["items"]

    def post(self, path, body):
        return self.request("POST", path, body)

    def patch(self, path, body, kind="merge"):
        return self.request("PATCH", path, body, PATCH_TYPES[kind])

    def delete(self, path, **options):
        """Whether there was something to delete."""
        try:
            self.request("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", **options})
            return True
        except ApiError as error:
            if error.status == 404:
                return False
            raise

    def watch_lines(self, path, version, on_open=None, timeout=330):
        """The lines of one watch, until the server ends it. on_open gets the connection, to close it."""
        connection = self.connect(timeout)
        if on_open is not None:
            on_open(connection)
        try:
            joint = "&" if "?" in path else "?"
            connection.request("GET", f"{path}{joint}watch=1&allowWatchBookmarks=true&resourceVersion={version}"
                                      "&timeoutSeconds=300")
            reply = connection.getresponse()
            if reply.status != 200:
                raise ApiError(reply.status, {"message": reply.read().decode()})
            while line := reply.readline():
                yield line
        finally:
            connection.close()


class Stream(threading.Thread):
    """Reads an answer that has no end, in its own thread; whoever runs it keeps _connection, and stops at _ended."""

    def __init__(self, name):
        super().__init__(daemon=True, name=name)
        self._connection, self._ended = None, False

    def end(self):
        self._ended = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.join(5)


class Watch(Stream):
    """Follows one kind from now on, across everything that ends a watch, and calls back in its own thread.

    on_event(type, object, seconds) with type ADDED, MODIFIED or DELETED and time.monotonic() at arrival. What was
    there at the start comes as ADDED. What changed while the watch was down comes late, but it comes, except for
    objects that came and went.
    """

    def __init__(self, api, path, on_event):
        super().__init__(f"watch {path}")
        self._api, self._path, self._on_event = api, path, on_event
        self._known = {}
        self.gaps = 0
        self._version = self._list()
        self.start()

    def _list(self):
        doc = self._api.get(self._path)
        seen, now = {item["metadata"]["uid"]: item for item in doc["items"]}, time.monotonic()
        for uid, item in self._known.items():  # first what is gone, as it happened before what is new
            if uid not in seen:
                self._on_event("DELETED", item, now)
        for uid, item in seen.items():
            if uid not in self._known:
                self._on_event("ADDED", item, now)
            elif self._known[uid]["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
                self._on_event("MODIFIED", item, now)
        self._known = seen
        return doc["metadata"]["resourceVersion"]

    def _opened(self, connection):
        self._connection = connection
        if self._ended:
            raise OSError("ended")

    def _follow(self):
        for line in self._api.watch_lines(self._path, self._version, self._opened):
            now = time.monotonic()
            event = json.loads(line)
            kind, item = event["type"], event["object"]
            if kind == "ERROR":
                self.gaps += 1
                self._version = self._list()
                return
            self._version = item["metadata"]["resourceVersion"]
            if kind == "BOOKMARK":
                continue
            uid = item["metadata"]["uid"]
            if kind == "DELETED":
                self._known.pop(uid, None)
            else:
                self._known[uid] = item
            self._on_event(kind, item, now)

    def run(self):
        while not self._ended:
            try:
                self._follow()
            except (OSError, ValueError, AttributeError, http.client.HTTPException, ApiError):
                time.sleep(0.05)  # the server is away; nobody waits for this thread
