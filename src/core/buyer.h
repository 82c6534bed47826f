/* SPDX-License-Identifier: Apache-2.0 */
/* buyer.h - one environment in one buying pass: see buy.c */
#ifndef BULKHEAD_CORE_BUYER_H
#define BULKHEAD_CORE_BUYER_H

#include "internal.h"

struct bins { /* count machines with the same room left */
    const struct core_type *type;
    struct amounts room;
    int64_t count;
    bool whole; /* nothing has been packed into them */
};

struct buyer { /* one environment in one buying pass */
    struct core_environment *environment;
    bool open; /* takes part in this pass */
    bool
        waits; /* what it has is not known yet: its work is not handed on to the next environment */
    bool paced; /* its turn comes: nothing is bought here yet, but it is known what would be */
    struct bins *bins;
    size_t bin_count, bin_capacity;
    int64_t budget;   /* vCPUs that may still be bought */
    int64_t *bought;  /* machines by type */
    uint64_t *needed; /* by type: the step of the pass that first needed it; NULL: not asked */
    bool short_of;    /* something that fits here could not be bought for */
    const struct core_class *short_class; /* the first of it */
    const struct core_job *short_gang;    /* likewise */
    uint64_t short_step;                  /* when that was: core->thinking.step */
    /* bins.c */
    unsigned char *match; /* by type: is it for match_class? */
    const struct core_class *match_class;
    /* buymix.c */
    bool mixes; /* looks for a cheaper mixture in the end */
    struct mix *mix;
    size_t mix_count, mix_capacity;
    struct bins *first; /* the bins and the budget that the pass began with */
    size_t first_count;
    int64_t first_budget;
};

/* bins.c */
void bins_add_whole(struct core *core, struct buyer *buyer, const struct core_type *type,
                    int64_t count);
/* count machines of the type, each with times pods of the class on it. */
void bins_buy(struct core *core, struct buyer *buyer, const struct core_type *type,
              const struct core_class *class_, int64_t times, int64_t count);
/* Packs up to wanted pods into the bins; how many did not fit. */
int64_t bins_pack(struct core *core, struct buyer *buyer, const struct core_class *class_,
                  int64_t wanted);

/* buymix.c */
void mix_begin(struct core *core, struct buyer *buyer); /* its bins and its budget are known */
/* So many pods of the class have been packed. */
void mix_note(struct core *core, struct buyer *buyer, const struct core_class *class_,
              int64_t count);
void mix_choose(struct core *core, struct buyer *buyer);

/* buy.c */
void buy_plan(struct core *core); /* into environment->launches, for those whose turn it is */
struct buyer *buyer_of(struct buyer *buyers, size_t count,
                       const struct core_environment *environment); /* NULL: takes no part */
void buyer_add(const struct core *core, struct buyer *buyer, const struct core_type *type,
               int64_t machines); /* to what is bought */
/* Chooses types for wanted pods, within the budget; how many are left over. */
int64_t buy_for_class(struct core *core, struct buyer *buyer, const struct core_class *class_,
                      int64_t wanted);
bool environment_can_buy(const struct core_environment *environment);
/* Its provider could not be asked for a minute: its work goes to the queue's next environment. */
bool environment_is_silent(const struct core *core, const struct core_environment *environment);
/* Empty, or not even joined, and nobody who came before that step of the pass counts on it. */
bool is_idle(const struct core *core, const struct core_node *node, uint64_t before);

/* Room for so many pods of the job in its queue's environments, on what is there, comes or is
 * bought; how many are left over. */
int64_t buyers_take(struct core *core, struct buyer *buyers, size_t count,
                    const struct core_job *job, int64_t wanted);

/* What the pass is at has all that it needs: where it was short nothing has to go for it. */
void buyers_have_all(const struct core *core, struct buyer *buyers, size_t count);

/* counted.c */
void counted_begin(struct core *core); /* a buying pass */
void counted_step(struct core *core);  /* its next job */
void counted_end(struct core *core);   /* all room is as it was */
/* Puts up to wanted pods on machines that are there, in thought; how many are left over. */
int64_t count_on_room(struct core *core, const struct core_environment *environment,
                      const struct core_class *class_, int64_t wanted);
void count_on_node(struct core *core, struct core_node *node); /* on the whole of it */
/* In the last pass, before that step of it. */
bool is_counted_on(const struct core *core, const struct core_node *node, uint64_t before);

/* spare.c */
void buy_spares(struct core *core, struct buyer *buyers, size_t count); /* after all queues */

/* giveway.c */
void give_way_look(struct core *core, struct core_environment *environment);
void give_way_end(struct core *core, struct core_environment *environment);
/* In a buying pass: no environment before it can take this, but there may be room here. What is
 * behind that is not bought for before it has its place: it may not get one. */
void give_way_for(struct core *core, struct core_environment *environment);
int64_t give_way_due_ns(const struct core_environment *environment); /* INT64_MAX: never */

/* giveback.c */
bool give_back_is_due(const struct core *core); /* some have been idle for long enough */
void give_back(struct core *core, struct core_environment *environment);
void node_send_away(struct core *core, struct core_node *node); /* closed, and to be terminated */
void make_room(struct core *core, struct buyer *buyer);         /* for buyer->short_class */

/* gangbuy.c */
/* True: it will have machines for all; what comes after it may be bought for too. */
bool buy_for_gang(struct core *core, struct buyer *buyers, size_t count, struct core_job *job);
/* Parts of multi-node jobs that have been placed, whose machines died before they started. */
void buy_replacements(struct core *core, struct buyer *buyers, size_t count);
void make_room_for_gang(struct core *core, struct buyer *buyer);
/* Does a multi-node job keep it, until it has enough for all parts? */
bool is_gathered(const struct core *core, const struct core_environment *environment,
                 const struct core_node *node);

#endif
