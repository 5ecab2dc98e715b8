/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TOOLSTACK_CMD_H
#define TOOLSTACK_CMD_H 1

/* The command "xenemu": what its files share. */

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <xenstore.h>

#include "hypervisor/host.h"

/* Exit codes. */
enum {
    CMD_OK = 0,
    CMD_FAILED = 1,             /* It was tried and did not work. */
    CMD_USAGE = 2,              /* The command line is wrong. */
};

struct cmd {
    const char *name;
    const char *args;
    const char *help;
    int (*run)(int argc, char **argv);
};

/* cmd.c */
int cmd_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cmd_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool cmd_parse_number(const char *text, long min, long max, long *value);
bool cmd_parse_domid(const char *text, uint16_t *domid);
void cmd_attach(void);
uint8_t cmd_slot(uint16_t domid);
const char *cmd_library(void);
char *cmd_printf(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* xs.c: XenStore. */
struct xs_handle *cmd_xs(void);
bool cmd_xs_write(xs_transaction_t, const char *dir, const char *key,
                  const char *value);
char *cmd_xs_read(xs_transaction_t, const char *dir, const char *key);
bool cmd_xs_mkdir(xs_transaction_t, const char *path, unsigned int owner,
                  int reader);
int cmd_xs_transaction(bool (*body)(xs_transaction_t, void *), void *aux);
bool cmd_xs_wait(const char *path, const char *const *wanted,
                 unsigned int timeout_ms);

/* vif.c: one network interface. */
enum vif_layout { VIF_LIBXL, VIF_XAPI };

struct vif {
    uint16_t domid;
    uint16_t backend;
    int devid;
    char *mac, *bridge, *script, *rate, *vifname, *ip, *type;
    long mtu;
    enum vif_layout layout;
};
bool vif_parse(const char *spec, struct vif *);
void vif_free(struct vif *);
int vif_add(struct vif *, bool wait);
int vif_remove(uint16_t domid, int devid, bool force);
int vif_remove_all(uint16_t domid);
int cmd_network_attach(int argc, char **argv);
int cmd_network_detach(int argc, char **argv);

/* hotplug.c */
int vif_hotplug(const struct vif *, const char *b_path, bool online);
char *vif_hotplug_key(const struct vif *);

/* domain.c */
int cmd_create(int argc, char **argv);
int cmd_destroy(int argc, char **argv);
int cmd_crash(int argc, char **argv);
int cmd_pause(int argc, char **argv);
int cmd_unpause(int argc, char **argv);
int cmd_domid_next(int argc, char **argv);
int domain_destroy(uint16_t domid, bool kill_processes, bool detach);

/* start.c */
int cmd_host_start(int argc, char **argv);
int cmd_host_stop(int argc, char **argv);
int cmd_env(int argc, char **argv);

/* show.c */
int cmd_list(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_counters(int argc, char **argv);
int cmd_fault(int argc, char **argv);

#endif /* toolstack/cmd.h */
