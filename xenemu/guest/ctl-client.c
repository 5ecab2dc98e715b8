/* SPDX-License-Identifier: Apache-2.0 */

/* "xenemu-guest ctl": gives a running guest commands. */

#include "guest/ctl-client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "guest/error.h"
#include "guest/parse.h"
#include "guest/paths.h"

static FILE *in, *out;

static bool
connect_to(uint32_t domid, uint32_t devid)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    guest_ctl_path(sun.sun_path, sizeof sun.sun_path, domid, devid);
    if (fd < 0 || connect(fd, (struct sockaddr *) &sun, sizeof sun)) {
        fprintf(stderr, "xenemu-guest: %s: %s\n", sun.sun_path,
                strerror(errno));
        return false;
    }
    in = fdopen(fd, "r");
    out = fdopen(dup(fd), "w");
    return in && out;
}

/* Gives one command and prints its answer.  Returns an exit status. */
static int
talk(const char *command)
{
    char *line = NULL;
    size_t size = 0;
    int status = GUEST_EXIT_ERROR;

    fprintf(out, "%s\n", command);
    fflush(out);
    for (;;) {
        if (getline(&line, &size, in) <= 0) {
            fprintf(stderr, "xenemu-guest: the guest ended\n");
            break;
        }
        if (!strcmp(line, "ok\n")) {
            status = GUEST_EXIT_OK;
            break;
        }
        if (!strncmp(line, "error: ", 7)) {
            fprintf(stderr, "xenemu-guest: %s", line + 7);
            break;
        }
        fputs(line, stdout);
    }
    fflush(stdout);
    free(line);
    return status;
}

/* Gives the commands on standard input, until one fails. */
static int
talk_stdin(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    int status = GUEST_EXIT_OK;

    while (!status && (len = getline(&line, &size, stdin)) > 0) {
        if (line[len - 1] == '\n') {
            line[len - 1] = '\0';
        }
        if (*line && *line != '#') {
            status = talk(line);
        }
    }
    free(line);
    return status;
}

/* Gives the command made of the words 'words'. */
static int
talk_words(char *words[])
{
    size_t size = 1;
    char *command;
    int status;

    for (char **word = words; *word; word++) {
        size += strlen(*word) + 1;
    }
    command = calloc(1, size);
    for (char **word = words; *word; word++) {
        strcat(command, word == words ? "" : " ");
        strcat(command, *word);
    }
    for (char *p = command; *p; p++) {
        *p = *p == '\n' ? ' ' : *p;
    }
    status = talk(command);
    free(command);
    return status;
}

int
guest_ctl_main(char *argv[])
{
    uint32_t domid, devid = 0;

    if (!argv[0] || !guest_parse_u32(argv[0], &domid)) {
        fprintf(stderr, "usage: xenemu-guest ctl DOMID [DEVID] COMMAND\n");
        return GUEST_EXIT_USAGE;
    }
    argv++;
    if (*argv && guest_parse_u32(*argv, &devid)) {
        argv++;
    }
    if (!*argv) {
        fprintf(stderr, "xenemu-guest: command missing\n");
        return GUEST_EXIT_USAGE;
    }
    if (!connect_to(domid, devid)) {
        return GUEST_EXIT_ERROR;
    }
    return !strcmp(*argv, "-") ? talk_stdin() : talk_words(argv);
}
