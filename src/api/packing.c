/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/api/packing.h"

#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

void base64_add(struct str *out, const uint8_t *bytes, size_t size)
{
    char *text = mem_new(size / 3 * 4 + 5);
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
    str_add(out, text);
    free(text);
}

uint8_t *base64_bytes(const char *text, size_t text_max, size_t *ret_size)
{
    size_t size = strlen(text);
    size_t body = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    size_t padding = size - body;
    if (size == 0 || size % 4 != 0 || size > text_max || padding > 2 ||
        strspn(text + body, "=") != padding)
        return NULL;
    uint8_t *bytes = mem_new(size / 4 * 3 + 1);
    if (EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)size) < 0) {
        free(bytes);
        return NULL;
    }
    *ret_size = size / 4 * 3 - padding;
    return bytes;
}
