/* SPDX-License-Identifier: Apache-2.0 */

#ifndef HYPERVISOR_HOST_H
#define HYPERVISOR_HOST_H 1

/* The emulated host: layout of the memory that all its processes share, and
 * the functions that work on it.
 *
 * Not for users: programs see xenemu.h, and the ABI of the Xen libraries.
 *
 * The file "host" in the host's folder holds one 'struct xh_host'.  It is
 * sparse: what no domain uses takes no memory.  Functions named xh_..._locked
 * need the host's mutex; what runs on a data path (grant copies, granting and
 * its end, notifications) takes no lock and is marked so. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "xenemu.h"

#define XH_MAGIC 0x78656e656d753035ULL
#define XH_MAX_DOMS 128
#define XH_MAX_GREFS 32768
#define XH_MAX_PORTS 4096
#define XH_MAX_PROCS 256
#define XH_MAX_RECS 131072
#define XH_MAX_COPIERS 1024
#define XH_MAX_PAGES 262144
#define XH_BATCH 16             /* Copy operations per hypercall. */
#define XH_NO_SLOT 0xff
#define XH_DOMID_SELF 0x7ff0
#define XH_MAX_DOMID 0x7ff0     /* First one that no domain can have. */
#define XH_STORE_GREF 1
#define XH_GNTALLOC_LIMIT 1024
#define XH_MAX_CHANS (1u << 24) /* FIFOs of one process. */

/* One entry of a grant table.  'word' is all that a copy has to look at. */
struct xh_grant {
    _Atomic uint64_t word;
    _Atomic uint32_t n_maps;
    uint32_t reserved;
};
#define XH_GRANT_VALID   (UINT64_C(1) << 0)
#define XH_GRANT_RO      (UINT64_C(1) << 1)
#define XH_GRANT_ENDING  (UINT64_C(1) << 2) /* Somebody tries to end it. */
#define XH_GRANT_REVOKED (UINT64_C(1) << 3) /* Not valid, yet not free. */
#define XH_GRANT_WORD(TO, PFN) ((uint64_t) (TO) << 16 | (uint64_t) (PFN) << 32)
#define XH_GRANT_TO(WORD) ((uint16_t) ((WORD) >> 16))
#define XH_GRANT_PFN(WORD) ((uint32_t) ((WORD) >> 32))

/* One event channel port of a domain. */
enum xh_port_state {
    XH_PORT_FREE,
    XH_PORT_UNBOUND,
    XH_PORT_INTERDOMAIN,
    XH_PORT_VIRQ,
};

struct xh_port {
    _Atomic uint64_t bind;      /* XH_BIND(). */
    _Atomic uint32_t flags;     /* XH_PORT_... */
    _Atomic uint32_t chan;      /* Where events go: number of a FIFO, or 0. */
    uint16_t proc;              /* Owner's index in 'procs' plus 1, or 0. */
    bool keep;                  /* Belongs to the domain, not to a process. */
};
#define XH_PORT_PENDING 1u
#define XH_PORT_MASKED 2u
#define XH_BIND(STATE, DOMID, SLOT, PORT)                               \
    ((uint64_t) (STATE) | (uint64_t) (DOMID) << 8                       \
     | (uint64_t) (SLOT) << 24 | (uint64_t) (PORT) << 32)
#define XH_BIND_STATE(BIND) ((enum xh_port_state) ((BIND) & 0xff))
#define XH_BIND_DOMID(BIND) ((uint16_t) ((BIND) >> 8))
#define XH_BIND_SLOT(BIND) ((uint8_t) ((BIND) >> 24))
#define XH_BIND_PORT(BIND) ((uint32_t) ((BIND) >> 32))

enum xh_counter {
#define XENEMU_COUNTER(NAME) XH_CNT_##NAME,
    XENEMU_COUNTERS
#undef XENEMU_COUNTER
    XH_N_COUNTERS
};

enum xh_dom_state {
    XH_DOM_FREE,
    XH_DOM_RUNNING,
    XH_DOM_SHUTDOWN,            /* Crashed or shut down, still there. */
    XH_DOM_DYING,               /* Destroyed; a zombie while it is mapped. */
};

struct xh_dom {
    _Atomic uint32_t state;     /* enum xh_dom_state. */
    _Atomic uint32_t gen;       /* Never the same for two domains of a host. */
    uint32_t domid;
    uint32_t n_pages;
    uint32_t n_mapped;          /* Pages of it that are mapped by grants. */
    uint32_t n_ports;           /* Ports that are not free. */
    uint32_t n_shared;          /* Pages taken by xengntshr_share_pages(). */
    uint32_t store_port;
    uint8_t shutdown_reason;
    bool paused;
    bool xen_store;             /* Set once xenstored knows the domain. */
    char name[64];
    _Atomic uint32_t page_hint;
    _Atomic uint32_t gref_hint;
    _Atomic uint32_t gref_top;  /* No reference at or above was ever used. */
    uint32_t port_top;
    /* Away from the fields above, which every copy reads. */
    _Alignas(128) _Atomic uint64_t counters[XH_N_COUNTERS];
};

/* One process that has the library loaded and in use.  It lives as long as it
 * holds the lock on its byte of the file "procs". */
struct xh_proc {
    bool used;
    int32_t pid;
    uint64_t start;             /* Start time, against reuse of the pid. */
    uint64_t runs[XH_MAX_DOMS / 64]; /* Domains whose kernel it is. */
    char comm[32];
};

/* What a process holds of a domain's memory. */
enum xh_rec_kind {
    XH_REC_FREE,
    XH_REC_MAP,                 /* A page of 'slot' that 'proc' has mapped. */
    XH_REC_SHARE,               /* A page of 'slot' that 'proc' shares. */
    XH_REC_DEFERRED,            /* The same, given back but still mapped. */
};

struct xh_rec {
    uint8_t kind;
    uint8_t slot;
    uint8_t mapper;             /* Slot of the domain that has it mapped. */
    bool notify_clear, notify_send;
    uint16_t proc;
    uint16_t notify_offset;
    uint32_t gref;
    uint32_t pfn;
    uint32_t notify_port;
    uint32_t next_free;
};

/* One thread that copies.  'keys' name the grants that it is copying now, so
 * that nobody ends them meanwhile. */
struct xh_copier {
    _Alignas(64) _Atomic uint32_t proc; /* Index plus 1, or 0 if free. */
    _Atomic uint32_t n_keys;
    _Alignas(64) _Atomic uint32_t keys[2 * XH_BATCH];
};
#define XH_KEY(SLOT, GREF) \
    (UINT32_C(1) << 31 | (uint32_t) (SLOT) << 16 | (GREF))
#define XH_KEY_SLOT(KEY) (((KEY) >> 16) & 0xff)

/* Calls that can be made to fail (and, some of them, to take their time). */
#define XH_CALLS                \
    XH_CALL(open)               \
    XH_CALL(copy)               \
    XH_CALL(segment)            \
    XH_CALL(map)                \
    XH_CALL(unmap)              \
    XH_CALL(share)              \
    XH_CALL(bind)               \
    XH_CALL(notify)             \
    XH_CALL(unbind)
enum xh_call {
#define XH_CALL(NAME) XH_CALL_##NAME,
    XH_CALLS
#undef XH_CALL
    XH_N_CALLS
};

struct xh_fault {
    _Atomic int32_t value;      /* Status (segment) or errno. */
    _Atomic int32_t domid;      /* Calling domain it is for, or -1. */
    _Atomic int64_t skip;       /* Calls to let pass first. */
    _Atomic int64_t count;      /* Calls to fail after those. */
    _Atomic uint64_t hits;
};

struct xh_host {
    uint64_t magic;
    uint64_t size;
    pthread_mutex_t mutex;
    uint32_t next_gen;
    uint32_t next_domid;
    uint32_t next_chan;
    uint32_t gntalloc_limit;
    uint32_t dom_top;           /* No slot at or above was ever used. */
    uint32_t proc_top;
    uint32_t rec_top;
    uint32_t rec_free;          /* Index plus 1 of the first free one. */
    _Atomic uint32_t copier_top;
    _Atomic uint32_t faults_armed; /* Bit per call. */
    struct xh_fault faults[XH_N_CALLS];
    _Atomic uint8_t slot_of[65536];
    struct xh_dom doms[XH_MAX_DOMS];
    struct xh_proc procs[XH_MAX_PROCS];
    struct xh_copier copiers[XH_MAX_COPIERS];
    struct xh_rec recs[XH_MAX_RECS];
    _Alignas(4096) _Atomic uint64_t pages[XH_MAX_DOMS][XH_MAX_PAGES / 64];
    _Alignas(4096) struct xh_grant grants[XH_MAX_DOMS][XH_MAX_GREFS];
    _Alignas(4096) struct xh_port ports[XH_MAX_DOMS][XH_MAX_PORTS];
};

/* Where this process has a domain's memory. */
struct xh_mem {
    _Atomic uint32_t gen;       /* Which domain it is; 0 if none. */
    uint8_t *base;
    size_t size;
};

/* This process's view of the host. */
struct xh_self {
    struct xh_host *host;       /* NULL if not attached. */
    uint32_t epoch;             /* Changes with each attach. */
    int dirfd;
    int procs_fd;
    int spare_fd;               /* See xh_open_briefly(). */
    int index;                  /* In host->procs. */
    unsigned int n_users;       /* Handles and domains open. */
    char dir[4096];             /* Absolute; valid while attached. */
    struct xh_mem mem[XH_MAX_DOMS];
};
extern struct xh_self xh;

/* host.c: attaching and the mutex. */
int xh_create(const char *dir, uint32_t dom0_pages, uint32_t gntalloc_limit);
int xh_attach(const char *dir);
void xh_detach(void);
int xh_acquire(const char *dir);
void xh_release(void);
void xh_lock(void);
void xh_unlock(void);
void *xh_map_file(int fd, size_t size);
uint16_t xh_calling_domid(void);
int xh_open_briefly(const char *name, int flags);
void xh_close_briefly(int fd);

/* proc.c: processes, and what is left of dead ones. */
int xh_proc_register_locked(void);
bool xh_proc_alive(unsigned int index, pid_t *pid);
void xh_reap_locked(void);
void xh_reap(void);
int xh_proc_signal(unsigned int index, int sig);
void xh_proc_wait_stopped(unsigned int index);
uint64_t xh_start_time(pid_t);

/* domain.c */
int xh_domain_create(uint16_t domid, const char *name, uint32_t n_pages,
                     bool any_domid);
void xh_domain_kill_locked(uint8_t slot);
bool xh_domain_try_free_locked(uint8_t slot);
uint8_t xh_slot(uint16_t domid);
uint8_t xh_slot_alive(uint16_t domid);
uint8_t *xh_mem(uint8_t slot);
int xh_mem_open(uint8_t slot, int flags);
void xh_mem_trim(void);
uint32_t xh_page_alloc(uint8_t slot);
void xh_page_free(uint8_t slot, uint32_t pfn);

/* grant.c */
int32_t xh_grant_new(uint8_t slot, uint16_t to, uint32_t pfn, bool readonly,
                     int32_t want);
int xh_grant_end(uint8_t slot, uint32_t gref);
struct xh_copier *xh_copier_get(void);
void xh_copiers_forget(unsigned int proc);
uint64_t xh_grant_settled(uint8_t slot, uint32_t gref);

/* rec.c: records of maps and shares. */
uint32_t xh_rec_new_locked(void);
void xh_rec_drop_locked(uint32_t index);
void xh_rec_release_locked(uint32_t index);
void xh_rec_set_notify(uint32_t index, uint32_t offset, uint32_t port);
void xh_recs_retry_locked(void);
void xh_recs_recover_locked(void);

/* event.c */
struct xh_chan_fd {
    pthread_mutex_t mutex;
    uint32_t chan;
    int fd;
};
uint32_t xh_port_new_locked(uint8_t slot);
void xh_port_close_locked(uint8_t slot, uint32_t port);
void xh_port_disown_locked(uint8_t slot, uint32_t port);
void xh_port_own(uint8_t slot, uint32_t port, uint32_t chan);
void xh_port_raise(uint8_t slot, uint32_t port, struct xh_chan_fd *);
void xh_port_unmask(uint8_t slot, uint32_t port, struct xh_chan_fd *);
int xh_port_send(uint8_t slot, uint32_t port, struct xh_chan_fd *);
void xh_raise_virq(uint8_t slot, unsigned int virq);
bool xh_port_is(uint8_t slot, uint32_t port, enum xh_port_state);

/* fault.c: faults, costs and complaints. */
extern const char *const xh_call_names[XH_N_CALLS];
int xh_fault_slow(enum xh_call, uint16_t domid);
uint64_t xh_now(void);
void xh_costs_init(void);
extern bool xh_costs_any;
extern uint32_t xh_costs[XH_N_CALLS];
void xh_spin_until(uint64_t deadline);
const char *xh_status_name(int status);
/* A 'status' of xh_violation() that is an errno. */
#define XH_ERRNO(ERRNO) (-1000 - (ERRNO))
void xh_violation(uint16_t domid, const char *call, int status,
                  uint16_t peer, uint32_t ref, const char *why);
void xh_log(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static inline struct xh_dom *
xh_dom(uint8_t slot)
{
    return &xh.host->doms[slot];
}

static inline void
xh_count(uint8_t slot, enum xh_counter counter, uint64_t n)
{
    atomic_fetch_add_explicit(&xh_dom(slot)->counters[counter], n,
                              memory_order_relaxed);
}

/* Returns the status or errno with which 'call' of domain 'domid' is to fail
 * because somebody asked for that, or 0. */
static inline int
xh_fault(enum xh_call call, uint16_t domid)
{
    uint32_t armed = atomic_load_explicit(&xh.host->faults_armed,
                                          memory_order_relaxed);
    return armed & 1u << call ? xh_fault_slow(call, domid) : 0;
}

/* A call's stated cost: xh_cost_begin() at its start, xh_cost_end() with the
 * number of things done (each costing 'each') at its end. */
static inline uint64_t
xh_cost_begin(void)
{
    return xh_costs_any ? xh_now() : 0;
}

static inline void
xh_cost_end(uint64_t begin, enum xh_call call, uint64_t each, uint64_t n)
{
    if (xh_costs_any) {
        xh_spin_until(begin + xh_costs[call] + each * n);
    }
}

#endif /* hypervisor/host.h */
