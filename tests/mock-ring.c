/* SPDX-License-Identifier: Apache-2.0 */


/* A scripted frontend: traffic over its rings. */

#include <config.h>

#include "mock-frontend.h"

#include <errno.h>
#include <string.h>
#include <xenevtchn.h>

#include "util.h"
#include "packet/xenvif-ovs-compat.h"
#include "ring/xenvif-rx.h"
#include "ring/xenvif-tx.h"

/* What a page holds that nobody should look at, or write to. */
#define TX_FILL 0xa5
#define RX_FILL 0x5a

/* What the provider and the host counted around a burst. */
struct account {
    struct xenemu_counters host;
    uint64_t copies, copy_calls, mapped, notifies, slots, packets, bytes;
    uint32_t rsp_prod;
    uint32_t rsp_event;
};

static void
take_account(struct mock_queue *q, const struct xenvif_counters *counters,
             const void *ring, struct account *a)
{
    assert_int_equal(xenemu_get_counters(NULL, 0, &a->host), 0);
    a->copies = xenvif_counter_get(&counters->copies);
    a->copy_calls = xenvif_counter_get(&counters->copy_calls);
    a->mapped = xenvif_counter_get(&counters->mapped);
    a->notifies = xenvif_counter_get(&counters->notifies);
    a->slots = xenvif_counter_get(&counters->slots);
    a->packets = xenvif_counter_get(&counters->packets);
    a->bytes = xenvif_counter_get(&counters->bytes);
    a->rsp_prod = netif_ring_load(ring, NETIF_RSP_PROD);
    a->rsp_event = netif_ring_load(ring, NETIF_RSP_EVENT);
    assert_ptr_equal(q->mock->conn->queues[q->id].stats,
                     &q->mock->terms.stats[q->id]);
}

/* Checks that a burst did not do more than it may, told the truth about it,
 * and notified exactly if the frontend had asked for that. */
static void
check_account(struct mock_queue *q, const struct account *old,
              const struct account *new, uint32_t port)
{
    uint32_t n = new->rsp_prod - old->rsp_prod;
    bool wanted = new->rsp_prod - old->rsp_event < n;

    assert_int_equal(new->slots - old->slots, n);
    assert_int_equal(new->notifies - old->notifies, wanted);
    assert_int_equal(new->host.notifies - old->host.notifies, wanted);
    if (wanted) {
        assert_int_equal(mock_take_events(q->mock, port), 1);
    }
    assert_int_equal(new->host.copy_calls - old->host.copy_calls,
                     new->copy_calls - old->copy_calls);
    assert_int_equal(new->host.copy_segments - old->host.copy_segments,
                     new->copies - old->copies);
    assert_int_equal(new->host.map_calls, old->host.map_calls);
    assert_int_equal(new->host.unmap_calls, old->host.unmap_calls);
}

/* TX. */

static struct mock_slot *
tx_slot(struct mock_queue *q)
{
    assert_true(q->tx_prod - q->tx_cons < NETIF_RING_SIZE);
    return &q->tx_slots[NETIF_SLOT(q->tx_prod)];
}

/* Grants the slot's page, unless it is anyway. */
static void
grant(struct mock_queue *q, struct mock_slot *slot, bool readonly)
{
    assert_int_equal(slot->gref, -1);
    slot->gref = (slot->staged >= 0 ? slot->staged
                  : xenemu_grant(q->mock->dom, 0, slot->pfn, readonly));
    assert_true(slot->gref > 0);
}

/* Ends the grant, unless it stays.  Returns false if the page is in use. */
static bool
ungrant(struct mock_queue *q, struct mock_slot *slot)
{
    if (slot->gref >= 0 && slot->gref != slot->staged
        && xenemu_ungrant(q->mock->dom, slot->gref)) {
        return false;
    }
    slot->gref = -1;
    return true;
}

int32_t
mock_tx_grant(struct mock_queue *q, uint8_t **page)
{
    struct mock_slot *slot = tx_slot(q);

    grant(q, slot, true);
    *page = xenemu_dom_page(q->mock->dom, slot->pfn);
    memset(*page, TX_FILL, NETIF_PAGE_SIZE);
    return slot->gref;
}

void
mock_tx_request(struct mock_queue *q, uint32_t gref, uint16_t offset,
                uint16_t size, uint16_t flags)
{
    struct netif_tx_request req = {
        .gref = gref, .offset = offset, .flags = flags,
        .id = q->tx_next_id, .size = size,
    };

    tx_slot(q)->status = INT16_MAX;
    q->tx_next_id += 257;
    q->tx_kinds[NETIF_SLOT(q->tx_prod)] = (struct netif_tx_slot) {
        .kind = NETIF_SLOT_DATA, .id = req.id,
    };
    netif_tx_put(q->tx_page, q->tx_prod++, &req);
}

void
mock_tx_extra(struct mock_queue *q, const struct netif_extra_info *extra)
{
    tx_slot(q)->status = INT16_MAX;
    q->tx_kinds[NETIF_SLOT(q->tx_prod)] = (struct netif_tx_slot) {
        .kind = NETIF_SLOT_EXTRA,
    };
    netif_tx_put_extra(q->tx_page, q->tx_prod++, extra);
}

void
mock_tx_end(struct mock_queue *q)
{
    q->tx_kinds[NETIF_SLOT(q->tx_first)].n_slots = q->tx_prod - q->tx_first;
    q->tx_first = q->tx_prod;
}

void
mock_tx_push(struct mock_queue *q)
{
    if (netif_ring_push(q->tx_page, q->tx_pushed, q->tx_prod)) {
        assert_int_equal(xenevtchn_notify(q->mock->xce, q->tx_port), 0);
        q->tx_kicks++;
    }
    q->tx_pushed = q->tx_prod;
}

void
mock_tx_stage_extra(struct mock_queue *q, uint8_t type,
                    const struct netif_extra_info *content)
{
    struct netif_extra_info *extra = &q->extras[q->n_extras++];

    assert_in_range(q->n_extras, 1, ARRAY_SIZE(q->extras));
    *extra = *content;
    extra->type = type;
    extra->flags = 0;
    if (q->n_extras > 1) {
        extra[-1].flags |= XEN_NETIF_EXTRA_FLAG_MORE;
    }
}

/* Puts 'len' bytes at 'data' into the next slot, which says 'size'. */
static void
put_data(struct mock_queue *q, const uint8_t *data, uint16_t len,
         uint16_t size, uint16_t flags)
{
    uint16_t offset = mock_random_range(NETIF_PAGE_SIZE - len + 1);
    uint8_t *page;
    int32_t gref = mock_tx_grant(q, &page);

    memcpy(page + offset, data, len);
    mock_tx_request(q, gref, offset, size, flags);
}

void
mock_tx_frame(struct mock_queue *q, const uint8_t *frame, uint32_t len,
              const uint16_t *sizes, unsigned int n, uint16_t flags)
{
    uint16_t full[XEN_NETIF_NR_SLOTS_MIN];
    uint32_t done = 0;

    if (!n) {
        for (; done < len || !n; done += full[n++]) {
            full[n] = MIN(len - done, NETIF_PAGE_SIZE);
        }
        sizes = full;
        done = 0;
    }
    flags |= q->n_extras ? NETTXF_extra_info : 0;
    for (unsigned int i = 0; i < n; i++) {
        uint16_t more = i + 1 < n ? NETTXF_more_data : 0;

        put_data(q, frame + done, sizes[i], i ? sizes[i] : len,
                 (i ? 0 : flags) | more);
        done += sizes[i];
        for (unsigned int j = 0; !i && j < q->n_extras; j++) {
            mock_tx_extra(q, &q->extras[j]);
        }
    }
    assert_int_equal(done, len);
    q->n_extras = 0;
    mock_tx_end(q);
}

unsigned int
mock_tx_burst(struct mock_queue *q, struct dp_packet_batch *batch)
{
    const struct xenvif_counters *counters = &q->mock->terms.stats[q->id].tx;
    struct dp_packet *packet;
    struct account old, new;
    uint64_t bytes = 0;
    int error;

    mock_take_events(q->mock, q->tx_port);
    take_account(q, counters, q->tx_page, &old);
    dp_packet_batch_init(batch);
    error = xenvif_tx_burst(mock_backend(q), batch);
    take_account(q, counters, q->tx_page, &new);

    assert_int_equal(error, dp_packet_batch_is_empty(batch) ? EAGAIN : 0);
    check_account(q, &old, &new, q->tx_port);
    assert_in_range(new.copy_calls - old.copy_calls, 0, 1);
    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        bytes += dp_packet_size(packet);
    }
    assert_int_equal(new.packets - old.packets, dp_packet_batch_size(batch));
    assert_int_equal(new.bytes - old.bytes, bytes);
    return dp_packet_batch_size(batch);
}

/* The request is answered: its page is ours again. */
static void
finish_tx_slot(struct mock_queue *q, uint32_t index, int16_t status)
{
    struct mock_slot *slot = &q->tx_slots[NETIF_SLOT(index)];

    slot->status = status;
    assert_true(ungrant(q, slot));
    q->tx_kinds[NETIF_SLOT(index)] = (struct netif_tx_slot) { .kind = 0 };
}

unsigned int
mock_tx_reap(struct mock_queue *q)
{
    uint32_t prod = netif_ring_load(q->tx_page, NETIF_RSP_PROD);
    struct netif_tx_response rsps[NETIF_RING_SIZE];
    uint32_t n = prod - q->tx_cons;
    struct netif_verdict v;

    for (uint32_t i = q->tx_cons; n <= NETIF_RING_SIZE && i != prod; i++) {
        rsps[NETIF_SLOT(i)] = netif_tx_get(q->tx_page, i);
    }
    if (!netif_check_tx(q->tx_kinds, rsps, q->tx_cons, prod, q->tx_pushed,
                        &v)) {
        fail_msg("%s: %s", v.rule, v.text);
    }
    for (; q->tx_cons != prod; q->tx_cons++) {
        finish_tx_slot(q, q->tx_cons, rsps[NETIF_SLOT(q->tx_cons)].status);
    }
    if (!q->silent) {
        assert_false(netif_ring_arm(q->tx_page, q->tx_cons));
    }
    return n;
}

int16_t
mock_tx_status(const struct mock_queue *q, uint32_t i)
{
    assert_in_range(q->tx_cons - i, 1, NETIF_RING_SIZE);
    return q->tx_slots[NETIF_SLOT(i)].status;
}

void
mock_assert_packet(const struct dp_packet *packet, const uint8_t *frame,
                   uint32_t len)
{
    assert_int_equal(dp_packet_size(packet), len);
    assert_memory_equal(dp_packet_data(packet), frame, len);
}

void
mock_tx_through(struct mock_queue *q, const uint8_t *frame, uint32_t len,
                const uint16_t *sizes, unsigned int n)
{
    uint32_t first = q->tx_prod;
    struct dp_packet_batch batch;

    mock_tx_frame(q, frame, len, sizes, n, 0);
    mock_tx_push(q);
    assert_int_equal(mock_tx_burst(q, &batch), 1);
    mock_assert_packet(batch.packets[0], frame, len);
    dp_packet_delete_batch(&batch, true);
    assert_int_equal(mock_tx_reap(q), q->tx_prod - first);
    assert_int_equal(mock_tx_status(q, first), NETIF_RSP_OKAY);
}

void
mock_tx_expect_drop(struct mock_queue *q, int16_t status,
                    enum xenvif_tx_verdict verdict)
{
    uint64_t n = mock_tx_verdicts(q, verdict);
    uint32_t first = q->tx_cons;
    struct dp_packet_batch batch;

    assert_int_equal(mock_tx_burst(q, &batch), 0);
    assert_int_equal(mock_tx_reap(q), q->tx_prod - first);
    for (uint32_t i = first; i != q->tx_prod; i++) {
        if (mock_tx_status(q, i) != NETIF_RSP_NULL) {
            assert_int_equal(mock_tx_status(q, i), status);
        }
    }
    assert_int_equal(mock_tx_verdicts(q, verdict), n + 1);
    assert_int_equal(mock_backend(q)->common->fault, 0);
}

void
mock_tx_expect_fault(struct mock_queue *q, enum xenvif_tx_verdict verdict)
{
    uint64_t n = mock_tx_verdicts(q, verdict);
    struct dp_packet_batch batch;

    assert_false(latch_is_set(&q->mock->latch));
    mock_tx_burst(q, &batch);
    dp_packet_delete_batch(&batch, true);
    assert_int_equal(xenvif_common_fault(mock_backend(q)->common), verdict);
    assert_int_equal(mock_tx_verdicts(q, verdict), n + 1);
    assert_true(latch_poll(&q->mock->latch));

    /* From now on nothing happens, and nobody is woken again. */
    assert_int_equal(mock_tx_burst(q, &batch), 0);
    assert_int_equal(mock_tx_verdicts(q, verdict), n + 1);
    assert_false(latch_is_set(&q->mock->latch));
}

/* RX. */

static void
post(struct mock_queue *q, uint32_t gref)
{
    struct netif_rx_request req = { .id = q->rx_next_id, .gref = gref };

    q->rx_next_id += 263;
    q->rx_ids[NETIF_SLOT(q->rx_prod)] = req.id;
    netif_rx_put(q->rx_page, q->rx_prod, &req);
    netif_ring_push(q->rx_page, q->rx_prod, q->rx_prod + 1);
    q->rx_prod++;
}

void
mock_rx_post(struct mock_queue *q, unsigned int n)
{
    while (n--) {
        struct mock_slot *slot = &q->rx_slots[NETIF_SLOT(q->rx_prod)];

        assert_true(q->rx_prod - q->rx_cons < NETIF_RING_SIZE);
        grant(q, slot, false);
        memset(xenemu_dom_page(q->mock->dom, slot->pfn), RX_FILL,
               NETIF_PAGE_SIZE);
        post(q, slot->gref);
    }
}

void
mock_rx_post_gref(struct mock_queue *q, uint32_t gref)
{
    assert_true(q->rx_prod - q->rx_cons < NETIF_RING_SIZE);
    assert_int_equal(q->rx_slots[NETIF_SLOT(q->rx_prod)].gref, -1);
    post(q, gref);
}

void
mock_rx_burst(struct mock_queue *q, struct dp_packet **packets, unsigned int n)
{
    const struct xenvif_counters *counters = &q->mock->terms.stats[q->id].rx;
    const struct netif_rx_rules *rules = &q->mock->rules;
    struct account old, new;
    uint64_t n_data;

    mock_take_events(q->mock, q->rx_port);
    take_account(q, counters, q->rx_page, &old);
    assert_true(xenvif_rx_burst(mock_backend(q), packets, n));
    take_account(q, counters, q->rx_page, &new);
    check_account(q, &old, &new, q->rx_port);
    n_data = new.copies - old.copies + new.mapped - old.mapped;
    if (rules->headroom || rules->hash || rules->gso_tcpv4
        || rules->gso_tcpv6) {
        /* Extra infos take slots without data. */
        assert_true(n_data <= new.slots - old.slots);
    } else {
        assert_int_equal(n_data, new.slots - old.slots);
    }
}

/* Takes the data of slot 'index', 'len' bytes from 'offset' on.  Returns false
 * if more than those were written. */
static bool
take_rx_data(struct mock_queue *q, uint32_t index, uint32_t offset,
             uint32_t len, uint8_t *data)
{
    const struct mock_slot *slot = &q->rx_slots[NETIF_SLOT(index)];
    const uint8_t *page = xenemu_dom_page(q->mock->dom, slot->pfn);

    memcpy(data, page + offset, len);
    for (uint32_t i = 0; slot->gref >= 0 && i < NETIF_PAGE_SIZE; i++) {
        if (page[i] != RX_FILL && (i < offset || i >= offset + len)) {
            return false;
        }
    }
    return true;
}

static int
rx_fail(struct netif_verdict *v, const char *rule, const char *text)
{
    v->rule = rule;
    ovs_strlcpy(v->text, text, sizeof v->text);
    return -1;
}

/* Takes data and pages of 'p', which is well-formed. */
static int
take_rx_packet(struct mock_queue *q, const union netif_rx_answer *answers,
               struct mock_rx_packet *p, struct netif_verdict *v)
{
    uint32_t done = 0;

    for (unsigned int i = 0; i < p->info.n_data; i++) {
        uint32_t index = p->info.data[i];
        const struct netif_rx_response *rsp
            = &answers[NETIF_SLOT(index)].rsp;
        int16_t len = rsp->status;

        if (len > 0 && !take_rx_data(q, index, rsp->offset, len,
                                     p->data + done)) {
            return rx_fail(v, "mock.canary", "page written beyond the data");
        }
        done += MAX(len, 0);
    }
    for (unsigned int i = 0; i < p->info.n_slots; i++) {
        if (!ungrant(q, &q->rx_slots[NETIF_SLOT(q->rx_cons++)])) {
            return rx_fail(v, "mock.grant", "grant is still in use");
        }
    }
    return 1;
}

int
mock_rx_try_take(struct mock_queue *q, struct mock_rx_packet *p,
                 struct netif_verdict *v)
{
    uint32_t prod = netif_ring_load(q->rx_page, NETIF_RSP_PROD);
    union netif_rx_answer answers[NETIF_RING_SIZE];
    int result;

    if (prod == q->rx_cons) {
        return 0;
    }
    if (prod - q->rx_cons > q->rx_prod - q->rx_cons) {
        return rx_fail(v, "rx.rsp-prod", "response index out of range");
    }
    for (uint32_t i = q->rx_cons; i != prod; i++) {
        answers[NETIF_SLOT(i)] = netif_rx_get(q->rx_page, i);
    }
    if (!netif_check_rx(&q->mock->rules, q->rx_ids, answers, q->rx_cons, prod,
                        q->rx_prod, &p->info, v)) {
        return -1;
    }
    result = take_rx_packet(q, answers, p, v);
    if (result > 0 && !p->info.error
        && !netif_check_rx_offload(&q->mock->rules, &p->info, p->data,
                                   p->info.len, v)) {
        return -1;
    }
    if (!q->silent) {
        netif_ring_arm(q->rx_page, q->rx_cons);
    }
    return result;
}

bool
mock_rx_take(struct mock_queue *q, struct mock_rx_packet *p)
{
    struct netif_verdict v;
    int result = mock_rx_try_take(q, p, &v);

    if (result < 0) {
        fail_msg("%s: %s", v.rule, v.text);
    }
    return result;
}

struct dp_packet *
mock_packet(const uint8_t *frame, uint32_t len)
{
    struct dp_packet *packet = xenvif_packet_new(len);

    memcpy(dp_packet_data(packet), frame, len);
    return packet;
}

void
mock_rx_through(struct mock_queue *q, const uint8_t *frame, uint32_t len,
                unsigned int n_slots)
{
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    struct dp_packet *packet = mock_packet(frame, len);
    uint64_t n = mock_rx_count(q, packets);
    uint64_t bytes = mock_rx_count(q, bytes);

    mock_rx_burst(q, &packet, 1);
    dp_packet_delete(packet);
    assert_int_equal(mock_rx_count(q, packets), n + 1);
    assert_int_equal(mock_rx_count(q, bytes), bytes + len);
    assert_true(mock_rx_take(q, p));
    assert_int_equal(p->info.n_slots, n_slots);
    assert_int_equal(p->info.len, len);
    assert_memory_equal(p->data, frame, len);
    assert_false(mock_rx_take(q, p));
    free(p);
}
