/* SPDX-License-Identifier: Apache-2.0 */

/* A port and a mock frontend in one process. */

#include <config.h>

#include "port-frontend.h"

#include <stdlib.h>
#include <unistd.h>

#include "jsonrpc.h"
#include "latch.h"
#include "netdev-xenvif.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-thread.h"
#include "smap.h"
#include "stream.h"
#include "unixctl.h"

static struct unixctl_server *server;
static char *server_path;
static struct mock *the_mock;

/* No control thread. */
pthread_t __real_ovs_thread_create(const char *name, void *(*)(void *),
                                   void *arg);
pthread_t __wrap_ovs_thread_create(const char *name, void *(*)(void *),
                                   void *arg);

pthread_t
__wrap_ovs_thread_create(const char *name, void *(*start)(void *), void *arg)
{
    return (strcmp(name, "xenvif") ? __real_ovs_thread_create(name, start, arg)
            : pthread_self());
}

int
port_group_setup(void **state OVS_UNUSED)
{
    char cwd[PATH_MAX];

    if (!getcwd(cwd, sizeof cwd)) {
        return -1;
    }
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    server_path = xasprintf("%s/port-%ld.ctl", cwd, (long int) getpid());
    netdev_xenvif_register();
    return unixctl_server_create(server_path, &server);
}

int
port_group_teardown(void **state OVS_UNUSED)
{
    unixctl_server_destroy(server);
    free(server_path);
    return 0;
}

struct netdev_xenvif *
port_create(unsigned int n_queues, bool ctrl)
{
    struct smap args = SMAP_INITIALIZER(&args);
    struct mock *mock = mock_create(n_queues, true, 0);
    struct netdev_xenvif *dev;
    struct netdev *netdev;
    char *error = NULL;
    char name[20];

    if (ctrl) {
        mock_add_ctrl(mock);
    }
    mock_connect(mock);
    snprintf(name, sizeof name, "vif%"PRIu16".0", mock->domid);
    assert_int_equal(netdev_open(name, "xenvif", &netdev), 0);
    assert_int_equal(netdev_set_config(netdev, &args, &error), 0);
    dev = netdev_xenvif_cast(netdev);
    netdev->n_rxq = n_queues;
    ovsrcu_set(&dev->vif->conn, mock->conn);
    the_mock = mock;
    smap_destroy(&args);
    return dev;
}

void
port_destroy(struct netdev_xenvif *dev)
{
    ovsrcu_set(&dev->vif->conn, NULL);
    netdev_close(&dev->up);
    mock_destroy(the_mock);
}

struct mock *
port_mock(const struct netdev_xenvif *dev OVS_UNUSED)
{
    return the_mock;
}

/* A command that another thread sends. */
struct command {
    struct jsonrpc_msg *request, *reply;
    struct latch done;
    int error;
};

static void *
send_command(void *command_)
{
    struct command *command = command_;
    char *name = xasprintf("unix:%s", server_path);
    struct stream *stream;

    command->error = jsonrpc_stream_open(name, &stream, 0);
    if (!command->error) {
        struct jsonrpc *rpc = jsonrpc_open(stream);

        command->error = jsonrpc_transact_block(rpc, command->request,
                                                &command->reply);
        jsonrpc_close(rpc);
    }
    free(name);
    latch_set(&command->done);
    return NULL;
}

static char *
reply_to_string(const struct jsonrpc_msg *reply)
{
    const struct json *json = reply->error ? reply->error : reply->result;
    char *text = (json->type == JSON_STRING ? xstrdup(json_string(json))
                  : json_to_string(json, JSSF_SORT));

    if (reply->error) {
        char *error = xasprintf("error: %s", text);

        free(text);
        return error;
    }
    return text;
}

char *
port_command(const char *name, ...)
{
    struct json *params = json_array_create_empty();
    struct command command = { .reply = NULL };
    const char *arg;
    pthread_t thread;
    va_list args;
    char *text;

    va_start(args, name);
    while ((arg = va_arg(args, const char *)) != NULL) {
        json_array_add(params, json_string_create(arg));
    }
    va_end(args);
    command.request = jsonrpc_create_request(name, params, NULL);
    latch_init(&command.done);
    thread = ovs_thread_create("client", send_command, &command);
    while (!latch_is_set(&command.done)) {
        unixctl_server_run(server);
        unixctl_server_wait(server);
        latch_wait(&command.done);
        poll_block();
    }
    xpthread_join(thread, NULL);
    latch_destroy(&command.done);
    assert_int_equal(command.error, 0);
    text = reply_to_string(command.reply);
    jsonrpc_msg_destroy(command.reply);
    return text;
}
