#pragma once
typedef struct l4_kernel_info_t l4_kernel_info_t;
unsigned long long l4_kip_clock(l4_kernel_info_t const *kip);
