/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - request paths of the API server: see the header */
#include "bulkhead/kube/path.h"

#include <string.h>

/* RFC 3986's unreserved characters; everything else is written as %XX. */
static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void add_encoded(struct str *out, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";

    while (*text != '\0') {
        const char *plain = text;
        while (*text != '\0' && is_unreserved(*text))
            text++;
        if (text > plain)
            str_add_bytes(out, plain, (size_t)(text - plain));
        if (*text == '\0')
            return;
        unsigned char byte = (unsigned char)*text++;
        str_add_bytes(out, (const char[]){'%', hex[byte >> 4], hex[byte & 15]}, 3);
    }
}

static int check_part(const char *what, const char *part, struct err *err)
{
    if (part[0] == '\0')
        return err_set(err, ERR_INVALID, "request path: empty %s", what);
    if (strcmp(part, ".") == 0 || strcmp(part, "..") == 0)
        return err_set(err, ERR_INVALID, "request path: %s \"%s\"", what, part);
    return 0;
}

static int check_ref(const struct kube_ref *ref, struct err *err)
{
    const struct {
        const char *what, *part;
        bool required;
    } parts[] = {
        {"group version", ref->group_version, true}, {"resource", ref->resource, true},
        {"namespace", ref->namespace, false},        {"name", ref->name, false},
        {"subresource", ref->subresource, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].part == NULL && parts[i].required)
            return err_set(err, ERR_INVALID, "request path: no %s", parts[i].what);
        if (parts[i].part != NULL && check_part(parts[i].what, parts[i].part, err) < 0)
            return -1;
    }
    if (ref->subresource != NULL && ref->name == NULL)
        return err_set(err, ERR_INVALID, "request path: subresource %s of no name",
                       ref->subresource);
    return 0;
}

static void add_part(struct str *out, const char *part)
{
    str_add(out, "/");
    add_encoded(out, part);
}

int kube_path(struct str *out, const struct kube_ref *ref, struct err *err)
{
    if (check_ref(ref, err) < 0)
        return -1;

    const char *slash = strchr(ref->group_version, '/');
    str_add(out, slash != NULL ? "/apis" : "/api");
    if (slash != NULL) {
        AUTO_TEXT group = text_copy_n(ref->group_version, (size_t)(slash - ref->group_version));
        add_part(out, group);
        add_part(out, slash + 1);
    } else {
        add_part(out, ref->group_version);
    }
    if (ref->namespace != NULL) {
        str_add(out, "/namespaces");
        add_part(out, ref->namespace);
    }
    add_part(out, ref->resource);
    if (ref->name != NULL)
        add_part(out, ref->name);
    if (ref->subresource != NULL)
        add_part(out, ref->subresource);
    return 0;
}

void kube_path_query(struct str *out, const char *key, const char *value)
{
    bool first = out->data == NULL || memchr(out->data, '?', out->size) == NULL;
    str_add(out, first ? "?" : "&");
    add_encoded(out, key);
    str_add(out, "=");
    add_encoded(out, value);
}
