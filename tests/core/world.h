/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - a tiny text world that drives the core
 *
 * A script is a text. Lines declare what there is, tell what happens, and move the clock; the world
 * keeps it as an API server and a node-group provider would, shows it to the core, carries out
 * every plan at once, and writes down what the core did. Objects:
 *
 *   environment e1 kwok max=8 min=2 types=small:1:1Gi:0.05,large:4:4Gi:0.18 delay=30s boot=10s
 *       types are name:vcpus:memory:price[:how many there are]; also want=small (instanceTypes),
 *       strategy=BEST_FIT, bid=60, ns=default,team, allocatable=900m (what a node really offers),
 *       offers=small:0.02:5:1 (spot price, percent that is taken back, GPUs, zones),
 *       boot=never, enabled, disabled, spot, charged=7 (by a process that is dead: its status)
 *   environment e2 static                                 nodes with env=e2 are its machines
 *   queue q1 priority=10 envs=e1,e2 ns=default            also disabled, enabled, ttl=30s,
 *       draining, besteffort, backfill (queueingStrategy), keep=20s most=2 (finishedPods),
 * most-vcpus=4 most-memory=8Gi most-gpus=1 most-jobs=3 (limits; -1 takes one back) and
 *       limits=capacity:60s,fit:2m,max:10s (jobStateTimeLimitActions)
 *   definition d cpu=1 memory=1Gi retry=2 timeout=10s     options as those of a job; also
 *       deregistered=1,3 history=2. Its revisions are objects of the server: revision d-u1-d-2 is
 *       the second of the first definition that was declared
 *   job a queue=q1 cpu=1 memory=512Mi                     also definition=d (no template of its
 * own) job b queue=q1 array=6 after=a,c:N_TO_N,SEQUENTIAL    ns=team created=3s runs=20s retry=3
 * rule=RETRY,exit=3 rule=EXIT,reason=Cannot*,status=Host~EC2*   timeout=10s start=20s ttl=5s
 * select=zone:a replaces=f after=d:Hold parent=g
 * affinity=zone:In:a|b tolerate=gpu:yes port=8080 nvidia.com/gpu=1 invalid=words needs=volumes
 * (or resourceClaims, affinity.podAntiAffinity: of the cluster's scheduler) apart
 *   node n1 env=e2 cpu=4 memory=8Gi pods=110 labels=zone:a taints=gpu:yes:NoSchedule   also
 * unready, ready, cordoned, uncordoned, machine=i3 (the instance-id label) daemonset d cpu=100m pod
 * foreign node=n1 cpu=2 daemonset=d port=80
 *   job g queue=q1 nodes=4 main=1 allowspot maincpu=2    of several nodes; the main node's own cpu;
 *       setnodes=3 (nodeOverrides.numNodes)
 *   consumable c total=5                                   also spent (NON_REPLENISHABLE), ns=team;
 *       jobs and definitions take of it: takes=c:2,d:1; lowered: the total may be under what is in
 *       use
 *   policy p weights=a:0.5,u*:2 decay=600s                 a SchedulingPolicy; also reservation=50,
 *       dominant, reclaim, invalid=words. Queues: policy=p; jobs: share=a prio=5 preemptible
 *   job c after=a arg=Ref::jobs.a.count param=k:v          what the container is given
 *   job d after=a sizefrom=Ref::jobs.a.count               an array of a computed size
 *   service g-00000001 [owner=00000001-uid]                the name of the first job's, if it is g;
 *       without owner somebody else's
 *   runtimeclass r cpu=250m select=k:v tolerate=k:v        what it adds to jobs with runtime=r
 *
 * A line about something that is there changes what it names and keeps the rest; "~" stands for a
 * space in a value. What happens:
 *
 *   at 5s                     time goes on; what is due before happens before
 *   pod a running             the newest try of job a; a/3 child 3, a/3.1 its first try
 *   pod a ok | failed exit=3 reason=OOMKilled message=words | refused OutOfcpu | evicted [words]
 *         | bound n1
 *         | waiting ImagePullBackOff [words=x] [init: a first container ran] | deadline | deleting
 *         | unknown (a kubelet that never ran it ends it)
 *         | gone
 *   pod a ok result={"count":3}           what it leaves
 *   queue q1 settled=25000    a dead process has counted one more job, and told so too late
 *   job a cancel words | terminate words | gone      queue q1 gone | deleting | broken=words
 *   queue q1 was enabled      an old notice of it that comes late; also of what went last;
 *       job a was unasked: before anybody asked to terminate it
 *   node n1 gone     machine i1 gone                 environment e1 deleting      pod foreign gone
 *   machine i1 REBALANCE | INTERRUPTION [zone=a]     what its provider knows of its end
 *   machine i1 hidden         it is there, and the next answer of its provider leaves it out
 *   machine i1 going          somebody has told it to go, and it is there until it is gone
 *   machine i1 node=e-2       its Node will have this name
 *   answer create a refused no such field   how the next action of that kind about a ends:
 *       refused, quota, forbidden, again, conflict, missing, exists; unknown (it did not happen),
 *       lost (it happened and nobody was told), never; late, of a create: it happens at "arrives",
 *       and nobody is told; of a launch: its answer, as it is now, comes then; for a provider:
 *       capacity, again, lost, invalid. "answer always create ..." holds till "answer create a ok".
 *       ok and failed also take also=side:0,check:2:words for containers beside main
 *   tries a                   writes down the tries in job a's stored status
 *   why a                     writes down what keeps job a, as its status would tell it
 *   explain a                 writes down the whole of it: place in line, every node, every clause
 *   jobs | pods | consumables | shares   writes down how everything stands
 *   restart                   throws the core away and fills a new one from what the server holds
 *
 * What ran on a node that is gone is failed by pod GC 40 s later. Everything is declared before the
 * first "at" is seen at once, at 0s. After every plan the core's own invariants are checked, and
 * the world's: no node over its allocatable, no child twice at a time, no machine taken from under
 * a pod, no environment over maxvCpus. A breach is a line in capitals. */
#ifndef BULKHEAD_TESTS_CORE_WORLD_H
#define BULKHEAD_TESTS_CORE_WORLD_H

#include "check.h"

#include "bulkhead/core/core.h"

enum world_show {                      /* which of the core's actions are written down */
                  SHOW_PODS = 1,       /* start, stop, ask */
                  SHOW_CLEANUP = 2,    /* release, delete */
                  SHOW_STATUS = 4,     /* what jobs are told */
                  SHOW_WORDS = 8,      /* with the message */
                  SHOW_MACHINES = 16,  /* launch, terminate */
                  SHOW_QUESTIONS = 32, /* types, observe; check */
                  SHOW_ADMIN =
                      64, /* statuses and finalizers of queues, environments, definitions */
                  SHOW_EVENTS = 128,       /* Kubernetes Events */
                  SHOW_TOKENS = 256,       /* with the token of each launch */
                  SHOW_ATTEMPTS = 512,     /* with try and attempt of each start */
                  SHOW_CHILDREN = 1024,    /* with the counts of an array */
                  SHOW_RESULTS = 2048,     /* with what jobs leave */
                  SHOW_TELLS = 4096,       /* there is an event sink, and what it is told */
                  SHOW_CONSUMABLES = 8192, /* statuses of consumable resources */
                  SHOW_ARGS = 16384,       /* with the args of each start */
                  SHOW_COST = 1 << 22,     /* what jobs cost, as their statuses tell it */
                  SHOW_BILL = 1 << 23,     /* what jobs of queues cost, as queues tell it */
                  SHOW_CHARGE = 1 << 24,   /* what machines cost, as environments tell it */
                  SHOW_FRONT = 1 << 21,    /* the first in line, as queues tell them */
                  SHOW_KEPT = 1 << 25,     /* what is kept for them */
                  SHOW_LAUNCHING =
                      1 << 20, /* capacity on its way, as environments' statuses tell it */
                  SHOW_REVISIONS = 1 << 15, /* what is stored of definitions, and used by starts */
                  SHOW_SERVICES = 1 << 16,  /* those that name the nodes of multi-node jobs */
};

struct world_row {
    const char *name, *given, *want;
};
/* Runs each row twice: the log must be as wanted, and the plans the same byte for byte. */
void world_check(const struct world_row *rows, size_t count, unsigned show);

enum world_cut { CUT_NONE, CUT_BEFORE_ACTIONS, CUT_HALF_WAY, CUT_BEFORE_ANSWERS };

struct world;
struct world *world_new(unsigned show);
struct world *world_free(struct world *world);
DEFINE_AUTO(world, world_free)
/* The core is thrown away once, at that plan with actions in it. */
void world_restart_at(struct world *world, size_t plan, enum world_cut cut);
void world_run(struct world *world, const char *script);
const char *world_log(const struct world *world);
const char *world_plans(const struct world *world); /* every plan as plan_print has it */
size_t world_plan_count(const struct world *world); /* plans with actions in them */
struct core *world_core(struct world *world);

#endif
