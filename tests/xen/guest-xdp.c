/* SPDX-License-Identifier: Apache-2.0 */

/* An XDP program for guests that does the same with all packets: VERDICT is
 * XDP_DROP (1) or XDP_PASS (2).  It has no headers to depend on. */

__attribute__((section("xdp"), used))
int
verdict(void *context)
{
    (void) context;
    return VERDICT;
}

char terms[] __attribute__((section("license"), used)) = "Apache-2.0";
