/* SPDX-License-Identifier: Apache-2.0 */
/* seen.h - a provider's answer as text, and a loop that runs until it has come */
#ifndef BULKHEAD_TESTS_NODES_SEEN_H
#define BULKHEAD_TESTS_NODES_SEEN_H

#include "bulkhead/base/str.h"
#include "bulkhead/nodes/provider.h"

struct seen {
    int answers;
    uv_loop_t *loop; /* while it is waited for */
    enum provider_result result;
    struct str text; /* "CAPACITY: only 2\ni-1 small node-1 pending\n" */
};
#define AUTO_SEEN __attribute__((cleanup(seen_done))) struct seen
#define SEEN_NOTHING ((struct seen){.answers = 0})

void on_seen(void *ctx,
             const struct provider_answer *answer); /* a provider_callback; ctx: struct seen */
const char *seen_wait(struct seen *seen,
                      uv_loop_t *loop); /* the text, borrowed until the next call */
void seen_done(struct seen *seen);

void loop_done(uv_loop_t *loop); /* runs it dry; CHECKs that nothing is left on it */

#endif
