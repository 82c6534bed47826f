/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "controller/ready.h"

/* clang-format off */
static const struct { const char *name; struct ready_view view; const char *want; } rows[] = {
    { "just started", { .life = LIFE_CHECKING },
      "503 starting: checking the API server\n" },
    { "an obstacle", { .life = LIFE_CHECKING, .obstacle = "install the CRDs" },
      "503 starting: install the CRDs\n" },
    { "standby", { .life = LIFE_STANDBY, .holder = "other" },
      "200 standby: other leads\n" },
    { "nobody", { .life = LIFE_STANDBY, .holder = "" },
      "200 standby: nobody is known to lead\n" },
    { "reading", { .life = LIFE_READING, .lease_held = true, .watches = "Pod has not been listed yet\nNode has not been listed yet\n" },
      "503 reading the cluster\nPod has not been listed yet\nNode has not been listed yet\n" },
    { "leading", { .life = LIFE_LEADING, .lease_held = true, .watches = "" },
      "200 leading\n" },
    { "a watch fails", { .life = LIFE_LEADING, .lease_held = true, .watches = "cannot watch Pod: 403\n" },
      "200 leading\ncannot watch Pod: 403\n" },
    { "lease ran out", { .life = LIFE_LEADING },
      "503 the lease is not held any more\n" },
    { "stopping", { .life = LIFE_STOPPING, .lease_held = true },
      "503 stopping\n" },
};
/* clang-format on */

TEST(ready_print)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_STR text = STR_EMPTY;
        AUTO_STR got = STR_EMPTY;
        bool ready = ready_print(&rows[i].view, &text);
        str_addf(&got, "%d %s", ready ? 200 : 503, str_text(&text));
        CHECK_TEXT(rows[i].name, str_text(&got), rows[i].want);
    }
}
