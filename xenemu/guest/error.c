/* SPDX-License-Identifier: Apache-2.0 */

#include "guest/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

char *
guest_error(const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        abort();
    }
    va_end(args);
    return text;
}
