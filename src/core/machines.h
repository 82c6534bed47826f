/* SPDX-License-Identifier: Apache-2.0 */
/* machines.h - compute environments and their machines inside the core; part of internal.h, which
 * has what they are made of */
#ifndef BULKHEAD_CORE_MACHINES_H
#define BULKHEAD_CORE_MACHINES_H

struct environment_charge { /* charge.h */
    struct environment_cost cost;
    int64_t rest_amount, rest_vcpus, rest_gpus; /* not a whole one yet */
    int64_t from_ns; /* machines launched by then are in what was stored, or there before */
    bool open;
};

struct core_instance {
    struct core_environment *environment;
    char *id, *type, *node_name, *zone;
    enum instance_state state;
    enum instance_signal signal;  /* of the provider; see signals.h */
    int64_t signal_ns;            /* when it was first known that it goes; 0: it is not */
    int64_t launched_ns, seen_ns; /* seen_ns: when it was last in an answer */
    int missing;                  /* answers in a row without it */
    bool charged;                 /* since its launch: charge.h */
    bool interrupted;             /* counted as taken back: spot.h */
    struct core_node *node;
    int64_t node_vcpus;   /* of the node that it has, or had last; 0: none yet */
    bool moves;           /* counted in environment->moving */
    bool terminate_asked; /* a terminate call has been planned */
    bool joined;          /* its node was Ready once */
    int64_t ready_ns;     /* when its node was last seen to be Ready */
    /* ladder.c */
    int64_t running_ns,
        joined_ns; /* when it was first told to run; seen Ready for the first time */
    bool awaited;  /* it was seen before it was Ready */
    bool served;   /* a pod of ours has started there */
    struct core_instance *prev, *next;
};

struct core_thinking {      /* a buying pass: see counted.c and buy.c */
    uint64_t step;          /* grows with each job that is looked at, and never goes back */
    struct thought *placed; /* NULL: none, or no pass is under way */
    int passed;             /* jobs that could not run, and are in nobody's way */
    bool unsure;            /* there were no such machines when last asked, or may be no room */
    bool doubt;             /* who comes next is behind that */
};

struct core_launch {           /* asked for, not answered yet; vCPUs count from here */
    char *type, *zone, *token; /* zone NULL: any */
    int64_t count, vcpus;
    int64_t since_ns;     /* when it was planned */
    bool in_flight, sent; /* sent: at least once; the same token is sent until there is an answer */
    bool together;        /* with the next: parts of one mixture */
    struct core_launch *next;
};

struct spot_type { /* spot machines of a type, decayed: spot.h */
    char *name;
    int64_t machine_ns, interruptions; /* in millionths */
};

struct core_type { /* an instance type of an environment, in one of its zones, and what is learnt
                      about it */
    struct instance_type spec;
    const char *zone;      /* in spec.zones; NULL: the catalogue tells none */
    struct amounts room;   /* for our pods on a new node: capacity or what joined nodes showed, less
                              DaemonSets */
    struct amounts learnt; /* least allocatable seen on a joined node */
    struct key_values labels; /* of a new node, as far as they are known beforehand */
    bool has_learnt;
    bool wanted;          /* named by spec.computeResources.instanceTypes, or none are named */
    bool over_bid;        /* its spot price is above what bidPercentage allows */
    int64_t price;        /* per hour, in millionths; its vCPUs where no price is known */
    int64_t out_until_ns; /* set aside until then: it ran out, or its nodes did not join */
    int out_level;
    int64_t boot_ns; /* from launch to Ready, on average; ladder.c */
    int boots;       /* that it is the average of, as far as that matters */
};

struct room { /* one leaf or inner node of an environment's search tree: the most that is free below
               */
    int64_t v[DIM_FIXED];
    int64_t plain[DIM_FIXED]; /* the same of nodes that have no extended resource */
};

struct core_environment {
    char *name;
    struct compute_environment *spec; /* NULL: does not decode, or is not there */
    struct object_meta *bad_meta;
    char *invalid;        /* why spec is unusable (does not decode) */
    char *provider_error; /* the provider's words while it says PROVIDER_INVALID */
    enum action_kind provider_error_verb;
    int64_t provider_error_ns; /* when it last said so */
    char *provider_words; /* of the last call that could not be made or had too little capacity;
                             NULL: none */
    bool present;
    /* nodes */
    struct core_node **slots; /* by slot; NULL: free */
    size_t slot_count, slot_capacity;
    int64_t slots_cpu;  /* of all nodes that have one, in thousandths */
    struct room *rooms; /* 2 * slot_capacity; rooms[1] is the root */
    int64_t nodes_ready, pods_live;
    struct amounts used;
    uint64_t shape; /* counts changes to what could fit here at best */
    bool dirty;     /* room may have grown, or an instance changed */
    /* machines */
    struct core_instance *instances;
    size_t instance_count;
    int64_t moving; /* those that come, go, are missing or not Ready: looked at more often */
    struct map *instances_by_id;
    struct core_launch *launches;
    /* IDs of machines that have gone while a launch was in flight; NULL: none. Its answer may be
     * older than that, and name one of them. */
    struct map *left;
    struct core_type *types;
    size_t type_count;
    bool types_known, types_in_flight;
    bool observed, observe_in_flight, observe_wanted;
    bool terminate_in_flight;
    int launches_in_flight;
    int64_t types_next_ns, observe_next_ns, launch_next_ns, terminate_next_ns, buy_next_ns;
    int64_t observe_sent_ns, observed_ns; /* the last question; the last that was answered */
    int64_t late_until_ns; /* what a process before this one has asked for may come until then */
    bool gives_way;        /* nothing new is placed here: see giveway.c */
    int64_t gives_way_ns;  /* since then */
    int64_t gave_way_ns;   /* until then, the last time */
    int64_t give_way_look_ns, give_way_next_ns;
    int64_t silent_since_ns; /* since when its provider could not be asked that; 0: it answers */
    enum action_kind silent_verb;
    bool silent_told; /* its work has gone on to the next environment for that */
    bool terminate_wanted;
    bool buy_dirty, give_back_dirty;
    int64_t starved_ns; /* when work for it last waited only for creates to come back */
    int64_t vcpus, vcpus_leaving;
    int64_t signals_new; /* in the answer that is being taken */
    const struct core_instance *signal_last;
    uint64_t launch_sequence;
    struct environment_charge charge;
    struct spot_type *spot;
    size_t spot_count, spot_capacity;
    int64_t spot_at_ns, spot_events; /* counted up to; interruptions seen by this process */
    /* scheduling pass */
    struct core_queue *held_by; /* a higher queue's head waits for room here */
    bool held_for_part; /* held by a multi-node job that runs and waits for a node here: by all */
    struct core_queue *held_buy; /* a higher queue's demand could not be bought here */
    /* status */
    uint64_t written_hash;
    int64_t written_ns;
    bool status_dirty, status_in_flight, finalizer_in_flight;
    bool finalizer_waits; /* done; the watch has not shown it yet */
    char *resource_version;
    int flights;
    struct timer timer; /* the next time something is due for this environment */
};

struct core_environment;
/* nodes.c: what its nodes really offer, for types that are known since just now */
void nodes_teach(const struct core_environment *environment);

#endif
