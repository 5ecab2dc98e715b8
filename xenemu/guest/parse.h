/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_PARSE_H
#define GUEST_PARSE_H 1

/* Numbers, addresses and bytes, as users write them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parses a number, decimal or hexadecimal with 0x in front.  Returns false,
 * without effect, unless all of the string is one. */
bool guest_parse_u32(const char *, uint32_t *);

/* Parses a MAC address.  Returns false, without effect, if it is none. */
bool guest_parse_mac(const char *, uint8_t mac[6]);

/* Parses hexadecimal digits.  Returns the number of bytes, or 0 if the
 * string is empty, has other characters, or does not fit. */
uint32_t guest_parse_hex(const char *s, uint8_t *buf, uint32_t size);

/* Replaces \xNN, \n and \\ in 's' by the characters they stand for.  Returns
 * the new length. */
size_t guest_unescape(char *);

#endif /* guest/parse.h */
