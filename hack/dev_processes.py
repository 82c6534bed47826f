# SPDX-License-Identifier: Apache-2.0
"""dev_processes - programs that run on after we have gone, and are ended by the record of their own pid.

A record is one line in a file: pid, start time, boot id. A pid alone would not do: the number may belong
to a stranger by the time we come to end it. The start time is the kernel's, so it is the same for as long
as the process lives and differs for whoever gets the number next.
"""

import os
import signal
import subprocess
import time
from pathlib import Path


class Failure(Exception):
    """Something that a person must be told, in words that need no traceback."""


def boot_id():
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid):
    """When the process started, in the kernel's ticks; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before may hold spaces and brackets
    return None if fields[0] in "ZX" else fields[19]


def spawn(argv, log, record, env=None, cwd=None):
    """Starts a program that outlives us, writing to the log, and records its pid."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as out:
        process = subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True, env=env, cwd=cwd)
    record.parent.mkdir(parents=True, exist_ok=True)
    scratch = record.with_name(f".{record.name}.{os.getpid()}")
    scratch.write_text(f"{process.pid} {start_time(process.pid) or 0} {boot_id()}\n")
    scratch.rename(record)
    _children[process.pid] = process
    return process.pid


# Those that we started ourselves become zombies when they end, until someone asks for their status.
_children = {}


def pid_of(record):
    """The pid of the recorded process while it is that very process and alive, else None."""
    try:
        pid_text, started, boot = record.read_text().split()
    except (OSError, ValueError):
        return None
    pid = int(pid_text)
    if pid in _children:
        if _children[pid].poll() is None:
            return pid  # its main thread may have ended, while others still hold its port
        del _children[pid]
    return pid if boot == boot_id() and start_time(pid) == started else None


def end(record, grace_s=5.0, kill=False):
    """Ends the recorded process: SIGTERM, and SIGKILL if it is still there after the grace period."""
    pid = pid_of(record)
    if pid is not None:
        _signal(pid, signal.SIGKILL if kill else signal.SIGTERM)
        if not _gone_within(record, grace_s):
            _signal(pid, signal.SIGKILL)
            if not _gone_within(record, 10.0):
                raise Failure(f"process {pid} ({record.stem}) does not end")
    record.unlink(missing_ok=True)


def _signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _gone_within(record, seconds):
    deadline = time.monotonic() + seconds
    while pid_of(record) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def run(*argv, **options):
    """Runs a program to its end and returns what it printed; a failure carries its last words."""
    options.setdefault("text", True)
    result = subprocess.run([str(a) for a in argv], capture_output=True, **options)
    if result.returncode != 0:
        words = (result.stderr or result.stdout or "").strip()
        raise Failure(f"{Path(str(argv[0])).name} {' '.join(str(a) for a in argv[1:3])}: "
                      f"exit code {result.returncode}: {words[-800:]}")
    return result.stdout


def tail(path, lines=15):
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return f"(no log at {path})"
    return "\n".join(text.splitlines()[-lines:])
