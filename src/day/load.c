/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - generated load: see load.h
 *
 * Every draw is a hash of the seed and of what it is for, so that no draw depends on the order in
 * which they are made. Only + - * / are used on floating point: the same on every machine. */
#include "load.h"

#include "bulkhead/api/tables.h"
#include "bulkhead/base/map.h"
#include "bulkhead/json/get.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HOURS = 24 };
enum arrivals { ARRIVE_FLAT, ARRIVE_OFFICE, ARRIVE_AT_ONCE, ARRIVE_BURSTS };
static const char *const arrival_words[] = {"FLAT", "OFFICE", "AT_ONCE", "BURSTS"};

/* ---------------------------------------------------------------------- declaration */

static int document_decode(struct json_object *value, const struct json_at *at, void *member,
                           struct err *err)
{
    struct json_object **document = member;
    if (!json_object_is_type(value, json_type_object))
        return json_fail_value(at, value, err, "expected an object");
    *document = json_object_get(value);
    return 0;
}

static struct json_object *document_encode(const void *member)
{
    struct json_object *const *document = member;
    return json_object_get(*document);
}

static void document_done(void *member)
{
    struct json_object **document = member;
    json_object_put(*document);
    *document = NULL;
}
static const struct custom_field document_field = {"object", document_decode, document_encode,
                                                   document_done};

#define C struct load_class
static const struct field class_fields[] = {
    FIELD(C, name, "name", .required = true, .max = 40, .format = &format_label),
    FIELD(C, namespace_, "namespace", .max = 63, .format = &format_namespace),
    FIELD(C, jobs, "jobs", .required = true, .min = 1, .max = 10000000),
    FIELD(C, from_s, "fromSeconds", .min = 0, .max = 864000),
    FIELD(C, to_s, "toSeconds", .min = 0, .max = 864000, .fallback = 86400),
    WORD(C, arrivals, arrival_words, "arrivals"),
    FIELD(C, burst, "burst", .min = 1, .max = 1000000, .fallback = 50),
    FIELD(C, seconds, "seconds", .required = true, .min = 1, .max = 864000),
    FIELD(C, spread, "spread", .min = 1, .max = 1000, .fallback = 1),
    FIELD(C, fail_percent, "failPercent", .min = 0, .max = 100),
    CUSTOM(C, array_sizes, &numbers_field, "arraySizes"),
    CUSTOM(C, job, &document_field, "job", .required = true),
};

static int check_class(const void *object, const struct json_at *at, struct err *err)
{
    const C *class_ = object;
    AUTO(batch_job) job = NULL;
    struct err why;
    if (class_->to_s < class_->from_s)
        return json_fail(JSON_AT(at, "toSeconds"), err, "%" PRId64 ", expected at least %" PRId64,
                         class_->to_s, class_->from_s);
    if (load_job(class_, 0, 0, &job, &why) < 0)
        return json_fail(JSON_AT(at, "job"), err, "%s", why.text);
    return 0;
}
static const struct object_type class_type =
    OBJECT_TYPE(C, "LoadClass", class_fields, .check = check_class);

#define A struct load_act
static const struct field drought_fields[] = {
    FIELD(A, environment, "computeEnvironment", .required = true, .max = 63),
    FIELD(A, types, "instanceTypes", .max = 1000, .item_max = 63),
    FIELD(A, drought_s, "seconds", .required = true, .min = 1, .max = 864000),
};
static const struct object_type drought_type = OBJECT_TYPE(A, "Drought", drought_fields);
static const struct field reclaim_fields[] = {
    FIELD(A, reclaim_environment, "computeEnvironment", .required = true, .max = 63),
    FIELD(A, reclaim_types, "instanceTypes", .max = 1000, .item_max = 63),
    FIELD(A, percent, "percent", .min = 1, .max = 100, .fallback = 100),
};
static const struct object_type reclaim_type = OBJECT_TYPE(A, "Reclaim", reclaim_fields);
static const char *const signal_words[] = {"REBALANCE", "INTERRUPTION"};
static const struct field signal_fields[] = {
    FIELD(A, signal_environment, "computeEnvironment", .required = true, .max = 63),
    FIELD(A, signal_types, "instanceTypes", .max = 1000, .item_max = 63),
    FIELD(A, signal_percent, "percent", .min = 1, .max = 100, .fallback = 100),
    WORD(A, signal, signal_words, "signal", .required = true),
};
static const struct object_type signal_type = OBJECT_TYPE(A, "Signal", signal_fields);
static const struct field act_fields[] = {
    FIELD(A, at_s, "atSeconds", .required = true, .min = 0, .max = 864000),
    PART(&drought_type, "drought", .present_offset = offsetof(A, has_drought)),
    PART(&reclaim_type, "reclaim", .present_offset = offsetof(A, has_reclaim)),
    PART(&signal_type, "signal", .present_offset = offsetof(A, has_signal)),
    CUSTOM(A, apply, &document_field, "apply"),
};
static const struct object_type act_type = OBJECT_TYPE(A, "LoadAct", act_fields);

#define S struct load_spec
static const struct field spec_fields[] = {
    FIELD(S, seed, "seed", .min = 0, .max = INT64_MAX),
    FIELD(S, until_s, "untilSeconds", .min = 1, .max = 8640000, .fallback = 0),
    LIST(S, classes, class_count, &class_type, "classes", .required = true, .min = 1,
         .max = DAY_CLASSES_MAX),
    LIST(S, acts, act_count, &act_type, "acts", .max = LOAD_ACTS_MAX),
};
const struct object_type load_spec_type = OBJECT_TYPE(S, "LoadSpec", spec_fields);

/* ---------------------------------------------------------------------------- draws */

struct stream { /* of one class */
    int64_t sent;
    int64_t at_ns; /* of the next */
};

struct load {
    const struct load_spec *spec;
    struct stream streams[DAY_CLASSES_MAX];
};

static uint64_t draw(uint64_t seed, const void *what, size_t size)
{
    return hash_bytes(what, size, seed * 0x9e3779b97f4a7c15ULL + 1);
}

/* From 0 to below 1. */
static double unit(uint64_t bits)
{
    return (double)(bits >> 11) / 9007199254740992.0;
}

static double draw_of_job(const struct load *load, size_t class_, int64_t number, uint64_t salt)
{
    const uint64_t words[] = {class_, (uint64_t)number, salt};
    return unit(draw((uint64_t)load->spec->seed, words, sizeof(words)));
}

/* How much work is submitted in each hour of an office's day. */
static const double office[HOURS] = {1,  1,  1,  1,  1,  2,  4, 8, 14, 18, 18, 16,
                                     12, 16, 18, 18, 14, 10, 6, 4, 3,  2,  2,  1};

/* The time of day, in hours, by which that part of the day's work has been submitted. */
static double office_hour(double part)
{
    double sum = 0, before = 0;
    for (int hour = 0; hour < HOURS; hour++)
        sum += office[hour];
    for (int hour = 0; hour < HOURS; hour++) {
        double share = office[hour] / sum;
        if (part < before + share)
            return hour + (part - before) / share;
        before += share;
    }
    return HOURS;
}

/* One after the other: the k-th of n falls into the k-th of n equal parts. */
static int64_t arrival_ns(const struct load *load, size_t index, int64_t number)
{
    const struct load_class *class_ = &load->spec->classes[index];
    double span = (double)(class_->to_s - class_->from_s);
    double part = ((double)number + draw_of_job(load, index, number, 1)) / (double)class_->jobs;
    int64_t bursts = (class_->jobs + class_->burst - 1) / class_->burst;
    int64_t burst = number / class_->burst;
    switch ((enum arrivals)class_->arrivals) {
    case ARRIVE_OFFICE:
        part = office_hour(part) / HOURS;
        break;
    case ARRIVE_AT_ONCE:
        part = 0;
        break;
    case ARRIVE_BURSTS:
        part = (double)burst / (double)bursts;
        break;
    default:
        break;
    }
    return (int64_t)(((double)class_->from_s + span * part) * 1000.0) * NS_PER_MS;
}

static int64_t size_of(const struct load *load, size_t index, int64_t number)
{
    const struct number_list *sizes = &load->spec->classes[index].array_sizes;
    double at = draw_of_job(load, index, number, 2);
    return sizes->count > 0 ? sizes->items[(size_t)(at * (double)sizes->count)] : 0;
}

/* ----------------------------------------------------------------------------- jobs */

int load_job(const struct load_class *class_, int64_t number, int64_t array_size,
             struct batch_job **ret_job, struct err *err)
{
    AUTO(json_object) doc = json_object_new_object();
    AUTO_TEXT name = text_printf("%s-%07" PRId64, class_->name, number);
    struct json_object *meta = json_object_new_object();
    json_put_text(meta, "name", name);
    json_put_text(meta, "namespace", class_->namespace_ != NULL ? class_->namespace_ : "research");
    json_put_text(meta, "uid", name);
    json_put(doc, "metadata", meta);
    if (array_size > 1) { /* the only field that differs from job to job */
        struct json_object *array = json_object_new_object();
        struct json_object *spec = json_object_new_object();
        for (const struct lh_entry *m = json_first(class_->job); m != NULL; m = m->next)
            json_put(spec, json_key(m), json_object_get(json_value(m)));
        json_put_i64(array, "size", array_size);
        json_put(spec, "arrayProperties", array);
        json_put(doc, "spec", spec);
    } else {
        json_put(doc, "spec", json_object_get(class_->job));
    }
    if (batch_job_decode(doc, ret_job, err) < 0)
        return -1;
    if ((*ret_job)->invalid == NULL)
        return 0;
    err_set(err, ERR_INVALID, "%s", (*ret_job)->invalid);
    *ret_job = batch_job_free(*ret_job);
    return -1;
}

static bool next(void *ctx, struct day_arrival *ret)
{
    struct load *load = ctx;
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < load->spec->class_count; i++) {
        if (load->streams[i].sent < load->spec->classes[i].jobs &&
            (first == SIZE_MAX || load->streams[i].at_ns < load->streams[first].at_ns))
            first = i;
    }
    if (first == SIZE_MAX)
        return false;
    struct stream *stream = &load->streams[first];
    *ret = (struct day_arrival){.at_ns = stream->at_ns, .class_ = first};
    struct err err;
    int result = load_job(&load->spec->classes[first], stream->sent,
                          size_of(load, first, stream->sent), &ret->job, &err);
    assert(result == 0); /* the class was checked, and its sizes are within bounds */
    stream->sent++;
    stream->at_ns = arrival_ns(load, first, stream->sent);
    return true;
}

static struct day_work work(void *ctx, const struct day_try *try)
{
    const struct load *load = ctx;
    const struct load_class *class_ = &load->spec->classes[try->class_];
    const uint64_t words[] = {hash_bytes(try->job_uid, strlen(try->job_uid), 0), try->index,
                              try->attempt};
    uint64_t bits = draw((uint64_t)load->spec->seed, words, sizeof(words));
    double factor = 1.0 + unit(bits) * (double)(class_->spread - 1);
    double seconds =
        (bits & 1) != 0 ? (double)class_->seconds * factor : (double)class_->seconds / factor;
    int64_t chance = (int64_t)(draw((uint64_t)load->spec->seed + 1, words, sizeof(words)) % 100);
    return (struct day_work){
        .duration_ns = (int64_t)(seconds * 1000.0) * NS_PER_MS,
        .exit_code = chance < class_->fail_percent ? 1 : 0,
    };
}

static const char *class_name(void *ctx, size_t class_)
{
    const struct load *load = ctx;
    return class_ < load->spec->class_count ? load->spec->classes[class_].name : NULL;
}

struct load *load_new(const struct load_spec *spec)
{
    struct load *load = mem_new(sizeof(*load));
    load->spec = spec;
    for (size_t i = 0; i < spec->class_count; i++)
        load->streams[i].at_ns = arrival_ns(load, i, 0);
    return load;
}

struct load *load_free(struct load *load)
{
    free(load);
    return NULL;
}

struct day_load load_source(struct load *load)
{
    return (struct day_load){.next = next, .work = work, .class_name = class_name, .ctx = load};
}
