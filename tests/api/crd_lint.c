/* SPDX-License-Identifier: Apache-2.0 */
/* crd_lint - compares the field tables with the CRDs, so that what the API server accepts is what
 * the controller reads
 *
 * usage: crd-lint crds/a.yaml ... ; says each difference and ends with 1 if there is any. Compared:
 * names (both ways), types, required, bounds, lengths, patterns, words and defaults. CEL rules are
 * not: the functions that check across fields are tested against a real API server. */
#include "bulkhead/api/tables.h"
#include "bulkhead/base/map.h"
#include "bulkhead/base/str.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

static const struct {
    const char *kind;
    const char *path; /* in the schema; "": the root itself */
    const struct object_type *type;
} tables[] = {
    {"JobQueue", ".spec", &job_queue_spec_type},
    {"JobQueue", ".status", &job_queue_status_type},
    {"ComputeEnvironment", ".spec", &compute_environment_spec_type},
    {"ComputeEnvironment", ".status", &compute_environment_status_type},
    {"JobDefinition", ".spec", &job_definition_spec_type},
    {"JobDefinition", ".status", &job_definition_status_type},
    {"BatchJob", ".spec", &batch_job_spec_type},
    {"BatchJob", ".status", &batch_job_status_type},
    {"Cell", ".status", &cell_status_type},
    {"ConsumableResource", ".spec", &consumable_resource_spec_type},
    {"ConsumableResource", ".status", &consumable_resource_status_type},
    {"SchedulingPolicy", ".spec", &scheduling_policy_spec_type},
    {"ArrayState", "", &array_state_type},
};

/* ---- YAML ---- */

static yaml_node_t *get(yaml_document_t *doc, yaml_node_t *map, const char *key)
{
    if (map == NULL || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        yaml_node_t *name = yaml_document_get_node(doc, p->key);
        if (strcmp((const char *)name->data.scalar.value, key) == 0)
            return yaml_document_get_node(doc, p->value);
    }
    return NULL;
}

static const char *get_text(yaml_document_t *doc, yaml_node_t *map, const char *key)
{
    yaml_node_t *node = get(doc, map, key);
    return node != NULL && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value
                                                          : NULL;
}

static yaml_node_t *get_item(yaml_document_t *doc, yaml_node_t *list, size_t i)
{
    if (list == NULL || list->type != YAML_SEQUENCE_NODE)
        return NULL;
    yaml_node_item_t *item = list->data.sequence.items.start + i;
    return item < list->data.sequence.items.top ? yaml_document_get_node(doc, *item) : NULL;
}

static bool has_item(yaml_document_t *doc, yaml_node_t *list, const char *text)
{
    yaml_node_t *item = NULL;
    for (size_t i = 0; (item = get_item(doc, list, i)) != NULL; i++) {
        if (strcmp((const char *)item->data.scalar.value, text) == 0)
            return true;
    }
    return false;
}

static size_t item_count(yaml_document_t *doc, yaml_node_t *list)
{
    size_t count = 0;
    while (get_item(doc, list, count) != NULL)
        count++;
    return count;
}

/* ---- comparing ---- */

struct lint {
    yaml_document_t *doc;
    const char *kind;
    const char *prefix; /* ".spec" */
    yaml_node_t *root;  /* the schema of that part */
    bool status;        /* written by us: lengths from below are of no interest */
    struct map *seen;   /* paths of the table */
    size_t differences;
};

PRINTF_LIKE(3, 4)
static void differ(struct lint *lint, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s%s: ", lint->kind, path);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    lint->differences++;
}

static void want_text(struct lint *lint, const char *path, yaml_node_t *schema, const char *key,
                      const char *want)
{
    const char *got = get_text(lint->doc, schema, key);
    if (!text_eq(got, want))
        differ(lint, path, "the CRD has %s %s, the table %s", key, got != NULL ? got : "(none)",
               want != NULL ? want : "(none)");
}

static void want_number(struct lint *lint, const char *path, yaml_node_t *schema, const char *key,
                        bool wanted, int64_t number)
{
    AUTO_TEXT text = wanted ? text_printf("%" PRId64, number) : NULL;
    want_text(lint, path, schema, key, text);
}

/* RETRY in any case: [Rr][Ee][Tt][Rr][Yy] */
static char *any_case_pattern(const struct field *field)
{
    AUTO_STR out = STR_EMPTY;
    str_add(&out, "^(");
    for (size_t i = 0; i < field->word_count; i++) {
        str_add(&out, i > 0 ? "|" : "");
        for (const char *c = field->words[i]; *c != '\0'; c++)
            str_addf(&out, "[%c%c]", *c, tolower((unsigned char)*c));
    }
    str_add(&out, ")$");
    return str_take(&out);
}

static void compare_words(struct lint *lint, const char *path, yaml_node_t *schema,
                          const struct field *field)
{
    yaml_node_t *list = get(lint->doc, schema, "enum");
    if (field->any_case) {
        AUTO_TEXT pattern = any_case_pattern(field);
        want_text(lint, path, schema, "pattern", pattern);
        return;
    }
    for (size_t i = 0; i < field->word_count; i++) {
        if (!has_item(lint->doc, list, field->words[i]))
            differ(lint, path, "the CRD's enum lacks %s", field->words[i]);
    }
    if (item_count(lint->doc, list) > field->word_count)
        differ(lint, path, "the CRD's enum has words that the table has not");
}

static void compare_text(struct lint *lint, const char *path, yaml_node_t *schema, int64_t min,
                         int64_t max, const struct text_format *format)
{
    want_number(lint, path, schema, "maxLength", true, max);
    if (!lint->status)
        want_number(lint, path, schema, "minLength", min > 0, min);
    want_text(lint, path, schema, "pattern", format != NULL ? format->pattern : NULL);
}

static void compare_list(struct lint *lint, const char *path, yaml_node_t *schema,
                         const struct field *field, const char *min_key, const char *max_key)
{
    want_number(lint, path, schema, max_key, true, field->max > 0 ? field->max : LIST_MAX);
    want_number(lint, path, schema, min_key, field->min > 0, field->min);
}

static void compare_kind(struct lint *lint, const char *path, yaml_node_t *schema,
                         const struct field *field)
{
    static const char *const types[] = {
        [KIND_TEXT] = "string",     [KIND_I64] = "integer",   [KIND_U32] = "integer",
        [KIND_OPT_I64] = "integer", [KIND_BOOL] = "boolean",  [KIND_TEXTS] = "array",
        [KIND_MAP] = "object",      [KIND_WORD] = "string",   [KIND_TIME] = "string",
        [KIND_BYTES] = NULL,        [KIND_OBJECT] = "object", [KIND_LIST] = "array",
        [KIND_ARRAY] = "array",     [KIND_CUSTOM] = NULL,
    };
    const char *type = types[field->kind];
    if (field->kind == KIND_CUSTOM && strcmp(field->custom->schema_type, "number-or-string") == 0)
        want_text(lint, path, schema, "x-kubernetes-preserve-unknown-fields", "true");
    else if (field->kind == KIND_CUSTOM)
        type = field->custom->schema_type;
    if (field->kind == KIND_BYTES)
        want_text(lint, path, schema, "x-kubernetes-int-or-string", "true");
    want_text(lint, path, schema, "type", type);
    if (field->kind == KIND_TIME)
        want_text(lint, path, schema, "format", "date-time");
}

static void compare_bounds(struct lint *lint, const char *path, yaml_node_t *schema,
                           const struct field *field)
{
    bool bounded = field->min != 0 || field->max != 0;
    switch (field->kind) {
    case KIND_I64:
    case KIND_U32:
    case KIND_OPT_I64:
        want_number(lint, path, schema, "minimum", bounded, field->min);
        want_number(lint, path, schema, "maximum", field->max != 0, field->max);
        break;
    case KIND_WORD:
        compare_words(lint, path, schema, field);
        break;
    case KIND_TEXT:
        if (field->words != NULL)
            compare_words(lint, path, schema, field);
        else
            compare_text(lint, path, schema,
                         field->min > 0 ? field->min : (field->required ? 1 : 0),
                         field->max > 0 ? field->max : TEXT_MAX, field->format);
        break;
    case KIND_TEXTS:
        compare_list(lint, path, schema, field, "minItems", "maxItems");
        compare_text(lint, path, get(lint->doc, schema, "items"), 1,
                     field->item_max > 0 ? field->item_max : TEXT_MAX, field->format);
        break;
    case KIND_MAP:
        compare_list(lint, path, schema, field, "minProperties", "maxProperties");
        want_number(lint, path, get(lint->doc, schema, "additionalProperties"), "maxLength", true,
                    MAP_VALUE_MAX);
        break;
    case KIND_LIST:
    case KIND_ARRAY:
        compare_list(lint, path, schema, field, "minItems", "maxItems");
        break;
    case KIND_CUSTOM:
        if (strcmp(field->custom->schema_type, "array") == 0)
            compare_list(lint, path, schema, field, "minItems", "maxItems");
        break;
    default:
        break;
    }
}

static void compare_default(struct lint *lint, const char *path, yaml_node_t *schema,
                            const struct field *field)
{
    const char *got = get_text(lint->doc, schema, "default");
    if (got == NULL)
        return;
    if (field->kind == KIND_WORD)
        want_text(lint, path, schema, "default", field->words[field->fallback - field->min]);
    else
        want_number(lint, path, schema, "default", true, field->fallback);
}

/* The schema of ".retryStrategy.evaluateOnExit[].action", and the one around it. */
static yaml_node_t *find_schema(struct lint *lint, const char *path, yaml_node_t **ret_around,
                                const char **ret_key)
{
    yaml_node_t *schema = lint->root;
    AUTO_TEXT copy = text_copy(path);
    char *rest = copy;
    for (char *part = NULL; (part = strsep(&rest, ".")) != NULL;) {
        if (part[0] == '\0')
            continue;
        size_t size = strlen(part);
        bool list = size > 2 && strcmp(part + size - 2, "[]") == 0;
        if (list)
            part[size - 2] = '\0';
        *ret_around = schema;
        *ret_key = path + (part - copy);
        schema = get(lint->doc, get(lint->doc, schema, "properties"), part);
        if (list)
            schema = get(lint->doc, schema, "items");
    }
    return schema;
}

static void on_field(void *ctx, const char *path, const struct field *field)
{
    struct lint *lint = ctx;
    yaml_node_t *around = NULL;
    const char *key = NULL;
    yaml_node_t *schema = find_schema(lint, path, &around, &key);
    AUTO_TEXT full = text_printf("%s%s", lint->prefix, path);
    map_put(lint->seen, path, lint);
    if (schema == NULL) {
        differ(lint, full, "not in the CRD");
        return;
    }
    bool required = has_item(lint->doc, get(lint->doc, around, "required"), field->key);
    if (required != field->required)
        differ(lint, full, "required in the %s only", required ? "CRD" : "table");
    compare_kind(lint, full, schema, field);
    compare_bounds(lint, full, schema, field);
    compare_default(lint, full, schema, field);
}

/* The other way: what the CRD has and the table has not. Templates are the API server's to know. */
static void walk_schema(struct lint *lint, yaml_node_t *schema, const char *path)
{
    yaml_node_t *properties = get(lint->doc, schema, "properties");
    const char *open = get_text(lint->doc, schema, "x-kubernetes-preserve-unknown-fields");
    if (properties == NULL || open != NULL)
        return;
    for (yaml_node_pair_t *p = properties->data.mapping.pairs.start;
         p < properties->data.mapping.pairs.top; p++) {
        yaml_node_t *below = yaml_document_get_node(lint->doc, p->value);
        const char *key =
            (const char *)yaml_document_get_node(lint->doc, p->key)->data.scalar.value;
        AUTO_TEXT at = text_printf("%s.%s", path, key);
        bool object_meta =
            lint->prefix[0] == '\0' && (strcmp(at, ".apiVersion") == 0 ||
                                        strcmp(at, ".kind") == 0 || strcmp(at, ".metadata") == 0);
        if (map_get(lint->seen, at) == NULL && !object_meta) {
            AUTO_TEXT full = text_printf("%s%s", lint->prefix, at);
            differ(lint, full, "not in the table");
        }
        AUTO_TEXT items = text_printf("%s[]", at);
        walk_schema(lint, below, at);
        walk_schema(lint, get(lint->doc, below, "items"), items);
    }
}

static size_t lint_schema(yaml_document_t *doc, const char *kind, yaml_node_t *schema)
{
    size_t differences = 0;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        if (strcmp(tables[i].kind, kind) != 0)
            continue;
        AUTO(map) seen = map_new();
        struct lint lint = {.doc = doc,
                            .kind = kind,
                            .prefix = tables[i].path,
                            .seen = seen,
                            .root = schema,
                            .status = strcmp(tables[i].path, ".status") == 0};
        if (tables[i].path[0] != '\0')
            lint.root = get(doc, get(doc, schema, "properties"), tables[i].path + 1);
        json_walk(tables[i].type, "", on_field, &lint);
        walk_schema(&lint, lint.root, "");
        differences += lint.differences;
    }
    return differences;
}

static size_t lint_document(const char *file, yaml_document_t *doc)
{
    yaml_node_t *root = yaml_document_get_root_node(doc);
    if (!text_eq(get_text(doc, root, "kind"), "CustomResourceDefinition"))
        return 0; /* the kustomization */
    yaml_node_t *spec = get(doc, root, "spec");
    const char *kind = get_text(doc, get(doc, spec, "names"), "kind");
    yaml_node_t *version = get_item(doc, get(doc, spec, "versions"), 0);
    yaml_node_t *schema = get(doc, get(doc, version, "schema"), "openAPIV3Schema");
    if (kind == NULL || schema == NULL) {
        fprintf(stderr, "%s: no kind or no schema\n", file);
        return 1;
    }
    return lint_schema(doc, kind, schema);
}

static size_t lint_file(const char *file)
{
    yaml_parser_t parser;
    yaml_document_t doc;
    FILE *stream = fopen(file, "re");
    size_t differences = 0;
    if (stream == NULL) {
        perror(file);
        return 1;
    }
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_file(&parser, stream);
    if (yaml_parser_load(&parser, &doc)) {
        differences = lint_document(file, &doc);
        yaml_document_delete(&doc);
    } else {
        fprintf(stderr, "%s: %s at line %zu\n", file, parser.problem, parser.problem_mark.line + 1);
        differences = 1;
    }
    yaml_parser_delete(&parser);
    (void)fclose(stream);
    return differences;
}

int main(int argc, char **argv)
{
    size_t differences = 0;
    for (int i = 1; i < argc; i++)
        differences += lint_file(argv[i]);
    if (differences > 0)
        fprintf(stderr, "%zu differences between src/api and the CRDs\n", differences);
    return differences > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
