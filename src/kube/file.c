/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - reads a small file whole: see the header */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, const char *path, size_t size_max, struct str *out, struct err *err)
{
    size_t start = out->size;

    for (;;) {
        char bytes[16 * 1024];
        ssize_t size = read(fd, bytes, sizeof(bytes));
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return err_set(err, ERR_INVALID, "%s: %s", path, strerror(errno));
        if (size == 0)
            return 0;
        if (out->size - start + (size_t)size > size_max)
            return err_set(err, ERR_INVALID, "%s: larger than %zu bytes", path, size_max);
        str_add_bytes(out, bytes, (size_t)size);
    }
}

int kube_file_read(const char *path, size_t size_max, struct str *out, struct err *err)
{
    /* Not blocking: a FIFO in place of a file must not stop the loop. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(err, ERR_INVALID, "%s: %s", path, strerror(errno));

    struct stat about;
    int result;
    if (fstat(fd, &about) == 0 && !S_ISREG(about.st_mode))
        result = err_set(err, ERR_INVALID, "%s: not a file", path);
    else
        result = read_all(fd, path, size_max, out, err);
    close(fd);
    return result;
}

int kube_base64_decode(const char *text, struct str *out)
{
    AUTO_STR packed = STR_EMPTY;
    for (; *text != '\0'; text++) {
        if (strchr(" \t\r\n", *text) == NULL)
            str_add_bytes(&packed, text, 1);
    }
    if (packed.size == 0)
        return 0;
    if (packed.size % 4 != 0 || packed.size > INT32_MAX)
        return -1;

    size_t padding = packed.data[packed.size - 1] != '='   ? 0
                     : packed.data[packed.size - 2] != '=' ? 1
                                                           : 2;
    unsigned char *bytes = mem_new(packed.size / 4 * 3 + 1);
    int size = EVP_DecodeBlock(bytes, (const unsigned char *)packed.data, (int)packed.size);
    if (size >= (int)padding)
        str_add_bytes(out, bytes, (size_t)size - padding);
    free(bytes);
    return size >= (int)padding ? 0 : -1;
}
