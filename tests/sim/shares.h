/* SPDX-License-Identifier: Apache-2.0 */
/* shares.h - scheduling policies of simulated worlds; part of world.h, see shares.c */
#ifndef BULKHEAD_TESTS_SIM_SHARES_H
#define BULKHEAD_TESTS_SIM_SHARES_H

void policies_draw(struct world *world);
const char *policy_choose(struct world *world); /* for a queue; or NULL */
/* Can the job start beside what computeReservation keeps free? */
bool reservation_feasible(const struct world *world, const struct sim_queue *queue,
                          const struct sim_job *job, const struct template_ *template_);
/* Does work of several shares wait for it, so that the clock alone decides who is next? */
bool shares_take_turns(const struct world *world, const char *environment);
/* Does a write say no more than that another share is first by now, though all is at rest? */
bool turn_is_told(struct world *world, const struct request *request);
const char *share_choose(struct world *world);
size_t share_index(const char *share); /* below SHARE_COUNT */
void policy_edit(struct world *world);
struct scheduling_policy *policy_convert(const struct sim_policy *from);
/* A pod is marked to be stopped for another share. */
void oracle_marked(struct world *world, const struct sim_pod *pod, const struct request *request);
/* Worlds with little room and long attempts. */
void lending_draw(struct world *world);
void lending_job(struct world *world, struct sim_job *job);
bool pod_gave_way(const struct sim_pod *pod); /* then it was no attempt */
void share_pod_made(struct world *world, const char *queue, const char *share, int64_t cpu_milli);
void oracle_shares(struct world *world, const char *queue, const struct queue_shares *told);

#endif
