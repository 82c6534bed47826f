/* SPDX-License-Identifier: Apache-2.0 */
/* outcome_fuzz.c - any answer of a server is put into a class that its HTTP status allows */
#include "fuzz/fuzz.h"

#include "bulkhead/base/macros.h"
#include "bulkhead/json/get.h"
#include "bulkhead/kube/outcome.h"

#include <string.h>

FUZZ(data, size)
{
    if (size < 2)
        return 0;
    int status = 100 + (data[0] * 256 + data[1]) % 500;
    struct err err = {0};
    AUTO(json_object) body = NULL;
    if (json_parse((const char *)data + 2, size - 2, &body, &err) < 0)
        MUST(body == NULL && err.text[0] != '\0');
    enum kube_outcome outcome = kube_outcome_of(status, body);
    MUST(outcome != KUBE_UNKNOWN && outcome != KUBE_NOT_SENT && outcome < KUBE_OUTCOME_COUNT);
    MUST((outcome == KUBE_OK) == (status >= 200 && status < 300));
    MUST((outcome == KUBE_EXISTS || outcome == KUBE_CONFLICT) <= (status == 409));
    MUST((outcome == KUBE_NOT_FOUND) <= (status == 404));
    MUST((outcome == KUBE_QUOTA || outcome == KUBE_FORBIDDEN) <= (status == 403));
    MUST(status < 500 || outcome == KUBE_SERVER);
    MUST(kube_outcome_is_open(outcome) == (outcome == KUBE_SERVER));
    MUST(kube_status_reason(body) != NULL && kube_status_message(body) != NULL);
    return 0;
}
