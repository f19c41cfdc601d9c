#pragma once
typedef unsigned long l4_cap_idx_t;
typedef struct { long raw; } l4_msgtag_t;
typedef struct { unsigned long i_flags, o_flags, l_flags; } l4_vcon_attr_t;
unsigned l4_is_invalid_cap(l4_cap_idx_t c);
long l4_vcon_write(l4_cap_idx_t vcon, char const *buf, unsigned size);
int l4_vcon_read(l4_cap_idx_t vcon, char *buf, unsigned size);
l4_msgtag_t l4_vcon_get_attr(l4_cap_idx_t vcon, l4_vcon_attr_t *attr);
l4_msgtag_t l4_vcon_set_attr(l4_cap_idx_t vcon, l4_vcon_attr_t const *attr);
void l4_vcon_set_attr_raw(l4_vcon_attr_t *attr);
