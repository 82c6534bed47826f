/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h - GET /explain?namespace=..&job=..[&format=json]: why a job waits, for who asks
 *
 * Bound      EXPLAIN_PER_S answers a second and as many at once, because each walks the nodes of
 *            the job's environments on the loop; beyond that 429. Only who leads knows. */
#ifndef BULKHEAD_CONTROLLER_EXPLAIN_H
#define BULKHEAD_CONTROLLER_EXPLAIN_H

#include "bulkhead/core/explain.h"
#include "bulkhead/json/values.h"

enum { EXPLAIN_PER_S = 10 };

struct explain_pace { /* zero: nothing asked yet */
    int64_t second_ns;
    int asked;
};

struct explain_view {
    struct core *core;
    bool leading;
    const char *holder; /* who leads; "": not known */
    int64_t now_ns;
};
/* The HTTP status. */
unsigned explain_answer(struct explain_pace *pace, const struct explain_view *view,
                        const struct key_values *args, bool *ret_json, struct str *out);

#endif
