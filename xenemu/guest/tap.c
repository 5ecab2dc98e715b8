/* SPDX-License-Identifier: Apache-2.0 */

/* A TAP device, so that the guest's network stack is the kernel's. */

#include "guest/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest/frame.h"
#include "guest/guest.h"
#include "guest/keys.h"
#include "guest/log.h"
#include "guest/offload.h"
#include "guest/tx.h"
#include "netif/check.h"
#include "netif/ring.h"
#include "xenemu.h"

/* Frames that one visit to the device reads at most. */
#define BURST 32

struct guest_tap {
    char name[IFNAMSIZ];
    int fds[GUEST_MAX_QUEUES];
    unsigned int n_fds;
    unsigned int max_frame;
};

/* Returns what the kernel may leave to the device: what the user wants and
 * the backend takes, as drivers tell their network stack. */
static unsigned int
get_offloads(const struct guest *g)
{
    const struct guest_offer *offer = &g->offer;
    unsigned int offloads = 0;

    if (g->cfg.csum_blank || g->cfg.gso) {
        offloads |= TUN_F_CSUM;
    }
    if (g->cfg.gso && offer->sg && offer->gso_tcpv4) {
        offloads |= TUN_F_TSO4;
    }
    if (g->cfg.gso && offer->sg && offer->gso_tcpv6 && offer->csum_ipv6) {
        offloads |= TUN_F_TSO6;
    }
    return offloads;
}

/* Opens one more queue of the device.  Returns a negative errno on error. */
static int
open_queue(struct guest *g)
{
    struct guest_tap *tap = g->tap;
    struct ifreq ifr;
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    memset(&ifr, 0, sizeof ifr);
    memcpy(ifr.ifr_name, tap->name, sizeof ifr.ifr_name);
    ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
    if (ioctl(fd, TUNSETIFF, &ifr)) {
        int error = errno;

        close(fd);
        return -error;
    }
    tap->fds[tap->n_fds++] = fd;
    return 0;
}

/* Gives the device its address and MTU and brings it up. */
static int
configure(struct guest *g, unsigned int mtu)
{
    struct guest_tap *tap = g->tap;
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq ifr;
    int error = 0;

    if (sock < 0) {
        return -errno;
    }
    memset(&ifr, 0, sizeof ifr);
    memcpy(ifr.ifr_name, tap->name, sizeof ifr.ifr_name);
    ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(ifr.ifr_hwaddr.sa_data, g->cfg.mac, 6);
    if (ioctl(sock, SIOCSIFHWADDR, &ifr)) {
        error = -errno;
    }
    ifr.ifr_mtu = mtu;
    if (!error && ioctl(sock, SIOCSIFMTU, &ifr)) {
        error = -errno;
    }
    if (!error && !ioctl(sock, SIOCGIFFLAGS, &ifr)) {
        ifr.ifr_flags |= IFF_UP;
        error = ioctl(sock, SIOCSIFFLAGS, &ifr) ? -errno : 0;
    }
    close(sock);
    return error;
}

int
guest_tap_open(struct guest *g)
{
    unsigned int mtu = g->cfg.mtu;
    struct guest_tap *tap;
    int error;

    if (!g->cfg.tap) {
        return 0;
    }
    if (strlen(g->cfg.tap) >= IFNAMSIZ) {
        return -ENAMETOOLONG;
    }
    tap = g->tap = calloc(1, sizeof *tap);
    if (!tap) {
        return -ENOMEM;
    }
    strcpy(tap->name, g->cfg.tap);
    mtu = mtu ? mtu : guest_keys_read_mtu(g);
    /* Room for two VLAN tags. */
    tap->max_frame = g->cfg.gso ? GUEST_MAX_FRAME : mtu + 22;
    if (tap->max_frame > GUEST_MAX_FRAME) {
        tap->max_frame = GUEST_MAX_FRAME;
    }
    error = open_queue(g);
    if (!error) {
        error = configure(g, mtu);
    }
    guest_tap_carrier(g, false);
    return error;
}

void
guest_tap_close(struct guest *g)
{
    struct guest_tap *tap = g->tap;

    if (!tap) {
        return;
    }
    while (tap->n_fds) {
        close(tap->fds[--tap->n_fds]);
    }
    free(tap);
    g->tap = NULL;
}

int
guest_tap_attach(struct guest *g, unsigned int n_queues)
{
    struct guest_tap *tap = g->tap;

    if (!tap) {
        return 0;
    }
    while (tap->n_fds > n_queues && tap->n_fds > 1) {
        close(tap->fds[--tap->n_fds]);
    }
    while (tap->n_fds < n_queues) {
        int error = open_queue(g);

        if (error) {
            return error;
        }
    }
    /* This holds for the device, not for one queue of it. */
    if (ioctl(tap->fds[0], TUNSETOFFLOAD, get_offloads(g))) {
        return -errno;
    }
    for (unsigned int i = 0; i < n_queues; i++) {
        g->queues[i]->tap_fd = tap->fds[i];
        g->queues[i]->tap_ready = true;
    }
    return 0;
}

void
guest_tap_carrier(struct guest *g, bool on)
{
    int carrier = on;

    if (g->tap && g->tap->n_fds
        && ioctl(g->tap->fds[0], TUNSETCARRIER, &carrier)) {
        guest_log(g, "cannot set carrier: %s", strerror(errno));
    }
}

/* Copies a frame out of the pages that it was read into. */
static void
linearize(struct guest_queue *q, uint32_t len, uint8_t *buf)
{
    for (uint32_t ofs = 0; ofs < len; ofs += NETIF_PAGE_SIZE) {
        uint32_t i = ofs / NETIF_PAGE_SIZE;
        uint32_t n = len - ofs;

        memcpy(buf + ofs, xenemu_dom_page(q->guest->dom,
                                          q->tx_free[q->n_tx_free - 1 - i]),
               n < NETIF_PAGE_SIZE ? n : NETIF_PAGE_SIZE);
    }
}

/* Sends a frame whose checksum the kernel left to the device and the backend
 * cannot complete: drivers tell their network stack what to leave to them. */
static void
send_completed(struct guest_queue *q, struct guest_tx_frame *f,
               const struct virtio_net_hdr *hdr)
{
    uint32_t csum_ofs = hdr->csum_start + hdr->csum_offset;
    uint8_t *buf = malloc(f->len);
    uint16_t sum;

    if (!buf || csum_ofs + 2 > f->len) {
        GUEST_COUNT(q, tx_unsent, 1);
        free(buf);
        return;
    }
    linearize(q, f->len, buf);
    /* The sum over the pseudo-header is already in the field. */
    sum = ~guest_csum_fold(guest_csum_add(0, buf + hdr->csum_start,
                                          f->len - hdr->csum_start));
    if (!sum && hdr->csum_offset == 6) {
        sum = 0xffff;           /* UDP, where 0 means none. */
    }
    buf[csum_ofs] = sum >> 8;
    buf[csum_ofs + 1] = sum;
    f->data = buf;
    guest_tx_frame(q, f);
    free(buf);
}

/* Sends the frame of 'len' bytes that is in the next free pages. */
static void
send_frame(struct guest_queue *q, const struct virtio_net_hdr *hdr,
           uint32_t len)
{
    const struct guest_offer *offer = &q->guest->offer;
    struct guest_tx_frame f = { .len = len };
    const uint8_t *head = xenemu_dom_page(q->guest->dom,
                                          q->tx_free[q->n_tx_free - 1]);
    unsigned int type = head[12] << 8 | head[13];
    bool ipv4 = type == 0x0800;
    bool ipv6 = type == 0x86dd;
    bool outermost = guest_csum_is_outermost(
        head, len < NETIF_PAGE_SIZE ? len : NETIF_PAGE_SIZE,
        hdr->csum_start, hdr->csum_offset);

    if (!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)) {
        guest_tx_frame(q, &f);
        return;
    }
    if (hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
        f.gso_size = hdr->gso_size;
        f.gso_type = (ipv4 ? XEN_NETIF_GSO_TYPE_TCPV4
                      : XEN_NETIF_GSO_TYPE_TCPV6);
        if (!outermost
            || (!(ipv4 && offer->gso_tcpv4) && !(ipv6 && offer->gso_tcpv6))) {
            GUEST_COUNT(q, tx_unsent, 1);
            return;
        }
    } else if (!outermost || (!ipv4 && !(ipv6 && offer->csum_ipv6))) {
        send_completed(q, &f, hdr);
        return;
    }
    f.flags = NETTXF_csum_blank | NETTXF_data_validated;
    guest_tx_frame(q, &f);
}

/* Reads one frame into the next free pages.  Returns its length, 0 if there
 * is none. */
static uint32_t
read_frame(struct guest_queue *q, struct virtio_net_hdr *hdr)
{
    struct iovec iov[NETIF_MAX_DATA_SLOTS + 1] = {
        { .iov_base = hdr, .iov_len = sizeof *hdr },
    };
    unsigned int max = q->guest->tap->max_frame;
    unsigned int n = (max + NETIF_PAGE_SIZE - 1) / NETIF_PAGE_SIZE;
    ssize_t len;

    n = n < q->n_tx_free ? n : q->n_tx_free;
    for (unsigned int i = 0; i < n; i++) {
        uint32_t pfn = q->tx_free[q->n_tx_free - 1 - i];

        iov[i + 1].iov_base = xenemu_dom_page(q->guest->dom, pfn);
        iov[i + 1].iov_len = NETIF_PAGE_SIZE;
    }
    len = readv(q->tap_fd, iov, n + 1);
    return len > (ssize_t) sizeof *hdr ? len - sizeof *hdr : 0;
}

bool
guest_tap_poll(struct guest_queue *q)
{
    if (q->tap_fd < 0 || !q->tap_ready) {
        return false;
    }
    for (unsigned int i = 0; i < BURST; i++) {
        struct virtio_net_hdr hdr;
        uint32_t len;

        if (guest_tx_room(q) <= NETIF_MAX_DATA_SLOTS + 3) {
            if (!q->tx_stopped) {
                q->tx_stopped = true;
                GUEST_COUNT(q, tx_ring_full, 1);
            }
            return false;
        }
        len = read_frame(q, &hdr);
        if (!len) {
            q->tap_ready = false;
            return i > 0;
        }
        send_frame(q, &hdr, len);
    }
    return true;
}

/* Translates what the backend says about checksum and segmentation. */
static void
make_header(const struct guest_rx_frame *f, struct virtio_net_hdr *hdr)
{
    const struct netif_rx_packet *pkt = f->pkt;
    const uint8_t *head = f->iov[0].iov_base;
    struct guest_l4 l4;

    memset(hdr, 0, sizeof *hdr);
    if (!(pkt->flags & NETRXF_csum_blank)) {
        if (pkt->flags & NETRXF_data_validated) {
            hdr->flags = VIRTIO_NET_HDR_F_DATA_VALID;
        }
        return;
    }
    if (!guest_find_l4(head, f->iov[0].iov_len, &l4)) {
        return;
    }
    hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    hdr->csum_start = l4.ofs;
    hdr->csum_offset = l4.csum_ofs;
    if (pkt->gso_size && l4.proto == 6) {
        hdr->gso_type = (l4.ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6
                         : VIRTIO_NET_HDR_GSO_TCPV4);
        hdr->gso_size = pkt->gso_size;
        hdr->hdr_len = l4.ofs + 4 * (head[l4.ofs + 12] >> 4);
    }
}

void
guest_tap_deliver(struct guest_queue *q, const struct guest_rx_frame *f)
{
    struct iovec iov[NETIF_MAX_DATA_SLOTS + 1];
    struct virtio_net_hdr hdr;

    if (q->tap_fd < 0) {
        return;
    }
    make_header(f, &hdr);
    iov[0] = (struct iovec) { .iov_base = &hdr, .iov_len = sizeof hdr };
    memcpy(&iov[1], f->iov, f->pkt->n_data * sizeof iov[0]);
    if (writev(q->tap_fd, iov, f->pkt->n_data + 1) < 0) {
        GUEST_COUNT(q, rx_lost, 1);
    }
}
