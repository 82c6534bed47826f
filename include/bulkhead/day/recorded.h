/* SPDX-License-Identifier: Apache-2.0 */
/* recorded.h - a recorded day: what came of it, and its jobs again under other settings
 *
 * What was observed cannot be replayed under another policy: pods would be elsewhere. So the log
 * gives what does not depend on the policy: who submitted what and when, how long each attempt ran
 * and how it ended, what there was. Played again in the perfect world of day.h, once as it was and
 * once with other manifests, the difference of the two is what the manifests are worth; the
 * difference between the recorded day and the first is what the real world took.
 *
 * What is not known  An attempt that the log does not see end runs as long as the others of its job
 *                    did on average, or those of its queue. Jobs that lived when the log began are
 *                    submitted again at its begin. Boot times are the catalogue's, or as measured.
 *                    Failed nodes, evictions and spot reclaims of that day do not come again. */
#ifndef BULKHEAD_DAY_RECORDED_H
#define BULKHEAD_DAY_RECORDED_H

#include "bulkhead/day/day.h"
#include "bulkhead/record/record.h"

struct recorded;
/* Replays the log; ret_replay tells whether the plans were the same. -1: the log is damaged; what
 * came before the damage is a recorded day all the same, and ret_recorded is set. */
int recorded_read(struct record_reader *reader, struct recorded **ret_recorded,
                  struct replay *ret_replay, struct err *err);
struct recorded *recorded_free(struct recorded *recorded);
DEFINE_AUTO(recorded, recorded_free)
const struct day_report *recorded_report(struct recorded *recorded);

/* The same jobs on another day. manifests: a list of documents; each takes the place of the
 * recorded object of its kind and name, edits of it included. NULL: none. */
int recorded_day(struct recorded *recorded, struct json_object *manifests,
                 const struct day_options *options, struct day **ret_day, struct err *err);

#endif
