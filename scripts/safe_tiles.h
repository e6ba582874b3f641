/* Included before every file of ggml's kernels.
 *
 * gcc's own header says that _tile_loadconfig reads 8 bytes (seen in 12.2). So the compiler drops
 * the stores of the other 56 of ggml's configuration as dead, the tiles are loaded with no size,
 * and the first use of one traps. It reads 64.
 */
#if defined(__AMX_TILE__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#undef _tile_loadconfig
static inline void agentlab_tile_loadconfig(const void *config) {
    __asm__ volatile("ldtilecfg\t%0" : : "m"(*(const char(*)[64])config));
}
#define _tile_loadconfig(config) agentlab_tile_loadconfig(config)
#endif
