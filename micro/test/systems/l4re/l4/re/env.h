/* What micro/ports/l4re uses of L4Re's public interface, declared for compiling it
 * without; written from the documentation. */
#pragma once
#include <l4/sys/kip.h>
#include <l4/sys/vcon.h>
typedef struct { l4_cap_idx_t log; } l4re_env_t;
l4re_env_t *l4re_env(void);
l4_kernel_info_t const *l4re_kip(void);
l4_cap_idx_t l4re_env_get_cap(char const *name);
