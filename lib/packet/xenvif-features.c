/* SPDX-License-Identifier: Apache-2.0 */

/* What a guest and its backend agree on, in words. */

#include <config.h>

#include "packet/xenvif-features.h"

#include "openvswitch/dynamic-string.h"
#include "smap.h"

/* Appends 'name', if it is 'there'. */
static void
put_name(struct ds *ds, const char *name, bool there, size_t start)
{
    if (there) {
        ds_put_format(ds, "%s%s", ds->length > start ? " " : "", name);
    }
}

void
xenvif_features_format(struct ds *ds, const struct xenvif_features *features,
                       const struct xenvif_uses *uses)
{
    size_t start = ds->length;

#define XENVIF_KEY_FEATURE(MEMBER, NAME, KEY, YES)      \
    put_name(ds, NAME, features->MEMBER, start);
    XENVIF_KEY_FEATURES
#undef XENVIF_KEY_FEATURE
    put_name(ds, "split-event-channels", features->split_channels, start);
#define XENVIF_USE(MEMBER, NAME) put_name(ds, NAME, uses->MEMBER, start);
    XENVIF_USES
#undef XENVIF_USE
}

void
xenvif_offers_format(struct ds *ds, const struct xenvif_offers *offers)
{
    size_t start = ds->length;

#define XENVIF_OFFER(MEMBER, NAME, KEY, SETTING)        \
    put_name(ds, NAME, offers->MEMBER, start);
    XENVIF_OFFERS
#undef XENVIF_OFFER
}

/* Adds why the guest gets no partial checksums of one kind, if so. */
static void
explain_csum(struct smap *missing, const char *name, bool agreed,
             const char *unagreed, const struct xenvif_feature_settings *s)
{
    const char *reason = (!agreed ? unagreed
                          : !s->tx_csum ? "options:tx-csum-offload is false"
                          : NULL);

    if (reason) {
        smap_add(missing, name, reason);
    }
}

/* Adds why the guest gets no large packets of one kind, if so. */
static void
explain_gso(struct smap *missing, const char *name, const char *csum_name,
            bool agreed, bool csum, const struct xenvif_features *f,
            const struct xenvif_feature_settings *s)
{
    if (!agreed) {
        smap_add_format(missing, name, "the guest did not write feature-%s",
                        name);
    } else if (!f->sg) {
        smap_add(missing, name, "it needs sg");
    } else if (!csum) {
        smap_add_format(missing, name, "it needs %s", csum_name);
    } else if (!s->tx_csum) {
        smap_add(missing, name, "options:tx-csum-offload is false");
    } else if (!s->tso) {
        smap_add(missing, name, "userspace-tso-enable is off");
    }
}

void
xenvif_features_explain(const struct xenvif_features *f,
                        const struct xenvif_feature_settings *s,
                        struct smap *missing)
{
    if (!f->sg) {
        smap_add(missing, "sg", "the guest did not write feature-sg");
    }
    explain_csum(missing, "csum-offload", f->csum_v4,
                 "the guest wrote feature-no-csum-offload", s);
    explain_csum(missing, "ipv6-csum-offload", f->csum_v6,
                 "the guest did not write feature-ipv6-csum-offload", s);
    explain_gso(missing, "gso-tcpv4", "csum-offload", f->gso_v4, f->csum_v4,
                f, s);
    explain_gso(missing, "gso-tcpv6", "ipv6-csum-offload", f->gso_v6,
                f->csum_v6, f, s);
}

/* Adds why a feature was not offered, if so: the switch would offer it now if
 * 'now'. */
static void
explain_offer(struct smap *missing, const char *name, bool offered, bool now)
{
    if (!offered && now) {
        smap_add(missing, name, "userspace-tso-enable was off, or another "
                 "backend served the guest, when it connected");
    } else if (!offered) {
        smap_add(missing, name, "userspace-tso-enable is off");
    }
}

/* Likewise for large packets, which can be offered in vain. */
static void
explain_gso_offer(struct smap *missing, const char *name, bool offered,
                  bool now)
{
    explain_offer(missing, name, offered, now);
    if (offered && !now) {
        smap_add(missing, name, "offered when the guest connected, but "
                 "userspace-tso-enable is off now: cut on arrival");
    }
}

void
xenvif_offers_explain(const struct xenvif_offers *offers,
                      const struct xenvif_feature_settings *s,
                      struct smap *missing)
{
    explain_offer(missing, "ipv6-csum-offload", offers->csum_v6, s->partial);
    explain_gso_offer(missing, "gso-tcpv4", offers->gso_v4, s->tso);
    explain_gso_offer(missing, "gso-tcpv6", offers->gso_v6, s->tso);
}
