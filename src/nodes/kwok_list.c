/* SPDX-License-Identifier: Apache-2.0 */
#include "kwok_list.h"

#include "bulkhead/json/get.h"
#include "bulkhead/kube/client.h"
#include "bulkhead/kube/path.h"

#include <stdlib.h>

struct kwok_list {
    struct kube_client *kube;
    char *environment, *selector;
    uint64_t request;
    bool started_over;
    struct kwok_nodes nodes;
    kwok_list_callback on_done;
    void *ctx;
};

static int send_page(struct kwok_list *list, const char *continue_token, struct err *err);

static void list_free(struct kwok_list *list)
{
    kwok_nodes_done(&list->nodes);
    free(list->environment);
    free(list->selector);
    free(list);
}

static void finish(struct kwok_list *list, const struct err *err)
{
    list->on_done(list->ctx, err == NULL ? &list->nodes : NULL, err);
    list_free(list);
}

static int take_page(struct kwok_list *list, struct json_object *body, struct err *err)
{
    struct json_object *items = json_get_list(body, "items");
    if (items == NULL)
        return err_set(err, ERR_AGAIN, "list nodes: the answer has no items");

    for (size_t i = 0; i < json_list_count(items); i++) {
        struct kwok_node node;
        if (!kwok_node_read(json_list_at(items, i), list->environment, &node))
            continue;
        ARRAY_ROOM(list->nodes.items, list->nodes.count, list->nodes.capacity);
        list->nodes.items[list->nodes.count++] = node;
    }
    if (list->nodes.count > INSTANCES_MAX)
        return err_set(err, ERR_AGAIN, "more than %d nodes of compute environment %s",
                       INSTANCES_MAX, list->environment);
    return 0;
}

static void on_page(void *ctx, const struct kube_response *response)
{
    struct kwok_list *list = ctx;
    struct err err = {.kind = ERR_NONE};

    if (response->outcome == KUBE_GONE && !list->started_over) {
        list->started_over = true;
        kwok_nodes_done(&list->nodes);
        if (send_page(list, NULL, &err) < 0)
            finish(list, &err);
        return;
    }
    if (kube_response_err(response, &err) < 0 || take_page(list, response->body, &err) < 0) {
        finish(list, &err);
        return;
    }
    const char *next = json_get_text(json_get_object(response->body, "metadata"), "continue");
    if (next == NULL)
        finish(list, NULL);
    else if (send_page(list, next, &err) < 0)
        finish(list, &err);
}

static int send_page(struct kwok_list *list, const char *continue_token, struct err *err)
{
    AUTO_STR path = STR_EMPTY;
    if (kube_path(&path, &(struct kube_ref){.group_version = "v1", .resource = "nodes"}, err) < 0)
        return -1;
    kube_path_query(&path, "labelSelector", list->selector);
    kube_path_query(&path, "limit", "500");
    if (continue_token != NULL)
        kube_path_query(&path, "continue", continue_token);

    struct kube_request request = {
        .lane = KUBE_LANE_WATCHES,
        .method = KUBE_GET,
        .path = str_text(&path),
        .on_done = on_page,
        .ctx = list,
    };
    return kube_send(list->kube, &request, &list->request, err);
}

struct kwok_list *kwok_list_start(struct kube_client *kube, const char *environment,
                                  const char *instance_type, kwok_list_callback on_done, void *ctx,
                                  struct err *err)
{
    struct kwok_list *list = mem_new(sizeof(*list));
    *list = (struct kwok_list){.kube = kube, .on_done = on_done, .ctx = ctx};
    list->environment = text_copy(environment);
    list->selector = text_printf(LABEL_ENVIRONMENT "=%s%s%s", environment,
                                 instance_type != NULL ? "," LABEL_INSTANCE_TYPE "=" : "",
                                 instance_type != NULL ? instance_type : "");
    if (send_page(list, NULL, err) == 0)
        return list;
    list_free(list);
    return NULL;
}

struct kwok_list *kwok_list_cancel(struct kwok_list *list)
{
    if (list != NULL) {
        kube_cancel(list->kube, list->request);
        list_free(list);
    }
    return NULL;
}
