/* Setters: elements whose bytes need more than a copy (element.h, ELEMENT_CALL). dst is the row's destination
 * in the flow or the scratch record; src and len have been checked against the row's bounds. */
#ifndef FLOWRIB_DECODE_SETTERS_H
#define FLOWRIB_DECODE_SETTERS_H

#include "collector/decode/element.h"

/* --- setters.c --- */
element_setter set_tcp_flags, set_fwd_status, set_direction, set_mpls, set_rd, set_application,
    set_segment_id, set_selector, set_double, set_frame, set_frame_ip, set_frame_mpls, set_payload;

/* IE 95 (RFC 6759): one byte of engine, which goes on top, then the selector, of which the lower 56 bits are
 * kept. At least one byte. */
uint64_t application_id(const uint8_t *src, size_t len);

/* --- times.c --- */
element_setter set_time_s, set_time_ms, set_time_us, set_time_ntp, set_time_delta, set_time_uptime_start,
    set_time_uptime_end;

#endif
