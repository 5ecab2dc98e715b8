/* SPDX-License-Identifier: Apache-2.0 */

#include "guest/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
guest_parse_u32(const char *s, uint32_t *value)
{
    unsigned long long number;
    char *end;

    if (*s < '0' || *s > '9') {
        return false;
    }
    errno = 0;
    number = strtoull(s, &end, s[1] == 'x' ? 16 : 10);
    if (errno || *end || number > UINT32_MAX) {
        return false;
    }
    *value = number;
    return true;
}

bool
guest_parse_mac(const char *s, uint8_t mac[6])
{
    unsigned int b[6];
    int end = 0;

    if (sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3],
               &b[4], &b[5], &end) != 6 || s[end]) {
        return false;
    }
    for (int i = 0; i < 6; i++) {
        mac[i] = b[i];
    }
    return true;
}

size_t
guest_unescape(char *s)
{
    char *dst = s;

    for (const char *src = s; *src; src++) {
        char hex[3] = { 0, 0, 0 };

        if (*src != '\\' || !src[1]) {
            *dst++ = *src;
        } else if (src[1] == 'x' && src[2] && src[3]) {
            memcpy(hex, src + 2, 2);
            *dst++ = strtoul(hex, NULL, 16);
            src += 3;
        } else {
            *dst++ = src[1] == 'n' ? '\n' : src[1];
            src++;
        }
    }
    *dst = '\0';
    return dst - s;
}

uint32_t
guest_parse_hex(const char *s, uint8_t *buf, uint32_t size)
{
    uint32_t n = 0;

    for (; s[0] && s[1]; s += 2) {
        char digits[3] = { s[0], s[1], '\0' };
        char *end;

        if (n >= size) {
            return 0;
        }
        buf[n++] = strtoul(digits, &end, 16);
        if (*end) {
            return 0;
        }
    }
    return s[0] ? 0 : n;
}
