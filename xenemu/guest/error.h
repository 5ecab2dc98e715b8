/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_ERROR_H
#define GUEST_ERROR_H 1

/* How parts of the guest program say that something failed: functions that
 * return 'char *', or set '*errorp', give a text for the user that the caller
 * frees, or NULL for success. */

/* Exit status of the program. */
#define GUEST_EXIT_OK 0
#define GUEST_EXIT_ERROR 1
#define GUEST_EXIT_USAGE 2
#define GUEST_EXIT_VIOLATION 3

/* Returns a new text.  Ends the program if there is no memory for it. */
char *guest_error(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif /* guest/error.h */
