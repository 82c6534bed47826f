/* SPDX-License-Identifier: Apache-2.0 */
/* kwok_list.h - all Nodes that are instances of one environment, page by page
 *
 * Starts over, once, when the pages expire half-way. Bound: INSTANCES_MAX. */
#ifndef BULKHEAD_SRC_NODES_KWOK_LIST_H
#define BULKHEAD_SRC_NODES_KWOK_LIST_H

#include "kwok_node.h"

struct kube_client;
struct kwok_list;
/* nodes: borrowed, NULL when err says why there are none. Once, from the loop; the list is freed
 * after it. */
typedef void (*kwok_list_callback)(void *ctx, const struct kwok_nodes *nodes,
                                   const struct err *err);

/* instance_type NULL: all types. NULL when nothing could be sent: see err. */
struct kwok_list *kwok_list_start(struct kube_client *kube, const char *environment,
                                  const char *instance_type, kwok_list_callback on_done, void *ctx,
                                  struct err *err);
struct kwok_list *
kwok_list_cancel(struct kwok_list *list); /* on_done never comes; NULL in, NULL out */

#endif
