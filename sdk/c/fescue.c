/* The whole Fescue SDK for C in one translation unit; see fescue.h.
 *
 * The parts below are files for who reads them. amalgamate.sh writes them into one fescue.c for who prefers to copy
 * two files into a project. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include "fescue.h"

#include "src/codec.c"
#ifndef FESCUE_CODEC_ONLY
#include "src/base.c"
#include "src/link.c"
#include "src/mqueue.c"
#include "src/send.c"
#include "src/inbox.c"
#include "src/receive.c"
#include "src/connect.c"
#include "src/client.c"
#include "src/keep.c"
#include "src/serve.c"
#endif
