# SPDX-License-Identifier: Apache-2.0
"""What jobs leave, and what others make of it: args, parameters, the size of an array."""

from waiting import wait_for
from world import is_sentence, merged


def args_of(world, name):
    """The args of each pod of a job that is there, by index."""
    return {int(p["metadata"]["labels"]["bulkhead.dev/index"]): p["spec"]["containers"][0]["args"]
            for p in world.pods(name)}


def uses(*args, size_from=None):
    spec = {"template": {"spec": {"containers": [{"name": "main", "image": "busybox:1.36", "args": list(args),
                                                  "resources": {"requests": {"cpu": "1", "memory": "64Mi"}}}]},
                         "metadata": {"annotations": {"kwok.bulkhead.dev/run-ms": "4000"}}}}
    return merged(spec, {"arrayProperties": {"sizeFrom": size_from}} if size_from else {})


def test_split_fan_out_merge(world):
    """A result is recorded, gives an array its size and its children their args."""
    world.setup(max_vcpus=8)
    world.submit("split", message='{"count": 3, "of": {"name": "a $5 thing"}}\n')
    world.submit("work", depends=["split"], parameters={"what": "Ref::jobs.split.of.name"},
                 spec=uses("--n=Ref::jobs.split.count", "Ref::what", size_from="Ref::jobs.split.count"))
    assert world.succeeded("split")["result"] == '{"count": 3, "of": {"name": "a $5 thing"}}'
    wait_for("three children to run", lambda: world.phases("work") == {"Running": 3})
    status = world.status("work")
    assert status["arrayProperties"]["size"] == 3
    assert status["references"] == {"jobs.split.count": "3", "jobs.split.of.name": "a $5 thing"}
    assert args_of(world, "work") == dict.fromkeys(range(3), ["--n=3", "a $$5 thing"])
    world.succeeded("work")


def test_nothing_to_do_and_no_such_field(world):
    world.setup(max_vcpus=4)
    world.submit("none", message='{"count": 0}')
    world.submit("empty", depends=["none"], spec=uses("x", size_from="Ref::jobs.none.count"))
    world.submit("asks", depends=["none"], spec=uses("Ref::jobs.none.name"))
    world.submit("stray", spec=uses("Ref::jobs.none.count"))
    assert "0" in world.succeeded("empty")["statusReason"]
    told = {name: (s["reason"], s["statusReason"]) for name in ("asks", "stray") for s in [world.failed(name)]}
    assert told["asks"] == ("ResultUnusable", "Ref::jobs.none.name: the result of none has no field name")
    assert told["stray"][0] == "InvalidReference" and is_sentence(told["stray"][1]), told
    assert not world.pods("empty") and not world.pods("asks")


def test_children_of_the_same_index(world):
    """Each child is given what its own one left; one whose own one left nothing of the kind fails, and says why."""
    world.setup(max_vcpus=8)
    world.submit("each", array=2, message='{"n": 7}')
    world.submit("takes", array=2, spec={**uses("--n=Ref::jobs.each.n", "Ref::jobs.each"),
                                         "dependsOn": [{"jobName": "each", "type": "N_TO_N"}]})
    world.submit("lacks", array=2, spec={**uses("Ref::jobs.each.m"),
                                         "dependsOn": [{"jobName": "each", "type": "N_TO_N"}]})
    wait_for("both children to run", lambda: world.phases("takes") == {"Running": 2})
    assert args_of(world, "takes") == dict.fromkeys(range(2), ["--n=7", '{"n": 7}'])
    stored = world.status("takes")["arrayProperties"]["inputs"]
    assert stored == "jobs.each.n\tjobs.each\n" + "".join(f'{i}\t7\t{{"n": 7}}\n' for i in range(2))
    failure, = world.failed("lacks")["arrayProperties"]["failures"]
    assert failure["statusReason"] == "Ref::jobs.each.m: the result of its child of each has no field m"
    assert (failure["children"], failure["indexes"]) == (2, "0-1") and not world.pods("lacks")
    assert "inputs" not in world.succeeded("takes")["arrayProperties"]
