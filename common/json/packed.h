// What JSON values are made of: one word, its lowest bits the kind of value, the others a small content or
// the address of a block of memory. Internal to common/json. Never shared: a copy has a block of its own. One
// thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <new>
#include <utility>

#include "common/base/error.h"

namespace cotter::json {

inline constexpr std::uint64_t kTagMask = 7;
inline constexpr std::uint64_t kNullTag = 0;
inline constexpr std::uint64_t kBoolTag = 1;
inline constexpr std::uint64_t kIntTag = 2;      ///< 61 bits in the word
inline constexpr std::uint64_t kWideIntTag = 3;  ///< in a block
inline constexpr std::uint64_t kTextTag = 4;     ///< in a block
inline constexpr std::uint64_t kInlineTextTag =
    5;  ///< length in the next three bits, bytes in the other bytes
inline constexpr std::uint64_t kArrayTag = 6;
inline constexpr std::uint64_t kObjectTag = 7;

/// Blocks come from operator new, so their addresses leave the lowest three bits to the kind.
static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ > kTagMask);
inline void* block_of(std::uint64_t word) noexcept {
  return reinterpret_cast<void*>(  // NOLINT(performance-no-int-to-ptr): that is what a word is for
      static_cast<std::uintptr_t>(word & ~kTagMask));
}
inline std::uint64_t word_of(void* block, std::uint64_t tag) noexcept {
  return std::uint64_t{reinterpret_cast<std::uintptr_t>(block)} | tag;
}

/// A vector in one word: without a block while it is empty, else with one that begins with size and capacity.
/// A copy shares the block until one of the two is changed, so that what is kept of a hostile file costs
/// nothing more. Elements must be such that their bytes can be moved to another place, as values are: they
/// never point at themselves.
template <class T, std::uint64_t kTag>
class Packed {
 public:
  using value_type = T;
  using iterator = T*;
  using const_iterator = const T*;

  Packed() noexcept = default;
  Packed(std::initializer_list<T> elements) : Packed(elements.begin(), elements.end()) {}
  template <class Iterator>
  Packed(Iterator first, Iterator last)
      : Packed(made_of(static_cast<std::size_t>(std::distance(first, last)),
                       [&](std::size_t) -> decltype(auto) { return *first++; })) {}
  /// Of so many elements, each made when its number is called.
  template <class Make>
  static Packed made_of(std::size_t count, const Make& make) {
    Packed made;
    made.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      new (made.elements() + i) T(make(i));
      ++made.head()->size;
    }
    return made;
  }
  Packed(const Packed& other) noexcept : word_(other.word_) {
    if (head() != nullptr) head()->owners.fetch_add(1, std::memory_order_relaxed);
  }
  Packed(Packed&& other) noexcept : word_(std::exchange(other.word_, kTag)) {}
  Packed& operator=(Packed other) noexcept {
    std::swap(word_, other.word_);
    return *this;
  }
  ~Packed() { let_go(); }

  [[nodiscard]] std::size_t size() const noexcept { return head() == nullptr ? 0 : head()->size; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] T* begin() {
    make_own(size());
    return elements();
  }
  [[nodiscard]] T* end() { return begin() + size(); }
  [[nodiscard]] const T* begin() const noexcept { return elements(); }
  [[nodiscard]] const T* end() const noexcept { return elements() + size(); }
  [[nodiscard]] T& operator[](std::size_t at) {
    COTTER_ASSERT(at < size());
    return begin()[at];
  }
  [[nodiscard]] const T& operator[](std::size_t at) const noexcept {
    COTTER_ASSERT(at < size());
    return begin()[at];
  }
  /// Like operator[]: what std::vector would throw ends the program here.
  [[nodiscard]] T& at(std::size_t index) { return (*this)[index]; }
  [[nodiscard]] const T& at(std::size_t index) const noexcept { return (*this)[index]; }
  [[nodiscard]] T& front() { return (*this)[0]; }
  [[nodiscard]] const T& front() const noexcept { return (*this)[0]; }
  [[nodiscard]] T& back() { return (*this)[size() - 1]; }
  [[nodiscard]] const T& back() const noexcept { return (*this)[size() - 1]; }

  void reserve(std::size_t count) { make_own(count); }
  template <class... Content>
  T& emplace_back(Content&&... content) {
    T made{std::forward<Content>(content)...};  // before the block moves: it may be a part of it
    make_room();
    return *new (elements() + head()->size++) T(std::move(made));
  }
  void push_back(const T& element) { emplace_back(element); }
  void push_back(T&& element) { emplace_back(std::move(element)); }
  T* insert(const T* before, T element) {
    const auto at = static_cast<std::size_t>(before - elements());
    make_room();
    T* const place = elements() + at;
    std::memmove(static_cast<void*>(place + 1), static_cast<const void*>(place), (size() - at) * sizeof(T));
    ++head()->size;
    return new (place) T(std::move(element));
  }
  T* erase(const T* which) {
    const auto at = which - elements();
    make_own(size());
    T* const place = elements() + at;
    place->~T();
    std::memmove(static_cast<void*>(place), static_cast<const void*>(place + 1),
                 static_cast<std::size_t>(elements() + size() - place - 1) * sizeof(T));
    --head()->size;
    return place;
  }
  /// The last so many, in a vector of their own: their bytes move there.
  Packed split_last(std::size_t count) {
    Packed last;
    if (count == 0) return last;
    COTTER_ASSERT(count <= size());
    make_own(size());
    last.make_own(count);
    head()->size -= static_cast<std::uint32_t>(count);
    std::memcpy(static_cast<void*>(last.elements()), static_cast<const void*>(elements() + size()),
                count * sizeof(T));
    last.head()->size = static_cast<std::uint32_t>(count);
    return last;
  }
  void drop_last(std::size_t count) {
    COTTER_ASSERT(count <= size());
    if (count == 0) return;
    make_own(size());
    std::destroy_n(elements() + size() - count, count);
    head()->size -= static_cast<std::uint32_t>(count);
  }
  void pop_back() { drop_last(1); }

 private:
  struct Head {
    std::uint32_t size;
    std::uint32_t capacity;
    std::atomic<std::uint32_t> owners;
  };
  static constexpr std::size_t kHead = 16;  ///< keeps the elements aligned
  static_assert(sizeof(Head) <= kHead && __STDCPP_DEFAULT_NEW_ALIGNMENT__ >= alignof(std::uint64_t));

  [[nodiscard]] Head* head() const noexcept { return static_cast<Head*>(block_of(word_)); }
  [[nodiscard]] T* elements() const noexcept {
    return head() == nullptr ? nullptr : reinterpret_cast<T*>(reinterpret_cast<char*>(head()) + kHead);
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return head() == nullptr ? 0 : head()->capacity; }
  [[nodiscard]] bool shared() const noexcept { return head()->owners.load(std::memory_order_acquire) > 1; }

  /// Afterwards the block is this vector's alone, with room for so many.
  void make_own(std::size_t count) {
    if (head() == nullptr ? count > 0 : count > capacity() || shared()) move_out(count);
  }
  void move_out(std::size_t count) {
    count = std::max(count, size());
    COTTER_ASSERT(count <= UINT32_MAX);
    Packed own;
    void* const block = ::operator new(kHead + count * sizeof(T));
    new (block) Head{0, static_cast<std::uint32_t>(count), 1};
    own.word_ = word_of(block, kTag);
    if (head() != nullptr && !shared()) {
      std::memcpy(static_cast<void*>(own.elements()), static_cast<const void*>(elements()),
                  size() * sizeof(T));
      own.head()->size = std::exchange(head()->size, 0);
    } else {
      for (const T& element : std::as_const(*this)) new (own.elements() + own.head()->size++) T(element);
    }
    std::swap(word_, own.word_);
  }

  /// For one more.
  void make_room() { make_own(size() == capacity() ? std::max<std::size_t>(2 * size(), 1) : size() + 1); }

  void let_go() noexcept {
    if (head() == nullptr || head()->owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    std::destroy_n(elements(), size());
    ::operator delete(block_of(word_));
  }

  std::uint64_t word_ = kTag;
};

}  // namespace cotter::json
