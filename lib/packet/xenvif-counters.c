/* SPDX-License-Identifier: Apache-2.0 */

/* Names and texts of what is counted. */

#include <config.h>

#include "packet/xenvif-counters.h"

const char *
xenvif_tx_verdict_to_string(enum xenvif_tx_verdict verdict)
{
    switch (verdict) {
    case XENVIF_TX_GOOD:
        return "good packet";
    case XENVIF_TX_ANSWERED:
        return "answered before a restart";
    case XENVIF_TX_MULTICAST:
        return "multicast list request";
#define XENVIF_TX_ERROR(ENUM, NAME, TEXT)       \
    case XENVIF_TX_E_##ENUM:                    \
        return TEXT;
    XENVIF_TX_PACKET_ERRORS
    XENVIF_TX_DROPS
    XENVIF_TX_VIF_ERRORS
#undef XENVIF_TX_ERROR
    case XENVIF_TX_N_VERDICTS:
    default:
        OVS_NOT_REACHED();
    }
}

const char *
xenvif_rx_verdict_to_string(enum xenvif_rx_verdict verdict)
{
    switch (verdict) {
    case XENVIF_RX_GOOD:
        return "good packet";
#define XENVIF_RX_ERROR(ENUM, NAME, TEXT)       \
    case XENVIF_RX_E_##ENUM:                    \
        return TEXT;
    XENVIF_RX_ERRORS
#undef XENVIF_RX_ERROR
    case XENVIF_RX_N_VERDICTS:
    default:
        OVS_NOT_REACHED();
    }
}

const char *
xenvif_tx_verdict_name(enum xenvif_tx_verdict verdict)
{
    switch (verdict) {
#define XENVIF_TX_ERROR(ENUM, NAME, TEXT)       \
    case XENVIF_TX_E_##ENUM:                    \
        return #NAME;
    XENVIF_TX_PACKET_ERRORS
    XENVIF_TX_DROPS
    XENVIF_TX_VIF_ERRORS
#undef XENVIF_TX_ERROR
    case XENVIF_TX_GOOD:
    case XENVIF_TX_ANSWERED:
    case XENVIF_TX_MULTICAST:
    case XENVIF_TX_N_VERDICTS:
    default:
        return NULL;
    }
}

const char *
xenvif_rx_verdict_name(enum xenvif_rx_verdict verdict)
{
    switch (verdict) {
#define XENVIF_RX_ERROR(ENUM, NAME, TEXT)       \
    case XENVIF_RX_E_##ENUM:                    \
        return #NAME;
    XENVIF_RX_ERRORS
#undef XENVIF_RX_ERROR
    case XENVIF_RX_GOOD:
    case XENVIF_RX_N_VERDICTS:
    default:
        return NULL;
    }
}
