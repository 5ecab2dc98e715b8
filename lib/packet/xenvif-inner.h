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

#ifndef XENVIF_INNER_H
#define XENVIF_INNER_H 1

/* Checksums inside of a tunnel that is none of Open vSwitch's. */

struct dp_packet;

/* If a TCP or UDP checksum is left open in 'packet' that is not the outermost
 * one, completes it.  A network stack whose device can do that sends such
 * packets through tunnels of its own; the protocol of rings has no words for
 * them.  What is left open of the outermost checksum stays so. */
void xenvif_inner_complete(struct dp_packet *packet);

#endif /* xenvif-inner.h */
