/* SPDX-License-Identifier: Apache-2.0 */
/* kwok_node.h - a KWOK instance is a Node object: how it is named, written and read
 *
 * An instance's id is its Node's name, made from environment, token and number, so that a launch
 * that is asked for twice makes the same objects. What a machine would remember is in the Node: the
 * delay until it is up is an annotation that KWOK's stage reads, so that it passes whoever is
 * restarted meanwhile. */
#ifndef BULKHEAD_SRC_NODES_KWOK_NODE_H
#define BULKHEAD_SRC_NODES_KWOK_NODE_H

#include "bulkhead/api/instance.h"
#include "bulkhead/api/queue.h"

struct json_object;

#define KWOK_PROVIDER_PREFIX "bulkhead-kwok://"
#define KWOK_SIGNAL "kwok.bulkhead.dev/signal" /* annotation: REBALANCE or INTERRUPTION */
enum { KWOK_NAME_MAX = 63 };                   /* the name is also the value of a label */

/* "<environment>-<token>-<number>" in lower case; what does not fit a DNS label is replaced or cut,
 * and then a hash keeps names apart. */
char *kwok_node_name(const char *environment, const char *token, int64_t number);
/* The Node to create, as JSON; the caller frees. now_ns + type->boot_ms is when it gets Ready. */
char *kwok_node_text(const char *environment, const char *name, const struct instance_type *type,
                     const char *zone, int64_t now_ns);

struct kwok_node {
    struct instance instance;
    char *uid;
};
struct kwok_nodes {
    struct kwok_node *items;
    size_t count, capacity;
};
/* false: the Node is no instance of this environment. */
bool kwok_node_read(struct json_object *doc, const char *environment, struct kwok_node *ret_node);
void kwok_node_done(struct kwok_node *node);
void kwok_nodes_done(struct kwok_nodes *nodes);

#endif
