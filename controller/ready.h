/* SPDX-License-Identifier: Apache-2.0 */
/* ready.h - where the process is in its life, and what /readyz says about it
 *
 * A standby is ready: it does what a replica without the lease is there for, and a rollout that
 * waited for it to lead would wait for ever. The text says that it is one. */
#ifndef BULKHEAD_CONTROLLER_READY_H
#define BULKHEAD_CONTROLLER_READY_H

#include "bulkhead/base/str.h"

enum life {
    LIFE_CHECKING, /* can we reach the API server, are our kinds there, may we do our work? */
    LIFE_STANDBY,  /* another replica leads */
    LIFE_READING,  /* the lease is ours; reading the cluster */
    LIFE_LEADING,
    LIFE_STOPPING, /* writes in flight end, then the lease is given back */
};

struct ready_view {
    enum life life;
    bool lease_held;      /* at this moment */
    const char *obstacle; /* CHECKING: what is in the way; NULL: nothing known yet */
    const char *holder;   /* of the lease; "" unknown */
    const char *watches;  /* what watches_print says: one reason a line */
};
/* Appends one reason a line. */
bool ready_print(const struct ready_view *view, struct str *out);

#endif
