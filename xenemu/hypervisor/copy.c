/* SPDX-License-Identifier: Apache-2.0 */

/* The grant copy call.  It takes no lock. */

#include "hypervisor/handle.h"

#include <errno.h>
#include <string.h>

/* One copy operation of a hypercall. */
struct op {
    xengnttab_grant_copy_segment_t *seg;
    uint16_t done;              /* Bytes of the segment before it. */
    uint16_t len;
};

struct batch {
    struct xengntdev_handle *h;
    struct xh_copier *copier;
    unsigned int n;
    struct op ops[XH_BATCH];

    uint64_t n_ops, n_hypercalls, n_bytes, n_errors;
};

static uint16_t
foreign_domid(const struct xengntdev_handle *h,
              const union xengnttab_copy_ptr *ptr)
{
    return (ptr->foreign.domid == XH_DOMID_SELF
            ? h->domid : ptr->foreign.domid);
}

/* The key under which a copier writes down a grant; 0 if there is no such
 * grant table entry, which is found out again by resolve(). */
static uint32_t
key_of(const struct xengntdev_handle *h, const union xengnttab_copy_ptr *ptr)
{
    uint8_t slot = xh_slot(foreign_domid(h, ptr));

    return (slot != XH_NO_SLOT && ptr->foreign.ref < XH_MAX_GREFS
            ? XH_KEY(slot, ptr->foreign.ref) : 0);
}

static int
refuse(const struct xengntdev_handle *h, const union xengnttab_copy_ptr *ptr,
       int status, const char *why)
{
    xh_violation(h->domid, "copy", status, foreign_domid(h, ptr),
                 ptr->foreign.ref, why);
    return status;
}

/* Finds the address of a grant that was written down under 'key'.  Returns
 * the status that Xen gives. */
static inline int
resolve(struct xengntdev_handle *h, const union xengnttab_copy_ptr *ptr,
        uint32_t key, bool write, uint8_t **address)
{
    uint8_t slot = key ? XH_KEY_SLOT(key) : XH_NO_SLOT;

    if (xh_slot_alive(foreign_domid(h, ptr)) == XH_NO_SLOT
        || (key && xh_slot(foreign_domid(h, ptr)) != slot)) {
        return refuse(h, ptr, GNTST_bad_domain,
                      "no such domain, or it is dying");
    }
    if (!key) {
        return refuse(h, ptr, GNTST_bad_gntref,
                      "the reference is outside of the grant table");
    }
    uint64_t word = xh_grant_settled(slot, ptr->foreign.ref);
    const char *why = xh_grant_refusal(word, h->domid, write);
    if (why) {
        return refuse(h, ptr, GNTST_general_error, why);
    }
    uint8_t *base = xh_mem(slot);
    if (!base) {
        return refuse(h, ptr, GNTST_bad_page, "its memory cannot be mapped");
    }
    *address = (base + (size_t) XH_GRANT_PFN(word) * XENEMU_PAGE_SIZE
                + ptr->foreign.offset);
    return GNTST_okay;
}

static inline int
copy_op(struct batch *b, unsigned int i)
{
    const struct op *op = &b->ops[i];
    const xengnttab_grant_copy_segment_t *seg = op->seg;
    uint8_t *source = seg->source.virt, *dest = seg->dest.virt;
    int status = xh_fault(XH_CALL_segment, b->h->domid);

    if (!status && seg->flags & GNTCOPY_source_gref) {
        status = resolve(b->h, &seg->source,
                         atomic_load_explicit(&b->copier->keys[2 * i],
                                              memory_order_relaxed),
                         false, &source);
    }
    if (!status && seg->flags & GNTCOPY_dest_gref) {
        status = resolve(b->h, &seg->dest,
                         atomic_load_explicit(&b->copier->keys[2 * i + 1],
                                              memory_order_relaxed),
                         true, &dest);
    }
    if (!status) {
        memmove(dest + op->done, source + op->done, op->len);
        b->n_bytes += op->len;
    }
    return status;
}

/* Does what the hypercall does, for up to XH_BATCH operations. */
static void
flush(struct batch *b)
{
    if (!b->n) {
        return;
    }
    atomic_store_explicit(&b->copier->n_keys, 2 * b->n, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    for (unsigned int i = 0; i < b->n; i++) {
        int status = copy_op(b, i);

        /* The kernel keeps the first failure of a segment. */
        if (status) {
            b->n_errors++;
            if (b->ops[i].seg->status == GNTST_okay) {
                b->ops[i].seg->status = status;
            }
        }
    }
    atomic_store_explicit(&b->copier->n_keys, 0, memory_order_release);
    b->n_ops += b->n;
    b->n_hypercalls++;
    b->n = 0;
}

/* Adds an operation, and writes down the grants that it uses. */
static inline void
add_op(struct batch *b, xengnttab_grant_copy_segment_t *seg, uint16_t done,
       uint16_t len)
{
    uint32_t source_key = 0, dest_key = 0;

    if (b->n == XH_BATCH) {
        flush(b);
    }
    if (seg->flags & GNTCOPY_source_gref) {
        source_key = key_of(b->h, &seg->source);
    }
    if (seg->flags & GNTCOPY_dest_gref) {
        dest_key = key_of(b->h, &seg->dest);
    }
    atomic_store_explicit(&b->copier->keys[2 * b->n], source_key,
                          memory_order_relaxed);
    atomic_store_explicit(&b->copier->keys[2 * b->n + 1], dest_key,
                          memory_order_relaxed);
    b->ops[b->n++] = (struct op) { .seg = seg, .done = done, .len = len };
}

static inline uint16_t
left_in_page(const uint8_t *virt, uint16_t len)
{
    size_t left = XENEMU_PAGE_SIZE - (uintptr_t) virt % XENEMU_PAGE_SIZE;

    return len < left ? len : left;
}

/* Adds a segment, split where a local address crosses a page.  Returns 0 or
 * -EINVAL. */
static inline int
add_segment(struct batch *b, xengnttab_grant_copy_segment_t *seg)
{
    bool from = seg->flags & GNTCOPY_source_gref;
    bool to = seg->flags & GNTCOPY_dest_gref;

    if ((!from && !to)
        || (from && seg->source.foreign.offset + seg->len > XENEMU_PAGE_SIZE)
        || (to && seg->dest.foreign.offset + seg->len > XENEMU_PAGE_SIZE)) {
        return -EINVAL;
    }
    seg->status = GNTST_okay;
    for (uint16_t done = 0, len; done < seg->len; done += len) {
        len = seg->len - done;
        if (!from) {
            len = left_in_page((uint8_t *) seg->source.virt + done, len);
        } else if (!to) {
            len = left_in_page((uint8_t *) seg->dest.virt + done, len);
        }
        add_op(b, seg, done, len);
    }
    return 0;
}

/* Adds all segments and copies.  When one is refused, what is in the batch by
 * then is never copied, though its status says okay: so does the kernel. */
static int
copy_all(struct batch *b, uint32_t count, xengnttab_grant_copy_segment_t *segs)
{
    unsigned int directions = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (add_segment(b, &segs[i])) {
            xh_violation(b->h->domid, "copy", XH_ERRNO(EINVAL), b->h->domid,
                         i, "the segment has no grant, or leaves the page");
            return -EINVAL;
        }
        directions |= 1u << (segs[i].flags & 3);
    }
    flush(b);
    if ((directions & 6) == 6) {
        xh_violation(b->h->domid, "copy", XH_ERRNO(EINVAL), b->h->domid,
                     count, "one call copies both to and from local memory");
    }
    return 0;
}

static void
count_batch(struct xengntdev_handle *h, const struct batch *b, uint32_t count)
{
    xh_count(h->slot, XH_CNT_copy_calls, 1);
    xh_count(h->slot, XH_CNT_copy_hypercalls, b->n_hypercalls);
    xh_count(h->slot, XH_CNT_copy_segments, count);
    xh_count(h->slot, XH_CNT_copy_bytes, b->n_bytes);
    if (b->n_errors) {
        xh_count(h->slot, XH_CNT_copy_errors, b->n_errors);
    }
}

int
xengnttab_grant_copy(xengnttab_handle *xgt, uint32_t count,
                     xengnttab_grant_copy_segment_t *segs)
{
    uint64_t begin = xh_cost_begin();
    struct batch b;

    if (!xh_handle_usable(xgt)) {
        return -1;
    }
    b.h = xgt;
    b.copier = xh_copier_get();
    b.n = 0;
    b.n_ops = b.n_hypercalls = b.n_bytes = b.n_errors = 0;

    int error = b.copier ? xh_fault(XH_CALL_copy, xgt->domid) : ENOMEM;
    if (error) {
        /* As if it went wrong at the very last segment. */
        for (uint32_t i = 0; i < count; i++) {
            segs[i].status = GNTST_okay;
        }
    } else {
        error = -copy_all(&b, count, segs);
    }
    count_batch(xgt, &b, count);
    xh_cost_end(begin, XH_CALL_copy, xh_costs[XH_CALL_segment], b.n_ops);
    if (error) {
        errno = error;
        return -1;
    }
    return 0;
}
