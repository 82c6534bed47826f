# SPDX-License-Identifier: Apache-2.0
"""Waiting for something to become so, with a bound, and with words for when it does not."""

import time

PATIENCE = 40  # seconds; a busy machine with two cores is slow, a thing that never comes is a failure anyway


def wait_for(what, predicate, deadline=PATIENCE, every=0.03):
    """What predicate() returns once it is true. It may assert: the last failure is shown when the time is over."""
    begin = time.monotonic()
    last = None
    while True:
        try:
            value = predicate()
            if value:
                return value
            last = repr(value)
        except AssertionError as error:
            last = str(error)
        if time.monotonic() - begin > deadline:
            raise AssertionError(f"waited {deadline} s for {what}; at last: {last}")
        time.sleep(every)


def stays(what, predicate, seconds):
    """predicate() holds now and at every look for so long: for what must not happen although it could."""
    begin = time.monotonic()
    while True:
        assert predicate(), f"{what}: not so after {time.monotonic() - begin:.1f} s"
        if time.monotonic() - begin > seconds:
            return
        time.sleep(0.1)


def wait_quiet(what, value, seconds=2, deadline=PATIENCE):
    """What value() returns once it has stayed the same for so long."""
    state = {"value": value(), "since": time.monotonic()}

    def quiet():
        now = value()
        if now != state["value"]:
            state.update(value=now, since=time.monotonic())
        return time.monotonic() - state["since"] >= seconds
    wait_for(f"{what} to stay as it is", quiet, deadline)
    return state["value"]
