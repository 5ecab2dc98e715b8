/* SPDX-License-Identifier: Apache-2.0 */

#include "guest/kick.h"

#include <errno.h>
#include <unistd.h>
#include <xenevtchn.h>

#include "guest/guest.h"
#include "guest/log.h"

void
guest_queue_kick(struct guest_queue *q, const struct guest_ring *r)
{
    GUEST_COUNT(q, kicks, 1);
    xenevtchn_notify(q->xce, r->port);
}

void
guest_queue_wake(struct guest_queue *q)
{
    uint64_t one = 1;

    if (write(q->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN) {
        guest_log(q->guest, "eventfd write failed");
    }
}
