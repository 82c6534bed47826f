# SPDX-License-Identifier: Apache-2.0
"""A proxy between one controller and the API server: it counts what is written, and strikes at a chosen write.

    before      the write is not passed on, and the controller is killed
    committed   it is passed on and answered; the controller is killed and never hears the answer
    answered    the controller hears the answer, and is killed before its next write is passed on
    late        the controller is killed, and the write is passed on when the test says so (let_go): a packet on its way
    during      it is passed on, and its victim, an API server, is killed at once

From the moment of a strike on, no other write of that life is passed on. HTTP/1.1 over TLS on loopback, a thread for
each connection; connections to the API server are kept and used again. Only the standard library is used.
"""

import json
import os
import select
import signal
import socket
import ssl
import threading
import time
import urllib.parse
from collections import Counter
from pathlib import Path

PHASES = ("before", "committed", "answered", "late")
HEAD_MAX = 1 << 16
# After its answer the controller acts on it at once; what it then writes ends the wait.
ANSWERED_PAUSE_S = 0.03


class Cut(Exception):
    """The connection is of no use any more."""


def sort_of(method, path):
    """What a request does to the world: read, write, lease, cell, event (best effort, nobody counts on it) or question."""
    place, _, query = path.partition("?")
    if method == "GET":
        return "read"
    if "/selfsubjectaccessreviews" in place or "dryRun=All" in query:
        return "question"
    for word in ("leases", "cells", "events"):
        if f"/{word}" in place:
            return word.rstrip("s")
    return "write"


class Strike:
    def __init__(self, at, phase, sorts, words):
        assert phase in (*PHASES, "during")
        self.at, self.phase, self.sorts, self.words = at, phase, sorts, words
        self._pid, self._aimed = None, threading.Event()
        self.seen = 0              # writes of these sorts since it was armed
        self.hit = None            # (method, path) of the write that it struck at
        self.done = threading.Event()     # the signal is sent
        self.dropped = threading.Event()  # another write came after it, and was not passed on
        self.released = threading.Event()
        self.late_answer = None    # (status, text) of a write that was passed on late

    def counts(self, sort, method, path):
        return sort in self.sorts and all(word in f"{method} {path}" for word in self.words)

    def aim(self, pid):
        """At whom; a write that comes before this is known waits for it."""
        self._pid = pid
        self._aimed.set()

    def kill(self):
        if self._aimed.wait(10):
            try:
                os.kill(self._pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.done.set()


class Gate:
    """Before the first read whose path has all the words: it waits there until go()."""

    def __init__(self, words):
        self.words = words
        self.reached, self._open = threading.Event(), threading.Event()
        self.status = None  # of its answer

    def wait(self):
        self.reached.set()
        self._open.wait(120)

    def go(self):
        self._open.set()


class Stream:
    """One connection, read by heads and bodies."""

    def __init__(self, sock):
        self.sock, self.rest = sock, b""
        self.peer = None  # where a read of it comes from

    def more(self):
        try:
            data = self.sock.recv(1 << 16)
        except OSError as error:
            raise Cut from error
        if not data:
            raise Cut
        self.rest += data

    def take(self, size):
        while len(self.rest) < size:
            self.more()
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

    def until(self, mark):
        while (at := self.rest.find(mark)) < 0:
            if len(self.rest) > HEAD_MAX and mark == b"\r\n\r\n":
                raise Cut
            self.more()
        return self.take(at + len(mark))

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Cut from error

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass


def headers_of(head):
    lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines[1:] if line]
    return lines[0], {name.strip().lower(): value.strip() for name, _, value in pairs}


class Proxy:
    def __init__(self, dev, kubeconfig, out, server=None):
        """dev: the DevCluster; kubeconfig: of the controller; out: where to write the one that leads here.
        server: if it is not the usual API server."""
        url = urllib.parse.urlsplit(server or dev.server())
        self._target = (url.hostname, url.port)
        folder = dev.authority.folder
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(folder / "apiserver.crt", folder / "apiserver.key")
        self._tls.set_alpn_protocols(["http/1.1"])
        self._upstream_tls = ssl.create_default_context(cafile=str(dev.authority.cert))
        self._lock = threading.Lock()
        self._idle = []        # connections to the API server
        self._open = set()     # connections of the controller
        self._strike = None
        self._gate = None
        self._shut = False     # a strike has begun: nothing more of this life is passed on
        self._life = 0
        self._under_way = 0    # writes that are passed on and not answered
        self.counts = Counter()   # requests passed on, by sort
        self.answers = []      # (sort, method, path, status, seconds since start) of what is no read, if kept
        self.keep = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        doc = json.loads(Path(kubeconfig).read_text())
        doc["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{self.port}"
        self.kubeconfig = Path(out)
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(json.dumps(doc))
        threading.Thread(target=self._accept, daemon=True, name="proxy").start()

    # ---- what tests ask -----------------------------------------------------------------------------

    def arm(self, at, phase, sorts=("write",), words=()):
        """Strikes at the at-th write from now (1 is the next one) with these words, once; the Strike, to be aimed.

        A new life begins here: what an earlier one still sends is not passed on.
        """
        with self._lock:
            self._life += 1
            self._shut = False
            self._strike = Strike(at, phase, sorts, words)
            return self._strike

    def call_off(self, strike):
        """It will strike no more; False: it has begun to, and will be done in a moment."""
        with self._lock:
            if strike.hit is None and self._strike is strike:
                self._strike = None
            return strike.hit is None

    def disarm(self):
        """Passes everything on; a new life begins here, unless nothing has been struck at."""
        with self._lock:
            self._life += self._shut
            self._shut = False
            self._strike = None

    def gate(self, *words):
        """Stops the next read whose path has all the words, until the Gate's go()."""
        with self._lock:
            self._gate = Gate(words)
            return self._gate

    def let_go(self, strike, deadline=20):
        """Passes on a write that was held (late); returns the answer that nobody waits for any more."""
        strike.released.set()
        begin = time.monotonic()
        while strike.late_answer is None and time.monotonic() - begin < deadline:
            time.sleep(0.005)
        return strike.late_answer

    def cut(self):
        """Drops all connections of the controller, as those of a dead process are, and waits for what is under way."""
        with self._lock:
            connections, self._open = self._open, set()
        for stream in [*connections, *[c.peer for c in connections if c.peer is not None]]:
            try:
                stream.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        begin = time.monotonic()
        while self._under_way > 0 and time.monotonic() - begin < 10:
            time.sleep(0.002)

    def close(self):
        self._listener.close()
        self.cut()
        with self._lock:
            for stream in self._idle:
                stream.close()
            self._idle.clear()

    # ---- connections --------------------------------------------------------------------------------

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock, self._life), daemon=True, name="proxied").start()

    def _serve(self, sock, life):
        stream = None
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = Stream(self._tls.wrap_socket(sock, server_side=True))
            with self._lock:
                self._open.add(stream)
            while self._exchange(stream, life):
                pass
        except (Cut, OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open.discard(stream)
            (stream or Stream(sock)).close()

    def _upstream(self):
        with self._lock:
            while self._idle:
                stream = self._idle.pop()
                if not select.select([stream.sock], [], [], 0)[0]:
                    return stream
                stream.close()  # it says something unasked: goodbye
        sock = socket.create_connection(self._target)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Stream(self._upstream_tls.wrap_socket(sock, server_hostname=self._target[0]))

    # ---- one request --------------------------------------------------------------------------------

    def _exchange(self, client, life):
        head = client.until(b"\r\n\r\n")
        first, headers = headers_of(head)
        method, path, _ = first.split(" ", 2)
        body = client.take(int(headers.get("content-length", 0)))
        sort = sort_of(method, path)
        strike = None
        if sort != "read":
            strike = self._admit(sort, method, path, life)
        elif (gate := self._gate_of(path)) is not None:
            gate.wait()
            gate.status = self._pass_on(client, head + body, sort, method, path, None)
            return True
        try:
            return self._pass_on(client, head + body, sort, method, path, strike)
        finally:
            if sort != "read":
                with self._lock:
                    self._under_way -= 1

    def _gate_of(self, path):
        with self._lock:
            gate = self._gate
            if gate is None or not all(word in path for word in gate.words):
                return None
            self._gate = None
            return gate

    def _admit(self, sort, method, path, life):
        """The Strike if this is the write that it is for, None for any other; raises Cut for one that is too late."""
        with self._lock:
            strike = self._strike
            counted = strike is not None and strike.counts(sort, method, path)
            if life != self._life or (self._shut and sort != "lease"):
                if strike is not None:
                    strike.dropped.set()
                raise_cut = True
            else:
                raise_cut = False
                self._under_way += 1
                if counted:
                    strike.seen += 1
                if counted and strike.seen == strike.at:
                    strike.hit = (method, path)
                    self._shut = True
                else:
                    strike = None
        if raise_cut:
            raise Cut
        return strike

    def _pass_on(self, client, request, sort, method, path, strike):
        phase = strike.phase if strike is not None else None
        if phase == "before":
            strike.kill()
            raise Cut
        if phase == "late":
            self._hold(strike)
        server = self._upstream()
        client.peer = server if sort == "read" else None
        try:
            server.send(request)
            if phase == "during":
                strike.kill()
                raise Cut
            to = client if phase in (None, "answered") else None
            status, text, again = self._relay(server, to, sort)
        except BaseException:
            server.close()
            raise
        client.peer = None
        with self._lock:
            self.counts[sort] += 1
            if sort != "read" and self.keep:
                self.answers.append((sort, method, path, status, time.monotonic()))
            if again:
                self._idle.append(server)
        if not again:
            server.close()
        if phase == "late":
            strike.late_answer = (status, text)
        if phase == "answered":
            strike.dropped.wait(ANSWERED_PAUSE_S)
        if phase in ("committed", "answered"):
            strike.kill()
        if phase is not None:
            raise Cut
        return status

    def _hold(self, strike):
        with self._lock:
            self._under_way -= 1  # nobody waits for it
        strike.kill()
        strike.released.wait(120)
        with self._lock:
            self._under_way += 1

    # ---- the answer -----------------------------------------------------------------------------------

    def _relay(self, server, client, sort):
        """(status, text unless it is of a read, whether the connection can be used again)"""
        def out(data):
            if client is not None:
                client.send(data)
            if sort != "read":
                kept.append(data)
        kept = []
        head = server.until(b"\r\n\r\n")
        first, headers = headers_of(head)
        out(head)
        kept.clear()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            self._relay_chunks(server, out)
        else:
            out(server.take(int(headers.get("content-length", 0))))
        return int(first.split(" ")[1]), b"".join(kept).decode(errors="replace"), headers.get("connection") != "close"

    @staticmethod
    def _relay_chunks(server, out):
        while True:
            line = server.until(b"\r\n")
            size = int(line.split(b";")[0], 16)
            out(line + server.take(size + 2))
            if size == 0:
                return
