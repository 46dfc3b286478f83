#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace xl {

/// What random numbers are for. Each purpose has numbers of its own, also from one and the same
/// seed.
enum class Purpose : std::uint8_t { initialization, shuffle, dropout };

/// Random numbers by position: number i of a stream is a function of the seed, the stream and i
/// alone, and nothing is stored. So any thread can make any part of a stream, in any order, and the
/// same seed gives the same bits on every platform.
///
/// Philox4x32-10: Salmon, Moraes, Dror, Shaw (2011), "Parallel Random Numbers: As Easy as 1, 2, 3".
/// A stream has 2^66 numbers of 32 bits; position i of a float distribution uses number i.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}
  /// A stream for each purpose and step, such as a training step; `step` is below 2^56.
  Random(std::uint64_t seed, Purpose purpose, std::uint64_t step = 0)
      : Random(seed, (static_cast<std::uint64_t>(purpose) + 1) << 56 | step) {}

  /// 32 and 64 random bits. 64 bits at position i are the 32 bits at positions 2 i and 2 i + 1.
  std::uint32_t bits32(std::uint64_t position) const;
  std::uint64_t bits64(std::uint64_t position) const;
  /// Uniform in [0, 1): a multiple of 2^-24.
  float uniform(std::uint64_t position) const;
  /// Normal, of mean 0 and variance 1.
  float normal(std::uint64_t position) const;
  /// Normal, given that it lies in [-2, 2].
  float truncated_normal(std::uint64_t position) const;
  /// Uniform in {0, ..., n - 1}. Throws ValueError for n = 0.
  std::uint64_t below(std::uint64_t n, std::uint64_t position) const;

  /// Fill `out` with the numbers at positions first, first + 1, ...: in [low, high), and mean +
  /// stddev times a (truncated) normal number.
  void fill_uniform(std::span<float> out, float low = 0.0f, float high = 1.0f, std::uint64_t first = 0) const;
  void fill_normal(std::span<float> out, float mean = 0.0f, float stddev = 1.0f, std::uint64_t first = 0) const;
  void fill_truncated_normal(std::span<float> out, float mean = 0.0f, float stddev = 1.0f,
                             std::uint64_t first = 0) const;

  /// Fills `out` with a random permutation of 0, ..., n - 1. Allocates nothing.
  void permutation(std::span<std::int64_t> out) const;

 private:
  std::uint64_t seed_, stream_;
};

/// The bijection under it all: ten rounds of Philox4x32 on a counter, with a key.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// Makes everything that follows repeatable: initialisers, shuffling and dropout without a seed of
/// their own take theirs from here. As keras.utils.set_random_seed. Without it, each run of a
/// program is another.
void set_random_seed(std::uint64_t seed);
/// The next seed of the global sequence: what is random and has no seed of its own takes one. At
/// most 2^63 - 1, so that it fits into a config. Safe to call from several threads.
std::uint64_t next_seed();

}  // namespace xl
