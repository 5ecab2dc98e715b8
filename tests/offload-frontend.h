/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OFFLOAD_FRONTEND_H
#define OFFLOAD_FRONTEND_H 1

/* What component tests of checksum and segmentation offload have in common:
 * one frame at a time, sent by the mock frontend, and a look at the marks of
 * the packet that it became. */

#include "frames.h"
#include "mock-frontend.h"

enum { BLANK = NETTXF_csum_blank | NETTXF_data_validated };

/* The frame that the functions below are about. */
extern struct frame frame;

/* For cmocka.  What may enter the datapath: everything, partial checksums,
 * nothing; nothing, but an earlier backend said that TSO packets may. */
int setup_tso(void **state);
int setup_partial(void **state);
int setup_off(void **state);
int setup_off_late(void **state);

#define TEST(NAME, SETUP) \
    cmocka_unit_test_setup_teardown(NAME, SETUP, mock_teardown)
#define TSO(NAME) TEST(NAME, setup_tso)
#define PARTIAL(NAME) TEST(NAME, setup_partial)
#define OFF(NAME) TEST(NAME, setup_off)
#define LATE(NAME) TEST(NAME, setup_off_late)

/* Makes a frame whose checksum field holds the sum of the pseudo-header, as a
 * guest leaves it. */
void make_blank(const struct frame_spec *);

/* Fills in number 'i' of all shapes of packets that a checksum can be left
 * open in.  Returns false if there are not so many. */
bool next_shape(unsigned int i, struct frame_spec *);

/* Returns the type of GSO extra info for TCP. */
uint8_t gso_type(bool v6);

/* Puts the frame into the ring, with an extra info if 'gso_type' or 'gso_size'
 * is not 0. */
void put_frame(struct mock_queue *, uint16_t flags, uint8_t gso_type,
               uint16_t gso_size);

/* Sends the frame, which has to be good, and returns the packet. */
struct dp_packet *take_good(struct mock_queue *, uint16_t flags,
                            uint8_t gso_type, uint16_t gso_size);

/* Sends the frame, which has to be dropped with that verdict. */
void expect_drop(struct mock_queue *, uint16_t flags, uint8_t gso_type,
                 uint16_t gso_size, enum xenvif_tx_verdict);

/* The same with one that is made for it. */
void refuse(struct mock_queue *, const struct frame_spec *, uint8_t type,
            uint16_t size, enum xenvif_tx_verdict);

/* Is the frame of a shape that there is something to be said of?  Is its
 * checksum left open, where checksums may be? */
bool is_plain(void);
bool is_left_open(const struct mock *);

/* Is the packet marked as one whose checksum is open, and as one to be cut
 * into segments of 'mss' bytes if that is not 0? */
void check_marks(struct dp_packet *, uint16_t mss);

/* Is it marked as one whose checksum is verified, or as one about which
 * nothing is known? */
void check_unmarked(const struct dp_packet *, bool good);

#endif /* offload-frontend.h */
