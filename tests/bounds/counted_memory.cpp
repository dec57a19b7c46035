#include "tests/bounds/counted_memory.h"

#include <malloc.h>

#include <algorithm>

// gcc 12 says it by macros, clang by features.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COTTER_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COTTER_SANITIZED
#endif
#endif

#ifdef COTTER_SANITIZED
// GCC has these functions without their header.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): they are the sanitizer's
extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, std::size_t),
                                              void (*on_free)(const volatile void*));
std::size_t __sanitizer_get_allocated_size(const volatile void* block);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
#endif

namespace cotter::bounds {
namespace {

// Plain data: the first block of a program is asked for before any object of ours is made.
thread_local bool counting = false;
thread_local std::ptrdiff_t held = 0;
thread_local std::size_t peak = 0, blocks = 0, bytes = 0;

void note_taken(std::size_t size) noexcept {
  if (!counting) return;
  ++blocks;
  bytes += size;
  held += static_cast<std::ptrdiff_t>(size);
  peak = std::max(peak, static_cast<std::size_t>(std::max<std::ptrdiff_t>(held, 0)));
}

void note_given_back(std::size_t size) noexcept {
  if (counting) held -= static_cast<std::ptrdiff_t>(size);
}

}  // namespace

#ifdef COTTER_SANITIZED
namespace {

void on_malloc(const volatile void* /*block*/, std::size_t size) { note_taken(size); }
void on_free(const volatile void* block) {
  if (counting && block != nullptr) note_given_back(__sanitizer_get_allocated_size(block));
}
[[maybe_unused]] const int installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);

}  // namespace
#endif

Counting::Counting() noexcept {
  held = 0;
  peak = blocks = bytes = 0;
  counting = true;
}
Counting::~Counting() { counting = false; }

Memory Counting::memory() const noexcept { return {peak, blocks, bytes}; }

}  // namespace cotter::bounds

#ifndef COTTER_SANITIZED

// glibc's own functions, under the names by which a program that replaces malloc can still reach them.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): they are glibc's
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* block);
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

void* malloc(std::size_t size) noexcept {
  void* const block = __libc_malloc(size);
  cotter::bounds::note_taken(malloc_usable_size(block));
  return block;
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  void* const block = __libc_calloc(count, size);
  cotter::bounds::note_taken(malloc_usable_size(block));
  return block;
}
/// Counted as if the block moved, though it may grow in its place.
void* realloc(void* old, std::size_t size) noexcept {
  const std::size_t before = malloc_usable_size(old);
  void* const block = __libc_realloc(old, size);
  if (block != nullptr) cotter::bounds::note_taken(malloc_usable_size(block));
  if (block != nullptr || size == 0) cotter::bounds::note_given_back(before);
  return block;
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
  void* const block = __libc_memalign(alignment, size);
  cotter::bounds::note_taken(malloc_usable_size(block));
  return block;
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept { return memalign(alignment, size); }
void free(void* block) noexcept {
  cotter::bounds::note_given_back(malloc_usable_size(block));
  __libc_free(block);
}
}

#endif
