# SPDX-License-Identifier: Apache-2.0
"""The path from an API server to etcd, which can be held up; and etcd's own history, past every API server.

    hold(kinds)     what etcd tells watches of these kinds is kept back, everything else passes: the API server's cache,
                    and with it every watch and every list that may be old, stays as it was, while writes and reads of
                    single objects go through. That is how stale reads come about
    pause(up, down) nothing passes in that direction: writes hang, are stored late, or are stored and never answered
    release(), resume()

gRPC is HTTP/2, on loopback without TLS. A call whose request ends is answered once; a call that the client keeps open is
a watch, and its first message names the keys. So frames are enough, and no header has to be decoded. What is held back
does not count against the connection's window (the server is told at once that it was taken), or nothing else would pass
soon; what is released goes no faster than the client makes room for it, as it would from the server itself.

Only the standard library is used.
"""

import base64
import http.client
import json
import re
import socket
import threading
import time
from collections import defaultdict, deque

from dev_api import Stream

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE = 0, 1, 3, 4, 8
END_STREAM, ACK, INITIAL_WINDOW = 1, 1, 4
KEYS = re.compile(rb"/registry/[\w./-]+/")


class Frame:
    def __init__(self, head, payload):
        self.kind, self.flags = head[3], head[4]
        self.stream = int.from_bytes(head[5:9], "big") & 0x7FFFFFFF
        self.payload, self.bytes = payload, head + payload


def window_update(stream, size):
    return b"\0\0\4" + bytes([WINDOW_UPDATE, 0]) + stream.to_bytes(4, "big") + size.to_bytes(4, "big")


def read_exactly(sock, size):
    data = bytearray()
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            raise OSError("closed")
        data += part
    return bytes(data)


class Road:
    """One connection of the API server."""

    def __init__(self, path, client, server):
        self._path, self._client, self._server = path, client, server
        self._lock = threading.RLock()       # for all that is sent, in both directions
        self._calls = set()                  # streams whose request has ended
        self._keys = {}                      # stream of a watch: its keys
        self._kept = defaultdict(deque)      # stream: frames
        self._initial = 65535
        self._window = defaultdict(int)      # stream: what the client takes, without the initial window
        self._owed = defaultdict(int)        # stream, 0 the connection: released, and told to the server as taken before
        for work in (self._up, self._down):
            threading.Thread(target=self._run, args=(work,), daemon=True, name="etcd path").start()

    def close(self):
        for sock in (self._client, self._server):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _run(self, work):
        try:
            work()
        except OSError:
            pass
        self.close()
        self._path.forget(self)

    @staticmethod
    def _frame(sock):
        head = read_exactly(sock, 9)
        return Frame(head, read_exactly(sock, int.from_bytes(head[:3], "big")))

    # ---- from the API server to etcd ------------------------------------------------------------------

    def _up(self):
        preface = read_exactly(self._client, len(PREFACE))
        if preface != PREFACE:
            raise OSError("this is no gRPC")
        self._server.sendall(preface)
        while True:
            frame = self._frame(self._client)
            self._path.up.wait()
            with self._lock:
                if frame.kind == WINDOW_UPDATE:
                    self._make_room(frame)
                    continue
                self._note(frame)
                self._server.sendall(frame.bytes)

    def _note(self, frame):
        if frame.kind == DATA and frame.flags & END_STREAM:
            self._calls.add(frame.stream)
        elif frame.kind == DATA and frame.stream not in self._keys:
            keys = KEYS.search(frame.payload)
            self._keys[frame.stream] = keys.group().decode() if keys else ""
        elif frame.kind == RST_STREAM:
            self._kept.pop(frame.stream, None)
            self._calls.discard(frame.stream)
        elif frame.kind == SETTINGS and not frame.flags & ACK:
            for at in range(0, len(frame.payload), 6):
                if int.from_bytes(frame.payload[at:at + 2], "big") == INITIAL_WINDOW:
                    self._initial = int.from_bytes(frame.payload[at + 2:at + 6], "big")

    def _make_room(self, frame):
        size = int.from_bytes(frame.payload, "big") & 0x7FFFFFFF
        self._window[frame.stream] += size
        told = min(size, self._owed[frame.stream])
        self._owed[frame.stream] -= told
        if size > told:
            self._server.sendall(window_update(frame.stream, size - told))
        self.let_go()

    # ---- from etcd to the API server ------------------------------------------------------------------

    def _down(self):
        while True:
            frame = self._frame(self._server)
            self._path.down.wait()
            with self._lock:
                news = frame.kind in (DATA, HEADERS) and frame.stream in self._keys and frame.stream not in self._calls
                if news and (self._kept[frame.stream] or self._path.holds(self._keys[frame.stream])):
                    self._keep(frame)
                else:
                    self._pass_on(frame)

    def _keep(self, frame):
        self._kept[frame.stream].append(frame)
        self._path.kept += 1
        if frame.kind == DATA and frame.payload:
            for stream in (0, frame.stream):
                self._server.sendall(window_update(stream, len(frame.payload)))

    def _pass_on(self, frame):
        if frame.kind == DATA:
            self._window[frame.stream] -= len(frame.payload)
        if frame.flags & END_STREAM and frame.kind in (DATA, HEADERS):
            self._calls.discard(frame.stream)
            self._window.pop(frame.stream, None)
        self._client.sendall(frame.bytes)

    def let_go(self):
        """What may pass by now."""
        with self._lock:
            for stream, frames in list(self._kept.items()):
                while frames and not self._path.holds(self._keys[stream]):
                    if frames[0].kind == DATA and len(frames[0].payload) > self._initial + self._window[stream]:
                        break
                    frame = frames.popleft()
                    if frame.kind == DATA:
                        self._owed[0] += len(frame.payload)
                        self._owed[stream] += len(frame.payload)
                    self._pass_on(frame)


class EtcdPath:
    def __init__(self, etcd_port):
        self._etcd_port = etcd_port
        self._lock = threading.Lock()
        self._roads = set()
        self._held = ()           # words; a watch is held when one of them is among its keys
        self._spared = ()
        self.up, self.down = threading.Event(), threading.Event()
        self.kept = 0             # frames that were held back, ever
        self.resume()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True, name="etcd path").start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._etcd_port))
            except OSError:
                return
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._roads.add(Road(self, client, server))

    def forget(self, road):
        with self._lock:
            self._roads.discard(road)

    def close(self):
        self._listener.close()
        self.resume()
        with self._lock:
            roads = list(self._roads)
        for road in roads:
            road.close()

    # ---- what tests ask -----------------------------------------------------------------------------

    def holds(self, keys):
        words = keys.strip("/").split("/")
        return ("all" in self._held or any(word in words for word in self._held)) \
            and not any(word in words for word in self._spared)

    def hold(self, *kinds, but=()):
        """Watches of these kinds ("all": of every kind but those) hear nothing from now on."""
        self._spared, self._held = but, kinds

    def release(self):
        self._held = self._spared = ()
        with self._lock:
            roads = list(self._roads)
        for road in roads:
            try:
                road.let_go()
            except OSError:
                pass  # it was closed meanwhile

    def pause(self, up=True, down=True):
        """Nothing passes to etcd (up), from etcd (down)."""
        if up:
            self.up.clear()
        if down:
            self.down.clear()

    def resume(self):
        self.up.set()
        self.down.set()


# ---- etcd itself ----------------------------------------------------------------------------------------------

def encoded(text):
    return base64.b64encode(text.encode()).decode()


class Etcd:
    """What the store itself says, through its JSON gateway."""

    def __init__(self, port):
        self._port = port

    def ask(self, path, body, timeout=20):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            text = reply.read().decode()
            assert reply.status == 200, f"{path}: {reply.status} {text[:300]}"
            return json.loads(text)
        finally:
            connection.close()

    def range(self, prefix):
        """(revision of the store, [key and value of each])"""
        doc = self.ask("/v3/kv/range", {"key": encoded(prefix), "range_end": encoded(after(prefix))})
        return int(doc["header"]["revision"]), doc.get("kvs", [])

    def revision(self):
        return self.range("/registry/none/")[0]

    def compact(self, revision=None):
        """Forgets everything before the revision (default: the present one); returns it."""
        revision = revision or self.revision()
        self.ask("/v3/kv/compaction", {"revision": revision, "physical": True})
        return revision

    def watch(self, prefix, revision, on_open):
        """The answers of a watch from that revision on, one by one, for as long as it lasts."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=3600)
        on_open(connection)
        try:
            connection.request("POST", "/v3/watch", json.dumps({"create_request": {
                "key": encoded(prefix), "range_end": encoded(after(prefix)), "start_revision": revision}}),
                               {"Content-Type": "application/json"})
            reply = connection.getresponse()
            while line := reply.readline():
                yield json.loads(line)["result"]
        finally:
            connection.close()


def after(prefix):
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def keys_of(path):
    """Where an API server keeps what it serves under a path of all namespaces."""
    parts = path.strip("/").split("/")
    kind = {"nodes": "minions"}.get(parts[-1], parts[-1])
    return f"/registry/{kind}/" if parts[0] == "api" else f"/registry/{parts[1]}/{kind}/"


class StoreWatch(Stream):
    """As dev_api.Watch, but of the store itself: no API server that is old, away or new can make it miss a version.

    The API servers must store JSON (--storage-media-type=application/json).
    """

    def __init__(self, etcd, path, on_event):
        super().__init__(f"store watch {path}")
        self._etcd, self._keys, self._on_event = etcd, keys_of(path), on_event
        self._known = {}  # key: its last value, which a deletion does not tell
        self.gaps = 0
        self._revision, items = etcd.range(self._keys)
        for item in items:
            self._known[item["key"]] = item["value"]
            self._tell("ADDED", item["value"], int(item["mod_revision"]))
        self.start()

    def _tell(self, kind, value, revision):
        item = json.loads(base64.b64decode(value))
        item["metadata"]["resourceVersion"] = str(revision)
        self._on_event(kind, item, time.monotonic())

    def _take(self, event):
        kv = event["kv"]
        revision = int(kv["mod_revision"])
        if event.get("type") == "DELETE":
            self._tell("DELETED", self._known.pop(kv["key"]), revision)
        else:
            self._known[kv["key"]] = kv["value"]
            self._tell("ADDED" if kv["create_revision"] == kv["mod_revision"] else "MODIFIED", kv["value"], revision)
        self._revision = revision

    def _opened(self, connection):
        self._connection = connection
        if self._ended:
            raise OSError("ended")

    def run(self):
        while not self._ended:
            try:
                for answer in self._etcd.watch(self._keys, self._revision + 1, self._opened):
                    self.gaps += int(answer.get("compact_revision", 0)) > 0
                    for event in answer.get("events", []):
                        self._take(event)
            except (OSError, ValueError, AttributeError, http.client.HTTPException):
                time.sleep(0.05)
