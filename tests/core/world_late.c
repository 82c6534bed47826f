/* SPDX-License-Identifier: Apache-2.0 */
/* world_late.c - a create that is on its way when its process dies, and arrives whenever it likes
 */
#include "core/world_parts.h"

/* The pod that was made last goes out of the world again, until it arrives. */
void pod_hold_back(struct world *world)
{
    struct world_pod **link = &world->pods;
    while ((*link)->next != NULL)
        link = &(*link)->next;
    world->late = *link;
    *link = NULL;
}

bool pod_arrive(struct world *world)
{
    struct world_pod *pod = world->late, **link = &world->pods;
    if (pod == NULL)
        return false;
    while (*link != NULL)
        link = &(*link)->next;
    *link = pod;
    world->late = NULL;
    pod->created_ns = world->now_ns - world->now_ns % NS_PER_S;
    pod_touch(world, pod);
    pods_show(world);
    return true;
}
