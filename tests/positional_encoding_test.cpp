// The sinusoidal table against double-double arithmetic, which itself is compared with what mpmath says.

#include "xlayers/framework/parts/positional_encoding.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <limits>
#include <set>

#include "exact_sinusoids.hpp"
#include "golden.hpp"
#include "kernel_testing.hpp"
#include "xlayers/framework/base/threads.hpp"

namespace xl {
namespace {

using kernels::InstructionSet;
using kernels::testing_kernels::Guarded;
using kernels::testing_kernels::KernelTest;
using kernels::testing_kernels::same_bits;
using testing_exact::ExactPair;
using testing_exact::SineCosine;
using testing_exact::Worst;

constexpr std::int64_t end_of_positions = std::int64_t{1} << 24;

// The reference is slow without optimisation.
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr std::int64_t dense = std::int64_t{1} << 17;
#else
constexpr std::int64_t dense = std::int64_t{1} << 13;
#endif

std::vector<float> table(const PositionalEncodingOptions& options) {
  std::vector<float> out(static_cast<std::size_t>(options.length * options.d_model));
  positional_encoding(out, options);
  return out;
}

class SinusoidTable : public KernelTest {
 protected:
  void TearDown() override {
    set_num_threads(threads_);
    KernelTest::TearDown();
  }

 private:
  int threads_ = num_threads();
};

XL_ON_EVERY_INSTRUCTION_SET(SinusoidTable);

/// All pairs of a narrow table, some of a wide one.
std::vector<std::int64_t> pairs_of(std::int64_t d_model) {
  const std::int64_t all = (d_model + 1) / 2;
  std::set<std::int64_t> chosen{all - 1};
  for (std::int64_t i = 0; i < all; i += all <= 33 || i < 4 ? 1 : all / 9) chosen.insert(i);
  return {chosen.begin(), chosen.end()};
}

/// Compares the rows start ... start + length - 1 of both layouts, made in pieces that fit the caches.
Worst worst_error(std::int64_t d_model, std::int64_t start, std::int64_t length, double max_wavelength = 10000.0) {
  constexpr std::int64_t piece = 2048;
  const std::vector<std::int64_t> pairs = pairs_of(d_model);
  std::vector<ExactPair> exact;
  for (const std::int64_t pair : pairs) exact.emplace_back(max_wavelength, d_model, pair, start);
  Worst worst;
  for (std::int64_t done = 0; done < length; done += piece) {
    PositionalEncodingOptions options{.start = start + done,
                                      .length = std::min(piece, length - done),
                                      .d_model = d_model,
                                      .max_wavelength = max_wavelength};
    const std::vector<float> in_turn = table(options);
    options.layout = "halves";
    const std::vector<float> halves = table(options);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const std::int64_t sine = 2 * pairs[i];
      for (std::int64_t row = 0; row < options.length; ++row, ++exact[i]) {
        const SineCosine& truth = *exact[i];
        const float* a = in_turn.data() + row * d_model;
        const float* b = halves.data() + row * d_model;
        worst.add(a[sine], truth.s);
        worst.add(b[pairs[i]], truth.s);
        if (sine + 1 == d_model) continue;
        worst.add(a[sine + 1], truth.c);
        worst.add(b[(d_model + 1) / 2 + pairs[i]], truth.c);
      }
    }
  }
  return worst;
}

TEST(ExactSinusoids, AreWhatMpmathSays) {
  for (const auto& [name, json] : testing_golden::golden("layers").at("positional_embedding").at("exact").items()) {
    const std::int64_t start = json.at("start"), d_model = json.at("d_model");
    if (json.at("layout") != "interleaved") continue;
    const std::vector<double> truth = testing_golden::numbers(json.at("output"));
    const std::int64_t rows = static_cast<std::int64_t>(truth.size()) / d_model;
    for (std::int64_t column = 0; column < d_model; ++column) {
      ExactPair exact(json.at("max_wavelength"), d_model, column / 2, start);
      for (std::int64_t row = 0; row < rows; ++row, ++exact) {
        const double expected = truth[static_cast<std::size_t>(row * d_model + column)];
        const DoubleDouble value = column % 2 == 0 ? (*exact).s : (*exact).c;
        // mpmath's value is rounded to a double.
        EXPECT_LE(std::abs((expected - value.high) - value.low), 0x1p-53 * std::abs(expected))
            << name << " row " << row << " column " << column;
      }
    }
  }
}

TEST(ExactSinusoids, GoFromRowToRowAsToARow) {
  for (const std::int64_t pair : {0, 5, 31}) {
    ExactPair walking(10000.0, 64, pair, 0);
    for (int p = 0; p < dense; ++p) ++walking;
    const ExactPair there(10000.0, 64, pair, dense);
    const DoubleDouble off = (*walking).s - (*there).s;
    EXPECT_LE(std::abs(off.high), 0x1p-75);
  }
}

// The figures below are half a unit, a value rounded once from far more digits, and a little.
TEST_P(SinusoidTable, IsExactAtEveryPositionBelow2To17) {  // or 2^13, see above
  for (const std::int64_t d_model : {1, 2, 3, 64, 65, 512, 1024}) {
    const Worst worst = worst_error(d_model, 0, dense);
    EXPECT_LE(worst.ulps, 0.51) << d_model;
    EXPECT_LE(worst.small, 1.0) << d_model;
  }
}

TEST_P(SinusoidTable, IsExactUpTo2To24) {
  for (const std::int64_t d_model : {1, 2, 3, 64, 65, 512, 1024})
    for (const std::int64_t start :
         {std::int64_t{1} << 18, std::int64_t{1'000'003}, std::int64_t{10'000'000}, end_of_positions - 3000}) {
      const Worst worst = worst_error(d_model, start, 3000);
      EXPECT_LE(worst.ulps, 0.51) << d_model << " from " << start;
      EXPECT_LE(worst.small, 1.0) << d_model << " from " << start;
    }
}

TEST_P(SinusoidTable, IsExactForOtherWavelengths) {
  for (const double max_wavelength : {1.0, 1.5, 100.0, 12345.678, 1e30})
    for (const std::int64_t d_model : {3, 33}) {
      const Worst worst = worst_error(d_model, end_of_positions - 2000, 2000, max_wavelength);
      EXPECT_LE(worst.ulps, 0.51) << max_wavelength;
      EXPECT_LE(worst.small, 1.0) << max_wavelength;
    }
}

TEST_P(SinusoidTable, WritesItsRowsAndNothingElse) {
  for (const std::int64_t d_model : {1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 33, 48, 64, 65, 100, 130})
    for (const std::int64_t length : {0, 1, 2, 15, 16, 17, 33, 65})
      for (const std::string layout : {"interleaved", "halves"}) {
        const PositionalEncodingOptions options{.start = 7, .length = length, .d_model = d_model, .layout = layout};
        const std::vector<float> expected = table(options);
        for (int offset = 0; offset < 16; offset += 3) {
          Guarded out(length * d_model, offset);
          positional_encoding({out.data(), static_cast<std::size_t>(out.size())}, options);
          EXPECT_TRUE(out.intact()) << d_model << " x " << length << " at " << offset;
          EXPECT_TRUE(length == 0 || same_bits(out.data(), expected.data(), out.size())) << d_model << " x " << length;
        }
      }
}

TEST_P(SinusoidTable, OneRowAloneIsAsExactAsARange) {
  for (const std::int64_t d_model : {1, 6, 64, 65})
    for (const std::int64_t start : {0, 1, 511, 10'000'000, 16'777'215}) {
      const Worst worst = worst_error(d_model, start, 1);
      EXPECT_LE(worst.ulps, 0.51);
      EXPECT_LE(worst.small, 1.0);
    }
}

TEST_P(SinusoidTable, RangesFromMultiplesOf1024AgreeInEveryBit) {
  for (const std::int64_t d_model : {3, 64, 200})
    for (const std::string layout : {"interleaved", "halves"}) {
      PositionalEncodingOptions options{.length = 5000, .d_model = d_model, .layout = layout};
      const std::vector<float> whole = table(options);
      for (const std::int64_t start : {1024, 2048, 4096}) {
        options.start = start;
        for (const std::int64_t length : {1, 700, 904}) {
          options.length = length;
          EXPECT_TRUE(same_bits(table(options).data(), whole.data() + start * d_model, length * d_model));
        }
      }
    }
}

TEST_P(SinusoidTable, IsTheSameBitsForAnyNumberOfThreads) {
  for (const std::int64_t d_model : {5, 64}) {
    const PositionalEncodingOptions options{.start = 3, .length = 70'000, .d_model = d_model};
    set_num_threads(1);
    const std::vector<float> alone = table(options);
    for (const int threads : {2, 7}) {
      set_num_threads(threads);
      EXPECT_TRUE(same_bits(table(options).data(), alone.data(), static_cast<std::int64_t>(alone.size())));
    }
  }
}

// A table larger than the caches is written past them if it is aligned, in other widths of stores.
TEST_P(SinusoidTable, PastTheCachesTheBitsAreTheSame) {
  constexpr std::int64_t d_model = 1024, length = 17'000, some = 3 * 1024;
  Guarded large(length * d_model, 16);
  const auto offset = reinterpret_cast<std::uintptr_t>(large.data()) % 64 / sizeof(float);
  for (const std::string layout : {"interleaved", "halves"})
    for (const std::size_t shift : {std::size_t{0}, std::size_t{1}}) {
      float* out = large.data() + 16 - offset + shift;  // on a cache line, and off it
      const std::int64_t rows = length - 1;
      positional_encoding({out, static_cast<std::size_t>(rows * d_model)},
                          {.length = rows, .d_model = d_model, .layout = layout});
      for (const std::int64_t start : {std::int64_t{0}, std::int64_t{13 * 1024}}) {
        const std::vector<float> expected =
            table({.start = start, .length = some, .d_model = d_model, .layout = layout});
        EXPECT_TRUE(same_bits(out + start * d_model, expected.data(), some * d_model)) << layout << shift;
      }
      EXPECT_TRUE(large.intact());
    }
}

TEST(PositionalEncoding, BadOptionsAreErrorsThatWriteNothing) {
  std::vector<float> out(8, kernels::testing_kernels::sentinel);
  const auto error = [&](PositionalEncodingOptions options) {
    return testing_golden::error_of<ValueError>([&] { positional_encoding(out, options); });
  };
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(error({.length = 2, .d_model = 0}), "[positional_encoding] expected d_model of 1 or more, got 0");
  EXPECT_EQ(error({.length = 2, .d_model = -4}), "[positional_encoding] expected d_model of 1 or more, got -4");
  EXPECT_EQ(error({.start = -1, .length = 2, .d_model = 4}),
            "[positional_encoding] expected start and length of 0 or more, got -1 and 2");
  EXPECT_EQ(error({.length = -2, .d_model = 4}),
            "[positional_encoding] expected start and length of 0 or more, got 0 and -2");
  EXPECT_EQ(error({.start = end_of_positions - 1, .length = 2, .d_model = 4}),
            "[positional_encoding] expected positions below 2^24 = 16777216, got start 16777215 and length 2");
  EXPECT_THAT(error({.start = most, .length = most, .d_model = 4}), testing::HasSubstr("positions below 2^24"));
  EXPECT_EQ(error({.length = 2, .d_model = 4, .layout = "half"}),
            "[positional_encoding] unknown layout 'half'; known are interleaved, halves");
  for (const double wavelength : {0.0, -1.0, 0.5, 1e31, double(INFINITY), double(NAN)})
    EXPECT_THAT(error({.length = 2, .d_model = 4, .max_wavelength = wavelength}),
                testing::StartsWith("[positional_encoding] expected a max_wavelength from 1 to 1e30, got"));
  EXPECT_THAT(out, testing::Each(kernels::testing_kernels::sentinel));
}

TEST(PositionalEncoding, RoomOfAnotherSizeIsAnError) {
  std::vector<float> out(8, kernels::testing_kernels::sentinel);
  const auto error = [&](std::int64_t length, std::int64_t d_model) {
    return testing_golden::error_of<ShapeError>(
        [&] { positional_encoding(out, {.length = length, .d_model = d_model}); });
  };
  EXPECT_EQ(error(3, 4), "[positional_encoding] expected room for length * d_model = 3 * 4 floats, got 8");
  EXPECT_EQ(error(1, 4), "[positional_encoding] expected room for length * d_model = 1 * 4 floats, got 8");
  EXPECT_EQ(error(0, 4), "[positional_encoding] expected room for length * d_model = 0 * 4 floats, got 8");
  // 2^23 * (2^41 + ...) is 8 in 64 bits that overflow.
  EXPECT_THAT(error(1 << 23, (std::int64_t{1} << 41) + 1), testing::HasSubstr("expected room for"));
  EXPECT_THAT(error(8, (std::int64_t{1} << 61) + 1), testing::HasSubstr("expected room for"));
  EXPECT_THAT(out, testing::Each(kernels::testing_kernels::sentinel));
}

TEST(PositionalEncoding, NoRowsAreNoWork) {
  positional_encoding({}, {.length = 0, .d_model = 4});
  positional_encoding({}, {.start = end_of_positions, .length = 0, .d_model = std::int64_t{1} << 62});
}

}  // namespace
}  // namespace xl
