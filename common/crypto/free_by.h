// How a library's objects go with their owner: a deleter for std::unique_ptr, named by the library's own
// function. Never for what our own code makes. Pure.
#pragma once

namespace cotter::crypto {

template <auto free_function>
struct FreeBy {
  template <class T>
  void operator()(T* object) const noexcept {
    free_function(object);
  }
};

}  // namespace cotter::crypto
