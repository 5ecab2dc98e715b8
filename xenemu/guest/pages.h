/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_PAGES_H
#define GUEST_PAGES_H 1

/* Memory that is shared with the backend. */

#include <stdbool.h>
#include <stdint.h>

struct guest;
struct guest_page;
struct guest_queue;

/* Grants page 'pfn' to the backend, if that has not been done for good, and
 * remembers the reference in '*page'. */
bool guest_page_grant(struct guest *, struct guest_page *, uint32_t pfn,
                      bool readonly);

/* Ends the backend's access to '*page', which the protocol says is over, and
 * leaves the page itself to the caller.  If the access is not over, that
 * breaks 'rule', for queue 'q' unless that is NULL: the page is put aside,
 * '*page' is cleared, and the function returns false. */
bool guest_page_revoke(struct guest *, struct guest_queue *,
                       struct guest_page *, const char *rule);

/* Puts aside a granted page that cannot be freed yet. */
void guest_page_keep(struct guest *, const struct guest_page *);

/* Ends the backend's access to '*page' and frees the page.  If the access is
 * not over, the page is put aside, which breaks a rule if 'strict'. */
void guest_page_drop(struct guest *, struct guest_page *, bool strict);

/* Grants page 'pfn' for good: until it is freed, guest_page_revoke() does
 * nothing to it. */
bool guest_page_fix(struct guest *, uint32_t pfn, bool readonly);

/* Frees page 'pfn', which is in no request, but may be granted for good. */
void guest_page_free(struct guest *, uint32_t pfn, bool strict);

/* Tries again to free the pages that were put aside.  If 'strict', the
 * backend had time to let go of them, so that failure breaks a rule. */
void guest_leftover_retry(struct guest *, bool strict);

/* Makes sure that no other guest process believes to be alone in the domain,
 * as long as this one lives.  Returns 0 or a negative errno. */
int guest_pages_lock(struct guest *);

/* Takes back what an earlier guest process of the domain shared and could not
 * clean up because it was killed: to the domain it is memory of a kernel that
 * is no more.  To be called before this process shares anything, while the
 * backend uses nothing. */
void guest_pages_reclaim(struct guest *);

#endif /* guest/pages.h */
