/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/api/cell.h"

#include "bulkhead/api/queue.h"
#include "bulkhead/api/tables.h"
#include "bulkhead/base/str.h"

#define EPOCH_MAX 9007199254740991LL /* what JSON keeps exactly */

struct cell_doc {
    int64_t epoch, since_ns;
    char *holder;
};

static const struct field status_fields[] = {
    FIELD(struct cell_doc, epoch, "epoch", .min = 0, .max = EPOCH_MAX),
    FIELD(struct cell_doc, holder, "holder", .max = 253),
    TIME(struct cell_doc, since_ns, "since"),
};
const struct object_type cell_status_type =
    OBJECT_TYPE(struct cell_doc, "CellStatus", status_fields, .open = true);

void cell_done(struct cell *cell)
{
    object_meta_done(&cell->meta);
    text_set(&cell->holder, NULL);
}

int cell_decode(struct json_object *doc, struct cell *ret_cell, struct err *err)
{
    struct json_object *status = json_get(doc, "status");
    struct cell_doc read = {.epoch = 0};
    *ret_cell = (struct cell){.epoch = 0};
    if (object_meta_decode(doc, &ret_cell->meta, err) < 0)
        return err_wrap(err, "cell");
    if (status != NULL &&
        json_decode(&cell_status_type, status, JSON_ROOT("status"), &read, err) < 0) {
        json_done(&cell_status_type, &read);
        cell_done(ret_cell);
        return err_wrap(err, "cell");
    }
    ret_cell->epoch = read.epoch;
    ret_cell->holder = read.holder;
    return 0;
}

struct json_object *cell_encode_new(const char *name)
{
    struct json_object *doc = json_object_new_object();
    struct json_object *meta = json_object_new_object();
    json_put_text(meta, "name", name);
    json_put_text(doc, "apiVersion", API_VERSION);
    json_put_text(doc, "kind", "Cell");
    json_put(doc, "metadata", meta);
    return doc;
}

struct json_object *cell_status_encode(const struct object_meta *meta, int64_t epoch,
                                       const char *holder, int64_t since_ns)
{
    AUTO_TEXT copy = text_copy_max(holder, 253);
    const struct cell_doc doc = {.epoch = epoch, .since_ns = since_ns, .holder = copy};
    return status_document("Cell", meta, json_encode(&cell_status_type, &doc));
}
