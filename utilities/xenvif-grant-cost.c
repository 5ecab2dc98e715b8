/* SPDX-License-Identifier: Apache-2.0 */

/* Measures what the calls of a network backend in user space cost here: grant
 * copy, map and unmap, notify.  It needs no guest: the domain that it runs in
 * plays both parts, granting pages to itself. */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

#include <xen/xen.h>
#include <xen/grant_table.h>

#define PAGE_SIZE 4096
#define MAX_BATCH 32
#define MAX_BLOCKS 10000
#define MAX_CALLS 64

/* A segment that Xen has not touched. */
#define STATUS_NOT_RUN INT16_MIN

/* One call is too short for the clock: a figure is the mean of a block of
 * calls, and what is printed the least and the median of many blocks. */
static long n_blocks = 51;
static long n_calls = 16;

/* The part of the guest is played by 'remote', of which only the references
 * are used in a copy. */
struct pages {
    uint8_t *memory;
    uint32_t refs[MAX_BATCH];
};

static xengnttab_handle *gnttab;
static xengntshr_handle *gntshr;
static uint16_t own_domid;
static struct pages remote;     /* The guest's. */
static struct pages granted;    /* Ours, granted to ourselves. */
static uint8_t *plain;          /* Ours, ordinary memory. */

/* Prints a message, in which %m stands for errno, and exits. */
static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *format, ...)
{
    int saved_errno = errno;
    va_list args;

    fflush(stdout);
    fputs("xenvif-grant-cost: ", stderr);
    errno = saved_errno;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static int64_t
now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* Results. */

struct series {
    double ns[MAX_BLOCKS];      /* Per call, one for each block. */
    long n;
};

static int
compare_doubles(const void *a_, const void *b_)
{
    const double *a = a_, *b = b_;

    return (*a > *b) - (*a < *b);
}

/* Adds a block of 'n_calls' calls that took from 'begin' to 'end'. */
static void
series_add(struct series *series, int64_t begin, int64_t end)
{
    series->ns[series->n++] = (double) (end - begin) / n_calls;
}

static void
print_header(const char *title, const char *unit)
{
    printf("\n%-44s %9s %9s", title, "ns/call", "");
    if (unit) {
        printf(" %7s/%s", "ns", unit);
    }
    printf("\n%-44s %9s %9s", "", "min", "median");
    if (unit) {
        printf(" %9s %9s", "min", "median");
    }
    putchar('\n');
}

/* Prints a row, and forgets it.  A call consists of 'n' of the units of the
 * header, or the header has none and 'n' is 0. */
static void
print_row(const char *name, struct series *series, unsigned int n)
{
    double min, median;

    qsort(series->ns, series->n, sizeof series->ns[0], compare_doubles);
    min = series->ns[0];
    median = series->ns[series->n / 2];
    printf("%-44s %9.0f %9.0f", name, min, median);
    if (n) {
        printf(" %9.0f %9.0f", min / n, median / n);
    }
    putchar('\n');
    fflush(stdout);
    series->n = 0;
}

/* What the machine is. */

/* Reads the first line of a file into 'line', which is empty if there is no
 * such file. */
static void
read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "r");

    line[0] = '\0';
    if (file) {
        if (!fgets(line, size, file)) {
            line[0] = '\0';
        }
        line[strcspn(line, "\n")] = '\0';
        fclose(file);
    }
}

static void
print_xen_version(void)
{
    char major[16], minor[16], extra[64], type[32];

    read_line("/sys/hypervisor/version/major", major, sizeof major);
    read_line("/sys/hypervisor/version/minor", minor, sizeof minor);
    read_line("/sys/hypervisor/version/extra", extra, sizeof extra);
    read_line("/sys/hypervisor/guest_type", type, sizeof type);
    if (getenv("XENEMU_DIR")) {
        printf("Xen:    none, emulated grants (%s): these are not the costs "
               "of any Xen\n", getenv("XENEMU_DIR"));
    } else if (major[0]) {
        printf("Xen:    %s.%s%s\n", major, minor, extra);
    } else {
        printf("Xen:    unknown version\n");
    }
    printf("domain: %u%s%s\n", own_domid, type[0] ? ", " : "", type);
}

static void
print_cpu(void)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];

    while (file && fgets(line, sizeof line, file)) {
        if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
            printf("CPU:   %s", strchr(line, ':') + 1);
            break;
        }
    }
    if (file) {
        fclose(file);
    }
}

static void
print_machine(void)
{
    char clocksource[32];
    struct utsname uts;

    print_xen_version();
    print_cpu();
    if (!uname(&uts)) {
        printf("kernel: %s\n", uts.release);
    }
    read_line("/sys/devices/system/clocksource/clocksource0/"
              "current_clocksource", clocksource, sizeof clocksource);
    printf("clock:  %s\n", clocksource[0] ? clocksource : "unknown");
    printf("%ld blocks of %ld calls for each row\n", n_blocks, n_calls);
}

/* Preparations. */

static uint16_t
read_own_domid(void)
{
    struct xs_handle *xs = xs_open(0);
    char *text, *end;
    long domid;

    if (!xs) {
        die("cannot connect to xenstored: %m");
    }
    /* A relative path begins at the own domain. */
    text = xs_read(xs, XBT_NULL, "domid", NULL);
    if (!text) {
        die("cannot read the own domain's number from XenStore: %m");
    }
    domid = strtol(text, &end, 10);
    if (end == text || *end || domid < 0 || domid >= DOMID_FIRST_RESERVED) {
        die("XenStore has no valid number of the own domain: %s", text);
    }
    free(text);
    xs_close(xs);
    return domid;
}

static void
share(struct pages *pages)
{
    pages->memory = xengntshr_share_pages(gntshr, own_domid, MAX_BATCH,
                                          pages->refs, true);
    if (!pages->memory) {
        die("cannot grant %d pages: %m\n"
            "(see the parameter \"limit\" of the module xen-gntalloc)",
            MAX_BATCH);
    }
}

static void
open_all(void)
{
    own_domid = read_own_domid();
    gnttab = xengnttab_open(NULL, 0);
    if (!gnttab) {
        die("cannot use grants: %m\n"
            "(is the module xen-gntdev loaded, and are you root?)");
    }
    gntshr = xengntshr_open(NULL, 0);
    if (!gntshr) {
        die("cannot grant pages: %m\n(is the module xen-gntalloc loaded?)");
    }
    share(&remote);
    share(&granted);
    if (posix_memalign((void **) &plain, PAGE_SIZE, MAX_BATCH * PAGE_SIZE)) {
        die("out of memory");
    }
}

static void
close_all(void)
{
    free(plain);
    xengntshr_unshare(gntshr, granted.memory, MAX_BATCH);
    xengntshr_unshare(gntshr, remote.memory, MAX_BATCH);
    xengntshr_close(gntshr);
    xengnttab_close(gnttab);
}

/* Reference: what a system call costs that does nothing. */

static void
measure_reference(struct series *series)
{
    xenevtchn_handle *xce = xenevtchn_open(NULL, 0);

    if (!xce) {
        die("cannot use event channels: %m\n"
            "(is the module xen-evtchn loaded?)");
    }
    print_header("reference", NULL);
    for (long b = 0; b < n_blocks; b++) {
        int64_t begin = now_ns();

        for (long i = 0; i < n_calls; i++) {
            now_ns();
        }
        series_add(series, begin, now_ns());
    }
    print_row("clock_gettime", series, 0);

    for (long b = 0; b < n_blocks; b++) {
        int64_t begin = now_ns();

        for (long i = 0; i < n_calls; i++) {
            syscall(SYS_getppid);
        }
        series_add(series, begin, now_ns());
    }
    print_row("system call (getppid)", series, 0);

    for (long b = 0; b < n_blocks; b++) {
        int64_t begin = now_ns();

        /* No driver knows this one. */
        for (long i = 0; i < n_calls; i++) {
            ioctl(xenevtchn_fd(xce), 0);
        }
        series_add(series, begin, now_ns());
    }
    print_row("empty ioctl", series, 0);
    xenevtchn_close(xce);
}

/* Grant copy. */

enum direction { FROM_GUEST, TO_GUEST };

/* Where our end of a copy is. */
enum local { PLAIN, SELF_GRANTED };

/* Fills in a copy of 'size' bytes between pages 'i' of the guest and of
 * ours. */
static void
prepare_segment(struct xengnttab_grant_copy_segment *seg, unsigned int i,
                enum local local, enum direction direction, uint16_t size)
{
    union xengnttab_copy_ptr *ours, *guests;
    uint16_t our_flag;

    memset(seg, 0, sizeof *seg);
    if (direction == FROM_GUEST) {
        guests = &seg->source;
        ours = &seg->dest;
        seg->flags = GNTCOPY_source_gref;
        our_flag = GNTCOPY_dest_gref;
    } else {
        guests = &seg->dest;
        ours = &seg->source;
        seg->flags = GNTCOPY_dest_gref;
        our_flag = GNTCOPY_source_gref;
    }
    guests->foreign.ref = remote.refs[i];
    guests->foreign.domid = own_domid;
    if (local == SELF_GRANTED) {
        ours->foreign.ref = granted.refs[i];
        ours->foreign.domid = own_domid;
        seg->flags |= our_flag;
    } else {
        ours->virt = plain + i * PAGE_SIZE;
    }
    seg->len = size;
}

/* Executes the copies 'n_calls' times. */
static void
copy_block(struct xengnttab_grant_copy_segment *segs, unsigned int n)
{
    for (long i = 0; i < n_calls; i++) {
        if (xengnttab_grant_copy(gnttab, n, segs)) {
            die("grant copy failed: %m");
        }
    }
}

/* Dies unless all segments did what they were told. */
static void
check_copies(const struct xengnttab_grant_copy_segment *segs, unsigned int n,
             const uint8_t *source, const uint8_t *dest, uint16_t size)
{
    for (unsigned int i = 0; i < n; i++) {
        if (segs[i].status != GNTST_okay) {
            die("grant copy: status %d of segment %u", segs[i].status, i);
        }
        if (memcmp(source + i * PAGE_SIZE, dest + i * PAGE_SIZE, size)) {
            die("grant copy: segment %u is not what was to be copied", i);
        }
    }
}

static void
measure_copy(struct series *series, enum local local,
             enum direction direction, uint16_t size, unsigned int n)
{
    struct xengnttab_grant_copy_segment segs[MAX_BATCH];
    uint8_t *ours = local == PLAIN ? plain : granted.memory;
    uint8_t *source = direction == FROM_GUEST ? remote.memory : ours;
    uint8_t *dest = direction == FROM_GUEST ? ours : remote.memory;
    static uint8_t pattern;
    char name[64];

    pattern++;
    for (unsigned int i = 0; i < n; i++) {
        memset(source + i * PAGE_SIZE, pattern + i, PAGE_SIZE);
        memset(dest + i * PAGE_SIZE, ~(pattern + i), PAGE_SIZE);
        prepare_segment(&segs[i], i, local, direction, size);
        segs[i].status = STATUS_NOT_RUN;
    }
    copy_block(segs, n);        /* Touches all there is to be touched. */
    check_copies(segs, n, source, dest, size);
    for (long b = 0; b < n_blocks; b++) {
        int64_t begin = now_ns();

        copy_block(segs, n);
        series_add(series, begin, now_ns());
    }
    check_copies(segs, n, source, dest, size);
    snprintf(name, sizeof name, "%s %s, %4u bytes, %2u segment%s",
             local == PLAIN ? "plain" : "self-granted",
             direction == FROM_GUEST ? "<- guest" : "-> guest", size, n,
             n > 1 ? "s" : "");
    print_row(name, series, n);
}

static void
measure_copies(struct series *series)
{
    static const uint16_t sizes[] = { 64, 1500, 4096 };
    static const unsigned int batches[] = { 1, 8, 16, 32 };

    print_header("grant copy (our memory <-> guest's)", "segment");
    for (long b = 0; b < n_blocks; b++) {
        int64_t begin = now_ns();

        copy_block(NULL, 0);
        series_add(series, begin, now_ns());
    }
    print_row("no segment", series, 0);
    for (int local = PLAIN; local <= SELF_GRANTED; local++) {
        for (int direction = FROM_GUEST; direction <= TO_GUEST; direction++) {
            for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                for (size_t j = 0; j < sizeof batches / sizeof batches[0];
                     j++) {
                    measure_copy(series, local, direction, sizes[i],
                                 batches[j]);
                }
            }
        }
    }
}

/* Mapping. */

static void *
map(unsigned int n)
{
    void *pages = xengnttab_map_domain_grant_refs(gnttab, n, own_domid,
                                                  remote.refs,
                                                  PROT_READ | PROT_WRITE);

    if (!pages) {
        die("cannot map %u pages: %m", n);
    }
    return pages;
}

static void
unmap(void *pages, unsigned int n)
{
    if (xengnttab_unmap(gnttab, pages, n)) {
        die("cannot unmap %u pages: %m", n);
    }
}

static void
measure_map(struct series *maps, struct series *unmaps, unsigned int n)
{
    void *pages[MAX_CALLS];
    char name[64];

    for (long b = 0; b < n_blocks; b++) {
        int64_t begin = now_ns(), middle;

        for (long i = 0; i < n_calls; i++) {
            pages[i] = map(n);
        }
        middle = now_ns();
        series_add(maps, begin, middle);
        begin = now_ns();
        for (long i = 0; i < n_calls; i++) {
            unmap(pages[i], n);
        }
        series_add(unmaps, begin, now_ns());
    }
    snprintf(name, sizeof name, "map %2u page%s", n, n > 1 ? "s" : "");
    print_row(name, maps, n);
    snprintf(name, sizeof name, "unmap %2u page%s", n, n > 1 ? "s" : "");
    print_row(name, unmaps, n);
}

/* What a page that stays mapped costs. */
static void
measure_memcpy(struct series *series, uint16_t size)
{
    uint8_t *page = map(1);
    char name[64];

    for (long b = 0; b < n_blocks; b++) {
        int64_t begin = now_ns();

        for (long i = 0; i < n_calls; i++) {
            memcpy(page, plain, size);
            /* Keeps the compiler from leaving out all but one. */
            __asm__ volatile("" : : "r"(page) : "memory");
        }
        series_add(series, begin, now_ns());
    }
    if (memcmp(remote.memory, plain, size)) {
        die("what was written to a mapped page is not there");
    }
    unmap(page, 1);
    snprintf(name, sizeof name, "memcpy to a mapped page, %4u bytes", size);
    print_row(name, series, 0);
}

static void
measure_maps(struct series *series, struct series *other)
{
    print_header("map", "page");
    measure_map(series, other, 1);
    measure_map(series, other, 32);
    measure_memcpy(series, 64);
    measure_memcpy(series, 1500);
    measure_memcpy(series, 4096);
}

/* Event channels. */

/* Waits for an event of 'port', which is masked from then on. */
static void
take_event(xenevtchn_handle *xce, int port)
{
    int pending = xenevtchn_pending(xce);

    if (pending != port) {
        die("waited for an event of port %d, got %d: %m", port, pending);
    }
}

static void
unmask(xenevtchn_handle *xce, int port)
{
    if (xenevtchn_unmask(xce, port)) {
        die("cannot unmask port %d: %m", port);
    }
}

static void
notify(xenevtchn_handle *xce, int port)
{
    if (xenevtchn_notify(xce, port)) {
        die("cannot notify port %d: %m", port);
    }
}

static void
measure_notify(struct series *series)
{
    /* A port works only through the handle that bound it, and events of a
     * handle come one after the other: one for each side. */
    xenevtchn_handle *guest = xenevtchn_open(NULL, 0);
    xenevtchn_handle *own = xenevtchn_open(NULL, 0);
    int guest_port = guest ? xenevtchn_bind_unbound_port(guest, own_domid)
                           : -1;
    int port = own && guest_port >= 0
        ? xenevtchn_bind_interdomain(own, own_domid, guest_port) : -1;

    if (port < 0) {
        die("cannot bind event channels: %m");
    }
    print_header("event channel", NULL);

    notify(own, port);
    take_event(guest, guest_port);
    for (long b = 0; b < n_blocks; b++) {
        int64_t begin = now_ns();

        for (long i = 0; i < n_calls; i++) {
            notify(own, port);
        }
        series_add(series, begin, now_ns());
    }
    print_row("notify, peer has its port masked", series, 0);

    /* All those since then are one. */
    unmask(guest, guest_port);
    take_event(guest, guest_port);
    unmask(guest, guest_port);
    for (long b = 0; b < n_blocks; b++) {
        int64_t begin = now_ns();

        for (long i = 0; i < n_calls; i++) {
            notify(own, port);
            take_event(guest, guest_port);
            unmask(guest, guest_port);
        }
        series_add(series, begin, now_ns());
    }
    print_row("notify, and the peer reads and unmasks", series, 0);
    xenevtchn_close(own);
    xenevtchn_close(guest);
}

static void
usage(FILE *out)
{
    fputs("usage: xenvif-grant-cost [--blocks=N] [--calls=N]\n"
          "Measures what grant copy, map, unmap and notify cost in this "
          "domain.\n"
          "  --blocks=N  measurements per row (default 51, at most 10000)\n"
          "  --calls=N   calls in each of them (default 16, at most 64)\n",
          out);
}

static long
parse_number(const char *text, long max)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (end == text || *end || n < 1 || n > max) {
        usage(stderr);
        exit(2);
    }
    return n;
}

static void
parse_options(int argc, char **argv)
{
    static const struct option options[] = {
        { "blocks", required_argument, NULL, 'b' },
        { "calls", required_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
        case 'b':
            n_blocks = parse_number(optarg, MAX_BLOCKS);
            break;
        case 'c':
            n_calls = parse_number(optarg, MAX_CALLS);
            break;
        case 'h':
            usage(stdout);
            exit(0);
        default:
            usage(stderr);
            exit(2);
        }
    }
    if (optind != argc) {
        usage(stderr);
        exit(2);
    }
}

int
main(int argc, char **argv)
{
    static struct series series, other;

    parse_options(argc, argv);
    open_all();
    print_machine();
    measure_reference(&series);
    measure_copies(&series);
    measure_maps(&series, &other);
    measure_notify(&series);
    close_all();
    return 0;
}
