/*
 * Copyright (c) 2026 The ovs-xenvif authors.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

#ifndef XENVIF_GSO_H
#define XENVIF_GSO_H 1

/* Segmentation in software, for guests that cannot take TSO packets. */

#include <stddef.h>
#include <stdint.h>

struct dp_packet;

/* Cuts 'packet', a TCP packet over IPv4 or IPv6, into segments with at most
 * 'mss' bytes of payload, 'mss' > 0, with complete checksums.
 *
 * Returns the segments in '*segments', an array that the caller frees with
 * what is in it, and their number; 0 if the packet cannot be cut.  'packet'
 * itself is left alone. */
size_t xenvif_gso_segment(const struct dp_packet *packet, uint32_t mss,
                          struct dp_packet ***segments);

#endif /* xenvif-gso.h */
