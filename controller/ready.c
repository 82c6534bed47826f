/* SPDX-License-Identifier: Apache-2.0 */
#include "ready.h"

bool ready_print(const struct ready_view *view, struct str *out)
{
    bool ready = false;
    switch (view->life) {
    case LIFE_CHECKING:
        str_addf(out, "starting: %s\n",
                 view->obstacle != NULL ? view->obstacle : "checking the API server");
        break;
    case LIFE_STANDBY:
        ready = true;
        if (view->holder != NULL && view->holder[0] != '\0')
            str_addf(out, "standby: %s leads\n", view->holder);
        else
            str_add(out, "standby: nobody is known to lead\n");
        break;
    case LIFE_READING:
        str_add(out, "reading the cluster\n");
        break;
    case LIFE_LEADING:
        ready = view->lease_held;
        str_add(out, ready ? "leading\n" : "the lease is not held any more\n");
        break;
    case LIFE_STOPPING:
        str_add(out, "stopping\n");
        break;
    }
    if (view->watches != NULL && (view->life == LIFE_READING || view->life == LIFE_LEADING))
        str_add(out, view->watches);
    return ready;
}
