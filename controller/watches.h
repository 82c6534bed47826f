/* SPDX-License-Identifier: Apache-2.0 */
/* watches.h - every kind that the core wants to know about, watched
 *
 * Order: array states are listed first: the jobs that need them are read after. When every
 * kind has been listed once, on_synced runs; then array states are no longer watched, because
 * nobody but us writes them.
 *
 * When: by the leader, from the moment it leads; or by a standby before (standby.h). What that
 * has read is older than the last leader's last write, so all of it falls behind when it takes
 * over, and catches up: a list made from then on is not older, nor is a watch that has reached
 * a version of then.
 *
 * Audit: watches can lose events, so every few minutes one kind is listed again and compared.
 *
 * Trouble: it is told on level, not on edge: one line when the API server goes, one when it is
 * back, one for a single kind that fails while others work. */
#ifndef BULKHEAD_CONTROLLER_WATCHES_H
#define BULKHEAD_CONTROLLER_WATCHES_H

#include "observe.h"

enum { STANDBY_PATIENCE_TICKS = 2 }; /* for a version; then it is listed */

struct watches_options {
    struct kube_client *kube;
    struct observer *observer;
    struct kube_random random;
    bool standby; /* nobody acts on it yet: array states stay watched, and nothing is an arrival */
    void (*on_synced)(void *ctx); /* of a standby: once more when it has caught up, and leads */
    void *ctx;
};

struct watches;
struct watches *watches_new(const struct watches_options *options);
/* Starts the first list. ERR_INVALID: a bug in the paths. */
int watches_start(struct watches *watches, struct err *err);
/* Goes on where a list has ended: from the loop, once a turn, never inside a watch's callback. */
void watches_turn(struct watches *watches);
/* Once a second: trouble and audit. */
void watches_tick(struct watches *watches);
/* Standby, synced: nothing that was heard counts any more, until it is caught up with, each kind.
 */
void watches_fall_behind(struct watches *watches);
/* By a list that begins now (version 0), or as soon as the watch has reached that version. */
void watches_catch_up(struct watches *watches, enum watched_kind kind, uint64_t version);
/* Must come before the client is closed. NULL in, NULL out. */
struct watches *watches_free(struct watches *watches);
DEFINE_AUTO(watches, watches_free)

bool watches_synced(const struct watches *watches);
bool watches_server_gone(const struct watches *watches); /* and the log has it */
/* One line for each kind that has not been listed yet, or that fails. */
void watches_print(const struct watches *watches, struct str *out);
/* NULL: this kind is not watched (now). */
const struct kube_watch *watches_at(const struct watches *watches, enum watched_kind kind);
enum kube_watch_state watches_state(const struct watches *watches, enum watched_kind kind);

#endif
