/* SPDX-License-Identifier: Apache-2.0 */
/* result.h - what an answer of the API server means for the action that asked
 *
 * A pure function of the action's kind, the outcome and the server's words. The words matter where
 * one HTTP status has several meanings: a 403 is a missing right of ours, a template that Pod
 * Security refuses, or a namespace whose default service account is not there yet. */
#ifndef BULKHEAD_CONTROLLER_RESULT_H
#define BULKHEAD_CONTROLLER_RESULT_H

#include "bulkhead/core/core.h"
#include "bulkhead/kube/outcome.h"

enum done_result result_of(enum action_kind kind, enum kube_outcome outcome, const char *message);
const char *done_result_name(enum done_result result); /* "again"; for logs and metrics */

#endif
