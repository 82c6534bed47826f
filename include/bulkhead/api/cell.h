/* SPDX-License-Identifier: Apache-2.0 */
/* cell.h - Cell: who leads, with the epoch that fences those who led before
 *
 * Every write of a leader goes out with the field manager "bulkhead-<cell>-<epoch>". Policies in
 * the API server (manifests/default/fence.yaml) compare it with status.epoch. */
#ifndef BULKHEAD_API_CELL_H
#define BULKHEAD_API_CELL_H

#include "bulkhead/api/meta.h"

struct json_object;

#define CELL_DEFAULT "default"        /* the one that the policies name */
#define FENCE_POLICY "bulkhead-fence" /* what their names, and so their refusals, begin with */

struct cell {
    struct object_meta meta;
    int64_t epoch; /* 0: nobody has led yet */
    char *holder;  /* the identity of who raised it; NULL: nobody */
};

void cell_done(struct cell *cell);
/* ERR_INVALID with the field's path. */
int cell_decode(struct json_object *doc, struct cell *ret_cell, struct err *err);
/* A whole document for POST. Caller owns the result. */
struct json_object *cell_encode_new(const char *name);
/* A whole document for PUT .../status, with the resourceVersion of meta. Caller owns the result. */
struct json_object *cell_status_encode(const struct object_meta *meta, int64_t epoch,
                                       const char *holder, int64_t since_ns);

#endif
